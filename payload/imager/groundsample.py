"""Compute the ground sample distance of a scene: how far apart its pixels lie on the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rasterio.crs import CRS
from rasterio.warp import transform as to_degrees

_SPAN: Final = 100
"""Pixels over which the distance is measured; fewer if the scene is smaller."""

_FARTHEST: Final = 1e9
"""Largest coordinate that is accepted; no map of the Earth reaches it, in any unit."""

# The ellipsoid of WGS 84: equatorial radius in metres, and its squared eccentricity.
_RADIUS: Final = 6_378_137.0
_ECCENTRICITY2: Final = 6.69437999014e-3


def ground_sample_distance(
    crs: str, transform: Sequence[float] | None, width: int, height: int
) -> tuple[float, float] | None:
    """Return the ground sample distance in the middle of a scene, along a row and along a column.

    It is measured on the ellipsoid, not on the map: a pixel of one thousandth of a degree is 111 m
    wide at the equator and half of that at 60°, where a metre on a Web Mercator map is also only
    half a metre on the ground.

    Args:
        crs: Coordinate reference system as WKT; empty if the scene has none.
        transform: Affine transform from (column, row) to coordinates, row-major, six numbers;
            None if the scene has none.
        width: Columns of the scene.
        height: Rows of the scene.

    Returns:
        Metres from one column to the next, and from one row to the next; None if the scene is
        not georeferenced, or its reference system is not tied to the Earth.
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
    # Far outside every map, PROJ may not return. NaN is refused as well.
    if not all(abs(value) <= _FARTHEST for end in ends for value in end):
        return None
    try:
        longitude, latitude = to_degrees(
            CRS.from_wkt(crs),
            CRS.from_epsg(4326),
            [x for x, _ in ends],
            [y for _, y in ends],
        )[:2]
    except Exception:  # errors of GDAL's own come through, which have no public class
        return None
    if not all(map(math.isfinite, (*longitude, *latitude))):
        return None
    places = list(zip(latitude, longitude, strict=True))
    found = _metres(*places[:2]) / (2 * across), _metres(*places[2:]) / (2 * along)
    return found if min(found) > 0 else None


def _metres(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Return the distance in metres between two near points, (latitude, longitude) in degrees.

    It uses the two radii of curvature of the ellipsoid midway between them (Gauss's mid-latitude
    formula, to first order), which is exact enough for the length of a hundred pixels.
    """
    phi = math.radians((one[0] + two[0]) / 2)
    north = math.radians(two[0] - one[0])
    east = math.radians((two[1] - one[1] + 180) % 360 - 180)
    squeeze = 1 - _ECCENTRICITY2 * math.sin(phi) ** 2
    meridian = _RADIUS * (1 - _ECCENTRICITY2) / squeeze**1.5
    normal = _RADIUS / math.sqrt(squeeze)
    return math.hypot(meridian * north, normal * math.cos(phi) * east)
