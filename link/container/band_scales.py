"""Scales that convert a codec's values to samples: the *scales* field of a frame's header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BitstreamError
from . import varint


@dataclass(frozen=True, slots=True)
class BandScale:
    """The conversion of a codec's values to a band's samples: sample = offset + value * scale.

    The scale is mantissa * 2**exponent, so that both ends compute the same in integers.

    Attributes:
        offset: Sample that the codec's value 0 stands for.
        mantissa: Whole-number part of the scale.
        exponent: Power of two of the scale.
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
        """The scale as a float."""
        return self.mantissa * 2.0**self.exponent


def pack_scales(scales: Sequence[BandScale]) -> bytes:
    """Return the header's *scales* field; a scale that all bands share is written once."""
    shared = len(set(scales)) == 1
    out = bytearray(varint.pack(1 if shared else len(scales)))
    for scale in scales[:1] if shared else scales:
        out += varint.pack_signed(scale.offset)
        out += varint.pack(scale.mantissa)
        out += varint.pack_signed(scale.exponent)
    return bytes(out)


def unpack_scales(data: bytes, offset: int, bands: int) -> tuple[tuple[BandScale, ...], int]:
    """Return the scale of each band, and the offset of the first byte after the field.

    Args:
        data: The bitstream, which may be damaged or hostile.
        offset: Offset of the field.
        bands: Number of bands of the frame.

    Raises:
        ValueError: The bytes end within the field, or no encoder writes it.
        BitstreamError: A scale is not allowed.
    """
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
