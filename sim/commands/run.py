"""The subcommands `downpass run` and `downpass compare`: simulate a scenario, or codecs in it."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...link.text import json_text
from ..console.streams import complain
from .arguments import add_programs, add_scenario, load
from .board_options import add_board_options, board_access
from .progress import shown_progress

if TYPE_CHECKING:
    from ..console.progress import Progress
    from ..frames.content_cache import ContentCache
    from ..results.results import Results
    from ..scenario.scenario import Scenario


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add both subcommands."""
    parser = subparsers.add_parser(
        "run",
        help="simulate a scenario and write its report",
        description="Simulate a scenario with real encoders and write its results and its report.",
    )
    add_scenario(parser)
    _add_output(parser, "runs/NAME")
    parser.add_argument(
        "--delivered",
        choices=("all", "sample", "none"),
        help="which delivered frames to write (all up to an estimated 2 GB, a sample above)",
    )
    parser.add_argument(
        "--no-delivered",
        dest="delivered",
        action="store_const",
        const="none",
        help="the same as --delivered none",
    )
    parser.add_argument(
        "--no-tradeoff", action="store_true", help="do not try other rates for the report"
    )
    parser.add_argument(
        "--czml",
        type=Path,
        metavar="FILE",
        help="also write satellites, contacts and accesses for Cesium",
    )
    add_programs(parser)
    add_board_options(parser)
    parser.set_defaults(run=run)
    compare_parser = subparsers.add_parser(
        "compare",
        help="run a scenario once per codec and compare",
        description="Run a scenario once for each choice of codec and write the comparison.",
    )
    add_scenario(compare_parser)
    compare_parser.add_argument(
        "--codec",
        dest="codecs",
        action="append",
        required=True,
        metavar="CODEC:SETTING",
        help="such as jpeg2000:0.5bpp, jpegxl:q80 or jpegls:200kB; repeat it for each choice",
    )
    _add_output(compare_parser, "runs/NAME-compare")
    add_programs(compare_parser)
    compare_parser.set_defaults(run=compare)


def _add_output(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"output folder ({default})")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of frames encoded before (~/.cache/downpass)",
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="print nothing but errors")
    loudness.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run one scenario."""
    from ...link.files import whole_file

    # Opened now, so that a wrong name is refused before a long run.
    scene = contextlib.nullcontext() if arguments.czml is None else whole_file(arguments.czml)
    with scene as czml:
        return _run(arguments, czml)


def _run(arguments: argparse.Namespace, czml: IO[bytes] | None) -> int:
    from ..frames.content_cache import open_cache
    from ..mission.flight import fly
    from ..report import render, write_report
    from ..report.from_results import report_data
    from ..results.boards import warnings
    from ..results.outputs import BOARD_TILES, DELIVERED, EVENTS, REPORT, STAC, SUMMARY, staged
    from ..results.write import write, write_summary
    from ..run import run as run_scenario

    scenario = load(arguments)
    out = arguments.out or Path("runs") / scenario.name
    _check_apart(arguments.czml, out)
    cache = open_cache(arguments.cache)
    with staged(out) as folder:
        delivered = None if arguments.delivered == "none" else folder / DELIVERED
        if delivered is not None:
            delivered.mkdir()
        with (
            shown_progress(arguments) as progress,
            board_access(arguments, _speaker(arguments, progress)) as access,
        ):
            results = run_scenario(
                scenario,
                cache=cache,
                delivered=delivered,
                choice=arguments.delivered,
                tradeoff=not arguments.no_tradeoff,
                progress=progress,
                on_results=lambda found: write(found, folder),
                flight=partial(fly, workers=os.cpu_count() or 1),
                events=folder / EVENTS,
                board_tiles=folder / BOARD_TILES,
                access=access,
            )
            if delivered is not None and results.summary["pictures"]["choice"] == "none":
                delivered.rmdir()  # the scenario asks for no pictures
            progress.stage("report")
            left_out = list(results.left_out)
            if delivered is not None and delivered.is_dir():
                _write_items(results, delivered, folder / STAC, left_out)
            page = _page(
                lambda: render(report_data(results, _command("run", arguments)), left_out),
                left_out,
            )
            if left_out:
                results.summary["left_out"] = left_out
            write_summary(results, folder)
            if page is not None:
                write_report(folder / REPORT, page)
    if arguments.json:
        sys.stdout.write(json_text(results.summary) + "\n")
    elif not arguments.quiet:
        _print_summary({scenario.name: results.summary}, out / REPORT if page else out / SUMMARY)
        complain(*(f"note: {line}" for line in results.remarks))
    complain(
        *_behind(results.summary),
        *warnings(results.summary.get("boards", ())),
        *(f"warning: {line}" for line in results.warnings),
        *_missing(left_out),
        *results.faults,
    )
    if czml is not None:  # last, because it is refused if it is too large
        czml.write(_czml(results).encode())
    return 1 if results.faults else 0


def _check_apart(czml: Path | None, out: Path) -> None:
    """Refuse a file within the output folder, which the next run would not take for its own."""
    from ...link.errors import InputError

    if czml is not None and Path(os.path.realpath(czml)).is_relative_to(os.path.realpath(out)):
        raise InputError(f"--czml {czml}: lies in the output folder {out}; allowed: beside it")


def _write_items(results: Results, pictures: Path, folder: Path, left_out: list[str]) -> None:
    """Write STAC items for the pictures; if they cannot be made, say why in `left_out`."""
    from ...link.errors import reason
    from ..export.stac import write_stac

    folder.mkdir()
    try:
        number = write_stac(results, pictures, folder)
    except Exception as error:  # no error here may cost the results
        left_out.append(f"STAC items: {reason(error)}")
        number = 0
    if not number:
        shutil.rmtree(folder, ignore_errors=True)


def _czml(results: Results) -> str:
    """Return what the run did, for Cesium."""
    from ..export.czml import czml

    sent = [use.sent_bytes for use in results.outcome.uses]
    return czml(results.mission.flight, results.mission.setup.contacts, sent)


def _speaker(arguments: argparse.Namespace, progress: Progress) -> Callable[[str], None]:
    """Return where lines about boards go: above the bars, or on standard error."""
    from ..board.access import silent
    from .bars import Bars

    if arguments.quiet:
        return silent
    return progress.note if isinstance(progress, Bars) else complain


def _page(render: Callable[[], str], left_out: list[str]) -> str | None:
    """Return a report's page; None, and the reason in `left_out`, if it cannot be made."""
    from ...link.errors import reason

    try:
        return render()
    except Exception as error:  # no error here may cost the results
        left_out.append(f"report: {reason(error)}")
        return None


