"""Sets of time windows, and what is best inside each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, in seconds of the run."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of many items, sorted by item and time, disjoint within an item.

    Attributes:
        item: Which item (station, target, sample of a polygon) each is of, shape ``(n,)``.
        start_s: Starts in seconds, shape ``(n,)``.
        end_s: Ends in seconds, shape ``(n,)``.
    """

    item: Index
    start_s: Array
    end_s: Array

    def __len__(self) -> int:
        return len(self.item)

    def take(self, chosen: NDArray[np.bool_] | Index) -> Windows:
        """Some of the windows."""
        return Windows(self.item[chosen], self.start_s[chosen], self.end_s[chosen])

    def rounded(self, last_s: float) -> Windows:
        """The windows to the millisecond, none beyond `last_s`; what rounds to nothing is left out.

        Another machine's sines differ in the last bit, and its times by a nanosecond. Rounded,
        they are the same, and so is everything computed from them.
        """
        start, end = milliseconds(self.start_s), milliseconds(self.end_s)
        end = np.where(self.end_s >= last_s, last_s, np.minimum(end, last_s))
        keep = end > start
        return Windows(self.item[keep], start[keep], end[keep])

    def intersect(self, other: Windows) -> Windows:
        """The times when an item has a window here and in `other`."""
        if not len(self) or not len(other):
            return self.take(np.zeros(len(self), dtype=np.bool_))
        # One axis for all items: an item's times are shifted clear of the item before it.
        span = max(self.end_s.max(), other.end_s.max()) + 1.0
        first = np.searchsorted(other.item * span + other.end_s, self.item * span + self.start_s)
        last = np.searchsorted(other.item * span + other.start_s, self.item * span + self.end_s)
        count = np.maximum(last - first, 0)
        mine = np.repeat(np.arange(len(self)), count)
        theirs = np.arange(len(mine)) - np.repeat(np.cumsum(count) - count, count)
        theirs += np.repeat(first, count)
        start = np.maximum(self.start_s[mine], other.start_s[theirs])
        end = np.minimum(self.end_s[mine], other.end_s[theirs])
        keep = (end > start) & (self.item[mine] == other.item[theirs])
        return Windows(self.item[mine][keep], start[keep], end[keep])


def milliseconds(time_s: Array) -> Array:
    """Times to the millisecond."""
    return np.asarray(np.round(time_s, 3))


def microdegrees(angle_deg: Array) -> Array:
    """Angles to the millionth of a degree."""
    return np.asarray(np.round(angle_deg, 6))


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Where a condition's value has a local maximum.

    Attributes:
        item: Which item each is of, shape ``(n,)``.
        time_s: When, shape ``(n,)``.
        value: The value there, shape ``(n,)``.
    """

    item: Index
    time_s: Array
    value: Array


def best_within(
    windows: Windows, peaks: Peaks, value: Callable[[Index, Array], Array]
) -> tuple[Array, Array]:
    """When within each window a condition's value is largest, and the value there.

    Args:
        windows: The windows.
        peaks: Every local maximum of the value within them; the ends are looked at besides.
        value: Gives the value for items and times.
    """
    number = len(windows)
    times = [windows.start_s, windows.end_s]
    owner = [np.arange(number), np.arange(number)]
    values = [value(windows.item, windows.start_s), value(windows.item, windows.end_s)]
    if number and len(peaks.item):
        span = max(windows.end_s.max(), peaks.time_s.max()) + 1.0
        into = np.searchsorted(
            windows.item * span + windows.start_s, peaks.item * span + peaks.time_s, side="right"
        )
        into = np.maximum(into - 1, 0)
        inside = (
            (windows.item[into] == peaks.item)
            & (peaks.time_s >= windows.start_s[into])
            & (peaks.time_s <= windows.end_s[into])
        )
        times.append(peaks.time_s[inside])
        owner.append(into[inside])
        values.append(peaks.value[inside])
    time, window, height = np.concatenate(times), np.concatenate(owner), np.concatenate(values)
    order = np.lexsort((height, window))
    last = np.flatnonzero(np.diff(window[order], append=number))
    best = order[last]
    return time[best], height[best]
