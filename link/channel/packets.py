"""Packets of a file: which byte ranges have arrived, and which packets the channel loses."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

Span = tuple[int, int]
"""A half-open range of byte positions: the first, and one past the last."""


class ByteRanges:
    """The byte positions of one file that have arrived, as disjoint rising ranges."""

    __slots__ = ("_ends", "_starts", "total")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.total = 0

    def add(self, start: int, end: int) -> int:
        """Take in the bytes from `start` up to `end`; return how many of them are new."""
        if end <= start:
            return 0
        # Ranges that touch are joined, so a file that arrives in order stays one range.
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        held = sum(self._ends[first:last]) - sum(self._starts[first:last])
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        new = end - start - held
        self.total += new
        return new

    def missing(self, size: int) -> list[Span]:
        """Return the ranges that a file of `size` bytes still lacks."""
        gaps, position = [], 0
        for start, end in self:
            if start > position:
                gaps.append((position, start))
            position = end
        if position < size:
            gaps.append((position, size))
        return gaps

    def __iter__(self) -> Iterator[Span]:
        return iter(zip(self._starts, self._ends, strict=True))


def lost_packets(rng: random.Random, packets: int, probability: float) -> list[int]:
    """Draw which of `packets` packets are lost, each alone with `probability`."""
    return list(losses(rng, packets, probability))


def losses(rng: random.Random, packets: int, probability: float) -> Iterator[int]:
    """Draw one after the other which of `packets` packets are lost, each with `probability`.

    The gaps between losses are geometric, so the cost goes with the losses and not with the
    packets. `random.Random` keeps its sequence between Python versions; numpy's does not
    promise to.
    """
    if probability <= 0:
        return
    if probability >= 1:
        yield from range(packets)
        return
    scale = 1 / math.log1p(-probability)
    index = -1
    while True:
        # 1 − random() lies in (0, 1], where the logarithm is finite; a tiny probability's gap
        # may be beyond all floats, so it is compared before it is made whole.
        gap = math.log(1.0 - rng.random()) * scale
        if gap >= packets:
            return
        index += 1 + int(gap)
        if index >= packets:
            return
        yield index
