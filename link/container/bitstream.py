"""The container that every encoded frame travels in, whatever coded it.

    +--------+------------+--------+---------+---------+-   -+---------+
    | header | tile table | CRC-32 | tile 0  | tile 1  | ... | tile n-1|
    +--------+------------+--------+---------+---------+-   -+---------+

The header says what the frame is. The table holds a length and a CRC-32 for each tile, and one
CRC-32 protects both. Tiles are coded alone and lie where the table says, so bytes lost in one
of them cost that tile and no other. docs/bitstream.md tells it byte for byte, and why.

Nothing here trusts its input: a size is checked against the bytes that are there before
anything is allocated for it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from ..errors import InputError
from ..student.rotation import Quaternion
from . import tiles, varint
from .description import MOST_PACKED

SampleType = Literal["uint8", "uint16", "int16"]

MAGIC: Final = b"DP"
VERSION: Final = 1
CODECS: Final = {
    1: "jpeg2000",
    2: "jpegxl",
    3: "jpegls",
    4: "ccsds121",
    5: "avif",
    16: "student",
}
NO_MODEL: Final = bytes(8)
LARGEST_SIDE: Final = 1 << 24
MOST_BANDS: Final = 4096
LARGEST_TILE: Final = 1 << 16

_CODEC_IDS = {name: number for number, name in CODECS.items()}
_SAMPLE_TYPES: tuple[SampleType, ...] = ("uint8", "uint16", "int16")
_HAS_MODEL, _HAS_NODATA, _HAS_MASKS, _HAS_GROUPS, _HAS_SCALES = 1, 2, 4, 8, 16
_HAS_ROTATIONS, _HAS_DESCRIPTION = 32, 64
_KNOWN_FLAGS = 127
_NEGATIVE = 0x40
_CRC = struct.Struct("<I")
_SMALLEST_ROW = 1 + _CRC.size


class BitstreamError(InputError):
    """The bytes are not a frame that this version of downpass can read."""


@dataclass(frozen=True, slots=True)
class BandScale:
    """How a codec's values become a band's samples: sample = offset + value * scale.

    The scale is mantissa * 2**exponent, so that both ends compute it alike in integers.
    """

    offset: int
    mantissa: int = 1
    exponent: int = 0

    def __post_init__(self) -> None:
        if not -(1 << 31) < self.offset < 1 << 31:
            raise BitstreamError(
                f"band offset {self.offset}: allowed is less than 2**31 either way"
            )
        if not 0 < self.mantissa <= varint.MAXIMUM:
            raise BitstreamError(f"band scale {self.mantissa}: allowed are 1 to {varint.MAXIMUM}")
        if not -64 <= self.exponent <= 64:
            raise BitstreamError(f"band scale exponent {self.exponent}: allowed are -64 to 64")

    @property
    def scale(self) -> float:
        """The scale as a float, for people."""
        return self.mantissa * 2.0**self.exponent


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a frame is, apart from its pixels.

    Attributes:
        codec: One of `CODECS`.
        width: Columns of the frame, in pixels.
        height: Rows of the frame, in pixels.
        bands: Number of bands.
        bit_depth: Bits a sample, 1 to 16. A sample lies in 0 to 2**bit_depth - 1, or, where
            `negative` is set, in -2**(bit_depth - 1) to 2**(bit_depth - 1) - 1.
        sample_type: How samples are held in memory at both ends.
        negative: Samples may be negative (int16 only).
        tile: Side of a tile in pixels; 0 is one tile for the whole frame.
        parameter: A number that only the codec understands (a gain index, for example).
        fingerprint: Which model coded it, 8 bytes; `NO_MODEL` where there is no model.
        nodata: The sample value that means "no data".
        masks: The frame has samples without data, so every tile begins with a mask
            (`link.container.masks`). Without `nodata`, they have no value of their own.
        groups: Which bands were coded together, in coding order, where it is not the codec's
            own rule; a band may appear more than once, and each appears at least once.
        scales: What the codec's values mean, one for each band, where not the samples
            themselves.
        rotations: How each band triple was turned (`link.student.rotation`), where one was.
        description: What the scene's file says besides (`link.container.description`), packed;
            empty in what a satellite sends.
    """

    codec: str
    width: int
    height: int
    bands: int
    bit_depth: int
    sample_type: SampleType
    negative: bool = False
    tile: int = 0
    parameter: int = 0
    fingerprint: bytes = NO_MODEL
    nodata: int | None = None
    masks: bool = False
    groups: tuple[tuple[int, ...], ...] | None = None
    scales: tuple[BandScale, ...] | None = None
    rotations: tuple[Quaternion, ...] | None = None
    description: bytes = b""

    def __post_init__(self) -> None:
        if self.codec not in _CODEC_IDS:
            raise BitstreamError(f"codec {self.codec!r}: allowed are {', '.join(_CODEC_IDS)}")
        _within("width", self.width, 1, LARGEST_SIDE)
        _within("height", self.height, 1, LARGEST_SIDE)
        _within("bands", self.bands, 1, MOST_BANDS)
        _within("bit depth", self.bit_depth, 1, 16)
        _within("tile", self.tile, 0, LARGEST_TILE)
        _within("parameter", self.parameter, 0, varint.MAXIMUM)
        if self.sample_type not in _SAMPLE_TYPES:
            raise BitstreamError(
                f"samples of type {self.sample_type!r}: allowed are {', '.join(_SAMPLE_TYPES)}"
            )
        if self.sample_type == "uint8" and self.bit_depth > 8:
            raise BitstreamError(f"bit depth {self.bit_depth} in uint8 samples: allowed are 1 to 8")
        if self.sample_type == "int16" and self.bit_depth == 16 and not self.negative:
            raise BitstreamError("bit depth 16 in int16 samples without negative values")
        if self.negative and self.sample_type != "int16":
            raise BitstreamError(f"negative samples of type {self.sample_type}: allowed is int16")
        if len(self.fingerprint) != len(NO_MODEL):
            raise BitstreamError(
                f"a model fingerprint of {len(self.fingerprint)} bytes: allowed is 8"
            )
        if self.nodata is not None:
            low, high = sample_range(self.sample_type)
            _within("nodata", self.nodata, low, high)
        if self.groups is not None:
            _check_groups(self.groups, self.bands)
        if self.scales is not None and len(self.scales) != self.bands:
            raise BitstreamError(f"{len(self.scales)} band scales for {self.bands} bands")
        if self.rotations is not None:
            _check_rotations(self.rotations, self.bands)
        _within("bytes of description", len(self.description), 0, MOST_PACKED)

    @property
    def tile_count(self) -> int:
        """How many tiles the frame has."""
        return tiles.count(self.width, self.height, self.tile)

    @property
    def samples(self) -> int:
        """How many samples the frame has in all its bands."""
        return self.width * self.height * self.bands

    @property
    def low(self) -> int:
        """The lowest value that a sample can have."""
        return -(1 << (self.bit_depth - 1)) if self.negative else 0

    def pack(self) -> bytes:
        """Return the header's bytes, without tile table and CRC."""
        flags = (
            (_HAS_MODEL if self.fingerprint != NO_MODEL else 0)
            | (_HAS_NODATA if self.nodata is not None else 0)
            | (_HAS_MASKS if self.masks else 0)
            | (_HAS_GROUPS if self.groups is not None else 0)
            | (_HAS_SCALES if self.scales is not None else 0)
            | (_HAS_ROTATIONS if self.rotations is not None else 0)
            | (_HAS_DESCRIPTION if self.description else 0)
        )
        samples = (
            self.bit_depth - 1
            | _SAMPLE_TYPES.index(self.sample_type) << 4
            | (_NEGATIVE if self.negative else 0)
        )
        out = bytearray(MAGIC)
        out += bytes((VERSION, _CODEC_IDS[self.codec], flags, samples))
        for value in (self.width, self.height, self.bands, self.tile, self.parameter):
            out += varint.pack(value)
        if self.fingerprint != NO_MODEL:
            out += self.fingerprint
        if self.nodata is not None:
            out += varint.pack_signed(self.nodata)
        if self.groups is not None:
            out += varint.pack(len(self.groups))
            for group in self.groups:
                out += varint.pack(len(group))
                for band in group:
                    out += varint.pack(band)
        if self.scales is not None:
            shared = len(set(self.scales)) == 1
            out += varint.pack(1 if shared else self.bands)
            for scale in self.scales[:1] if shared else self.scales:
                out += varint.pack_signed(scale.offset)
                out += varint.pack(scale.mantissa)
                out += varint.pack_signed(scale.exponent)
        for rotation in self.rotations or ():
            out += struct.pack("4b", *rotation)
        if self.description:
            out += varint.pack(len(self.description))
            out += self.description
        return bytes(out)


