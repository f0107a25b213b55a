"""Areas on the Earth as polygons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .earth import check_latitude_longitude, normals

Array = NDArray[np.float64]

MAX_VERTICES = 2_000
_MAX_RADIUS_DEG = 60.0


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area bounded by great circles between its vertices.

    Each edge is the shorter arc, so areas across the antimeridian or a pole need no special
    notation: ``[(60, 0), (60, 120), (60, -120)]`` is a cap around the north pole. The first
    vertex may be repeated at the end.

    Attributes:
        vertices: Latitude and longitude in degrees, in order.

    Raises:
        InputError: The polygon has fewer than 3 or more than 2000 vertices, has no area, has
            edges that cross, or reaches farther than 60 degrees from its middle.
    """

    vertices: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        vertices = tuple(
            (float(latitude), float(longitude)) for latitude, longitude in self.vertices
        )
        if len(vertices) > 1 and vertices[0] == vertices[-1]:
            vertices = vertices[:-1]
        object.__setattr__(self, "vertices", vertices)
        for latitude, longitude in vertices:
            check_latitude_longitude(latitude, longitude)
        if len(set(vertices)) < 3 or len(vertices) > MAX_VERTICES:
            raise InputError(
                f"polygon has {len(set(vertices))} vertices; allowed is 3 to {MAX_VERTICES}"
            )
        corners = self._corners()
        total = corners.sum(axis=1)
        length = float(np.sqrt(np.sum(total**2)))
        least = math.cos(math.radians(_MAX_RADIUS_DEG))
        if length < 1e-9 or float((total / length @ corners).min()) < least:
            raise InputError(
                "polygon reaches too far round the Earth; allowed is up to "
                f"{_MAX_RADIUS_DEG:g} degrees from its middle"
            )
        x, y = self._project(corners)
        crossing = _crossing_edges(x, y)
        if crossing is not None:
            raise InputError(
                f"polygon's edges {crossing[0] + 1} and {crossing[1] + 1} cross; "
                "allowed are areas whose boundary does not cross itself"
            )
        area = 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
        if area < 1e-14:  # 0.4 square metres
            raise InputError("polygon has no area: its vertices lie on one line")

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude of the mean of the vertices on the sphere, in degrees."""
        x, y, z = self._axis()
        return math.degrees(math.asin(max(-1.0, min(1.0, z)))), math.degrees(math.atan2(y, x))

    def _corners(self) -> Array:
        latitude, longitude = np.array(self.vertices).T
        return normals(latitude, longitude)

    def _axis(self) -> Array:
        total = self._corners().sum(axis=1)
        return np.asarray(total / np.sqrt(np.sum(total**2)))

    def _frame(self) -> tuple[Array, Array, Array]:
        axis = self._axis()
        # Any starting direction that is not parallel to the axis will do.
        other = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        east = np.cross(other, axis)
        east /= np.sqrt(np.sum(east**2))
        return axis, east, np.cross(axis, east)

    def _project(self, direction: Array) -> tuple[Array, Array]:
        """Project onto the plane tangent at the middle, where great circles are straight lines."""
        axis, east, north = self._frame()
        depth = axis @ direction
        return np.asarray(east @ direction / depth), np.asarray(north @ direction / depth)


def _crossing_edges(x: Array, y: Array) -> tuple[int, int] | None:
    """Return the first two edges that cross each other; shared ends do not count."""
    nx, ny = np.roll(x, -1), np.roll(y, -1)
    number = len(x)

    def side(i: int, px: Array, py: Array) -> Array:
        return np.asarray(np.sign((nx[i] - x[i]) * (py - y[i]) - (ny[i] - y[i]) * (px - x[i])))

    for i in range(number - 2):
        others = np.arange(i + 2, number - (i == 0))
        apart = side(i, x[others], y[others]) * side(i, nx[others], ny[others]) < 0
        dx, dy = nx[others] - x[others], ny[others] - y[others]
        here = np.sign(dx * (y[i] - y[others]) - dy * (x[i] - x[others]))
        there = np.sign(dx * (ny[i] - y[others]) - dy * (nx[i] - x[others]))
        hit = np.flatnonzero(apart & (here * there < 0))
        if len(hit):
            return i, int(others[hit[0]])
    return None


def polygon_of(vertices: Sequence[Sequence[float]]) -> Polygon:
    """Create a polygon from any sequence of latitude and longitude pairs."""
    return Polygon(tuple((float(pair[0]), float(pair[1])) for pair in vertices))
