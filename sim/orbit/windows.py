"""Sets of time windows, and the best time inside each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Window:
    """A time window, in seconds of the run."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length of the window in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of many items, sorted by item and time, disjoint within an item.

    Attributes:
        item: Index of each window's item (a station or a target, for example), shape ``(n,)``.
        start_s: Starts in seconds, shape ``(n,)``.
        end_s: Ends in seconds, shape ``(n,)``.
    """

    item: Index
    start_s: Array
    end_s: Array

    def __len__(self) -> int:
        return len(self.item)

    def take(self, chosen: NDArray[np.bool_] | Index) -> Windows:
        """Return a selection of the windows."""
        return Windows(self.item[chosen], self.start_s[chosen], self.end_s[chosen])

    def rounded(self, last_s: float) -> Windows:
        """Round windows to the millisecond, cut them at `last_s`, and remove empty ones.

        Sines differ in the last bit between machines, and times by a nanosecond. Rounding makes
        them equal, and with them everything that is computed from them.
        """
        start, end = milliseconds(self.start_s), milliseconds(self.end_s)
        end = np.where(self.end_s >= last_s, last_s, np.minimum(end, last_s))
        keep = end > start
        return Windows(self.item[keep], start[keep], end[keep])

    def intersect(self, other: Windows) -> Windows:
        """Return the intersections of each item's windows with its windows in `other`."""
        if not len(self) or not len(other):
            return self.take(np.zeros(len(self), dtype=np.bool_))
        # Put all items on one time axis: each item's times are shifted past the previous item's.
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
    """Round times to the millisecond."""
    return np.asarray(np.round(time_s, 3))


def microdegrees(angle_deg: Array) -> Array:
    """Round angles to a millionth of a degree."""
    return np.asarray(np.round(angle_deg, 6))


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Local maxima of a condition's value.

    Attributes:
        item: Index of each maximum's item, shape ``(n,)``.
        time_s: Times in seconds, shape ``(n,)``.
        value: Values at these times, shape ``(n,)``.
    """

    item: Index
    time_s: Array
    value: Array


def best_within(
    windows: Windows, peaks: Peaks, value: Callable[[Index, Array], Array]
) -> tuple[Array, Array]:
    """Find when a condition's value is largest within each window, and the value then.

    Args:
        windows: The windows.
        peaks: Every local maximum of the value within the windows. The ends are checked as well.
        value: Returns the value for items and times.
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
