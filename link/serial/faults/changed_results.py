"""Makes a board's results wrong, or failed, so that the line's checks cannot notice it.

A result is sent as DATA chunks and a RESULT with the CRC-32 of them all, and each may be sent
again. So both changes are made frame by frame, without the other frames of the result.

The CRC-32 of the changed bytes follows from that of the unchanged ones, because it is linear over
GF(2): for a and d of equal length, crc(a ^ d) = crc(a) ^ crc(d) ^ crc(0).
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

from ..constants import Status
from ..messages import Data, Result

REFUSAL: Final = b"refused by an injected fault"
"""The reason that an injected refusal gives; shorter than the smallest chunk."""


def wrong(message: Data | Result, chunk: int, draw: int, largest: int) -> Data | Result:
    """Return a frame of a result of which one byte of the first chunk is wrong.

    Args:
        message: A frame of the result.
        chunk: Bytes of every chunk but the last, in this session.
        draw: A number that decides which byte is changed, and how.
        largest: Most bytes that the result of this tile can have; a longer one is left alone.
    """
    flip = 1 + (draw >> 32) % 255
    if isinstance(message, Data):
        if message.index:
            return message
        data = bytearray(message.data)
        data[draw % len(data)] ^= flip
        return replace(message, data=bytes(data))
    length = message.length
    if message.status != Status.CODED or not 1 <= length <= largest:
        return message
    zeros = bytes(length)
    difference = bytearray(zeros)
    difference[draw % min(chunk, length)] = flip
    crc = message.crc ^ zlib.crc32(difference) ^ zlib.crc32(zeros)
    return replace(message, crc=crc)


def failed(message: Data | Result) -> list[Data | Result]:
    """Return what a board sends that could not encode the tile, in place of a frame of a result."""
    reason = Data(message.job, 0, REFUSAL)
    if isinstance(message, Data):
        return [] if message.index else [reason]
    crc = zlib.crc32(REFUSAL)
    ended = replace(message, status=Status.FAILED, length=len(REFUSAL), crc=crc)
    # A result without a chunk of its own still needs the reason's.
    return [reason, ended]
