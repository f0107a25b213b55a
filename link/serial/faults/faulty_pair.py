"""Both directions of a faulty line, with the faults of the board at its end.

    host ──► carry ──► FaultInjector ──► FaultyLine (down) ──► board
    host ◄── FaultyLine (up) ◄── FaultInjector ◄── carry ◄─────┘

Time is an argument, so the same pair works in virtual time (`testing.rehearsal`) and in real time
(`line_proxy`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .faulty_line import FaultyLine
from .injector import FaultInjector, Passed


@dataclass(frozen=True, slots=True)
class FaultyPair:
    """Two lines and what happens to a board's frames between them.

    Attributes:
        down: The line to the board.
        up: The line to the host.
        injector: The faults of the board.
    """

    down: FaultyLine
    up: FaultyLine
    injector: FaultInjector

    def carry(self, stuffed: bytes, outbound: bool, now: float) -> bool:
        """Put a frame on its line, or what the faults make of it.

        Args:
            stuffed: The bytes between the frame's delimiters.
            outbound: Whether the host sends it.
            now: The time in seconds.

        Returns:
            Whether the board is now to be reset.
        """
        injector = self.injector
        passage = injector.to_board(stuffed, now) if outbound else injector.to_host(stuffed, now)
        for reply in passage.replies:
            _write(self.up, reply, now)
        if passage.dark_s:
            self.cut(now + passage.dark_s)
        if passage.boot is not None:
            _write(self.up, passage.boot, now + passage.dark_s)
        if passage.stall_s:
            self.up.hold(now + passage.stall_s)
        for frame in passage.onward:
            _write(self.down if outbound else self.up, frame, now)
        return passage.is_reset_due

    def keep_time(self, now: float) -> None:
        """Begin the cut that is due."""
        if seconds := self.injector.cut_due(now):
            self.cut(now + seconds)

    def cut(self, until: float) -> None:
        """Lose everything that is in transit, and everything written before `until`."""
        self.down.cut(until)
        self.up.cut(until)


def _write(line: FaultyLine, frame: Passed, now: float) -> None:
    line.write(frame.data, now, frame.draws, frame.held_s)
