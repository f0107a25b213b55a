"""How many of some levels a curve over time has reached: steps, cut where the curve crosses them.

```
curve ─► values at nodes ─► extrema between them ─► monotone pieces ─► a root for each crossing
```

A link's mode changes where its Es/N0 crosses a threshold. The crossings are found on the curve
itself and not on a grid of times, for all passes of a link at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..clock import TICKS_PER_MILLISECOND
from ..root_finding import root

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Ticks = NDArray[np.int64]
Curve = Callable[[Array], Array]

# Far below the millisecond to which steps are rounded.
_TOLERANCE_S: Final = 1e-5
_BESIDE_S: Final = 0.01
_GOLDEN: Final = (5.0**0.5 - 1.0) / 2.0
_MOST_NODES: Final = 1_000_000
"""Nodes at most, which bounds memory; beyond them, nodes lie further apart than asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Stretches of time that do not overlap, such as the passes over one station.

    Attributes:
        start_s: Start of each in seconds, to the millisecond, ascending, shape ``(n,)``.
        end_s: End of each in seconds, to the millisecond, shape ``(n,)``.
    """

    start_s: Array
    end_s: Array

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def start(self) -> Ticks:
        """First tick of each, shape ``(n,)``."""
        return ticks(self.start_s)

    @property
    def end(self) -> Ticks:
        """Tick at which each ends, shape ``(n,)``."""
        return ticks(self.end_s)

    def nodes(self, step_s: float) -> tuple[Index, Array]:
        """Return the ends of every span and the multiples of a step inside, with their spans."""
        total = float(np.sum(self.end_s - self.start_s))
        step_s *= max(1.0, np.ceil(total / step_s / _MOST_NODES))
        first = np.floor(self.start_s / step_s).astype(np.intp) + 1
        last = np.ceil(self.end_s / step_s).astype(np.intp) - 1
        inner = np.maximum(last - first + 1, 0)
        owner = np.repeat(np.arange(len(self)), inner)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(inner) - inner, inner)
        time = (np.repeat(first, inner) + number) * step_s
        whole = np.arange(len(self))
        # With a node beside each end, an extremum in the first or last piece shows.
        beside = np.minimum(_BESIDE_S, (self.end_s - self.start_s) / 2.0)
        ends = (self.start_s, self.start_s + beside, self.end_s - beside, self.end_s)
        owner = np.concatenate((owner, whole, whole, whole, whole))
        time = np.concatenate((time, *ends))
        return _in_order(owner, time)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A whole number over time in each of some spans, which changes in steps.

    Each span has an entry at its start. Entries are in order of span and time, and no two of a
    span have the same tick.

    Attributes:
        span: Index of the span of each entry, shape ``(n,)``.
        tick: Tick from which the entry holds, in whole milliseconds, shape ``(n,)``.
        count: The number from then on, shape ``(n,)``.
    """

    span: Index
    tick: Ticks
    count: Index

    @classmethod
    def constant(cls, spans: Spans, count: int) -> Steps:
        """Return one number for all time."""
        return cls(np.arange(len(spans)), spans.start, np.full(len(spans), count))

    def later(self, spans: Spans, delay: int, before: int) -> Steps:
        """Return the steps as they are known some ticks later.

        Args:
            spans: The spans of the steps.
            delay: Ticks by which each entry moves; entries that leave their span are dropped.
            before: The number from each span's start until its first entry arrives.
        """
        if delay == 0:
            return self
        tick = self.tick + delay
        kept = tick < spans.end[self.span]
        whole = np.arange(len(spans))
        span = np.concatenate((whole, self.span[kept]))
        tick = np.concatenate((spans.start, tick[kept]))
        count = np.concatenate((np.full(len(spans), before), self.count[kept]))
        order = np.lexsort((tick, span))
        return Steps(span[order], tick[order], count[order])

    def at(self, span: Index, tick: Ticks) -> Index:
        """Return the number at ticks within spans, each of shape ``(n,)``."""
        period = _period(self.tick, tick)
        place = np.searchsorted(self.span * period + self.tick, span * period + tick, "right")
        return np.asarray(self.count[place - 1])


def edges(*several: Steps) -> tuple[Index, Ticks]:
    """Return the span and tick of all entries of some steps, in order, each once."""
    period = _period(*(steps.tick for steps in several))
    key = np.unique(np.concatenate([steps.span * period + steps.tick for steps in several]))
    return key // period, key % period


