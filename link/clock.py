"""Time on the link and in the simulation: whole microseconds since the scenario's start.

Times are integers, because sums of integers are exact and the same on every machine.
"""

from __future__ import annotations

TICKS_PER_SECOND = 1_000_000
TICKS_PER_MILLISECOND = TICKS_PER_SECOND // 1000


def to_whole_milliseconds(seconds: float) -> int:
    """Return the tick of the whole millisecond nearest to a time in seconds.

    Floating-point results differ between machines in their last bits. Rounded to the millisecond,
    they are the same on all machines.
    """
    return round(seconds * 1000) * TICKS_PER_MILLISECOND


def to_seconds(ticks: int) -> float:
    """Return a time in seconds; exact to the microsecond below 2^32 s, which is 136 years."""
    return ticks / TICKS_PER_SECOND
