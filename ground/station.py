"""The receiving end: puts frames together from what the passes bring, in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..link.transfer import ByteRanges, Span


@dataclass(slots=True)
class Reception:
    """What the ground holds of one frame.

    Attributes:
        size: bytes of the whole file, as announced with its first packet.
        arrived: the byte positions that came.
        lost: the byte positions that were sent, confirmed and never came; sorted at the end.
        new_bytes: bytes that came for the first time.
        duplicate_bytes: bytes that came again.
    """

    size: int
    arrived: ByteRanges = field(default_factory=ByteRanges)
    duplicate_bytes: int = 0

    @property
    def new_bytes(self) -> int:
        """Bytes that came for the first time."""
        return self.arrived.total


class Station:
    """All ground stations as one archive of partly received frames.

    A frame that begins at one station and ends at another is one frame: stations forward what
    they receive.
    """

    def __init__(self) -> None:
        self._receptions: dict[int, Reception] = {}

    def receive(self, number: int, size: int, spans: list[Span]) -> tuple[int, int]:
        """Take in byte ranges of a frame; return how many bytes were new and how many not."""
        reception = self._receptions.setdefault(number, Reception(size))
        new = sum(reception.arrived.add(start, end) for start, end in spans)
        duplicate = sum(end - start for start, end in spans) - new
        reception.duplicate_bytes += duplicate
        return new, duplicate

    def reception(self, number: int) -> Reception | None:
        """Return what is held of a frame, or None if nothing ever came."""
        return self._receptions.get(number)

    def missing(self, number: int, size: int) -> list[Span]:
        """Return the byte ranges of a frame that never came."""
        reception = self._receptions.get(number)
        return reception.arrived.missing(size) if reception else [(0, size)]
