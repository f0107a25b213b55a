"""The subcommand `downpass link`: the link budget at the best and the worst moment of a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ...link.errors import InputError
from ...link.plurals import counted
from ...link.suggestion import did_you_mean
from ...link.text import json_text
from ..console.streams import complain
from .arguments import add_scenario, load

if TYPE_CHECKING:
    from ..mission.link_moments import LinkMoment, LinkOverRun
    from ..scenario.scenario import Scenario


_MOST_LINKS: Final = 20
"""Of more links than this, only so many are printed unless the user chooses some."""


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "link",
        help="print link budgets line by line",
        description="Print the link budget of each satellite and station at the best and the "
        "worst moment of the run, line by line.",
    )
    add_scenario(parser)
    parser.add_argument("--satellite", metavar="NAME", help="only the links of this satellite")
    parser.add_argument("--station", metavar="NAME", help="only the links to this station")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=link)


def link(arguments: argparse.Namespace) -> int:
    """Print the budgets."""
    from ..mission.flight import fly
    from ..mission.link_moments import links_over_run

    scenario = load(arguments)
    _check_names(scenario, arguments)
    if all(satellite.transmitter.link is None for satellite in scenario.satellites):
        raise InputError(
            f"{arguments.file}: found no satellite with transmitter.link; allowed: a scenario with "
            "a link, because a table of rates has no budget"
        )
    chosen = [
        one
        for one in links_over_run(fly(scenario))
        if arguments.satellite in (None, scenario.satellites[one.satellite].name)
        and arguments.station in (None, scenario.stations[one.station].name)
    ]
    if arguments.json:
        text = json_text({"links": [_as_json(scenario, one) for one in chosen]}, indent=2)
        sys.stdout.write(f"{text}\n")
        return 0
    many = arguments.satellite is None and arguments.station is None
    shown = chosen[:_MOST_LINKS] if many else chosen
    for one in shown:
        _print(scenario, one)
    if not chosen:
        complain("no satellite comes into view of a station with a receiver")
    if len(shown) < len(chosen):
        complain(
            f"{len(chosen) - len(shown)} more links; choose with --satellite and --station, or "
            "print all with --json"
        )
    return 0


def _check_names(scenario: Scenario, arguments: argparse.Namespace) -> None:
    for option, items in (("satellite", scenario.satellites), ("station", scenario.stations)):
        wanted, names = getattr(arguments, option), [item.name for item in items]
        if wanted is not None and wanted not in names:
            raise InputError(
                f"--{option}: found {wanted}; allowed: {_some(names)}{did_you_mean(wanted, names)}"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_LINKS]) + (" …" if len(names) > _MOST_LINKS else "")


def _as_json(scenario: Scenario, one: LinkOverRun) -> dict[str, Any]:
    return {
        "satellite": scenario.satellites[one.satellite].name,
        "station": scenario.stations[one.station].name,
        "passes": one.number_of_passes,
        "why_no_contact": one.reason or None,
        "best": _moment_as_json(scenario, one.best()),
        "worst": _moment_as_json(scenario, one.worst()),
    }


def _moment_as_json(scenario: Scenario, moment: LinkMoment | None) -> dict[str, Any] | None:
    if moment is None:
        return None
    return {
        "time": _utc(scenario, moment.time_s),
        "time_s": round(moment.time_s, 3),
        "elevation_deg": round(moment.elevation_deg, 3),
        "slant_range_km": round(moment.slant_range_m / 1000, 3),
        "mode": moment.mode or None,
        "loss_cause": moment.loss_cause or None,
        "lines": [
            {"name": line.name, "value": round(line.value, 4), "unit": line.unit, "how": line.how}
            for line in moment.lines
        ],
    }


def _print(scenario: Scenario, one: LinkOverRun) -> None:
    from ..console.terminal import plain_table, print_rows, print_table

    name = f"{scenario.satellites[one.satellite].name} to {scenario.stations[one.station].name}"
    if one.reason:
        print_rows([(f"{name}: no contact", one.reason)])
        return
    best, worst = one.best(), one.worst()
    if best is None or worst is None:
        return
    for label, moment in (("best", best), ("worst", worst)):
        number = one.number_of_passes
        table = plain_table(
            f"{name}, {label} moment of {counted(number, 'pass')}: "
            f"{_utc(scenario, moment.time_s)}, elevation {moment.elevation_deg:.2f}°, "
            f"slant range {moment.slant_range_m / 1000:.1f} km, "
            f"{_sent(moment)}",
            (("line", False), ("value", True), ("unit", False), ("how", False)),
            whole=("unit",),
        )
        for line in moment.lines:
            table.add_row(line.name, f"{round(line.value, 2) + 0.0:.2f}", line.unit, line.how)
        print_table(table)


def _sent(moment: LinkMoment) -> str:
    if not moment.mode:
        return "nothing is sent"
    return f"{moment.mode} is sent" + (f" and lost ({moment.loss_cause})" * bool(moment.loss_cause))


def _utc(scenario: Scenario, seconds: float) -> str:
    moment = scenario.start + timedelta(seconds=round(seconds, 3))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
