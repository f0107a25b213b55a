"""Options of the commands that talk to boards: a trace of the line, and how to reset a board."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..console.streams import complain

if TYPE_CHECKING:
    from ..board.access import BoardAccess


def add_board_options(parser: argparse.ArgumentParser) -> None:
    """Add `--trace` and `--reset-board`."""
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="record what the board's line carries, as pcapng (see `downpass board trace`)",
    )
    parser.add_argument(
        "--reset-board",
        metavar="HOW",
        help="reset a board that does not answer: dtr, rts (a pulse on that line of its port) or "
        "a command, such as 'uhubctl -a cycle -p 2'",
    )


@contextlib.contextmanager
def board_access(
    arguments: argparse.Namespace, say: Callable[[str], None] | None = None
) -> Iterator[BoardAccess]:
    """Yield how the options say that boards are reached; close the trace at the end.

    Args:
        arguments: Parsed options.
        say: Receives a line about each outage and each slow tile; by default nobody does.

    Raises:
        InputError: The trace cannot be written, or the reset command is no command.
    """
    from ...link.serial.trace import Trace
    from ..board.access import BoardAccess, BoardReset, silent

    reset = None if arguments.reset_board is None else BoardReset(arguments.reset_board)
    trace = None if arguments.trace is None else Trace(arguments.trace)
    try:
        yield BoardAccess(trace, reset, say or silent)
    finally:
        if trace is not None:
            trace.close()
            if trace.fault:
                complain(f"--trace {trace.fault}")
