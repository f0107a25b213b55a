"""The ground sample distance of a scene: how far apart its pixels lie on the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform as to_degrees

_SPAN: Final = 100
"""Pixels over which the distance is measured, where the scene has so many."""

_FARTHEST: Final = 1e9
"""Largest coordinate that is looked at: no map of the Earth has one as large, in any unit."""

# The ellipsoid of WGS 84: equatorial radius in metres, and its squared eccentricity.
_RADIUS: Final = 6_378_137.0
_ECCENTRICITY2: Final = 6.69437999014e-3


def ground_sample_distance(
    crs: str, transform: Sequence[float] | None, width: int, height: int
) -> tuple[float, float] | None:
    """Return a scene's ground sample distance in its middle, along a row and along a column.

    Measured on the ellipsoid, not in the map: a pixel of one thousandth of a degree is 111 m wide
    at the equator and half of that at 60°, and Web Mercator's metres are as much too long there.

    Args:
        crs: Coordinate reference system as WKT; empty where the scene has none.
        transform: Affine transform from (column, row) to coordinates, row-major, six numbers;
            None where the scene has none.
        width: Columns of the scene.
        height: Its rows.

    Returns:
        Metres from one column to the next, and from one row to the next; None where the scene does
        not say where on Earth it lies.
    """
    a, b, c, d, e, f = transform or (0.0,) * 6
    if not crs or not a * e - b * d:
        return None
    column, row = width / 2, height / 2
    across, along = min(width, _SPAN) / 2, min(height, _SPAN) / 2
    ends = [
        (a * x + b * y + c, d * x + e * y + f)
        for x, y in (
            (column - across, row),
            (column + across, row),
            (column, row - along),
            (column, row + along),
        )
    ]
    # Far outside every map PROJ can take for ever; and NaN is no place.
    if not all(abs(value) <= _FARTHEST for end in ends for value in end):
        return None
    try:
        longitude, latitude = to_degrees(
            CRS.from_wkt(crs),
            CRS.from_epsg(4326),
            [x for x, _ in ends],
            [y for _, y in ends],
        )[:2]
    except RasterioError:
        return None
    if not all(map(math.isfinite, (*longitude, *latitude))):
        return None
    places = list(zip(latitude, longitude, strict=True))
    found = _metres(*places[:2]) / (2 * across), _metres(*places[2:]) / (2 * along)
    return found if min(found) > 0 else None


def _metres(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Return the distance of two near places, (latitude, longitude) in degrees.

    By the two radii of curvature of the ellipsoid between them (Gauss's mid-latitude formula, to
    first order): exact enough for the length of a hundred pixels.
    """
    phi = math.radians((one[0] + two[0]) / 2)
    north = math.radians(two[0] - one[0])
    east = math.radians((two[1] - one[1] + 180) % 360 - 180)
    squeeze = 1 - _ECCENTRICITY2 * math.sin(phi) ** 2
    meridian = _RADIUS * (1 - _ECCENTRICITY2) / squeeze**1.5
    normal = _RADIUS / math.sqrt(squeeze)
    return math.hypot(meridian * north, normal * math.cos(phi) * east)
