"""How many bytes a contact carries, and when: a downlink whose rate changes in steps.

All arithmetic is in whole bits and ticks, so the byte that crosses at a given tick is the same
on every machine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from .clock import TICKS_PER_SECOND

_BIT_TICKS_PER_BYTE = 8 * TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A stretch of a contact with one information rate.

    Attributes:
        start: first tick of the stretch.
        end: tick at which it ends; not before `start`.
        bits_per_second: information rate, after coding and framing.
    """

    start: int
    end: int
    bits_per_second: int


class Downlink:
    """The bytes that one contact can carry, as a function of time.

    The segments follow each other without a gap; a stretch without a signal has rate 0.
    """

    __slots__ = ("_carried", "_rates", "_times", "end", "start")

    def __init__(self, segments: Sequence[RateSegment]) -> None:
        """Lay the segments end to end.

        Raises:
            ValueError: no segment, a gap between two, one that ends before it starts, or a
                negative rate.
        """
        if not segments:
            raise ValueError("a downlink needs at least one segment")
        self._times = [segments[0].start]
        self._rates: list[int] = []
        self._carried = [0]  # in bits × ticks per second: whole numbers, whatever the rate
        for segment in segments:
            if segment.start != self._times[-1] or segment.end < segment.start:
                raise ValueError(f"segments must follow each other; found {segment}")
            if segment.bits_per_second < 0:
                raise ValueError(f"a rate must not be negative; found {segment}")
            self._times.append(segment.end)
            self._rates.append(segment.bits_per_second)
            span = (segment.end - segment.start) * segment.bits_per_second
            self._carried.append(self._carried[-1] + span)
        self.start = self._times[0]
        self.end = self._times[-1]

    @property
    def capacity(self) -> int:
        """Bytes that the whole contact carries."""
        return self._carried[-1] // _BIT_TICKS_PER_BYTE

    def carried_by(self, tick: int) -> int:
        """Return the whole bytes that have crossed by `tick`, counted from the start."""
        if tick <= self.start:
            return 0
        if tick >= self.end:
            return self.capacity
        index = bisect_right(self._times, tick) - 1
        units = self._carried[index] + (tick - self._times[index]) * self._rates[index]
        return units // _BIT_TICKS_PER_BYTE

    def time_of(self, count: int) -> int | None:
        """Return the first tick by which `count` bytes have crossed; None if they never do."""
        if count <= 0:
            return self.start
        units = count * _BIT_TICKS_PER_BYTE
        if units > self._carried[-1]:
            return None
        index = bisect_left(self._carried, units) - 1
        return self._times[index] + -(-(units - self._carried[index]) // self._rates[index])
