"""Track which bytes of each frame's file the ground has, from all stations and in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..link.channel.packets import ByteRanges, Span


@dataclass(slots=True)
class Reception:
    """The bytes that the ground has received of one file.

    Attributes:
        size: Size of the whole file in bytes, as announced with its first packet.
        arrived: Ranges of the bytes that have arrived.
        duplicate_bytes: Number of bytes that arrived again.
    """

    size: int
    arrived: ByteRanges = field(default_factory=ByteRanges)
    duplicate_bytes: int = 0

    @property
    def new_bytes(self) -> int:
        """Number of bytes that have arrived, each counted once."""
        return self.arrived.total


class ReceivedFiles:
    """The files that the ground segment has received in whole or in part, by number.

    Stations forward what they receive, so a file that begins at one station and ends at another
    is one file.
    """

    def __init__(self) -> None:
        self._receptions: dict[int, Reception] = {}

    def open(self, number: int, size: int) -> Reception:
        """Return what has arrived of a file of `size` bytes, from now on even if it is nothing."""
        return self._receptions.setdefault(number, Reception(size))

    def receive(self, number: int, size: int, spans: list[Span]) -> tuple[int, int]:
        """Add received byte ranges of a file; return the numbers of new and of duplicate bytes."""
        reception = self.open(number, size)
        new = sum(reception.arrived.add(start, end) for start, end in spans)
        duplicate = sum(end - start for start, end in spans) - new
        reception.duplicate_bytes += duplicate
        return new, duplicate

    def reception(self, number: int) -> Reception | None:
        """Return what has arrived of a file; None if nothing has."""
        return self._receptions.get(number)

    def missing(self, number: int, size: int) -> list[Span]:
        """Return the byte ranges of a file that have not arrived."""
        reception = self._receptions.get(number)
        return reception.arrived.missing(size) if reception else [(0, size)]
