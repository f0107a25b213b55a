"""Sizes and time-outs that suit a line's bit rate.

On a slow line, chunks are small and few are in flight, so that an answer comes within seconds:

    921,600 baud   2048 bytes in  23 ms, 32 in flight   time-out from 0.9 s, silence 5 s
      9,600 baud    920 bytes in   1 s,   2 in flight   time-out from 4.1 s, silence 8.2 s
        300 baud     64 bytes in 3.5 s,   2 in flight   time-out from  14 s, silence  28 s
"""

from __future__ import annotations

from typing import Final

from .constants import SMALLEST_CHUNK

BITS_PER_BYTE_ON_WIRE: Final = 10
"""Start bit, eight data bits, stop bit."""
_FRAME_OVERHEAD: Final = 40
"""Bytes that a chunk's frame adds to its data, generously."""
_ANSWER_S: Final = 0.1
"""Seconds that a board may take to answer, besides the line's time."""
_CHUNK_S: Final = 1.0
"""Seconds that a chunk may take on the line, if smaller ones are allowed."""
_FLIGHT_S: Final = 2.0
"""Seconds that the chunks in flight may take on the line, if they are more than two."""
_HANDSHAKE: Final = 200
"""Bytes of QUERY and the longest CAPS with their framing, and a few more."""


class LinePace:
    """A line's rate, and what follows from it.

    Args:
        baud: Bits per second, at least 1; None if the line has no rate of its own.
    """

    def __init__(self, baud: int | None) -> None:
        self._bytes_per_s = None if baud is None else baud / BITS_PER_BYTE_ON_WIRE

    def seconds(self, count: int) -> float:
        """Return how long the line carries so many bytes."""
        return 0.0 if self._bytes_per_s is None else count / self._bytes_per_s

    @property
    def handshake_s(self) -> float:
        """Seconds in which a message of the handshake is answered."""
        return _ANSWER_S + self.seconds(_HANDSHAKE)

    @property
    def opening_s(self) -> int:
        """Whole seconds that the line needs to open a session; 0 on a fast one."""
        return round(self.seconds(3 * _HANDSHAKE))

    def chunk(self, most: int) -> int:
        """Return the bytes of a chunk: at most `most`, and what the line carries in a second."""
        if self._bytes_per_s is None:
            return most
        return min(most, max(SMALLEST_CHUNK, int(_CHUNK_S * self._bytes_per_s) - _FRAME_OVERHEAD))

    def window(self, most: int, chunk: int) -> int:
        """Return how many chunks may be in flight: at most `most`, and two seconds' worth."""
        each = self.seconds(chunk + _FRAME_OVERHEAD)
        return most if not each else min(most, max(2, int(_FLIGHT_S / each)))

    def answer_s(self, window: int, chunk: int) -> float:
        """Return the seconds in which a chunk is answered when a full window is in flight."""
        return _ANSWER_S + self.seconds((window + 2) * (chunk + _FRAME_OVERHEAD))
