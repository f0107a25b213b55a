"""Time on the link and in the simulation: whole microseconds since the scenario's start.

Integers, because sums of them are exact and the same on every machine.
"""

from __future__ import annotations

TICKS_PER_SECOND = 1_000_000
TICKS_PER_MILLISECOND = TICKS_PER_SECOND // 1000


def to_whole_milliseconds(seconds: float) -> int:
    """Return the tick of the whole millisecond nearest to a time in seconds.

    What comes out of floating point differs between machines in its last bits. Rounded to the
    millisecond it is the same on all of them.
    """
    return round(seconds * 1000) * TICKS_PER_MILLISECOND


def to_seconds(ticks: int) -> float:
    """Return a time in seconds; exact to the microsecond for runs of up to 200 years."""
    return ticks / TICKS_PER_SECOND
