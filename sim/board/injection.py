"""The faults that a scenario injects into a board's line, and their numbers in a run.

    BoardClient ──► LineProxy (faulty lines, injector) ──► port ──► board

The faults are injected on this computer, in front of the port, so any board can be tested with
them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from ...link.serial.faults.board_faults import SOUND, BoardFaultCounts, BoardFaults
from ...link.serial.faults.faulty_line import CLEAN, FaultCounts, Faults
from ...link.serial.faults.injector import nothing
from ...link.serial.faults.line_proxy import LineProxy
from ...link.serial.port import Port
from ...link.serial.trace import Tap


@dataclass(frozen=True, slots=True)
class FaultScript:
    """The faults of a board and its line.

    Attributes:
        seed: Seed of all faults.
        line: Fault rates in each direction.
        board: Faults of the board, and cuts of the line.
        baud: Bits per second of the line; None means no limit.
        delay_s: Delay in each direction, in seconds.
        jitter_s: Most seconds that a frame takes longer than that.
    """

    seed: str
    line: Faults = CLEAN
    board: BoardFaults = SOUND
    baud: int | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0

    def line_baud(self, baud: int) -> int:
        """Return the line's bits per second at a port that has `baud` of them."""
        return baud if self.baud is None else min(baud, self.baud)


@dataclass(frozen=True, slots=True)
class InjectedFaults:
    """The faults that were injected so far.

    Attributes:
        script: What was asked for.
        to_board: Faults of the line to the board.
        to_host: Faults of the line to this computer.
        board: Faults of the board.
        noticed_wrong: Tiles that were made wrong and that the comparison found to differ.
    """

    script: FaultScript
    to_board: FaultCounts
    to_host: FaultCounts
    board: BoardFaultCounts
    noticed_wrong: int


class Injection:
    """A faulty line in front of a board's port; closed by leaving its context.

    Args:
        script: The faults.
        port: The board's port.
        baud: Bits per second of the port.
        reset: Resets the board for an injected reboot; without it, the board only seems to reboot.
        tap: Notes each fault of the board in the trace.

    Raises:
        PortError: The port cannot be opened.

    Attributes:
        address: The port for the host to open instead.
        reset: Resets the board, whatever port it is given; None if nothing resets it.
    """

    def __init__(
        self,
        script: FaultScript,
        port: str,
        baud: int,
        reset: Callable[[Port], str] | None,
        tap: Tap | None,
    ) -> None:
        self._script = script
        self._line = LineProxy(
            port,
            script.seed,
            script.baud,
            script.delay_s,
            script.line,
            baud,
            jitter_s=script.jitter_s,
            board_faults=script.board,
            reset=reset,
            report=nothing if tap is None else tap.note,
        )
        self.address = self._line.address
        self.reset: Callable[[Port], str] | None = (
            None if reset is None else lambda _: self._line.reset_board()
        )

    def __enter__(self) -> Injection:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    @property
    def is_interrupting(self) -> bool:
        """Whether an injected cut, stall or reboot lets nothing through at this moment."""
        return self._line.is_interrupted

    def made_wrong(self, ticket: int) -> bool:
        """Return whether the result of a tile was made wrong.

        Args:
            ticket: The ticket of the one client that uses the line. The injector numbers the same
                tiles from 1, as tickets do from 0.
        """
        return ticket + 1 in self._line.board_counts.wrong

    def faults(self, noticed_wrong: int) -> InjectedFaults:
        """Return a copy of the numbers so far.

        Args:
            noticed_wrong: Tiles that were made wrong and that the comparison found to differ.
        """
        line = self._line
        counts = copy.deepcopy((line.down.counts, line.up.counts, line.board_counts))
        return InjectedFaults(self._script, *counts, noticed_wrong)
