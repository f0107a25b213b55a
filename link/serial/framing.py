"""Frames messages on a serial line with consistent overhead byte stuffing (COBS) and a CRC-32.

    body ──► body + CRC-32 ──► COBS ──► 00 + stuffed + 00

COBS (Cheshire & Baker, IEEE/ACM Trans. Networking 7(2), 1999) removes every zero from the data, so
a zero always ends a frame and never lies within one. Whatever was lost or flipped, a receiver
is synchronised again at the next zero. The leading zero ends any frame that garbage has begun.
"""

from __future__ import annotations

import zlib
from typing import Final

from cobs import cobs

from .constants import LARGEST_BODY

DELIMITER: Final = b"\x00"
CRC_BYTES: Final = 4
LARGEST_STUFFED: Final = LARGEST_BODY + (LARGEST_BODY + 253) // 254


def frame(body: bytes) -> bytes:
    """Return the bytes that carry `body` over the line.

    Raises:
        ValueError: The body is longer than the largest message.
    """
    if len(body) + CRC_BYTES > LARGEST_BODY:
        raise ValueError(f"a message of {len(body)} bytes: allowed are {LARGEST_BODY - CRC_BYTES}")
    checked = body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    stuffed: bytes = cobs.encode(checked)
    return DELIMITER + stuffed + DELIMITER


def unframe(stuffed: bytes) -> bytes | None:
    """Return the body of the stuffed bytes between two zeros; None if it is damaged."""
    try:
        checked: bytes = cobs.decode(stuffed)
    except cobs.DecodeError:
        return None
    body, crc = checked[:-CRC_BYTES], checked[-CRC_BYTES:]
    if len(checked) <= CRC_BYTES or zlib.crc32(body) != int.from_bytes(crc, "little"):
        return None
    return body


class Deframer:
    """Finds the undamaged frames in a stream of bytes; buffers at most one frame.

    Attributes:
        bad: Number of byte sequences that were damaged, too long, or no frame at all.
    """

    __slots__ = ("_held", "_overrun", "bad")

    def __init__(self) -> None:
        self._held = bytearray()
        self._overrun = False
        self.bad = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Process bytes from the line; return the bodies that are now complete."""
        bodies = []
        *ended, rest = data.split(DELIMITER)
        for piece in ended:
            self._hold(piece)
            if self._overrun:
                self.bad += 1
            elif self._held:
                body = unframe(bytes(self._held))
                if body is None:
                    self.bad += 1
                else:
                    bodies.append(body)
            self._held.clear()
            self._overrun = False
        self._hold(rest)
        return bodies

    def forget_partial_frame(self) -> None:
        """Drop the bytes since the last zero, because their end will never come."""
        self._held.clear()
        self._overrun = False

    def _hold(self, piece: bytes) -> None:
        if len(self._held) + len(piece) > LARGEST_STUFFED:
            self._overrun = True
            self._held.clear()
        elif not self._overrun:
            self._held += piece
