"""The `downpass` command.

Each subcommand lives in a module of its own that defines its arguments and, when it runs, imports
its dependencies: `downpass --help` must not wait for numpy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from ..link.errors import InputError
from ..link.foreign.permission import permission
from .commands import (
    advise,
    board,
    codec,
    coverage,
    export,
    link,
    passes,
    run,
    scenario,
    sweep,
    train,
)
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
    """Looks the version up only when it is needed."""

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
    for commands in (
        run,
        sweep,
        advise,
        coverage,
        passes,
        link,
        export,
        codec,
        scenario,
        train,
        board,
    ):
        commands.add_parsers(subparsers)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: Arguments of the command. Without them, those of the process are used, and its
            standard streams and signals are handled too.
    """
    if arguments is not None:
        with guarded():
            return _status(arguments)
    open_standard_streams()
    with answered(), guarded():
        status = _status(None)
        if status > SIGNALLED:
            end(status)  # a library's call may block a thread for minutes
    return status


def _status(arguments: Sequence[str] | None) -> int:
    try:
        try:
            parsed = parser().parse_args(arguments)
            with permission(getattr(parsed, "allow_programs", False)):
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
        # The reader has closed the pipe; another error at exit would not help.
        abandon_output()
        return FAULT
    except KeyboardInterrupt as interrupt:
        complain(word_of(interrupt))
        return status_of(interrupt)
    return status


if __name__ == "__main__":
    sys.exit(main())
