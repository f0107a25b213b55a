"""Regions: which places on the ground are wanted, asked for many points at once.

A region is a set of polygons on a plate carrée map, cut at the antimeridian, so that holes, several
parts, the antimeridian and the poles need no special treatment. It answers for points, whereas
`areas` finds the nearest point of a polygon; that needs a shape of limited extent.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import shapely
from numpy.typing import NDArray

from .polygon import Polygon

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LAND_PARTS = ("antarctica", "greenland")
"""Parts of the shipped outline of the land that an area may leave out."""

_MAP = shapely.box(-180.0, -90.0, 180.0, 90.0)
_KM_PER_DEG = 111.2
_BAND_DEG = 5.0  # height of the bands in which a degree of longitude has one length
_LEAST_SCALE = 0.02  # cosine of latitude below which a degree of longitude does not shrink further
_EDGE_DEG = 0.5  # longest step, in degrees, in which a great circle is drawn as a straight line
# Meridians that such a step may cross, in degrees, and their distance where it would cross more.
_MOST_MERIDIANS_DEG, _MERIDIANS_DEG = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class LandArea:
    """The land of the Earth, or what latitudes, longitudes and exclusions leave of it.

    Attributes:
        latitude_deg: Southern and northern limit, in degrees.
        longitude_deg: Western and eastern limit, in degrees; the western one may be the larger
            one, for an area across the antimeridian.
        exclude: Parts to leave out, from `LAND_PARTS`.
        coast_m: Width of the strip of sea along the coasts that belongs to the area, in metres.
    """

    latitude_deg: tuple[float, float] = (-90.0, 90.0)
    longitude_deg: tuple[float, float] = (-180.0, 180.0)
    exclude: tuple[str, ...] = ()
    coast_m: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A set of places on the Earth.

    Attributes:
        shape: Polygons in degrees of longitude (-180 to 180) and latitude.
        latitude_deg: Southern and northern limit of the region, in degrees.
        longitude_deg: Western and eastern limit, in degrees; see `LandArea`.
    """

    shape: shapely.Geometry
    latitude_deg: tuple[float, float] = (-90.0, 90.0)
    longitude_deg: tuple[float, float] = (-180.0, 180.0)

    def __post_init__(self) -> None:
        shapely.prepare(self.shape)

    def contains(self, latitude_deg: Array, longitude_deg: Array) -> Mask:
        """Return whether places lie in the region or on its boundary.

        Coordinates are rounded to a millionth of a degree (11 cm) first, so that the last bits of
        a computation do not decide.

        Args:
            latitude_deg: Geodetic latitudes, shape ``(n,)``.
            longitude_deg: Longitudes, any turn, shape ``(n,)``.
        """
        y = np.round(latitude_deg, 6)
        x = (np.round(longitude_deg, 6) + 180.0) % 360.0 - 180.0
        (south, north), (west, east) = self.latitude_deg, self.longitude_deg
        inside = (y >= south) & (y <= north)
        inside &= (x >= west) & (x <= east) if west <= east else (x >= west) | (x <= east)
        chosen = np.flatnonzero(inside)
        inside[chosen] = shapely.intersects_xy(self.shape, x[chosen], y[chosen])
        return np.asarray(inside)

    @property
    def within_limits(self) -> shapely.Geometry:
        """The polygons within the limits of latitude and longitude."""
        (south, north), (west, east) = self.latitude_deg, self.longitude_deg
        turns = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        limits = shapely.union_all([shapely.box(low, south, high, north) for low, high in turns])
        return shapely.intersection(self.shape, limits)

    @property
    def is_empty(self) -> bool:
        """Whether there is no ground in the region, and at most a line or a point."""
        return bool(shapely.area(self.within_limits) <= 0.0)

    @property
    def inner_point(self) -> tuple[float, float]:
        """Latitude and longitude of a point within the region's largest part, in degrees.

        Where the region has no ground, a point within its limits.
        """
        parts = shapely.get_parts(self.within_limits)
        if not shapely.area(parts).any():
            return sum(self.latitude_deg) / 2.0, self.longitude_deg[0]
        point = shapely.point_on_surface(parts[int(np.argmax(shapely.area(parts)))])
        return float(shapely.get_y(point)), float(shapely.get_x(point))


def region_of_land(area: LandArea) -> Region:
    """Return the region of a land area, from the shipped outline (`SOURCES.md`)."""
    return Region(
        _land(tuple(sorted(area.exclude)), area.coast_m), area.latitude_deg, area.longitude_deg
    )


