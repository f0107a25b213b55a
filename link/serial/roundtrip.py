"""Computes how long to wait for an answer before asking again.

The estimate follows RFC 6298, with limits for a serial line.
"""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 0.1
LONGEST: Final = 3.0
MOST_BACKOFF: Final = 8


class RoundTrip:
    """Smoothed round-trip time, its variation, and the time-out computed from them, in seconds.

    Args:
        floor: Shortest time-out: on a slow line, the time that frames and answer take.
    """

    __slots__ = ("_backoff", "_floor", "_longest", "_mean", "_variation")

    def __init__(self, floor: float = SHORTEST) -> None:
        self._floor = max(floor, SHORTEST)
        self._longest = max(self._floor, LONGEST)
        self._mean: float | None = None
        self._variation = 0.0
        self._backoff = 1

    @property
    def mean(self) -> float | None:
        """The smoothed round-trip time in seconds; None before the first measurement."""
        return self._mean

    @property
    def timeout(self) -> float:
        """Seconds to wait before asking again."""
        estimate = 0.5 if self._mean is None else self._mean + 4 * self._variation
        return min(self._longest, max(self._floor, estimate) * self._backoff)

    def measured(self, seconds: float) -> None:
        """Add the round-trip time of a message that was sent only once (Karn's rule)."""
        if self._mean is None:
            self._mean, self._variation = seconds, seconds / 2
        else:
            self._variation += (abs(self._mean - seconds) - self._variation) / 4
            self._mean += (seconds - self._mean) / 8
        self._backoff = 1

    def answered(self) -> None:
        """End the backoff, because the other end has answered."""
        self._backoff = 1

    def ran_out(self) -> None:
        """Double the backoff, because no answer came in time."""
        self._backoff = min(self._backoff * 2, MOST_BACKOFF)
