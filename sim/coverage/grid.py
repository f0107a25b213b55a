"""Equal-area cells: the ground of an area as points that stand for equally many square metres.

The ellipsoid is cut into rings along parallels, and each ring into cells of equal width in
longitude. A ring has as many cells as its area holds, rounded over all rings to its north together,
and its southern edge is then set so that every cell of the grid has the same area. Cells are
therefore nearly square everywhere, the poles included.

The area north of a parallel is that of a sphere of equal area (the authalic sphere) north of the
authalic latitude: Snyder, Map Projections - A Working Manual, USGS Professional Paper 1395 (1987),
equations 3-11 to 3-13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ..orbit.earth import ECCENTRICITY_SQUARED, EQUATORIAL_RADIUS_M
from ..orbit.region import Region

Array = NDArray[np.float64]

MOST_CANDIDATES: Final = 4_000_000
"""Cells within an area's limits that are tested; an area much narrower than them gets fewer."""

_MOST_RINGS: Final = 20_000
"""Rings within an area's limits; an area of little width has no more along it."""

_E: Final = math.sqrt(ECCENTRICITY_SQUARED)
_TABLE: Final = np.linspace(-90.0, 90.0, 36_001)


def _q(latitude_deg: Array) -> Array:
    """Return Snyder's q, equation 3-12: twice the area to the equator, on a unit semi-axis."""
    sine = np.sin(np.radians(latitude_deg))
    return np.asarray(
        (1.0 - ECCENTRICITY_SQUARED)
        * (sine / (1.0 - ECCENTRICITY_SQUARED * sine**2) + np.arctanh(_E * sine) / _E)
    )


_Q_TABLE: Final = _q(_TABLE)
_Q_POLE: Final = float(_Q_TABLE[-1])
EARTH_AREA_M2: Final = 2.0 * math.pi * EQUATORIAL_RADIUS_M**2 * _Q_POLE
"""Area of the ellipsoid WGS 84, in square metres."""


def authalic_sine(latitude_deg: Array) -> Array:
    """Return the sine of the authalic latitude of geodetic latitudes, in degrees."""
    return np.asarray(np.clip(_q(np.asarray(latitude_deg, dtype=np.float64)) / _Q_POLE, -1.0, 1.0))


def latitude_of(sine: Array) -> Array:
    """Return the geodetic latitude, in degrees, whose authalic latitude has a sine."""
    # Towards the poles q is quadratic in latitude, so it is interpolated on its angle.
    return np.asarray(np.interp(np.arcsin(np.clip(sine, -1.0, 1.0)), _ANGLE_TABLE, _TABLE))