@dataclass(frozen=True, slots=True)
class TileSpan:
    """Where a tile's payload lies in the bitstream, and the CRC-32 it must have."""

    index: int
    offset: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """The offset behind the payload."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Container:
    """An unpacked bitstream.

    Attributes:
        header: What the frame is.
        payloads: One for each tile; None where the bytes are missing or damaged.
        damaged: Indices of those tiles, ascending.
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
        BitstreamError: As `read_header`, or the description is too long.
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
    """Return what the frame is and where its tiles lie, from the first bytes of a bitstream.

    The tiles themselves need not have arrived.

    Raises:
        BitstreamError: Not a downpass frame, of an unknown version or codec, cut off within the
            header, or the header is damaged.
    """
    if bitstream[: len(MAGIC)] != MAGIC:
        raise BitstreamError(
            f"begins with {bytes(bitstream[:2]).hex() or 'nothing'}: "
            f"a downpass frame begins with {MAGIC.hex()}"
        )
    if len(bitstream) < 6:
        raise BitstreamError(f"{len(bitstream)} bytes: too short for a frame's header")
    version, codec, flags, samples = bitstream[2:6]
    if version != VERSION:
        raise BitstreamError(f"bitstream version {version}: this downpass reads version {VERSION}")
    if codec not in CODECS:
        known = ", ".join(f"{number} {name}" for number, name in CODECS.items())
        raise BitstreamError(f"codec number {codec}: known are {known}")
    try:
        fields, table, offset = _parse(bitstream, flags, samples)
    except (ValueError, BitstreamError) as error:
        raise BitstreamError(f"the header is damaged: {error}") from None
    (expected,) = _CRC.unpack_from(bitstream, offset)
    if zlib.crc32(memoryview(bitstream)[:offset]) != expected:
        raise BitstreamError("the header is damaged: its CRC-32 does not match")
    header = fields.header(CODECS[codec])
    spans = []
    start = offset + _CRC.size
    for index, (length, crc) in enumerate(table):
        spans.append(TileSpan(index, start, length, crc))
        start += length
    return header, spans


