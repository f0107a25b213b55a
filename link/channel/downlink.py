"""How many bytes a contact carries, and when: a downlink whose rate changes in steps.

All arithmetic is in whole bits and ticks, so the byte that crosses at a given tick is the same
on every machine.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..clock import TICKS_PER_SECOND

PACKET_LOSS: Final = "packet loss"
RAIN: Final = "rain"
MARGIN: Final = "margin"

_BIT_TICKS_PER_BYTE = 8 * TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A stretch of a contact with one information rate and one loss probability.

    Attributes:
        start: First tick of the stretch.
        end: Tick at which it ends; not before `start`.
        bits_per_second: Information rate, after coding and framing.
        packet_loss: Probability that a packet is lost, each alone, 0 to 1.
        loss_cause: Why packets of this stretch are lost: `PACKET_LOSS` (the channel's own losses),
            `RAIN` (the mode would be received in a clear sky) or `MARGIN` (not even then).
        mode: Name of the mode that is sent; empty where the rate comes from a table, or nothing
            is sent.
    """

    start: int
    end: int
    bits_per_second: int
    packet_loss: float = 0.0
    loss_cause: str = PACKET_LOSS
    mode: str = ""


class LossRun(NamedTuple):
    """Packets in a row that are lost with the same probability and for the same reason.

    Attributes:
        packets: Number of packets.
        probability: Probability that one of them is lost, each alone, 0 to 1.
        cause: Why they are lost, as `RateSegment.loss_cause`.
    """

    packets: int
    probability: float
    cause: str


class Downlink:
    """The bytes that one contact can carry, as a function of time.

    The segments follow each other without a gap; a stretch without a signal has rate 0.

    Attributes:
        start: First tick.
        end: Tick at which the contact ends.
        segments: The segments.
    """

    __slots__ = (
        "_carried",
        "_causes",
        "_losses",
        "_rates",
        "_times",
        "end",
        "segments",
        "start",
    )

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
        self._causes: list[str] = []
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
            self._causes.append(segment.loss_cause)
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

    def packet_losses(self, position: int, packets: int, packet: int) -> list[LossRun]:
        """Return how many packets in a row have which loss probability, and why.

        A packet has the probability of the segment in which its first byte crosses.

        Args:
            position: Bytes of the contact that crossed before the first packet.
            packets: How many packets follow each other.
            packet: Bytes of a packet.

        Returns:
            Runs of packets in order; neighbours differ in probability or cause.
        """
        runs: list[LossRun] = []
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
                probability, cause = self._losses[index], self._causes[index]
                count = until - done
                if runs and runs[-1][1:] == (probability, cause):
                    count += runs.pop().packets
                runs.append(LossRun(count, probability, cause))
                done = until
            index += 1
        return runs