_ANGLE_TABLE: Final = np.arcsin(np.clip(_Q_TABLE / _Q_POLE, -1.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Points that stand for the ground of one target.

    Attributes:
        latitude_deg: Geodetic latitudes of the cells' centres, shape ``(n,)``.
        longitude_deg: Their longitudes, -180 to 180, shape ``(n,)``.
        cell_m2: Area of each cell; 0 for a point target, which is one cell without extent.
        area_m2: Area of the target: its own, not that of its cells together.
    """

    latitude_deg: Array
    longitude_deg: Array
    cell_m2: float
    area_m2: float


def cells_of_point(latitude_deg: float, longitude_deg: float) -> Cells:
    """Return a point target as one cell without extent."""
    longitude = (longitude_deg + 180.0) % 360.0 - 180.0
    return Cells(np.array([latitude_deg]), np.array([longitude]), 0.0, 0.0)


def cells_of_region(region: Region, number: int) -> Cells:
    """Return about `number` cells of equal area whose centres lie in a region, at least one.

    Args:
        region: The region.
        number: Wanted number of cells.
    """
    area, box_area = _areas(region)
    south, north, _ = _limits(region)
    least_side = EQUATORIAL_RADIUS_M * math.radians(north - south) / _MOST_RINGS
    size = max(area / number, box_area / MOST_CANDIDATES, least_side**2, 1.0)
    latitude, longitude, cell = _centres(region, size)
    inside = region.contains(latitude, longitude)
    if not inside.any():
        point = cells_of_point(*region.inner_point)
        return Cells(point.latitude_deg, point.longitude_deg, area, area)
    return Cells(latitude[inside], longitude[inside], cell, area)


def _areas(region: Region) -> tuple[float, float]:
    """Return the area of a region and that of its limits, in square metres."""
    shape = shapely.segmentize(region.within_limits, 0.25)

    def equal_area(points: Array) -> Array:
        return np.stack([np.radians(points[:, 0]), authalic_sine(points[:, 1])], axis=1)

    flat = shapely.transform(shape, equal_area)
    scale = EARTH_AREA_M2 / (4.0 * math.pi)
    south, north, spans = _limits(region)
    sines = authalic_sine(np.array([south, north]))
    wide = sum(high - low for low, high in spans)
    box = math.radians(wide) * float(sines[1] - sines[0]) * scale
    return float(shapely.area(flat)) * scale, box


def _limits(region: Region) -> tuple[float, float, list[tuple[float, float]]]:
    """Return southern and northern limit of a region, and its spans of longitude."""
    (south, north), (west, east) = region.latitude_deg, region.longitude_deg
    turns = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    spans = []
    parts = shapely.get_parts(region.shape)
    bounds = shapely.bounds(parts).reshape(-1, 4)
    low, high = south, north
    if len(bounds):
        low, high = max(south, float(bounds[:, 1].min())), min(north, float(bounds[:, 3].max()))
    # East and west of the antimeridian apart, so that an area across it is not all round the Earth.
    for half in ((-180.0, 0.0), (0.0, 180.0)):
        mine = bounds[(bounds[:, 0] < half[1]) & (bounds[:, 2] > half[0])]
        if not len(mine):
            continue
        first = max(half[0], float(mine[:, 0].min()))
        last = min(half[1], float(mine[:, 2].max()))
        for begin, end in turns:
            if min(last, end) > max(first, begin):
                spans.append((max(first, begin), min(last, end)))
    return low, max(low, high), sorted(spans)


def _centres(region: Region, size_m2: float) -> tuple[Array, Array, float]:
    """Return the centres of all cells within a region's limits, and the area of a cell."""
    total = max(12, round(EARTH_AREA_M2 / size_m2))
    side = math.sqrt(4.0 * math.pi / total)  # in radians
    rings = max(2, round(math.pi / side))
    south, north, spans = _limits(region)
    # Of the whole Earth's rings, those within the limits, and one more on either side.
    top, bottom = np.arccos(authalic_sine(np.array([north, south]))) * (rings / math.pi)
    first_ring, last_ring = max(0, math.floor(top) - 1), min(rings, math.ceil(bottom) + 1)
    colatitude = np.arange(first_ring, last_ring + 1) * (math.pi / rings)
    before = np.round(total * (1.0 - np.cos(colatitude)) / 2.0).astype(np.int64)
    sine = 1.0 - 2.0 * before / total
    middle = latitude_of((sine[1:] + sine[:-1]) / 2.0)
    edge = latitude_of(sine)
    latitudes, longitudes = [], []
    for ring in np.flatnonzero((edge[:-1] >= south) & (edge[1:] <= north)).tolist():
        count = int(before[ring + 1] - before[ring])
        if not count:
            continue
        width = 360.0 / count
        next_one = 0  # a centre on the edge of two spans is listed once
        for west, east in spans:
            first = max(math.ceil(round((west + 180.0) / width - 0.5, 9)), next_one)
            last = min(math.floor(round((east + 180.0) / width - 0.5, 9)), count - 1)
            along = np.arange(first, last + 1)
            next_one = max(next_one, last + 1)
            longitudes.append(-180.0 + (along + 0.5) * width)
            latitudes.append(np.full(len(along), middle[ring]))
    if not latitudes:
        return np.empty(0), np.empty(0), EARTH_AREA_M2 / total
    return np.concatenate(latitudes), np.concatenate(longitudes), EARTH_AREA_M2 / total
