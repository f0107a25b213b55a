"""How many bytes a contact carries, and when: a downlink whose rate changes in steps.

All arithmetic is in whole bits and ticks, so the byte that crosses at a given tick is the same
on every machine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..clock import TICKS_PER_SECOND

_BIT_TICKS_PER_BYTE = 8 * TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A stretch of a contact with one information rate and one loss probability.

    Attributes:
        start: First tick of the stretch.
        end: Tick at which it ends; not before `start`.
        bits_per_second: Information rate, after coding and framing.
        packet_loss: Probability that a packet is lost, each alone, 0 to 1.
    """

    start: int
    end: int
    bits_per_second: int
    packet_loss: float = 0.0


class Downlink:
    """The bytes that one contact can carry, as a function of time.

    The segments follow each other without a gap; a stretch without a signal has rate 0.

    Attributes:
        start: First tick.
        end: Tick at which the contact ends.
        segments: The segments.
    """

    __slots__ = ("_carried", "_losses", "_rates", "_times", "end", "segments", "start")

    def __init__(self, segments: Sequence[RateSegment]) -> None:
        """Lay the segments end to end.

        Raises:
            ValueError: No segment, a gap between two, one that ends before it starts, a
                negative rate, or a loss probability outside 0 to 1.
        """
        if not segments:
            raise ValueError("a downlink needs at least one segment")
        self.segments = tuple(segments)
        self._times = [segments[0].start]
        self._rates: list[int] = []
        self._losses: list[float] = []
        self._carried = [0]  # in bits × ticks per second: whole numbers, whatever the rate
        for segment in segments:
            if segment.start != self._times[-1] or segment.end < segment.start:
                raise ValueError(f"segments must follow each other; found {segment}")
            if segment.bits_per_second < 0:
                raise ValueError(f"a rate must not be negative; found {segment}")
            if not 0 <= segment.packet_loss <= 1:
                raise ValueError(f"a loss probability lies in 0 to 1; found {segment}")
            self._times.append(segment.end)
            self._rates.append(segment.bits_per_second)
            self._losses.append(segment.packet_loss)
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

    def packet_losses(self, position: int, packets: int, packet: int) -> list[tuple[int, float]]:
        """Return how many packets in a row have which loss probability.

        A packet has the probability of the segment in which its first byte crosses.

        Args:
            position: Bytes of the contact that crossed before the first packet.
            packets: How many packets follow each other.
            packet: Bytes of a packet.

        Returns:
            Pairs of a number of packets and their probability, in order; neighbours differ.
        """
        runs: list[tuple[int, float]] = []
        first = position * _BIT_TICKS_PER_BYTE
        step = packet * _BIT_TICKS_PER_BYTE
        done = 0
        index = bisect_right(self._carried, first) - 1
        while done < packets:
            last = index >= len(self._losses) - 1
            index = min(index, len(self._losses) - 1)
            # The packets whose first byte lies before the end of this segment.
            until = (
                packets if last else min(packets, -(-(self._carried[index + 1] - first) // step))
            )
            if until > done:
                if runs and runs[-1][1] == self._losses[index]:
                    runs[-1] = (runs[-1][0] + until - done, self._losses[index])
                else:
                    runs.append((until - done, self._losses[index]))
                done = until
            index += 1
        return runs
