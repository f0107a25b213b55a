"""The subcommand `downpass passes`."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .arguments import add_scenario, load

if TYPE_CHECKING:
    from ..mission import Flight


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "passes",
        help="list passes and imaging opportunities",
        description="List the passes over the stations and the accesses to the targets.",
    )
    add_scenario(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=passes)


def passes(arguments: argparse.Namespace) -> int:
    """Print every pass and every access."""
    from ..mission import fly

    flight = fly(load(arguments))
    if arguments.json:
        json.dump({"passes": _passes(flight), "accesses": _accesses(flight)}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _print(flight)
    return 0


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
    from rich.console import Console
    from rich.table import Table

    # In a pipe nobody is there to widen the window.
    console = Console(width=None if sys.stdout.isatty() else 160)
    found = _passes(flight)
    table = Table(title=f"{len(found)} passes", title_justify="left")
    for name in ("satellite", "station", "AOS (UTC)", "LOS (UTC)"):
        table.add_column(name)
    for name in ("duration s", "max elev. °"):
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(
            row["satellite"],
            row["station"],
            _short(row["aos"]),
            _short(row["los"]),
            f"{row['duration_s']:.0f}",
            f"{row['max_elevation_deg']:.1f}",
        )
    console.print(table)
    seen = _accesses(flight)
    table = Table(title=f"{len(seen)} imaging opportunities", title_justify="left")
    for name in ("satellite", "target", "start (UTC)", "end (UTC)"):
        table.add_column(name)
    for name in ("off nadir °", "sun elev. °", "frames"):
        table.add_column(name, justify="right")
    table.add_column("why none")
    for row in seen:
        table.add_row(
            row["satellite"],
            row["target"],
            _short(row["start"]),
            _short(row["end"]),
            f"{row['off_nadir_deg']:.1f}",
            f"{row['sun_elevation_deg']:.1f}",
            str(row["frames_planned"]),
            row["cause_skipped"] or "",
        )
    console.print(table)


def _short(moment: str) -> str:
    return moment[:19].replace("T", " ")
