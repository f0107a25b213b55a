"""The `downpass` command.

Each subcommand lives in a module of its own that defines its arguments and, when it runs, imports
what it needs: `downpass --help` must not wait for numpy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from ..link.errors import InputError
from .commands import board, codec, passes, run, scenario, train
from .console.signals import answered, end, status_of, word_of
from .console.streams import (
    OutputError,
    abandon_output,
    complain,
    guarded,
    lines_of,
    open_standard_streams,
)

DONE, FAULT, BAD_INPUT, SIGNALLED = 0, 1, 2, 128


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
        epilog="Exit status: 0 done, 2 the input cannot be used, 1 a fault, 130 or 143 ended by a "
        "signal.",
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version")
    subparsers = whole.add_subparsers(metavar="COMMAND", required=True)
    for commands in (run, passes, codec, scenario, train, board):
        commands.add_parsers(subparsers)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: Of the command; without them the process is the command's own, so its standard
            streams and signals are taken care of too.
    """
    if arguments is not None:
        with guarded():
            return _status(arguments)
    open_standard_streams()
    with answered(), guarded():
        status = _status(None)
        if status > SIGNALLED:
            end(status)  # a library's call may keep a thread busy for minutes
    return status


def _status(arguments: Sequence[str] | None) -> int:
    try:
        try:
            parsed = parser().parse_args(arguments)
            status: int = parsed.run(parsed)
        finally:
            sys.stdout.flush()
    except InputError as error:
        complain(*lines_of(error))
        return BAD_INPUT
    except OutputError as error:
        complain(str(error))
        abandon_output()
        return FAULT
    except BrokenPipeError:
        # Whoever was reading has gone; a second complaint at exit would help nobody.
        abandon_output()
        return FAULT
    except KeyboardInterrupt as interrupt:
        complain(word_of(interrupt))
        return status_of(interrupt)
    return status


if __name__ == "__main__":
    sys.exit(main())
