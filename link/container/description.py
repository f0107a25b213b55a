"""Metadata of a scene's file: georeference, names, scales and colours of its bands.

The codecs do not use it. In a run, the ground knows it from planning, so no frame carries it. A
file that `codec encode` writes carries it packed in its header (docs/bitstream.md), because its
reader has nothing else.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

Transform = tuple[float, float, float, float, float, float]

MOST_PACKED: Final = 1 << 16
"""Largest packed description, in bytes."""
MOST_TEXT: Final = 1 << 20
"""Largest description before it is deflated."""
MOST_BANDS: Final = 4096

RPC_LENGTHS: Final = {
    "ERR_BIAS": 1,
    "ERR_RAND": 1,
    "LINE_OFF": 1,
    "SAMP_OFF": 1,
    "LAT_OFF": 1,
    "LONG_OFF": 1,
    "HEIGHT_OFF": 1,
    "LINE_SCALE": 1,
    "SAMP_SCALE": 1,
    "LAT_SCALE": 1,
    "LONG_SCALE": 1,
    "HEIGHT_SCALE": 1,
    "LINE_NUM_COEFF": 20,
    "LINE_DEN_COEFF": 20,
    "SAMP_NUM_COEFF": 20,
    "SAMP_DEN_COEFF": 20,
}
"""Items of a rational polynomial model (RPC00B, NITF STDI-0002) and the count of their numbers."""

_CRS: Final = re.compile(r"EPSG:\d{1,6}\Z|[A-Z][A-Z0-9_]*\[")  # as in LOCAL_CS[
NATURAL_COLOURS: Final = ("red", "green", "blue")
"""GDAL's colour interpretations of a picture in natural colour, in the order of its bands."""
_COLOURS: Final = frozenset(
    (
        *("undefined", "gray", "palette", "red", "green", "blue", "alpha"),
        *("hue", "saturation", "lightness", "cyan", "magenta", "yellow", "black"),
        *("Y", "Cb", "Cr", "pan", "coastal", "rededge", "nir", "swir", "mwir", "lwir", "tir"),
        *("other_ir", "sar_ka", "sar_k", "sar_ku", "sar_x", "sar_c", "sar_s", "sar_l", "sar_p"),
    )
)


class DescriptionError(ValueError):
    """Bytes that are not a description, or a description that is too large to pack."""


@dataclass(frozen=True, slots=True)
class Band:
    """The meaning of a band's samples: value = offset + scale * sample, in the unit.

    Attributes:
        name: Name of the band in the file; may be empty.
        colour: Colour interpretation of the band, by GDAL's name.
        scale: Scale of the samples.
        offset: Offset of the samples.
        unit: Unit of the values; may be empty.
    """

    name: str = ""
    colour: str = "undefined"
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """A ground control point: a place in the picture (row, column) and its coordinates."""

    row: float
    column: float
    x: float
    y: float
    z: float = 0.0


@dataclass(frozen=True, slots=True)
class Description:
    """A file's metadata about its samples and its position on the ground.

    Attributes:
        crs: Coordinate reference system of transform and control points, as WKT or `EPSG:n`;
            empty if the file has none.
        transform: Affine transform from (column, row) to coordinates, row-major; None if the
            file has none.
        control_points: Ground control points.
        rpc: Rational polynomial coefficients: pairs of GDAL's item and its numbers.
        pixel_is_point: Whether samples stand for points, not for areas.
        bands: Metadata of each band; empty if nothing is known.
        declared_bits: Bits a sample that the file declares, fewer than its type has (NBITS).
        palette: Colours (red, green, blue, alpha) of sample values, if these are indices.
        white_is_zero: Whether the first band's samples grow from white to black (TIFF 6.0,
            PhotometricInterpretation 0).
    """

    crs: str = ""
    transform: Transform | None = None
    control_points: tuple[ControlPoint, ...] = ()
    rpc: tuple[tuple[str, tuple[float, ...]], ...] = ()
    pixel_is_point: bool = False
    bands: tuple[Band, ...] = ()
    declared_bits: int | None = None
    palette: tuple[tuple[int, int, int, int], ...] | None = None
    white_is_zero: bool = False

    def of_window(self, column: int, row: int) -> Description:
        """Return the description of a window whose upper left pixel is at (column, row)."""
        transform = self.transform
        if transform is not None:
            a, b, c, d, e, f = transform
            transform = (a, b, a * column + b * row + c, d, e, d * column + e * row + f)
        shifts = {"LINE_OFF": row, "SAMP_OFF": column}
        return replace(
            self,
            transform=transform,
            control_points=tuple(
                replace(point, row=point.row - row, column=point.column - column)
                for point in self.control_points
            ),
            rpc=tuple(
                (item, tuple(value - shifts.get(item, 0) for value in values))
                for item, values in self.rpc
            ),
        )

    def without_low_bits(self, shift: int) -> Description:
        """Return the description of samples shifted right: their scales grow by 2**shift."""
        if not shift:
            return self
        bits = self.declared_bits
        return replace(
            self,
            bands=tuple(replace(band, scale=band.scale * (1 << shift)) for band in self.bands),
            declared_bits=None if bits is None else max(1, bits - shift),
        )

    def pack(self) -> bytes:
        """Return the description as deflated JSON, or no bytes if it holds only defaults.

        Raises:
            DescriptionError: The description is too large (`MOST_TEXT`, `MOST_PACKED`), or
                `unpack` would refuse it, for example for a number that is not finite.
        """
        plain = Description(bands=usual_bands(len(self.bands)))
        if self in (plain, Description()):
            return b""
        fields: dict[str, Any] = {}
        if self.crs:
            fields["crs"] = self.crs
        if self.transform is not None:
            fields["transform"] = self.transform
        if self.control_points:
            fields["gcps"] = [astuple(point) for point in self.control_points]
        if self.rpc:
            fields["rpc"] = dict(self.rpc)
        if self.pixel_is_point:
            fields["point"] = True
        if self.bands != plain.bands:
            fields["bands"] = [astuple(band) for band in self.bands]
        if self.declared_bits is not None:
            fields["nbits"] = self.declared_bits
        if self.palette is not None:
            fields["palette"] = self.palette
        if self.white_is_zero:
            fields["white"] = True
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = deflate.compress(text) + deflate.flush()
        for form, size, most in (
            ("", len(packed), MOST_PACKED),
            (" of text", len(text), MOST_TEXT),
        ):
            if size > most:
                raise DescriptionError(
                    f"georeference, names and scales of {size} bytes{form}; "
                    f"allowed are {most} (fewer control points or shorter names, for example)"
                )
        try:
            Description.unpack(packed, len(self.bands) or 1)
        except DescriptionError as error:
            raise DescriptionError(
                f"georeference, names and scales that no reader would accept: {error}"
            ) from None
        return packed

    @classmethod
    def unpack(cls, data: bytes, bands: int) -> Description:
        """Return the description that `pack` packed.

        Args:
            data: Bytes from `pack`, which may be damaged or hostile; no bytes mean the defaults.
            bands: Number of bands of the frame.

        Raises:
            DescriptionError: The bytes are no description, or it has another number of bands.
        """
        if not data:
            return cls(bands=usual_bands(bands))
        if len(data) > MOST_PACKED:
            raise DescriptionError(f"{len(data)} bytes; allowed are {MOST_PACKED}")
        inflate = zlib.decompressobj(-15)
        try:
            text = inflate.decompress(data, MOST_TEXT)
            if inflate.unconsumed_tail or not inflate.eof or inflate.unused_data:
                raise DescriptionError("it does not inflate to its end")
            fields = json.loads(text)
        except (zlib.error, ValueError, RecursionError) as error:
            raise DescriptionError(f"it is not deflated JSON ({error})") from None
        try:
            return _believed(fields, bands)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise DescriptionError(f"a field is damaged ({error})") from None


