"""What the ground holds of each frame's file: all stations together, in whatever order it came."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..link.channel.packets import ByteRanges, Span


@dataclass(slots=True)
class Reception:
    """What the ground holds of one file.

    Attributes:
        size: Bytes of the whole file, as announced with its first packet.
        arrived: Byte positions that have arrived.
        duplicate_bytes: Bytes that arrived more than once.
    """

    size: int
    arrived: ByteRanges = field(default_factory=ByteRanges)
    duplicate_bytes: int = 0

    @property
    def new_bytes(self) -> int:
        """Bytes that arrived for the first time."""
        return self.arrived.total


class ReceivedFiles:
    """The files that the ground segment has received in whole or in part, by number.

    Stations forward what they receive, so a file that begins at one station and ends at another
    is one file.
    """

    def __init__(self) -> None:
        self._receptions: dict[int, Reception] = {}

    def receive(self, number: int, size: int, spans: list[Span]) -> tuple[int, int]:
        """Take in byte ranges of a file; return how many bytes were new and how many were not."""
        reception = self._receptions.setdefault(number, Reception(size))
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
