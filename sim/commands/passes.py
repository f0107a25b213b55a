"""The subcommand `downpass passes`: list passes over stations and accesses to targets."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from .arguments import add_scenario, load

if TYPE_CHECKING:
    from ..mission.flight import Flight


_MOST_SATELLITES: Final = 10
"""With more satellites than this, totals are printed instead of single passes."""

_LISTED: Final = 3
"""Number of best and of worst satellites that are listed then."""


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "passes",
        help="list passes and imaging opportunities",
        description="List the passes over the stations and the accesses to the targets.",
    )
    add_scenario(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--format",
        choices=("table", "csv", "ion", "json"),
        default="table",
        help="print tables (the default), the contact plan as CSV or as commands of ION's "
        "ionadmin, or everything as JSON",
    )
    how.add_argument("--json", action="store_true", help="the same as --format json")
    how.add_argument(
        "--all",
        action="store_true",
        help=f"list everything for more than {_MOST_SATELLITES} satellites too, instead of totals",
    )
    parser.set_defaults(run=passes)


def passes(arguments: argparse.Namespace) -> int:
    """Print all passes and accesses."""
    from ..mission.flight import fly

    flight = fly(load(arguments))
    form = "json" if arguments.json else arguments.format
    if form != "table":
        sys.stdout.write(_written(flight, form))
    elif len(flight.scenario.satellites) > _MOST_SATELLITES and not arguments.all:
        _print_totals(flight)
    else:
        _print(flight)
    return 0


def _written(flight: Flight, form: str) -> str:
    """Return the contact plan in a form for other programs; JSON has passes and accesses, too."""
    from ..contact_plans.csv_form import write_csv
    from ..contact_plans.ion_form import write_ion
    from ..contact_plans.json_form import json_rows
    from ..mission.planned import planned_contacts

    scenario, contacts = flight.scenario, planned_contacts(flight)
    if form == "csv":
        return write_csv(contacts)
    if form == "ion":
        satellites = [satellite.name for satellite in scenario.satellites]
        stations = [station.name for station in scenario.stations]
        return write_ion(contacts, scenario.start, satellites, stations)
    rows = {
        "passes": _passes(flight),
        "accesses": _accesses(flight),
        "contacts": json_rows(contacts),
    }
    return json.dumps(rows, indent=2) + "\n"


def _passes(flight: Flight) -> list[dict[str, Any]]:
    scenario = flight.scenario
    return [
        {
            "satellite": scenario.satellites[one.satellite].name,
            "station": scenario.stations[one.station].name,
            "aos_s": round(one.aos_s, 3),
            "los_s": round(one.los_s, 3),
            "aos": _utc(flight, one.aos_s),
            "los": _utc(flight, one.los_s),
            "duration_s": round(one.duration_s, 3),
            "max_elevation_deg": round(one.max_elevation_deg, 2),
        }
        for one in flight.passes
    ]


def _accesses(flight: Flight) -> list[dict[str, Any]]:
    scenario = flight.scenario
    rows = []
    for geometry, timetable in zip(flight.geometries, flight.timetables, strict=True):
        frames = [0] * len(geometry.accesses)
        for shot in timetable.shots:
            frames[shot.access] += 1
        for index, access in enumerate(geometry.accesses):
            rows.append(
                {
                    "satellite": scenario.satellites[access.satellite].name,
                    "target": scenario.targets[access.target].name,
                    "start_s": round(access.start_s, 3),
                    "end_s": round(access.end_s, 3),
                    "start": _utc(flight, access.start_s),
                    "end": _utc(flight, access.end_s),
                    "off_nadir_deg": round(access.off_nadir_deg, 2),
                    "sun_elevation_deg": round(access.sun_elevation_deg, 2),
                    "frames_planned": frames[index],
                    "cause_skipped": timetable.skipped.get(index),
                }
            )
    return sorted(rows, key=lambda row: (row["start_s"], row["satellite"], row["target"]))


def _utc(flight: Flight, seconds: float) -> str:
    moment = flight.scenario.start + timedelta(seconds=round(seconds, 3))
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z"


def _print(flight: Flight) -> None:
    from ..console.terminal import plain_table, print_table

    satellites = flight.scenario.satellites
    # A name that all rows share is printed once, above them.
    alone = len(satellites) == 1
    span = f" of {satellites[0].name} {_span(flight)}" if alone else f" {_span(flight)}"
    who = () if alone else (("satellite", False),)
    found = _passes(flight)
    table = plain_table(
        f"{len(found)} {'pass' if len(found) == 1 else 'passes'}{span}",
        (
            *who,
            *((name, False) for name in ("station", "AOS (UTC)", "LOS")),
            *((name, True) for name in ("length s", "highest °")),
        ),
        whole=("AOS (UTC)", "LOS"),
    )
    for row in found:
        table.add_row(
            *(() if alone else (row["satellite"],)),
            row["station"],
            *_from_to(row["aos"], row["los"]),
            f"{row['duration_s']:.0f}",
            f"{row['max_elevation_deg']:.1f}",
        )
    print_table(table)
    seen = _accesses(flight)
    table = plain_table(
        f"{len(seen)} imaging {'opportunity' if len(seen) == 1 else 'opportunities'}{span}",
        (
            *who,
            *((name, False) for name in ("target", "start (UTC)", "end")),
            *((name, True) for name in ("nadir °", "sun °", "frames")),
            ("why none", False),
        ),
        whole=("start (UTC)", "end"),
    )
    for row in seen:
        table.add_row(
            *(() if alone else (row["satellite"],)),
            row["target"],
            *_from_to(row["start"], row["end"]),
            f"{row['off_nadir_deg']:.1f}",
            f"{row['sun_elevation_deg']:.1f}",
            str(row["frames_planned"]),
            row["cause_skipped"] or "",
        )
    print_table(table)


def _print_totals(flight: Flight) -> None:
    """Print totals, and the satellites with most and with least time over stations."""
    from ..console.terminal import plain_table, print_rows, print_table

    found, seen = _passes(flight), _accesses(flight)
    names = [satellite.name for satellite in flight.scenario.satellites]
    contact = dict.fromkeys(names, 0.0)
    number, frames = Counter(row["satellite"] for row in found), dict.fromkeys(names, 0)
    for row in found:
        contact[row["satellite"]] += row["duration_s"]
    for row in seen:
        frames[row["satellite"]] += row["frames_planned"]
    skipped = Counter(row["cause_skipped"] for row in seen if row["cause_skipped"])
    print_rows(
        [
            ("satellites", str(len(names))),
            ("passes", str(len(found))),
            ("time over stations", f"{sum(contact.values()) / 3600:.1f} h"),
            ("imaging opportunities", str(len(seen))),
            ("frames planned", str(sum(frames.values()))),
            *((f"skipped: {cause}", str(count)) for cause, count in sorted(skipped.items())),
        ]
    )
    ranked = sorted(names, key=lambda name: (-contact[name], name))
    table = plain_table(
        f"The {_LISTED} of {len(names)} satellites with most time over stations, and the "
        f"{_LISTED} with least",
        (("satellite", False), ("passes", True), ("hours", True), ("frames planned", True)),
    )
    for place, name in enumerate([*ranked[:_LISTED], *ranked[-_LISTED:]]):
        if place == _LISTED:
            table.add_section()
        hours = f"{contact[name] / 3600:.2f}"
        table.add_row(name, str(number[name]), hours, str(frames[name]))
    print_table(table)
    print_rows([("--all lists every pass and opportunity; --json prints them as JSON.",)])


def _from_to(start: str, end: str) -> tuple[str, str]:
    """Return two moments without their year; the second without its date if it is the same."""
    first, last = (moment[5:19].replace("T", " ") for moment in (start, end))
    return first, last[6:] if last[:5] == first[:5] else last


def _span(flight: Flight) -> str:
    """Return the years of the scenario, which the tables leave out."""
    first, last = flight.scenario.start.year, flight.scenario.end.year
    return f"in {first}" if first == last else f"from {first} to {last}"
