"""The header of a frame's container: codec, size, sample type and other facts about the pixels.

docs/bitstream.md, "Header", specifies every byte. The bytes read may be hostile: every size is
checked against the number of bytes available before memory is allocated for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..errors import BitstreamError
from ..student.rotation import Quaternion
from . import tiles, varint
from .band_scales import BandScale, pack_scales, unpack_scales
from .description import MOST_PACKED
from .samples import SAMPLE_TYPES, SampleType, sample_range

MAGIC: Final = b"DP"
VERSION: Final = 1
CODECS: Final = {
    1: "jpeg2000",
    2: "jpegxl",
    3: "jpegls",
    4: "ccsds121",
    5: "avif",
    16: "student",
    32: "command",
    33: "onnx",
}
NO_MODEL: Final = bytes(8)
LARGEST_SIDE: Final = 1 << 24
MOST_BANDS: Final = 4096
LARGEST_TILE: Final = 1 << 16

_CODEC_IDS = {name: number for number, name in CODECS.items()}
_HAS_MODEL, _HAS_NODATA, _HAS_MASKS, _HAS_GROUPS, _HAS_SCALES = 1, 2, 4, 8, 16
_HAS_ROTATIONS, _HAS_DESCRIPTION = 32, 64
_KNOWN_FLAGS = 127
_NEGATIVE = 0x40
_FIXED = 6
"""Bytes before the first number of variable length."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The facts about a frame that its decoder needs besides the tiles' payloads.

    Attributes:
        codec: Name of the codec, one of `CODECS`.
        width: Columns of the frame, in pixels.
        height: Rows of the frame, in pixels.
        bands: Number of bands.
        bit_depth: Bits a sample, 1 to 16. A sample lies in 0 to 2**bit_depth - 1, or, if
            `negative` is set, in -2**(bit_depth - 1) to 2**(bit_depth - 1) - 1.
        sample_type: Type of the samples in memory at both ends.
        negative: Whether samples may be negative (int16 only).
        tile: Side of a tile in pixels; 0 is one tile for the whole frame.
        parameter: Number that only the codec interprets (a gain index, for example).
        fingerprint: Fingerprint of the model that coded the frame, 8 bytes; `NO_MODEL` if there
            was no model.
        nodata: Sample value that means "no data"; None if there is no such value.
        masks: Whether some samples have no data, so that every tile begins with a mask
            (`link.container.masks`). Without `nodata`, these samples have no value of their own.
        groups: Bands that were coded together, in coding order; each band appears at least
            once. None: by the codec's own rule (`link.container.band_groups`).
        scales: Scale of the codec's values, one for each band; None if the values are the
            samples themselves.
        rotations: Rotation of each band triple (`link.student.rotation`); None if none is
            rotated.
        description: Packed metadata of the scene's file (`link.container.description`); empty
            in the frames that a satellite sends.
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
        if self.sample_type not in SAMPLE_TYPES:
            raise BitstreamError(
                f"samples of type {self.sample_type!r}: allowed are {', '.join(SAMPLE_TYPES)}"
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
        """Number of tiles of the frame."""
        return tiles.count(self.width, self.height, self.tile)

    @property
    def samples(self) -> int:
        """Number of samples of the frame in all its bands."""
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
            | SAMPLE_TYPES.index(self.sample_type) << 4
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
            out += pack_scales(self.scales)
        for rotation in self.rotations or ():
            out += struct.pack("4b", *rotation)
        if self.description:
            out += varint.pack(len(self.description))
            out += self.description
        return bytes(out)


@dataclass(frozen=True, slots=True)
class ParsedHeader:
    """A header's fields before their values are checked, which is done once its CRC-32 matches.

    Attributes:
        tile_count: Number of tiles of the frame.
        end: Offset of the tile table.
        checked: Returns the header, or raises `BitstreamError` for fields that no encoder writes.
    """

    tile_count: int
    end: int
    checked: Callable[[], FrameHeader]


def parse_header(data: bytes) -> ParsedHeader:
    """Return the header that a bitstream begins with.

    Raises:
        BitstreamError: The bytes are no downpass frame, or its version or codec is unknown.
        ValueError: The header is damaged: the bytes end within it, or a number is not allowed.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise BitstreamError(
            f"begins with {bytes(data[:2]).hex() or 'nothing'}: "
            f"a downpass frame begins with {MAGIC.hex()}"
        )
    if len(data) < _FIXED:
        raise BitstreamError(f"{len(data)} bytes: too short for a frame's header")
    version, codec, flags, samples = data[2:_FIXED]
    if version != VERSION:
        raise BitstreamError(f"bitstream version {version}: this downpass reads version {VERSION}")
    if codec not in CODECS:
        known = ", ".join(f"{number} {name}" for number, name in CODECS.items())
        raise BitstreamError(f"codec number {codec}: known are {known}")
    try:
        return _parse_fields(data, CODECS[codec], flags, samples)
    except BitstreamError as error:
        raise ValueError(str(error)) from None


def _parse_fields(data: bytes, codec: str, flags: int, samples: int) -> ParsedHeader:
    if flags & ~_KNOWN_FLAGS:
        raise ValueError(f"flags {flags:#04x}: known are {_KNOWN_FLAGS:#04x}")
    if samples & 0x80 or samples >> 4 & 3 == 3:
        raise ValueError(f"sample type {samples:#04x} is unknown")
    offset = _FIXED
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
        scales, offset = unpack_scales(data, offset, bands)
    if flags & _HAS_ROTATIONS:
        rotations, offset = _parse_rotations(data, offset, bands)
    description = b""
    if flags & _HAS_DESCRIPTION:
        length, offset = varint.unpack(data, offset)
        _within("bytes of description", length, 1, min(MOST_PACKED, len(data) - offset))
        description, offset = bytes(data[offset : offset + length]), offset + length
    checked = partial(
        FrameHeader,
        codec=codec,
        width=width,
        height=height,
        bands=bands,
        bit_depth=(samples & 0x0F) + 1,
        sample_type=SAMPLE_TYPES[samples >> 4 & 3],
        negative=bool(samples & _NEGATIVE),
        tile=tile,
        parameter=parameter,
        fingerprint=fingerprint,
        nodata=nodata,
        masks=bool(flags & _HAS_MASKS),
        groups=groups,
        scales=scales,
        rotations=rotations,
        description=description,
    )
    return ParsedHeader(tiles.count(width, height, tile), offset, checked)


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
