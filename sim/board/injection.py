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

    def open_line(
        self, port: str, baud: int, reset: Callable[[Port], str] | None, tap: Tap | None
    ) -> LineProxy:
        """Put the faulty line in front of a board.

        Args:
            port: The board's port.
            baud: Bits per second of the port.
            reset: Resets the board; None leaves that to the injector's appearance.
            tap: Notes each fault of the board in the trace.

        Raises:
            PortError: The port cannot be opened.
        """
        return LineProxy(
            port,
            self.seed,
            self.baud,
            self.delay_s,
            self.line,
            baud,
            jitter_s=self.jitter_s,
            board_faults=self.board,
            reset=reset,
            report=nothing if tap is None else tap.note,
        )


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

    @classmethod
    def of(cls, script: FaultScript, line: LineProxy, noticed_wrong: int) -> InjectedFaults:
        """Return a copy of the present numbers."""
        counts = copy.deepcopy((line.down.counts, line.up.counts, line.board_counts))
        return cls(script, *counts, noticed_wrong)


def is_wrong(line: LineProxy, ticket: int) -> bool:
    """Return whether the result of a client's tile was made wrong.

    Args:
        line: The line, which the client alone has used.
        ticket: The tile's ticket. The injector numbers the same tiles from 1, as tickets do from 0.
    """
    return ticket + 1 in line.board_counts.wrong
