"""The backlog of a run: peak and mean of the bytes in the recorders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backlog:
    """Bytes in the recorder: the largest number, and the mean over time, rounded down."""

    peak: int
    mean: int


class _Meter:
    """Integrates a number of bytes over time."""

    __slots__ = ("_area", "_held", "_now", "_peak")

    def __init__(self) -> None:
        self._held = self._now = self._peak = self._area = 0

    def add(self, now: int, change: int) -> None:
        self._area += self._held * (now - self._now)
        self._now = now
        self._held += change
        self._peak = max(self._peak, self._held)

    def at(self, end: int) -> Backlog:
        area = self._area + self._held * (end - self._now)
        return Backlog(self._peak, area // max(end, 1))


class BacklogMeter:
    """Measures the backlog of each satellite and of all together, in one pass over the events."""

    def __init__(self, satellites: int) -> None:
        self._held = [0] * satellites
        self._each = [_Meter() for _ in range(satellites)]
        self._total = _Meter()

    def note(self, now: int, satellite: int, held: int) -> None:
        """Record the bytes in a satellite's recorder from now on."""
        change = held - self._held[satellite]
        if change:
            self._held[satellite] = held
            self._each[satellite].add(now, change)
            self._total.add(now, change)

    def each(self, end: int) -> list[Backlog]:
        """Return the backlog of each satellite up to a tick."""
        return [meter.at(end) for meter in self._each]

    def total(self, end: int) -> Backlog:
        """Return the backlog of all satellites together up to a tick."""
        return self._total.at(end)
