"""What the caller of a run decides about its boards, and a scenario must not.

A scenario file may come from anybody. Which file a trace is written to, and which program or
control line resets a board that hangs, are therefore given on the command line alone.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ...link.errors import InputError
from ...link.serial.port import Port, PortError
from ...link.serial.trace import Trace
from ...link.text import printable
from .tile_record import TileRecord

CONTROL_LINES: Final = ("dtr", "rts")
LONGEST_RESET_S: Final = 60.0
"""Seconds in which a reset command must end."""


class BoardReset:
    """Resets a board that hangs: by a control line of its port, or by a command.

    Args:
        how: `dtr`, `rts`, or a command line; a shell does not see it.

    Raises:
        InputError: The command line is empty or its quotes do not match.
    """

    def __init__(self, how: str) -> None:
        self.how = how
        self._command: list[str] = []
        if how not in CONTROL_LINES:
            try:
                self._command = shlex.split(how)
            except ValueError as error:
                raise InputError(f"--reset-board {printable(how, 80)}: {error}") from None
            if not self._command:
                raise InputError("--reset-board: found nothing; allowed: dtr, rts or a command")

    def __call__(self, port: Port) -> str:
        """Reset the board; return why that failed, or an empty text."""
        if not self._command:
            try:
                port.pulse(self.how)
            except PortError as error:
                return str(error)
            return ""
        try:
            done = subprocess.run(  # noqa: S603  (what the command line says)
                self._command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST_RESET_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{self._command[0]} did not end in {LONGEST_RESET_S:g} s"
        except OSError as error:
            return f"{self._command[0]} cannot be run ({error.strerror})"
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            return f"{self._command[0]} ended with status {done.returncode}: {printable(said, 200)}"
        return ""


def silent(_text: str) -> None:
    """Report nothing."""


def unrecorded(_record: TileRecord) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True)
class BoardAccess:
    """How a run reaches its boards.

    Attributes:
        trace: Records what the lines carry; None records nothing.
        reset: Resets a board that hangs; None leaves it alone.
        say: Receives one line of text about each outage and each slow tile.
        record: Receives a record of each tile: per board in the order of its frames.
    """

    trace: Trace | None = None
    reset: BoardReset | None = None
    say: Callable[[str], None] = silent
    record: Callable[[TileRecord], None] = unrecorded


ANY_BOARD: Final = BoardAccess()
"""No trace, no reset, no reports."""