def unpack(bitstream: bytes) -> Container:
    """Return the header and the tiles of a bitstream, the damaged ones named.

    Raises:
        BitstreamError: As `read_header`; or bytes follow the last tile.
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
    """Return (tile index, offset, length) of each tile, so a lost packet finds what it hit.

    Bytes before the first offset are the header: a frame without them is lost.
    """
    return [(span.index, span.offset, span.length) for span in read_header(bitstream)[1]]


def without(bitstream: bytes, lost_tiles: Iterable[int]) -> bytes:
    """Return the bitstream as the ground holds it when these tiles' bytes never came.

    The hole is zeros (ones, where the tile itself was zeros), so every other tile stays where
    the table says it is.
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


def sample_range(sample_type: SampleType) -> tuple[int, int]:
    """Return the lowest and the highest value that a sample type holds."""
    return {"uint8": (0, 0xFF), "uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF)}[sample_type]


@dataclass(frozen=True, slots=True)
class _Fields:
    """The header's fields as read, not yet believed."""

    width: int
    height: int
    bands: int
    tile: int
    parameter: int
    bit_depth: int
    sample_type: SampleType
    negative: bool
    fingerprint: bytes
    nodata: int | None
    masks: bool
    groups: tuple[tuple[int, ...], ...] | None
    scales: tuple[BandScale, ...] | None
    rotations: tuple[Quaternion, ...] | None
    description: bytes

    def header(self, codec: str) -> FrameHeader:
        return FrameHeader(
            codec=codec, **{name: getattr(self, name) for name in self.__dataclass_fields__}
        )


def _parse(data: bytes, flags: int, samples: int) -> tuple[_Fields, list[tuple[int, int]], int]:
    """Read fields and tile table; return them and the offset of the header's CRC."""
    if flags & ~_KNOWN_FLAGS:
        raise ValueError(f"flags {flags:#04x}: known are {_KNOWN_FLAGS:#04x}")
    if samples & 0x80 or samples >> 4 & 3 == 3:
        raise ValueError(f"sample type {samples:#04x} is unknown")
    offset = 6
    plain = []
    for _ in range(5):
        value, offset = varint.unpack(data, offset)
        plain.append(value)
    width, height, bands, tile, parameter = plain
    _within("width", width, 1, LARGEST_SIDE)
    _within("height", height, 1, LARGEST_SIDE)
    _within("bands", bands, 1, MOST_BANDS)
    _within("tile", tile, 0, LARGEST_TILE)
    fingerprint, nodata, groups, scales, rotations = NO_MODEL, None, None, None, None
    if flags & _HAS_MODEL:
        fingerprint = bytes(data[offset : offset + len(NO_MODEL)])
        offset += len(NO_MODEL)
        if len(fingerprint) != len(NO_MODEL):
            raise ValueError("the bytes end within the model fingerprint")
        if fingerprint == NO_MODEL:
            raise ValueError("a model fingerprint of zeros")
    if flags & _HAS_NODATA:
        nodata, offset = varint.unpack_signed(data, offset)
    if flags & _HAS_GROUPS:
        groups, offset = _parse_groups(data, offset, bands)
    if flags & _HAS_SCALES:
        scales, offset = _parse_scales(data, offset, bands)
    if flags & _HAS_ROTATIONS:
        rotations, offset = _parse_rotations(data, offset, bands)
    description = b""
    if flags & _HAS_DESCRIPTION:
        length, offset = varint.unpack(data, offset)
        _within("bytes of description", length, 1, min(MOST_PACKED, len(data) - offset))
        description, offset = bytes(data[offset : offset + length]), offset + length
    count = tiles.count(width, height, tile)
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
    fields = _Fields(
        width=width,
        height=height,
        bands=bands,
        tile=tile,
        parameter=parameter,
        bit_depth=(samples & 0x0F) + 1,
        sample_type=_SAMPLE_TYPES[samples >> 4 & 3],
        negative=bool(samples & _NEGATIVE),
        fingerprint=fingerprint,
        nodata=nodata,
        masks=bool(flags & _HAS_MASKS),
        groups=groups,
        scales=scales,
        rotations=rotations,
        description=description,
    )
    return fields, table, offset


def _parse_groups(data: bytes, offset: int, bands: int) -> tuple[tuple[tuple[int, ...], ...], int]:
    count, offset = varint.unpack(data, offset)
    _within("band groups", count, 1, bands)
    groups = []
    for _ in range(count):
        length, offset = varint.unpack(data, offset)
        _within("bands in a group", length, 1, bands)
        group = []
        for _ in range(length):
            band, offset = varint.unpack(data, offset)
            group.append(band)
        groups.append(tuple(group))
    return tuple(groups), offset


def _parse_scales(data: bytes, offset: int, bands: int) -> tuple[tuple[BandScale, ...], int]:
    count, offset = varint.unpack(data, offset)
    if count not in (1, bands):
        raise ValueError(f"{count} band scales for {bands} bands")
    scales = []
    for _ in range(count):
        origin, offset = varint.unpack_signed(data, offset)
        mantissa, offset = varint.unpack(data, offset)
        exponent, offset = varint.unpack_signed(data, offset)
        scales.append(BandScale(origin, mantissa, exponent))
    return tuple(scales * bands if count == 1 else scales), offset


def _parse_rotations(data: bytes, offset: int, bands: int) -> tuple[tuple[Quaternion, ...], int]:
    end = offset + 4 * _triples(bands)
    if end > len(data):
        raise ValueError("the bytes end within the rotations")
    return tuple((w, x, y, z) for w, x, y, z in struct.iter_unpack("4b", data[offset:end])), end


def _check_rotations(rotations: tuple[Quaternion, ...], bands: int) -> None:
    if len(rotations) != _triples(bands):
        raise BitstreamError(f"{len(rotations)} rotations for {bands} bands")
    for rotation in rotations:
        if not any(rotation):
            raise BitstreamError("a rotation of zeros")
        for part in rotation:
            _within("rotation", part, -127, 127)


def _triples(bands: int) -> int:
    return -(-bands // 3)


def _check_groups(groups: tuple[tuple[int, ...], ...], bands: int) -> None:
    _within("band groups", len(groups), 1, bands)
    for group in groups:
        _within("bands in a group", len(group), 1, bands)
        for band in group:
            _within("band in a group", band, 0, bands - 1)
    missing = set(range(bands)).difference(*groups)
    if missing:
        raise BitstreamError(f"band {min(missing)} is in no band group")


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BitstreamError(f"{name} {value}: allowed are {low} to {high}")
