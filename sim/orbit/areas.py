"""Finds the point of each of many areas that is nearest to the sub-satellite point.

A polygon's edges are great circles on a sphere whose angles are geodetic latitude and longitude.
The map from the geodetic normal n to the direction p of the place from the Earth's centre is
linear up to length, ``p ~ (nx, ny, (1 - e^2) nz)``. It therefore maps planes through the centre
to planes through the centre, and the edges seen from the Earth's centre are great circles too.
This module computes with those directions, in which nadir, the field of regard and the ellipsoid
are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .earth import ECCENTRICITY_SQUARED, EQUATORIAL_RADIUS_M
from .polygon import Polygon
from .regard import FieldOfRegard

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

_PAIRS = 200_000  # pairs of direction and edge processed together: 40 MB
# From this number of edges on, one matrix product per area is faster than gathering pairs.
_MANY_EDGES = 64
# Places differ in their distance from the Earth's centre by up to 0.34 %. The geodetic vertical
# differs from the geocentric one by up to 0.0034 radians.
_FLATNESS = 0.0034


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The points of areas that lie deepest within the field of regard.

    Attributes:
        margin: How far the field of regard reaches beyond the point, in radians at the Earth's
            centre; negative where the area is out of reach.
        direction: Unit vectors from the Earth's centre to the points, shape ``(3, n)``.
        inside: Whether the point is the sub-satellite point.
    """

    margin: Array
    direction: Array
    inside: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """Polygons as arrays, so that many can be queried at once.

    Attributes:
        middle: Direction of each area's middle, shape ``(3, n)``.
        cap: Angle from the middle to the area's farthest corner, shape ``(n,)``.
    """

    middle: Array
    cap: Array
    _first: Index
    _start: Array
    _end: Array
    _normal: Array
    _axes: Array
    _flat: Array

    @classmethod
    def of(cls, polygons: Sequence[Polygon]) -> Areas:
        """Convert one or more polygons to arrays."""
        middles, caps, counts = [], [], []
        starts, ends, axes, flats = [], [], [], []
        for polygon in polygons:
            north, east = np.array(polygon.vertices).T
            corner = geocentric(north, east)
            corner = corner[:, np.any(corner != np.roll(corner, -1, axis=1), axis=0)]
            middle = corner.mean(axis=1)
            middle /= np.sqrt(np.sum(middle**2))
            following = np.roll(corner, -1, axis=1)
            frame = _tangent_frame(middle)
            flat = frame[1:] @ corner / (middle @ corner)
            middles.append(middle)
            caps.append(float(np.arccos(np.clip(middle @ corner, -1.0, 1.0)).max()))
            counts.append(corner.shape[1])
            starts.append(corner)
            ends.append(following)
            axes.append(frame)
            flats.append(np.concatenate((flat, np.roll(flat, -1, axis=1))))
        start, end = np.concatenate(starts, axis=1), np.concatenate(ends, axis=1)
        normal = np.cross(start, end, axis=0)
        normal /= np.sqrt(np.sum(normal**2, axis=0))
        return cls(
            np.stack(middles, axis=1),
            np.array(caps),
            np.concatenate(([0], np.cumsum(counts))),
            start,
            end,
            normal,
            np.stack(axes),
            np.concatenate(flats, axis=1),
        )

    def nearest(
        self, area: Index, position: Array, field: FieldOfRegard, *, horizon: bool
    ) -> Nearest:
        """Find the point of each area that lies deepest within the field of regard.

        Args:
            area: Index of the area of each query, shape ``(n,)``.
            position: Earth-fixed positions of the satellite in metres, shape ``(3, n)``.
            field: The field of regard.
            horizon: Whether the horizon may bound the field of regard.
        """
        number = len(area)
        margin, direction = np.empty(number), np.empty((3, number))
        inside = np.empty(number, dtype=np.bool_)
        for part in self._parts(area):
            margin[part], direction[:, part], inside[part] = self._nearest(
                area[part], position[:, part], field, horizon
            )
        return Nearest(margin, direction, inside)

    def sunniest(self, area: Index, below: Array, radius: Array, sun: Array) -> tuple[Array, Mask]:
        """Find the point of each area within a cap at which the Sun stands highest.

        Args:
            area: Index of the area of each query, shape ``(n,)``.
            below: Unit vectors to the caps' centres, shape ``(3, n)``.
            radius: The caps' radii in radians, shape ``(n,)``.
            sun: Unit vectors to the Sun, shape ``(3, n)``.

        Returns:
            Unit vectors to the points, shape ``(3, n)``, and whether such a point exists.
        """
        number = len(area)
        direction, found = np.empty((3, number)), np.empty(number, dtype=np.bool_)
        for part in self._parts(area):
            direction[:, part], found[part] = self._sunniest(
                area[part], below[:, part], radius[part], sun[:, part]
            )
        return direction, found

    def _parts(self, area: Index) -> Iterator[slice]:
        """Yield slices of the queries, each with a bounded total number of edges."""
        pairs = np.cumsum(self._first[area + 1] - self._first[area])
        low = 0
        while low < len(area):
            done = pairs[low - 1] if low else 0
            high = max(low + 1, int(np.searchsorted(pairs, done + _PAIRS, side="right")))
            yield slice(low, high)
            low = high

    def _pairs(self, area: Index) -> tuple[Index, Index, Index]:
        """Return query and edge of every pair, and the index of each query's first pair."""
        count = self._first[area + 1] - self._first[area]
        begin = np.cumsum(count) - count
        query = np.repeat(np.arange(len(area)), count)
        edge = np.arange(len(query)) + np.repeat(self._first[area] - begin, count)
        return query, edge, begin

    def _nearest(
        self, area: Index, position: Array, field: FieldOfRegard, horizon: bool
    ) -> tuple[Array, Array, Mask]:
        distance = np.sqrt(np.sum(position**2, axis=0))
        below = position / distance
        query, edge, begin = self._pairs(area)
        cosine, between = self._cosines(area, below, query, edge)
        inside = self._contains(area, below, query, edge, begin)
        nearest = np.maximum.reduceat(cosine, begin)
        # On the ellipsoid, a slightly farther place may lie deeper within the field.
        spread = _FLATNESS * (2.0 if horizon else field.slope(distance))
        least = np.cos(np.arccos(np.clip(nearest, -1.0, 1.0)) + spread + 1e-9) - 1e-15
        close = np.flatnonzero(cosine >= least[query])
        query, edge, between = query[close], edge[close], between[close]
        direction = self._points(below[:, query], edge, between)
        margin = _margin(direction, position[:, query], distance[query], field, horizon)
        begin = np.flatnonzero(np.diff(query, prepend=-1))
        best = np.flatnonzero(
            margin
            == np.repeat(np.maximum.reduceat(margin, begin), np.diff(begin, append=len(query)))
        )
        best = best[np.flatnonzero(np.diff(query[best], prepend=-1))]
        margin, direction = margin[best], direction[:, best]
        if inside.any():
            direction[:, inside] = below[:, inside]
            margin[inside] = _margin(
                below[:, inside], position[:, inside], distance[inside], field, horizon
            )
        return margin, direction, inside

    def _cosines(self, area: Index, below: Array, query: Index, edge: Index) -> tuple[Array, Mask]:
        """Return the cosine of the angle to each edge, and if its nearest point is not an end."""
        if len(edge) >= _MANY_EDGES * len(area):
            return self._cosines_by_area(area, below)
        x, y, z = below[:, query]

        def along(vector: Array) -> Array:
            vx, vy, vz = vector[:, edge]
            return np.asarray(x * vx + y * vy + z * vz)

        return _nearest_cosine(
            along(self._start), along(self._end), along(self._normal), self._cosine_of_edge[edge]
        )

    def _cosines_by_area(self, area: Index, below: Array) -> tuple[Array, Mask]:
        parts = []
        cuts = np.flatnonzero(np.diff(area, prepend=-1, append=-1))
        for low, high in pairwise(cuts.tolist()):
            edges = slice(self._first[area[low]], self._first[area[low] + 1])
            rows = below[:, low:high].T
            cosine, between = _nearest_cosine(
                rows @ self._start[:, edges],
                rows @ self._end[:, edges],
                rows @ self._normal[:, edges],
                self._cosine_of_edge[edges],
            )
            parts.append((cosine.ravel(), between.ravel()))
        cosines, betweens = zip(*parts, strict=True)
        return np.concatenate(cosines), np.concatenate(betweens)

    @property
    def _cosine_of_edge(self) -> Array:
        return np.asarray(np.sum(self._start * self._end, axis=0))

    def _points(self, below: Array, edge: Index, between: Mask) -> Array:
        """Return the nearest point of each edge: the perpendicular's foot, or the nearer end."""
        normal, start, end = self._normal[:, edge], self._start[:, edge], self._end[:, edge]
        foot = below - np.sum(below * normal, axis=0) * normal
        at_start = np.sum(below * start, axis=0) >= np.sum(below * end, axis=0)
        point = np.where(between, foot, np.where(at_start, start, end))
        return np.asarray(point / np.sqrt(np.sum(point**2, axis=0)))

    def _contains(
        self, area: Index, direction: Array, query: Index, edge: Index, begin: Index
    ) -> Mask:
        """Return whether directions lie inside their areas, by the even-odd rule.

        The rule is applied in the plane tangent at the area's middle, where great circles are
        straight lines.
        """
        depth, x, y = np.einsum("nij,jn->in", self._axes[area], direction)
        ahead = depth > 0.0
        safe = np.where(ahead, depth, 1.0)
        x, y = (x / safe)[query], (y / safe)[query]
        x0, y0, x1, y1 = self._flat[:, edge]
        between = (y0 > y) != (y1 > y)
        rise = np.where(between, y1 - y0, 1.0)
        crosses = between & (x < x0 + (y - y0) / rise * (x1 - x0))
        return np.asarray(np.logical_xor.reduceat(crosses, begin) & ahead)

    def _sunniest(self, area: Index, below: Array, radius: Array, sun: Array) -> tuple[Array, Mask]:
        query, edge, begin = self._pairs(area)
        start = self._start[:, edge]
        along = np.cross(self._normal[:, edge], start, axis=0)
        length = np.arccos(np.clip(self._cosine_of_edge[edge], -1.0, 1.0))
        # Along an edge, the cosine of the angle to any direction is C cos(phi - phi0).
        centre, height = _phase(below[:, query], start, along, length / 2.0)
        limit = np.cos(radius)[query]
        half = np.arccos(np.clip(limit / np.maximum(height, 1e-12), -1.0, 1.0))
        low = np.maximum(centre - half, 0.0)
        high = np.minimum(centre + half, length)
        meets = (height >= limit) & (low <= high)
        # With n mapped to p, the Sun's elevation is nearly linear in these directions.
        lean = sun.copy()
        lean[2] /= 1.0 - ECCENTRICITY_SQUARED
        lean /= np.sqrt(np.sum(lean**2, axis=0))
        top, _ = _phase(lean[:, query], start, along, (low + high) / 2.0)
        phi = np.clip(top, low, np.maximum(low, high))
        point = start * np.cos(phi) + along * np.sin(phi)
        value = np.where(meets, np.sum(point * lean[:, query], axis=0), -2.0)
        # The sunniest point of the cap itself counts if it lies inside the area.
        away = lean - np.sum(lean * below, axis=0) * below
        size = np.sqrt(np.sum(away**2, axis=0))
        away /= np.maximum(size, 1e-12)
        turn = np.minimum(radius, np.arctan2(size, np.sum(lean * below, axis=0)))
        rim = below * np.cos(turn) + away * np.sin(turn)
        inside = self._contains(area, rim, query, edge, begin)
        highest = np.maximum.reduceat(value, begin)
        best = np.flatnonzero(value == highest[query])
        best = best[np.flatnonzero(np.diff(query[best], prepend=-1))]
        found = (highest > -2.0) | inside
        return np.where(inside, rim, point[:, best]), found