class SampledCurve:
    """A curve over spans of time, with its values at nodes.

    Between neighbouring nodes the curve must be smooth and have one extremum at most.

    Args:
        curve: Takes times in seconds, shape ``(n,)``, and returns values.
        spans: Where it is asked.
        step_s: Distance of the nodes in seconds.
        corners: Further nodes, where the curve has a corner: span and time of each, ``(m,)``.
    """

    __slots__ = ("_curve", "_span", "_spans", "_time", "_value")

    def __init__(
        self,
        curve: Curve,
        spans: Spans,
        step_s: float,
        corners: tuple[Index, Array] | None = None,
    ) -> None:
        self._curve = curve
        self._spans = spans
        self._span, self._time = spans.nodes(step_s)
        if corners is not None:
            self._span, self._time = _in_order(
                np.concatenate((self._span, corners[0])), np.concatenate((self._time, corners[1]))
            )
        self._value = curve(self._time)

    def steps(self, levels: Array) -> Steps:
        """Return how many levels the curve has reached, over time.

        Args:
            levels: Levels in ascending order, shape ``(k,)``.
        """
        span, time, value = self._with_extrema(levels)
        reached = np.searchsorted(levels, value, side="right")
        first = np.flatnonzero(np.diff(span, prepend=-1))
        # Each pair of neighbours is a monotone piece, and crosses all levels between its values.
        low, high = np.minimum(reached[:-1], reached[1:]), np.maximum(reached[:-1], reached[1:])
        crossed = np.where(span[1:] == span[:-1], high - low, 0)
        piece = np.repeat(np.arange(len(crossed)), crossed)
        offset = np.arange(len(piece)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
        level = low[piece] + offset

        def above(item: Index, time_s: Array) -> Array:
            return self._curve(time_s) - levels[item]

        moment = root(
            above,
            level,
            (time[piece], value[piece] - levels[level]),
            (time[piece + 1], value[piece + 1] - levels[level]),
            max(_TOLERANCE_S, 4.0 * float(np.spacing(np.max(time, initial=0.0)))),
        )
        rising = reached[piece + 1] > reached[piece]
        # Equal levels are crossed at once, upwards in their order and downwards against it.
        order = np.where(rising, level, -level)
        return self._entries(
            np.concatenate((span[first], span[piece])),
            np.concatenate((time[first], moment)),
            np.concatenate((np.full(len(first), -len(levels) - 1), order)),
            np.concatenate((reached[first], np.where(rising, level + 1, level))),
        )

    def _entries(self, span: Index, time: Array, order: Index, count: Index) -> Steps:
        """Round to the millisecond; of entries of one tick, keep the last."""
        tick = ticks(time)
        order = np.lexsort((order, time, tick, span))
        span, tick, count = span[order], tick[order], count[order]
        last = np.append((span[1:] != span[:-1]) | (tick[1:] != tick[:-1]), True)
        within = last & ((tick < self._spans.end[span]) | (tick == self._spans.start[span]))
        span, tick, count = span[within], tick[within], count[within]
        changes = np.append(True, (span[1:] != span[:-1]) | (count[1:] != count[:-1]))
        return Steps(span[changes], tick[changes], count[changes])

    def _with_extrema(self, levels: Array) -> tuple[Index, Array, Array]:
        """Return the nodes with the extrema between them that could cross another level."""
        span, time, value = self._span, self._time, self._value
        rise, width = np.diff(value), np.diff(time)
        left, right = rise[:-1], rise[1:]
        inner = (span[1:-1] == span[:-2]) & (span[1:-1] == span[2:])
        turning = np.flatnonzero(inner & (left * right <= 0.0) & (left != right))
        # By how much the parabola through three nodes exceeds the middle one, four times over for
        # what the curve is not a parabola.
        before, after = (
            x[turning] / w[turning] for x, w in ((left, width[:-1]), (right, width[1:]))
        )
        bend = 2.0 * (after - before) / (width[:-1] + width[1:])[turning]
        slope = before + bend * width[:-1][turning] / 2.0
        overshoot = 4.0 * slope**2 / (2.0 * np.abs(bend)) + 1e-9
        middle = value[1:-1][turning]
        top = before > after
        near = np.searchsorted(levels, np.where(top, middle + overshoot, middle)) - np.searchsorted(
            levels, np.where(top, middle, middle - overshoot)
        )
        turning, sign = turning[near > 0], np.where(top, 1.0, -1.0)[near > 0]
        if not len(turning):
            return span, time, value
        extreme = _maximum(lambda t: sign * self._curve(t), time[turning], time[turning + 2])
        span = np.concatenate((span, span[turning + 1]))
        time = np.concatenate((time, extreme))
        value = np.concatenate((value, self._curve(extreme)))
        order = np.lexsort((time, span))
        return span[order], time[order], value[order]


def _in_order(span: Index, time: Array) -> tuple[Index, Array]:
    """Return nodes in order of span and time, each once."""
    order = np.lexsort((time, span))
    span, time = span[order], time[order]
    kept = np.append(True, (np.diff(span) != 0) | (np.diff(time) != 0))
    return span[kept], time[kept]


def _period(*several: Ticks) -> int:
    """Return more than any of the ticks, so that span and tick make one number in order."""
    return max(int(one.max(initial=0)) for one in several) + 1


def ticks(time_s: Array) -> Ticks:
    """Return the ticks of the whole milliseconds nearest to times in seconds."""
    return np.rint(time_s * 1000.0).astype(np.int64) * TICKS_PER_MILLISECOND


def _maximum(curve: Curve, left: Array, right: Array) -> Array:
    """Return where a curve is largest in brackets with one maximum each: golden section search."""
    a, b = left.copy(), right.copy()
    c, d = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    at_c, at_d = curve(c), curve(d)
    # A smooth curve is flat there: within 10 ms of its extremum to 5e-5 of its curvature.
    while float(np.max(b - a)) > 1e-2:
        lower = at_c > at_d
        a, b = np.where(lower, a, c), np.where(lower, d, b)
        fresh = np.where(lower, b - _GOLDEN * (b - a), a + _GOLDEN * (b - a))
        value = curve(fresh)
        c, d = np.where(lower, fresh, d), np.where(lower, c, fresh)
        at_c, at_d = np.where(lower, value, at_d), np.where(lower, at_c, value)
    return (a + b) / 2.0
