"""The subcommands `downpass validate` and `downpass schema`: check scenario files."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...link.text import printable
from ..console.streams import complain, lines_of
from .arguments import add_programs


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add both subcommands; each sets `run`, a function of the arguments that returns a status."""
    check = subparsers.add_parser(
        "validate",
        help="check scenario files",
        description="Report every fault of scenario files and of the scenes that they name, each "
        "with its line: all that `run` would refuse before it begins.",
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="a scenario file")
    check.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field first, such as satellites.0.codec.bpp=0.5; may be repeated",
    )
    add_programs(check)
    check.set_defaults(run=validate)
    schema = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of scenario files",
        description="Print the JSON Schema (draft 2020-12), for editors that complete YAML.",
    )
    schema.set_defaults(run=print_schema)


def validate(arguments: argparse.Namespace) -> int:
    """Check all files; print results to standard output and advice to standard error."""
    from ...link.errors import InputError
    from ..frames.content_cache import ContentCache
    from ..frames.feasibility import absent_boards, checked_scenes, idle_programs
    from ..frames.scene_advice import bit_depth_notes, scene_advice
    from ..scenario.advice import advice
    from ..scenario.load import load_scenario
    from ..scenario.outline import outline
    from .arguments import grouped

    status = 0
    for file in arguments.files:
        try:
            scenario = load_scenario(file, arguments.overrides)
            scenes = checked_scenes(scenario, ContentCache(None), encodes=False)
        except InputError as error:
            for line in lines_of(error):
                _say(line)
            status = 2
            continue
        advices = (*advice(scenario), *scene_advice(scenario, scenes), *absent_boards(scenario))
        complain(*(f"warning: {line}" for line in grouped(advices)))
        complain(*(f"note: {line}" for line in grouped(idle_programs(scenario))))
        complain(*(f"note: {line}" for line in bit_depth_notes(scenario, scenes)))
        _say(f"ok: {file}: {outline(scenario)}")
    return status


def print_schema(_arguments: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from ..scenario.schema import schema_text

    sys.stdout.write(schema_text())
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