def geocentric(latitude_deg: Array, longitude_deg: Array) -> Array:
    """Return unit vectors from the Earth's centre to places on WGS 84, shape ``(3, n)``.

    The places are given by geodetic latitude and longitude.
    """
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    vector = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            (1.0 - ECCENTRICITY_SQUARED) * np.sin(latitude),
        ]
    )
    return np.asarray(vector / np.sqrt(np.sum(vector**2, axis=0)))


def ground_distance(direction: Array) -> Array:
    """Return the distance of places on WGS 84 from the Earth's centre, in metres.

    Args:
        direction: Unit vectors from the Earth's centre, shape ``(3, n)``.
    """
    squeezed = direction[2] ** 2 * (ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED))
    return np.asarray(EQUATORIAL_RADIUS_M / np.sqrt(1.0 + squeezed))


def upward(direction: Array) -> Array:
    """Return the unit normals of WGS 84 at places given as directions from the Earth's centre."""
    normal = direction.copy()
    normal[2] /= 1.0 - ECCENTRICITY_SQUARED
    return np.asarray(normal / np.sqrt(np.sum(normal**2, axis=0)))


def central_angle(a: Array, b: Array) -> Array:
    """Return the angles between unit vectors, shape ``(n,)``, exact for small angles too."""
    chord = np.sqrt(np.sum((a - b) ** 2, axis=0))
    return np.asarray(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))


