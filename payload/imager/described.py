"""Read a raster file's description of its samples and its location through GDAL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from rasterio.crs import CRS
from rasterio.errors import CRSError

from ...link.container.description import (
    RPC_LENGTHS,
    Band,
    ControlPoint,
    Description,
    DescriptionError,
    Transform,
    printable,
)
from ...link.errors import InputError

_IDENTITY: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def described(dataset: Any) -> Description:
    """Return an open dataset's description, without statistics and free metadata.

    Raises:
        InputError: The file has something that a description cannot hold: a scale that is not a
            finite number, too many control points, or names that are not UTF-8.
    """
    with _in_utf8():
        bands = _bands(dataset)
    found = replace(
        located(dataset),
        bands=bands,
        declared_bits=declared_bits(dataset, 1),
        palette=_palette(dataset) if bands[0].colour == "palette" else None,
        white_is_zero=_is_white_at_zero(dataset),
    )
    try:
        found.pack()
    except DescriptionError as error:
        raise InputError(str(error)) from None
    return found


def located(dataset: Any) -> Description:
    """Return a description of where an open dataset's pixels are, and of nothing else.

    A transform, control points and a rational polynomial model with numbers that are not finite
    are left out: they locate nothing.

    Raises:
        InputError: A name in the reference system is not UTF-8.
    """
    with _in_utf8():
        return _located(dataset)


@contextmanager
def _in_utf8() -> Iterator[None]:
    """Refuse text that rasterio cannot decode."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"found {printable(error.object.decode('latin-1'))[:60]!r} as a name or a unit, which "
            "is not UTF-8; allowed: UTF-8"
        ) from None


def _located(dataset: Any) -> Description:
    transform: Transform | None = tuple(dataset.transform)[:6]
    if transform == _IDENTITY or not all(map(math.isfinite, transform or ())):
        transform = None
    gcps, points_crs = dataset.gcps
    points = [(p.row, p.col, p.x, p.y, p.z or 0.0) for p in gcps]
    points = [point for point in points if all(map(math.isfinite, point))]
    crs = _crs(dataset.crs) or (_crs(points_crs) if transform is None and points else "")
    return Description(
        crs=crs,
        transform=transform,
        control_points=tuple(ControlPoint(*map(float, point)) for point in points)
        if transform is None
        else (),
        rpc=_rpc(dataset.tags(ns="RPC")),
        pixel_is_point=dataset.tags().get("AREA_OR_POINT", "").lower() == "point",
    )


def declared_bits(dataset: Any, band: int) -> int | None:
    """Return how many bits per sample the file declares for a band; None if it declares none."""
    text = dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", "")
    return int(text) if text.isdecimal() and 1 <= int(text) <= 16 else None


def is_alpha(band: Band) -> bool:
    """Return whether a band is an alpha band.

    GDAL reports a fourth band without a colour of its own as alpha. If its name says otherwise
    (NIR, as in NAIP's pictures), it is not.
    """
    return band.colour == "alpha" and (not band.name or "alpha" in band.name.lower())


def _bands(dataset: Any) -> tuple[Band, ...]:
    names = [printable(name or "") for name in dataset.descriptions]
    units = [printable(unit or "") for unit in dataset.units]
    out = []
    for index in range(dataset.count):
        scale, offset = float(dataset.scales[index]), float(dataset.offsets[index])
        if not (math.isfinite(scale) and math.isfinite(offset) and scale):
            raise InputError(
                f"band {index + 1} has the scale {scale:g} and the offset {offset:g}; "
                "allowed are numbers, and a scale other than 0"
            )
        colour = dataset.colorinterp[index].name
        if colour == "palette" and _is_grey(dataset, index + 1):
            colour = "gray"
        band = Band(names[index], colour, scale, offset, units[index])
        if colour == "alpha" and not is_alpha(band):
            band = Band(names[index], "undefined", scale, offset, units[index])
        out.append(band)
    return tuple(out)


def _is_white_at_zero(dataset: Any) -> bool:
    return bool(dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES")


def _is_grey(dataset: Any, band: int) -> bool:
    """Return whether a palette is a grey ramp, so that its indices are levels.

    GDAL reports such a palette for every 1-bit raster, for every grey BMP picture, and for grey
    TIFFs of up to 8 bits whose samples grow from white to black.
    """
    if _is_white_at_zero(dataset):
        return True
    try:
        table = dataset.colormap(band)
    except ValueError:
        return False
    most = (1 << (declared_bits(dataset, band) or 8)) - 1
    return max(table) == most and all(
        max(abs(part - index * 255 / most) for part in table[index][:3]) <= 0.5
        and table[index][3] == 255
        for index in table
    )


def _palette(dataset: Any) -> tuple[tuple[int, int, int, int], ...] | None:
    try:
        table = dataset.colormap(1)
    except ValueError:
        return None
    colours = []
    for index in range(max(table) + 1):
        red, green, blue, alpha = table.get(index, (0, 0, 0, 255))
        colours.append((int(red), int(green), int(blue), int(alpha)))
    return tuple(colours)


def _crs(found: CRS | None) -> str:
    """Return a CRS as its EPSG code if that is exactly the same CRS, otherwise as WKT."""
    if not found:
        return ""
    wkt = str(found.to_wkt())
    try:
        code = found.to_epsg()
        if code is not None and CRS.from_epsg(code).to_wkt() == wkt:
            return f"EPSG:{code}"
    except CRSError:
        pass
    return wkt


def _rpc(items: dict[str, str]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Return a rational polynomial model; empty if items are missing or are not numbers."""
    out = []
    for item, length in RPC_LENGTHS.items():
        try:
            values = tuple(float(value) for value in items.get(item, "").split())
        except ValueError:
            values = ()
        if len(values) == length and all(map(math.isfinite, values)):
            out.append((item, values))
        elif item not in ("ERR_BIAS", "ERR_RAND"):
            return ()
    return tuple(out)
