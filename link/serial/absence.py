"""The time in which a host has no session: what came meanwhile, and when the board is given up.

no session ──► patience ──► PINGs (`silence`) ──► given up: the cause, and whose fault it is
│
└─► at once, if what came says enough, or the port has vanished
"""

from __future__ import annotations

from collections.abc import Iterator

from .blame import Blame
from .host_settings import HostCounts, HostSettings
from .overheard import Overheard
from .silence import SilenceProbe, why_no_board


class Absence:
    """Decides when a host gives a board up with which no session can be opened.

    Args:
        settings: What the host expects of the board.
        counts: What the line has carried.
        tokens: Numbers that identify PINGs, none of which was used before.
        now: The time in seconds of the host's clock.

    Attributes:
        since: Since when there is no session, in seconds.
        overheard: What has come that is no frame.
        last_fault: Why the latest unreadable message could not be read; empty if all could be.
    """

    def __init__(
        self, settings: HostSettings, counts: HostCounts, tokens: Iterator[int], now: float
    ) -> None:
        self.since = now
        self.overheard = Overheard()
        self.last_fault = ""
        self._settings = settings
        self._counts = counts
        self._tokens = tokens
        self._damaged = 0
        """Damaged frames that had come when the absence began."""
        self._probe: SilenceProbe | None = None
        """The PINGs that judge a silent board before it is given up; None before."""

    @property
    def wake_at(self) -> float:
        """When the next PING is due, or the board may be given up."""
        if self._probe is not None:
            return self._probe.wake_at
        return self.since + self._settings.patience

    def begin(self, now: float, damaged: int) -> None:
        """Begin a new absence, after `damaged` damaged frames."""
        self.since, self._damaged = now, damaged

    def end_probe(self) -> None:
        """Judge nothing by PINGs any more: a session is open, or the port has vanished."""
        self._probe = None

    def ping_due(self, now: float) -> int | None:
        """Return the token of the PING to send now; None if none is due."""
        return None if self._probe is None else self._probe.due(now)

    def take_pong(self, token: int, now: float) -> bool:
        """Count a PONG; return whether it is the first that answers a PING of this absence."""
        return self._probe is not None and self._probe.take(token, now)

    def verdict(
        self, now: float, damaged: int, refusal: str, *, is_plugged: bool
    ) -> tuple[str, Blame | None] | None:
        """Return why the board is given up now, and whose fault it is; None if it is not yet.

        Args:
            now: The time in seconds.
            damaged: Damaged frames that have come so far.
            refusal: The latest ERROR with which the board answered; empty if none came.
            is_plugged: Whether the port is there.
        """
        if now < self.since + self._settings.patience:
            return None
        away = f"no board for {self._settings.patience:g} s"
        if self._probe is None:
            found = why_no_board(self._counts, self.overheard, self.last_fault)
            if not is_plugged:
                found = "the port has vanished", Blame.LINE
            if found is not None:
                return f"{away}: {found[0]}", found[1]
            self._probe = SilenceProbe(self._tokens, self._settings.baud, now)
        if not self._probe.is_over(now):
            return None
        cause, blame = self._probe.verdict(damaged - self._damaged)
        says = f"; it says {refusal}" if refusal else ""
        return f"{away}: {cause}{says}", blame