def region_of_polygon(polygon: Polygon) -> Region:
    """Return the region of a polygon, whose great circles are drawn in steps of half a degree."""
    points = _great_circles(polygon)
    points[:, 0] = np.unwrap(points[:, 0], period=360.0)
    (first, _), (last, end) = points[0], points[-1]
    if abs(last - first) > 180.0:
        # The boundary runs around a pole. An edge along the pole closes it on the map.
        pole = math.copysign(90.0, polygon.middle[0])
        points = np.concatenate((points, [[last, pole], [first, pole], [first, end]]))
    return Region(_on_the_map(shapely.make_valid(shapely.Polygon(points))))


@cache
def _land(exclude: tuple[str, ...], coast_m: float) -> shapely.Geometry:
    text = files(__package__).joinpath("land.geojson").read_text("utf-8")
    parts = [
        shapely.from_geojson(json.dumps(feature["geometry"]))
        for feature in json.loads(text)["features"]
        if feature["properties"]["region"] not in exclude
    ]
    land = shapely.union_all(parts)
    return _widened(land, coast_m / 1e3 / _KM_PER_DEG) if coast_m else land


def _widened(shape: shapely.Geometry, margin_deg: float) -> shapely.Geometry:
    """Return a shape with a margin, given in degrees of a great circle.

    In bands of five degrees of latitude, longitudes are scaled by the cosine of the band's middle,
    so the margin is exact to the north and south, and within 13 % to the east and west up to 70
    degrees of latitude.
    """
    parts = [shape]
    for south in np.arange(-90.0, 90.0, _BAND_DEG).tolist():
        north = south + _BAND_DEG
        scale = max(math.cos(math.radians((south + north) / 2.0)), _LEAST_SCALE)
        band = shapely.intersection(shape, shapely.box(-180.0, south, 180.0, north))
        flat = shapely.transform(band, lambda xy, by=scale: xy * (by, 1.0))
        wide = shapely.buffer(flat, margin_deg, quad_segs=4)
        parts.append(_on_the_map(shapely.transform(wide, lambda xy, by=scale: xy / (by, 1.0))))
    return shapely.union_all(parts)


def _on_the_map(shape: shapely.Geometry) -> shapely.Geometry:
    """Move what lies beyond 180 degrees east or west back onto the map, and cut it there."""
    west, _, east, _ = shapely.bounds(shape).tolist()
    if math.isnan(west):
        return shape
    turns = range(math.floor((west + 180.0) / 360.0), math.ceil((east - 180.0) / 360.0) + 1)
    moved = [
        shapely.transform(shape, lambda xy, by=-360.0 * n: np.add(xy, (by, 0.0))) for n in turns
    ]
    return shapely.union_all([shapely.intersection(part, _MAP) for part in moved])


def _great_circles(polygon: Polygon) -> Array:
    """Return longitude and latitude along a polygon's edges, shape ``(n, 2)``, closed."""
    latitude, longitude = np.radians(np.array(polygon.vertices)).T
    corner = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )
    points = []
    for a, b in zip(corner, np.roll(corner, -1, axis=0), strict=True):
        angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
        count = max(1, math.ceil(math.degrees(angle) / _EDGE_DEG))
        part = np.arange(count) / count
        # Spherical linear interpolation; equal ends have no angle.
        sine = math.sin(angle) or 1.0
        near = np.sin((1.0 - part) * angle) / sine if angle else 1.0 - part
        far = np.sin(part * angle) / sine if angle else part
        points.append(near[:, None] * a + far[:, None] * b)
    return _with_meridians(np.concatenate([*points, corner[:1]]))


def _with_meridians(points: Array) -> Array:
    """Return longitude and latitude of unit vectors, with more points between them near the poles.

    There a short arc crosses many meridians, and a straight line on the map is far from it.
    """
    x, y, z = points.T
    longitude, latitude = np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(np.clip(z, -1, 1)))
    turned = (np.diff(longitude) + 180.0) % 360.0 - 180.0
    normal = np.cross(points[:-1], points[1:])
    places = np.stack([longitude, latitude], axis=1)
    found: list[Array] = []
    for n in range(len(points) - 1):
        found.append(places[n : n + 1])
        if abs(turned[n]) <= _MOST_MERIDIANS_DEG:
            continue
        count = math.ceil(abs(turned[n]) / _MERIDIANS_DEG)
        east = longitude[n] + turned[n] * np.arange(1, count) / count
        # The plane of the great circle, solved for the latitude; its sign is that of the ends.
        across = normal[n, 0] * np.cos(np.radians(east)) + normal[n, 1] * np.sin(np.radians(east))
        north = np.degrees(np.arctan2(np.abs(across), abs(normal[n, 2])))
        found.append(np.stack([east, math.copysign(1.0, latitude[n]) * north], axis=1))
    return np.concatenate([*found, places[-1:]])