def _missing(left_out: Sequence[str]) -> Iterator[str]:
    """Yield a line for each part that the report lacks."""
    for line in left_out:
        yield f"left out of the report: {line}"


def _behind(summary: dict[str, Any]) -> Iterator[str]:
    """Yield a line if a run fell behind the wall clock, which is not an error."""
    pace = summary.get("realtime")
    if pace is not None and pace["first_behind_s"] is not None:
        yield (
            f"realtime: fell behind the clock on the wall by up to {pace['behind_s']:g} s, "
            f"first at {pace['first_behind_s']:g} s of the scenario"
        )


def compare(arguments: argparse.Namespace) -> int:
    """Run a scenario once per choice of codec."""
    from ..frames.content_cache import open_cache
    from ..report import render_comparison, write_report
    from ..report.from_results import report_data
    from ..results.boards import warnings
    from ..results.outputs import COMPARISON, staged
    from ..results.write import write

    scenario = load(arguments)
    out = arguments.out or Path("runs") / f"{scenario.name}-compare"
    choices = _choices(scenario, arguments.codecs)
    cache = open_cache(arguments.cache)
    _check(choices, cache)
    with staged(out) as folder:
        found: dict[str, Results] = {}
        with shown_progress(arguments) as progress:
            for label, chosen in choices.items():
                found[label] = _one(chosen, label, cache, progress)
                subfolder = folder / label.replace(":", "-")
                subfolder.mkdir()
                write(found[label], subfolder)
            progress.stage("report")
            command = _command("compare", arguments)
            left_out = [f"{name}: {x}" for name, one in found.items() for x in one.left_out]
            page = _page(
                lambda: render_comparison(
                    [report_data(results, command) for results in found.values()],
                    list(found),
                ),
                left_out,
            )
            if page is not None:
                write_report(folder / COMPARISON, page)
    summaries = {label: results.summary for label, results in found.items()}
    faults = [line for results in found.values() for line in results.faults]
    warned = {line: None for results in found.values() for line in results.warnings}
    if arguments.json:
        sys.stdout.write(json_text(summaries) + "\n")
    elif not arguments.quiet:
        _print_summary(summaries, out / COMPARISON if page else out)
    complain(
        *(line for one in found.values() for line in warnings(one.summary.get("boards", ()))),
        *(f"warning: {line}" for line in warned),
        *_missing(left_out),
        *faults,
    )
    return 1 if faults else 0


def _choices(scenario: Scenario, texts: Sequence[str]) -> dict[str, Scenario]:
    """Return the scenario with each choice of codec, by its label."""
    from ...link.errors import InputError
    from ...payload.encoders.base import choice_label, parse_choice
    from ...payload.encoders.registry import encoder
    from ...payload.encoders.traits import TRAITS
    from ..scenario.refusal import shown
    from ..scenario.substitute import with_codec

    choices: dict[str, Scenario] = {}
    for text in texts:
        name, setting = parse_choice(text)
        if name not in TRAITS or not TRAITS[name].foreign:
            encoder(name)  # refuses an unknown name before anything runs
        label = choice_label(name, setting)
        if label in choices:
            raise InputError(f"--codec {shown(text)}: found {label} twice; allowed: each once")
        choices[label] = with_codec(scenario, name, setting)
    return choices


def _check(choices: dict[str, Scenario], cache: ContentCache) -> None:
    """Refuse all choices that cannot run, before the first one runs."""
    from ..frames.feasibility import InfeasibleError, checked_scenes

    problems: list[str] = []
    for label, scenario in choices.items():
        try:
            checked_scenes(scenario, cache)
        except InfeasibleError as error:
            problems += [f"codec {label}: {line}" for line in error.problems]
    if problems:
        raise InfeasibleError(list(dict.fromkeys(problems)))


def _one(scenario: Scenario, label: str, cache: ContentCache, progress: Progress) -> Results:
    from ..run import run as run_scenario

    class Labelled:
        def stage(self, what: str, total: int | None = None) -> None:
            progress.stage(f"{label}: {what}", total)

        def step(self, done: int) -> None:
            progress.step(done)

    return run_scenario(scenario, cache=cache, tradeoff=False, progress=Labelled())


def _command(name: str, arguments: argparse.Namespace) -> str:
    parts = ["downpass", name, str(arguments.file)]
    for override in arguments.overrides:
        parts += ["--set", override]
    for codec in getattr(arguments, "codecs", []):
        parts += ["--codec", codec]
    return shlex.join(parts)


def _print_summary(summaries: dict[str, dict[str, Any]], page: Path) -> None:
    from .summary_table import print_summary, print_verdicts

    print_verdicts(summaries)
    print_summary(summaries, page.parent)
    sys.stdout.write(f"{page}\n")
