"""Arguments that every command with a scenario takes, and what is said when one is loaded."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..scenario.models import Scenario


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Add the scenario's file and its overrides."""
    parser.add_argument("file", metavar="FILE", help="a scenario file")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field first, such as satellites.0.codec.bpp=0.5; may be repeated",
    )


def load(arguments: argparse.Namespace) -> Scenario:
    """Load the scenario; advice about it goes to standard error.

    Raises:
        ScenarioError: naming every fault of the file.
    """
    from ..scenario.advice import advice
    from ..scenario.load import load_scenario

    scenario = load_scenario(arguments.file, arguments.overrides)
    for line in advice(scenario):
        sys.stderr.write(f"warning: {line}\n")
    return scenario
