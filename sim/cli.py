"""The `downpass` command.

Each subcommand lives in a module of its own that defines its arguments and, when it runs, imports
what it needs: `downpass --help` must not wait for numpy.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from ..link.errors import InputError
from .commands import board, codec, passes, run, scenario, train

DONE, FAULT, BAD_INPUT = 0, 1, 2


class _Version(argparse.Action):
    """Looks the version up when it is asked for, and not before."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"downpass {version('downpass')}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = argparse.ArgumentParser(
        prog="downpass",
        description="Simulate a satellite's payload: what reaches the ground, when, and how good "
        "it looks.",
        epilog="Exit status: 0 done, 2 the input cannot be used, 1 a fault.",
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version")
    subparsers = whole.add_subparsers(metavar="COMMAND", required=True)
    for commands in (run, passes, codec, scenario, train, board):
        commands.add_parsers(subparsers)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parsed = parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except BrokenPipeError:
        # Whoever was reading has gone; a second complaint at exit would help nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