def _nearest_cosine(start: Array, end: Array, normal: Array, edge: Array) -> tuple[Array, Mask]:
    """Return the cosine of the angle from directions to edges, and whether the foot is on the edge.

    The foot of the perpendicular is on the edge where the direction, in the plane of the edge, is
    past the start and before the end.

    Args:
        start: Cosines to the start of each edge.
        end: Cosines to the end of each edge.
        normal: Cosines to the normal of each edge.
        edge: Cosines of the edges' lengths.
    """
    between = (end >= start * edge) & (start >= end * edge)
    foot = np.sqrt(np.maximum(1.0 - normal * normal, 0.0))
    return np.where(between, foot, np.maximum(start, end)), between


def _margin(
    direction: Array, position: Array, distance: Array, field: FieldOfRegard, horizon: bool
) -> Array:
    ground = ground_distance(direction)
    angle = central_angle(direction, position / distance)
    margin = field.radius(distance, ground) - angle
    if horizon:
        up = upward(direction)
        height = ground * np.sum(up * direction, axis=0)
        farthest = np.arccos(np.minimum(height / distance, 1.0))
        margin = np.minimum(margin, farthest - central_angle(up, position / distance))
    return np.asarray(margin)


def _phase(vector: Array, start: Array, along: Array, near: Array) -> tuple[Array, Array]:
    """Return where along edges the cosine to a vector is largest, and that cosine.

    The position is an angle along the edge, unwrapped to within half a revolution of `near`.
    """
    a, b = np.sum(vector * start, axis=0), np.sum(vector * along, axis=0)
    phase = np.arctan2(b, a)
    phase = near + (phase - near + np.pi) % (2.0 * np.pi) - np.pi
    return np.asarray(phase), np.sqrt(a * a + b * b)


def _tangent_frame(axis: Array) -> Array:
    """Return the axis and two directions perpendicular to it as rows, shape ``(3, 3)``."""
    # Any starting direction that is not parallel to the axis will do.
    other = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(other, axis)
    east /= np.sqrt(np.sum(east**2))
    return np.stack([axis, east, np.cross(axis, east)])
