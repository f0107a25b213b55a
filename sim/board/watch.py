"""Reports in one line each what a board's user would otherwise only wait for.

A line is reported when a board has been away for some seconds, every half minute from then on, when
it is back, and every half minute while a tile takes long. Sessions that are open again at once are
only counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from ...link.serial.blame import Blame
from ...link.serial.events import Closed, Event, Finished, Opened, Refused
from ...link.text import printable

OUTAGE_S: Final = 2.0
"""Seconds without a session before the first line about it."""
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
        self._losses: Counter[Blame | None] = Counter()
        self._latest: Blame | None = None
        """Whose fault the latest loss is, as far as is known while no session is open."""
        self._port = port
        self._away = away
        self._say = say
        self._clock = clock
        self._lost_at: float | None = None
        self._is_reported = False
        """Whether the present outage was reported."""
        self._moved_at: float | None = None
        self._remind_at = 0.0

    @property
    def losses(self) -> dict[Blame | None, int]:
        """Number of lost sessions by whose fault they were; None if that is not known."""
        found = self._losses + Counter([self._latest] if self._lost_at is not None else [])
        return dict(found)

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
                self._latest = event.blame
                self._lost_at, self._remind_at = now, now + OUTAGE_S
                self._is_reported = False
            case Opened() if self._lost_at is not None:
                if self._is_reported:
                    self._report(f"back after {now - self._lost_at:.1f} s")
                # Only the next HELLO shows that the board has started anew.
                self._losses[Blame.REBOOTED if event.rebooted else self._latest] += 1
                self._lost_at, self._moved_at = None, now
                self._remind_at = now + SLOW_S
            case Finished() | Refused():
                self._moved_at, self._remind_at = now, now + SLOW_S
        if now >= self._remind_at:
            self._remind_at = now + REMINDER_S
            if self._lost_at is not None:
                gone = now - self._lost_at
                cause = "" if self._is_reported else f" ({self.last_cause})"
                self._is_reported = True
                left = max(0.0, self._away - gone)
                self._report(f"away for {gone:.0f} s{cause}; giving up in {left:.0f} s")
            else:
                self._report(f"{pending} is not finished after {now - self._moved_at:.0f} s")

    def gave_up(self, blame: Blame | None) -> None:
        """Take whose fault it is that the board was given up, as PINGs have shown."""
        if self._latest is None:
            self._latest = blame

    def was_reset(self, why_not: str) -> None:
        """Report that the board was reset, or why that failed."""
        self.resets += 1
        self._report(f"the reset failed: {why_not}" if why_not else "reset")

    def _report(self, text: str) -> None:
        self._say(f"board on {self._port}: {printable(text, 400)}")
