"""Time on the link and in the simulation: whole microseconds since the scenario's start.

Integers, because sums of them are exact and the same on every machine.
"""

from __future__ import annotations

TICKS_PER_SECOND = 1_000_000


def to_ticks(seconds: float) -> int:
    """Return the tick nearest to a time in seconds."""
    return round(seconds * TICKS_PER_SECOND)


def to_seconds(ticks: int) -> float:
    """Return a time in seconds; exact to the microsecond for runs of up to 200 years."""
    return ticks / TICKS_PER_SECOND
