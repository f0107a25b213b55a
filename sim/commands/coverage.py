"""The subcommand `downpass coverage`: how much of its areas a mission sees and delivers."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .arguments import add_programs, add_scenario, load

if TYPE_CHECKING:
    from ..coverage.coverage import Coverage, Delivered, Figures
    from ..mission.flight import Flight
    from ..scenario.scenario import Scenario

_MOST_TARGETS: Final = 40
"""With more targets than this, only the first ones are printed."""


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "coverage",
        help="print how much of each target is seen and delivered, and the revisit times",
        description="Run a scenario and print how much of each area its frames see, how much the "
        "delivered frames show, and how long it takes to come back. Ground that several frames "
        "see counts once. A page with maps is written, too.",
    )
    add_scenario(parser)
    parser.add_argument(
        "--seen",
        action="store_true",
        help="only what the timetable sees, from geometry alone: nothing is encoded or sent",
    )
    parser.add_argument(
        "--cells",
        type=int,
        metavar="N",
        help="about how many equal-area cells stand for all areas together (100000)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (runs/NAME-coverage.html)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of frames encoded before (~/.cache/downpass)",
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="print nothing but errors")
    loudness.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_programs(parser)
    parser.set_defaults(run=coverage)


def coverage(arguments: argparse.Namespace) -> int:
    """Compute and print the coverage."""
    from importlib.metadata import version

    from ...link.files import whole_file
    from ...link.text import json_text
    from ..coverage.coverage import USUAL_CELLS, check_cells, cover
    from ..mission.flight import fly
    from ..report.coverage import CoverageData, render_coverage
    from .progress import shown_progress

    cells = USUAL_CELLS if arguments.cells is None else arguments.cells
    check_cells(cells)
    scenario = load(arguments)
    out = _page(arguments, scenario)
    # Opened now, so that a wrong name is refused before a long run.
    with whole_file(out) as page, shown_progress(arguments) as progress:
        progress.stage("orbits and passes")
        flight = fly(scenario)
        delivered = None if arguments.seen else _delivered(arguments, flight, progress)
        progress.stage("coverage")
        found = cover(flight, delivered, cells)
        progress.stage("maps")
        data = CoverageData(
            scenario.name,
            scenario.description,
            version("downpass"),
            _command(arguments),
            scenario.start,
            scenario.duration,
            found,
        )
        page.write(render_coverage(data).encode())
    if arguments.json:
        sys.stdout.write(json_text(_as_json(scenario, found), indent=2) + "\n")
    elif not arguments.quiet:
        _print(scenario, found)
        sys.stdout.write(f"{out}\n")
    return 0


def _page(arguments: argparse.Namespace, scenario: Scenario) -> Path:
    """Return where the page goes, before anything is computed."""
    from ...link.errors import InputError

    if arguments.out is None:
        out = Path("runs") / f"{scenario.name}-coverage.html"
        try:
            out.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"{out.parent}: cannot be made ({error.strerror})") from None
        return out
    out = Path(arguments.out)
    if not out.parent.is_dir() or out.is_dir():
        raise InputError(f"--out: found {out}; allowed: a file in a folder that exists")
    return out


def _delivered(arguments: argparse.Namespace, flight: Flight, progress: Any) -> Delivered:
    """Run the scenario, without decoding what arrives."""
    from ..coverage.coverage import Delivered
    from ..frames.content_cache import open_cache
    from ..model.events import NoEvents
    from ..run import graded
    from ..sweep.cell import without_pace

    with graded(
        without_pace(flight.scenario),
        cache=open_cache(arguments.cache),
        choice="none",
        sink=NoEvents(),
        progress=progress,
        flight=lambda _: flight,
        measured=False,
    ) as run:
        return Delivered.of(run.outcome)


def _command(arguments: argparse.Namespace) -> str:
    parts = ["downpass", "coverage", str(arguments.file)]
    for change in arguments.overrides:
        parts += ["--set", change]
    if arguments.cells is not None:
        parts += ["--cells", str(arguments.cells)]
    if arguments.seen:
        parts.append("--seen")
    return shlex.join(parts)


def _as_json(scenario: Scenario, found: Coverage) -> dict[str, Any]:
    def figures(one: Figures | None) -> dict[str, Any] | None:
        return None if one is None else asdict(one)

    return {
        "scenario": scenario.name,
        "duration_s": scenario.duration,
        "frames_planned": found.frames,
        "frames_delivered": found.delivered_frames,
        "all_areas": figures(found.areas),
        "all_points": figures(found.points),
        "targets": [
            {"name": target.name, "kind": "area" if target.is_area else "point"}
            | asdict(target.figures)
            for target in found.targets
        ],
    }


def _print(scenario: Scenario, found: Coverage) -> None:
    from ..console.terminal import plain_table, print_rows, print_table
    from ..report import wording as w
    from ..report.coverage import percent, totals

    run = found.delivered_frames is not None
    planned = f"{w.plural(found.frames, 'frame')} planned"
    title = f"{w.plain(scenario.name)}: coverage in {w.duration(scenario.duration)}, {planned}"
    if run:
        title += f", {w.count(found.delivered_frames)} delivered"
    # The page and the JSON have the other figures; a terminal has 80 columns.
    heads = ["seen", *(["delivered"] if run else []), "looks", "revisit", "longest"]
    table = plain_table(
        title.replace(w.NBSP, " "),
        [("target", False), ("area km²", True), *((head, True) for head in heads)],
    )
    together = totals(found)
    items = [(t.name, t.figures) for t in found.targets[:_MOST_TARGETS]]
    for place, (name, figures) in enumerate([*together, *items]):
        if together and place == len(together):
            table.add_section()
        shares = [figures.seen, *([figures.delivered] if run else [])]
        texts = [
            *map(percent, shares),
            f"{figures.looks:.3g}",
            w.duration(figures.revisit_mean_s),
            w.duration(figures.revisit_max_s),
        ]
        square_km = figures.area_m2 / 1e6
        size = w.area(square_km).removesuffix(f"{w.NBSP}km²") if square_km else w.DASH
        table.add_row(w.plain(name), *(text.replace(w.NBSP, " ") for text in (size, *texts)))
    print_table(table)
    if len(found.targets) > _MOST_TARGETS:
        more = len(found.targets) - _MOST_TARGETS
        rest = w.plural(more, "more target").replace(w.NBSP, " ")
        print_rows([(f"{rest}; --json prints all.",)])
