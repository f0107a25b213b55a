"""Simulates one direction of a serial line, with repeatable faults.

    write(data, now) ──► faults ──► line rate, delay ──► read(now)

Time is an argument, so the same line works in virtual time (`testing.rehearsal`) and, in front of a
real board, in real time (`line_proxy`). A frame fault affects the bytes of one `write`, so write
frame by frame.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

BITS_PER_BYTE = 10


def flipped_bytes(bit_error_rate: float) -> float:
    """Return the probability that a byte has a wrong bit, for `Faults.flip_bit`."""
    return -math.expm1(8 * math.log1p(-bit_error_rate)) if bit_error_rate < 1 else 1.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Fault rates: probabilities per frame, or per byte where noted.

    Attributes:
        drop: The frame is lost.
        duplicate: The frame arrives twice.
        reorder: The frame arrives after later ones.
        truncate: The frame's end is lost.
        garbage: A burst of random bytes arrives before the frame.
        stall: The line stalls before the frame, for up to `stall_s`.
        stall_s: The longest stall, in seconds.
        lose_byte: A byte is lost; per byte.
        flip_bit: A bit of a byte is flipped; per byte.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    stall: float = 0.0
    stall_s: float = 0.5
    lose_byte: float = 0.0
    flip_bit: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value < 0 or (name != "stall_s" and value > 1):
                raise ValueError(f"{name} {value:g}: allowed are 0 to 1")


CLEAN = Faults()


@dataclass(slots=True)
class FaultCounts:
    """Number of frames written and of each fault so far."""

    frames: int = 0
    dropped: int = 0
    duplicated: int = 0
    reordered: int = 0
    truncated: int = 0
    garbage: int = 0
    stalled: int = 0
    bytes_lost: int = 0
    bits_flipped: int = 0
    damaged: int = 0
    """Frames with flipped bits or lost bytes."""
    cut_off: int = 0
    """Frames lost because the line was cut."""

    @property
    def total(self) -> int:
        """Number of all faults."""
        names = set(self.__dataclass_fields__) - {"frames", "damaged"}
        return sum(getattr(self, name) for name in names)


@dataclass(slots=True)
class FaultyLine:
    """One direction of a line.

    Attributes:
        seed: Seed of all random numbers.
        baud: Bits per second, ten to a byte; None means no limit.
        delay_s: Seconds from the last bit's departure to its arrival.
        jitter_s: Most seconds that a frame takes longer than that; frames keep their order.
        faults: The fault rates; they may be changed at any time.
    """

    seed: int | str
    baud: float | None = None
    delay_s: float = 0.0
    faults: Faults = CLEAN
    jitter_s: float = 0.0
    counts: FaultCounts = field(default_factory=FaultCounts)
    scrambled: bool = False
    """Whether the other end reads at another rate, so that it receives only random bytes."""
    _rng: random.Random = field(init=False)
    _free_at: float = field(init=False, default=0.0)
    _late: float = field(init=False, default=0.0)
    _cut_until: float = field(init=False, default=-math.inf)
    _held_until: float = field(init=False, default=-math.inf)
    _order: Iterator[int] = field(init=False, default_factory=itertools.count)
    _wire: list[tuple[float, int, bytes]] = field(init=False, default_factory=list)
    _in_transit: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311  (repeatable, not secret)

    @property
    def in_transit(self) -> int:
        """Number of bytes that have been written and have not arrived."""
        return self._in_transit

    def free_at(self) -> float:
        """Return when the line will have sent all written bytes."""
        return self._free_at

    def next_arrival(self) -> float | None:
        """Return when the next bytes will arrive; None if none are in transit."""
        return self._wire[0][0] if self._wire else None

    def write(
        self, data: bytes, now: float, draws: random.Random | None = None, held_s: float = 0.0
    ) -> None:
        """Put a frame on the line.

        Args:
            data: The frame's bytes.
            now: The time in seconds.
            draws: Random numbers that decide about this frame; by default the line's own.
            held_s: Seconds by which it arrives later; frames written after it may overtake it.
        """
        faults, counts = self.faults, self.counts
        draws = draws or self._rng
        chance = draws.random
        counts.frames += 1
        if now < self._cut_until:
            counts.cut_off += 1
            return
        start = max(now, self._free_at)
        if faults.stall and chance() < faults.stall:
            counts.stalled += 1
            start += chance() * faults.stall_s
        if faults.garbage and chance() < faults.garbage:
            counts.garbage += 1
            start = self._put(draws.randbytes(draws.randint(1, 300)), start, 0.0, 0.0)
        copies = 1
        if faults.drop and chance() < faults.drop:
            counts.dropped += 1
            copies = 0
        elif faults.duplicate and chance() < faults.duplicate:
            counts.duplicated += 1
            copies = 2
        if faults.truncate and chance() < faults.truncate:
            counts.truncated += 1
            data = data[: draws.randrange(len(data))]
        held = held_s
        if faults.reorder and chance() < faults.reorder:
            counts.reordered += 1
            held += (0.002 if self.baud is None else 50000 / self.baud) * (1 + 3 * chance())
        late = chance() * self.jitter_s if self.jitter_s else 0.0
        for _ in range(copies):
            start = self._put(self._damaged(data, draws), start, late, held)
        self._free_at = start

    def read(self, now: float) -> bytes:
        """Return the bytes that have arrived."""
        arrived = []
        while self._wire and self._wire[0][0] <= now:
            arrived.append(heapq.heappop(self._wire)[2])
        data = b"".join(arrived)
        self._in_transit -= len(data)
        return data

    def cut(self, until: float = -math.inf) -> None:
        """Lose everything that is in transit, and everything written before `until`."""
        self._wire.clear()
        self._in_transit = 0
        self._free_at = self._late = 0.0
        self._cut_until = max(self._cut_until, until)

    def hold(self, until: float) -> None:
        """Send nothing that is not yet in transit before `until`; nothing is lost."""
        self._free_at = max(self._free_at, until)
        self._held_until = max(self._held_until, until)

    def is_interrupted(self, now: float) -> bool:
        """Whether the line is cut or held at this time."""
        return now < max(self._cut_until, self._held_until)

    def _put(self, data: bytes, start: float, late: float, held: float) -> float:
        end = start if self.baud is None else start + len(data) * BITS_PER_BYTE / self.baud
        arrival = end + self.delay_s + late + held
        if not held:
            # Later bytes must not overtake earlier ones after a stall.
            arrival = self._late = max(arrival, self._late)
        heapq.heappush(self._wire, (arrival, next(self._order), data))
        self._in_transit += len(data)
        return end

    def _damaged(self, data: bytes, draws: random.Random) -> bytes:
        if self.scrambled:
            return draws.randbytes(max(1, len(data) // 2))
        faults = self.faults
        if not (faults.lose_byte or faults.flip_bit):
            return data
        out = bytearray(data)
        flipped = _strikes(len(out), faults.flip_bit, draws)
        for position in flipped:
            out[position] ^= 1 << draws.randrange(8)
        self.counts.bits_flipped += len(flipped)
        lost = _strikes(len(out), faults.lose_byte, draws)
        for position in reversed(lost):
            del out[position]
        self.counts.bytes_lost += len(lost)
        self.counts.damaged += bool(flipped or lost)
        return bytes(out)


def _strikes(count: int, probability: float, draws: random.Random) -> list[int]:
    """Draw which of `count` bytes have a fault; the gaps are geometrically distributed."""
    if probability < 1e-12:
        return []
    if probability >= 1:
        return list(range(count))
    struck: list[int] = []
    scale = 1 / math.log1p(-probability)
    position = -1
    while True:
        position += 1 + int(math.log(1.0 - draws.random()) * scale)
        if position >= count:
            return struck
        struck.append(position)