def usual_bands(count: int) -> tuple[Band, ...]:
    """Return the default bands of a file without band metadata.

    Three bands are red, green and blue; otherwise the first is grey and the others are undefined.
    """
    if count == 3:
        return tuple(Band(colour=colour) for colour in ("red", "green", "blue"))
    return tuple(Band(colour="undefined" if band else "gray") for band in range(count))


def printable(text: str) -> str:
    """Return a text as one line without control characters, of at most 1000 characters."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split())[:1000]


def _believed(fields: Any, bands: int) -> Description:
    known = {"crs", "transform", "gcps", "rpc", "point", "bands", "nbits", "palette", "white"}
    if not isinstance(fields, dict) or not known.issuperset(fields):
        raise ValueError(f"fields are {', '.join(sorted(known))}")
    transform = fields.get("transform")
    own = tuple(_band(one) for one in _list(fields.get("bands", [])))
    if own and len(own) != bands:
        raise ValueError(f"{len(own)} bands; the frame has {bands}")
    rpc = fields.get("rpc", {})
    if not isinstance(rpc, dict):
        raise ValueError("rpc")
    for item, values in rpc.items():
        if item not in RPC_LENGTHS or len(_list(values)) != RPC_LENGTHS[item]:
            raise ValueError(f"rpc {printable(item)}")
    nbits, palette = fields.get("nbits"), fields.get("palette")
    if nbits is not None and (type(nbits) is not int or not 1 <= nbits <= 16):
        raise ValueError("nbits")
    crs = fields.get("crs", "")
    # GDAL would read other texts as names of files or as network addresses.
    if not isinstance(crs, str) or (crs and not _CRS.match(crs)):
        raise ValueError("crs")
    return Description(
        crs=crs,
        transform=None if transform is None else _six(_numbers(transform, 6)),
        control_points=tuple(
            ControlPoint(*_numbers(one, 5)) for one in _list(fields.get("gcps", []))
        ),
        rpc=tuple((item, _numbers(values, RPC_LENGTHS[item])) for item, values in rpc.items()),
        pixel_is_point=fields.get("point") is True,
        bands=own or usual_bands(bands),
        declared_bits=nbits,
        palette=None if palette is None else tuple(_colour(one) for one in _list(palette)),
        white_is_zero=fields.get("white") is True,
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_PACKED:
        raise ValueError("a list is expected")
    return value


def _numbers(value: Any, count: int) -> tuple[float, ...]:
    found = _list(value)
    if len(found) != count or any(type(one) not in (int, float) for one in found):
        raise ValueError(f"{count} numbers are expected")
    numbers = tuple(float(one) for one in found)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("numbers are finite")
    return numbers


def _six(numbers: Sequence[float]) -> Transform:
    a, b, c, d, e, f = numbers
    return a, b, c, d, e, f


def _band(value: Any) -> Band:
    name, colour, scale, offset, unit = _list(value)
    if not (isinstance(name, str) and isinstance(unit, str) and colour in _COLOURS):
        raise ValueError("a band's name, colour or unit")
    scale, offset = _numbers([scale, offset], 2)
    return Band(printable(name), colour, scale, offset, printable(unit))


def _colour(value: Any) -> tuple[int, int, int, int]:
    red, green, blue, alpha = (int(one) for one in _numbers(value, 4))
    if not all(0 <= one <= 255 for one in (red, green, blue, alpha)):
        raise ValueError("a colour's parts are 0 to 255")
    return red, green, blue, alpha
