"""Sends a tile to the board: tracks chunks that have arrived, are in flight or must be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .constants import LARGEST_WINDOW
from .messages import State
from .roundtrip import RoundTrip


@dataclass(slots=True)
class _Flight:
    """A chunk that was sent and not acknowledged.

    Attributes:
        order: Its position among all chunks sent in the session.
        sent_at: When it was sent, in seconds.
        repeated: Whether it had been sent before, which makes its round trip ambiguous (Karn's
            rule).
    """

    order: int
    sent_at: float
    repeated: bool


class Upload:
    """Sends one tile's chunks by selective repeat.

    Args:
        tile: The samples.
        chunk: Bytes of every chunk but the last.
    """

    def __init__(self, tile: bytes, chunk: int) -> None:
        self.round = 0
        """How often the board has discarded the tile, modulo 256 as in STATE."""
        self._tile = tile
        self._chunk = chunk
        self.count = -(-len(tile) // chunk)
        """Number of chunks."""
        self._next = 0
        self._first_missing = 0
        self._acknowledged: set[int] = set()
        self._to_repeat: set[int] = set()
        self._sent_once: set[int] = set()
        self._flights: dict[int, _Flight] = {}

    @property
    def has_arrived(self) -> bool:
        """Whether the board has every chunk."""
        return self._first_missing == self.count

    @property
    def is_sent(self) -> bool:
        """Whether every chunk was sent at least once."""
        return self._next == self.count

    @property
    def in_flight(self) -> int:
        """Number of chunks sent and not acknowledged."""
        return len(self._flights)

    @property
    def oldest_sent_at(self) -> float | None:
        """When the oldest chunk in flight was sent, in seconds; None if none is in flight."""
        return min((flight.sent_at for flight in self._flights.values()), default=None)

    def due(self) -> int | None:
        """Return the chunk to send next; None if none is due within reach of the board's bitmap."""
        if self._to_repeat:
            return min(self._to_repeat)
        if self._next < min(self.count, self._first_missing + LARGEST_WINDOW):
            return self._next
        return None

    def launch(self, index: int, order: int, now: float) -> tuple[bytes, bool]:
        """Put a chunk in flight; return its bytes, and whether it was sent before."""
        repeated = index in self._sent_once
        self._to_repeat.discard(index)
        self._sent_once.add(index)
        self._next = max(self._next, index + 1)
        self._flights[index] = _Flight(order, now, repeated)
        return self._tile[index * self._chunk : (index + 1) * self._chunk], repeated

    def acknowledge(self, state: State, now: float, round_trip: RoundTrip) -> int | None:
        """Process a STATE's bitmap; return the order of the newest chunk it acknowledges."""
        newest: int | None = None
        for index in self._arrived(state):
            if index in self._acknowledged:
                continue
            self._acknowledged.add(index)
            self._to_repeat.discard(index)
            flight = self._flights.pop(index, None)
            if flight is not None:
                newest = flight.order if newest is None else max(newest, flight.order)
                if not flight.repeated:
                    round_trip.measured(now - flight.sent_at)
        while self._first_missing in self._acknowledged:
            self._first_missing += 1
        return newest

    def _arrived(self, state: State) -> Iterable[int]:
        yield from range(self._first_missing, min(state.first, self.count))
        for bit in range(LARGEST_WINDOW):
            if state.received >> bit & 1 and state.first + bit < self.count:
                yield state.first + bit

    def repeat_before(self, newest: int) -> None:
        """Treat chunks sent before the newest arrival as lost, because a line keeps the order."""
        self._repeat(lambda flight: flight.order < newest - 1)

    def repeat_sent_until(self, late: float) -> bool:
        """Repeat the chunks sent until `late`; return whether there are any."""
        return self._repeat(lambda flight: flight.sent_at <= late)

    def _repeat(self, is_lost: Callable[[_Flight], bool]) -> bool:
        lost = [index for index, flight in self._flights.items() if is_lost(flight)]
        for index in lost:
            del self._flights[index]
        self._to_repeat.update(lost)
        return bool(lost)

    def complete(self, now: float, round_trip: RoundTrip | None = None) -> None:
        """Record that the board has the whole tile; chunks in flight update `round_trip`."""
        for flight in self._flights.values():
            if round_trip is not None and not flight.repeated:
                round_trip.measured(now - flight.sent_at)
        self._flights.clear()
        self._to_repeat.clear()
        self._first_missing = self._next = self.count

    def start_over(self) -> None:
        """Send the whole tile again, because the board has none of it."""
        self._flights.clear()
        self._acknowledged.clear()
        self._to_repeat.clear()
        self._first_missing = self._next = 0

    def stop(self) -> None:
        """Send nothing more, and free the samples."""
        self._flights.clear()
        self._tile = b""
