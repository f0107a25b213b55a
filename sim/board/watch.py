"""Reports in one line each what a board's user would otherwise only wait for.

A line is reported when a session is lost, every half minute while the board is away, when it is
back, and every half minute while a tile takes long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ...link.serial.events import Closed, Event, Finished, Opened, Refused
from ...link.text import printable

REMINDER_S: Final = 30.0
"""Seconds between two lines about the same outage or tile."""
SLOW_S: Final = 15.0
"""Seconds without a finished tile before the first line about it."""


class Watch:
    """Watches one board of a run.

    Args:
        port: The board's port, for the lines.
        away: Seconds that the board may be away.
        say: Receives the lines.
        clock: Returns the time in seconds.

    Attributes:
        last_cause: Why the latest session was lost; empty if none was.
        resets: How often the board was reset.
    """

    def __init__(
        self,
        port: str,
        away: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.last_cause = ""
        self.resets = 0
        self._port = port
        self._away = away
        self._say = say
        self._clock = clock
        self._lost_at: float | None = None
        self._moved_at: float | None = None
        self._remind_at = 0.0

    def heard(self, event: Event | None, pending: str) -> None:
        """Take the next event of the board, or None if none came.

        Args:
            event: The event.
            pending: Name of the tile that the board should finish next.
        """
        now = self._clock()
        if self._moved_at is None:
            self._moved_at, self._remind_at = now, now + SLOW_S
        match event:
            case Closed():
                self.last_cause = event.cause
                self._lost_at, self._remind_at = now, now + REMINDER_S
                self._report(f"{event.cause}; waiting for it up to {self._away:g} s")
            case Opened() if self._lost_at is not None:
                self._report(f"back after {now - self._lost_at:.1f} s")
                self._lost_at, self._moved_at = None, now
                self._remind_at = now + SLOW_S
            case Finished() | Refused():
                self._moved_at, self._remind_at = now, now + SLOW_S
        if now >= self._remind_at:
            self._remind_at = now + REMINDER_S
            if self._lost_at is not None:
                left = max(0.0, self._away - (now - self._lost_at))
                self._report(f"away for {now - self._lost_at:.0f} s; giving up in {left:.0f} s")
            else:
                self._report(f"{pending} is not finished after {now - self._moved_at:.0f} s")

    def was_reset(self, why_not: str) -> None:
        """Report that the board was reset, or why that failed."""
        self.resets += 1
        self._report(f"the reset failed: {why_not}" if why_not else "reset")

    def _report(self, text: str) -> None:
        self._say(f"board on {self._port}: {printable(text, 400)}")
