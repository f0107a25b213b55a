"""Arguments common to all commands with a scenario, and the advice on a loaded scenario."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..console.streams import complain

if TYPE_CHECKING:
    from ..scenario.scenario import Scenario


_NUMBERED: Final = re.compile(r"^.*?(satellites|targets|stations)\.\d+(?=[.:])")


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


def add_programs(parser: argparse.ArgumentParser) -> None:
    """Add the option without which no program of a scenario or a codec's file is started."""
    parser.add_argument(
        "--allow-programs",
        action="store_true",
        help="start the programs that the file names as its encoder and decoder; say this only of "
        "files that you trust (docs/foreign-encoders.md)",
    )


def load(arguments: argparse.Namespace) -> Scenario:
    """Load the scenario; advice about it goes to standard error.

    Raises:
        ScenarioError: The file has faults; all are listed.
        InputError: A file to write is the scenario's own, or one of its scenes.
    """
    from ..scenario.advice import advice
    from ..scenario.load import load_scenario

    keep_apart(arguments, "czml", "trace")
    scenario = load_scenario(arguments.file, arguments.overrides)
    scenes = dict.fromkeys(scene for target in scenario.targets for scene in target.scenes)
    for name in ("czml", "out", "trace"):
        if (output := getattr(arguments, name, None)) is not None:
            keep_inputs(Path(output), [Path(arguments.file), *map(Path, scenes)])
    complain(*(f"warning: {line}" for line in grouped(advice(scenario))))
    return scenario


def keep_apart(arguments: argparse.Namespace, *names: str) -> None:
    """Refuse to write two outputs to one file.

    Args:
        arguments: Parsed options.
        names: Names of the options that are files to write; those that are missing do not count.

    Raises:
        InputError: Two of them lead to the same file.
    """
    from ...link.errors import InputError

    found: dict[str, str] = {}
    for name in names:
        if (output := getattr(arguments, name, None)) is None:
            continue
        if (other := found.setdefault(os.path.realpath(output), name)) != name:
            raise InputError(f"--{name} {output}: is the file of --{other}; allowed: another")


def keep_inputs(output: Path, inputs: Iterable[Path | None]) -> None:
    """Refuse to write over a file that is read, by whichever name or link.

    Raises:
        InputError: The output is one of the inputs.
    """
    from ...link.errors import InputError

    try:
        found = output.stat()
    except (OSError, ValueError):
        return  # it does not exist yet
    for one in inputs:
        with suppress(OSError, ValueError):
            if one is not None and os.path.samestat(found, one.stat()):
                raise InputError(f"{output}: is the same file as {one}; allowed: another")


def grouped(lines: Iterable[str]) -> list[str]:
    """Return warnings, with equal ones on many satellites or targets merged into one line.

    Args:
        lines: Warnings in the form `file:line: field: what was found; what to know`.
    """
    alike: dict[str, list[str]] = {}
    for line in lines:
        # Equal except for the place: file, line and number in the list.
        alike.setdefault(_NUMBERED.sub(r"\1.*", line, count=1), []).append(line)
    return [
        first + (f" (and so in {len(more)} other place{'s' if len(more) > 1 else ''})" * bool(more))
        for first, *more in alike.values()
    ]
