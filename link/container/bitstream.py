"""The container of an encoded frame, the same for every codec.

    +--------+------------+--------+---------+---------+-   -+---------+
    | header | tile table | CRC-32 | tile 0  | tile 1  | ... | tile n-1|
    +--------+------------+--------+---------+---------+-   -+---------+

The header describes the frame. The table holds a length and a CRC-32 for each tile, and one CRC-32
protects header and table. Each tile is coded alone, and the table gives its position, so bytes
lost in one tile damage no other tile. docs/bitstream.md specifies every byte and gives the
reasons. The module `header` has the header, `tiles` the geometry.

The bytes read may be hostile: every size is checked against the number of bytes available before
memory is allocated for it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..errors import BitstreamError
from . import varint
from .header import FrameHeader, parse_header

_CRC = struct.Struct("<I")
_SMALLEST_ROW = 1 + _CRC.size


@dataclass(frozen=True, slots=True)
class TileSpan:
    """Position of a tile's payload in the bitstream, in bytes, and the CRC-32 it must have."""

    index: int
    offset: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the payload."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Container:
    """An unpacked bitstream.

    Attributes:
        header: Header of the frame.
        payloads: Payload of each tile; None if its bytes are missing or damaged.
        damaged: Indices of the tiles with missing or damaged bytes, ascending.
    """

    header: FrameHeader
    payloads: tuple[bytes | None, ...]
    damaged: tuple[int, ...]


def pack(header: FrameHeader, payloads: Sequence[bytes]) -> bytes:
    """Return the bitstream of a frame from its tiles' payloads, in order of their indices.

    Raises:
        BitstreamError: The number of payloads is not the number of the frame's tiles.
    """
    if len(payloads) != header.tile_count:
        raise BitstreamError(f"{len(payloads)} tiles for a frame of {header.tile_count}")
    out = bytearray(header.pack())
    for payload in payloads:
        out += varint.pack(len(payload))
        out += _CRC.pack(zlib.crc32(payload))
    out += _CRC.pack(zlib.crc32(out))
    return b"".join((bytes(out), *payloads))


def with_description(bitstream: bytes, description: bytes) -> bytes:
    """Return the bitstream of the same frame with another description in its header.

    Raises:
        BitstreamError: As for `read_header`, or the description is too long.
    """
    header, spans = read_header(bitstream)
    start = len(header.pack())
    out = bytearray(replace(header, description=description).pack())
    out += bitstream[start : spans[0].offset - _CRC.size]
    out += _CRC.pack(zlib.crc32(out))
    return b"".join((bytes(out), bitstream[spans[0].offset :]))


def packed_size(header: FrameHeader, lengths: Iterable[int]) -> int:
    """Return how many bytes `pack` would write for payloads of these lengths."""
    size = len(header.pack()) + _CRC.size
    for length in lengths:
        size += varint.size(length) + _CRC.size + length
    return size


def read_header(bitstream: bytes) -> tuple[FrameHeader, list[TileSpan]]:
    """Return the header and the positions of the tiles, from the first bytes of a bitstream.

    The tiles themselves need not have arrived.

    Raises:
        BitstreamError: The bytes are no downpass frame, its version or codec is unknown, or the
            header is cut off or damaged.
    """
    try:
        parsed = parse_header(bitstream)
        table, offset = _parse_table(bitstream, parsed.end, parsed.tile_count)
    except ValueError as error:
        raise BitstreamError(f"the header is damaged: {error}") from None
    (expected,) = _CRC.unpack_from(bitstream, offset)
    if zlib.crc32(memoryview(bitstream)[:offset]) != expected:
        raise BitstreamError("the header is damaged: its CRC-32 does not match")
    header = parsed.checked()
    spans = []
    start = offset + _CRC.size
    for index, (length, crc) in enumerate(table):
        spans.append(TileSpan(index, start, length, crc))
        start += length
    return header, spans


def unpack(bitstream: bytes) -> Container:
    """Return the header and the tiles of a bitstream, and which of them are damaged.

    Raises:
        BitstreamError: As for `read_header`, or bytes follow the last tile.
    """
    header, spans = read_header(bitstream)
    surplus = len(bitstream) - spans[-1].end
    if surplus > 0:
        raise BitstreamError(f"{surplus} bytes follow the last tile: a frame ends with it")
    payloads: list[bytes | None] = []
    for span in spans:
        payload = bitstream[span.offset : span.end]
        sound = len(payload) == span.length and zlib.crc32(payload) == span.crc
        payloads.append(bytes(payload) if sound else None)
    damaged = tuple(index for index, payload in enumerate(payloads) if payload is None)
    return Container(header, tuple(payloads), damaged)


def tile_spans(bitstream: bytes) -> list[tuple[int, int, int]]:
    """Return (tile index, offset, length) of each tile, to find the tiles that a lost packet hits.

    The bytes before the first offset are header and tile table. A frame without them is lost.
    """
    return [(span.index, span.offset, span.length) for span in read_header(bitstream)[1]]


def without(bitstream: bytes, lost_tiles: Iterable[int]) -> bytes:
    """Return the bitstream as the ground holds it if the bytes of these tiles were lost.

    Lost bytes become zeros (ones, if the tile's bytes were all zeros), so every other tile keeps
    the position that the table gives.
    """
    _, spans = read_header(bitstream)
    out = bytearray(bitstream)
    for index in lost_tiles:
        if not 0 <= index < len(spans):
            raise BitstreamError(f"tile {index}: the frame has tiles 0 to {len(spans) - 1}")
        span = spans[index]
        there = out[span.offset : span.end]
        out[span.offset : span.end] = (b"\x00" if any(there) else b"\xff") * len(there)
    return bytes(out)


def _parse_table(data: bytes, offset: int, count: int) -> tuple[list[tuple[int, int]], int]:
    """Return length and CRC-32 of each tile, and the offset of the header's own CRC-32."""
    if count * _SMALLEST_ROW > len(data) - offset:
        raise ValueError(f"a table of {count} tiles in {len(data) - offset} bytes")
    table = []
    for _ in range(count):
        length, offset = varint.unpack(data, offset)
        if len(data) < offset + _CRC.size:
            raise ValueError("the bytes end within the tile table")
        table.append((length, _CRC.unpack_from(data, offset)[0]))
        offset += _CRC.size
    if len(data) < offset + _CRC.size:
        raise ValueError("the bytes end within the header")
    return table, offset
