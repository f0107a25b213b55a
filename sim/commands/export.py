"""The subcommand `downpass export`: write what a scenario plans for other programs to show."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .arguments import add_scenario, load


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "export",
        help="write satellites, passes and accesses for Cesium",
        description="Write what a scenario plans, without running it: satellites, stations, "
        "targets, the contacts that may be used, and accesses. `downpass run --czml` writes the "
        "same with the contacts that were used.",
    )
    add_scenario(parser)
    parser.add_argument(
        "--czml", type=Path, required=True, metavar="FILE", help="a file for Cesium to write"
    )
    parser.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    """Write a scenario's plan."""
    from ...link.files import whole_file
    from ..export.czml import czml
    from ..mission.bookings import contact_plan
    from ..mission.contacts import contacts
    from ..mission.flight import fly

    flight = fly(load(arguments))
    plan = contact_plan(flight.scenario, contacts(flight.scenario, flight.passes))
    text = czml(flight, plan.contacts)
    with whole_file(arguments.czml) as file:
        file.write(text.encode("utf-8"))
    sys.stdout.write(f"{arguments.czml}\n")
    return 0
