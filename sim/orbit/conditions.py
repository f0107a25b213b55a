"""The conditions that passes, accesses and eclipses are made of, as smooth values with rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .earth import EQUATORIAL_RADIUS_M
from .sun import Sun, earth_fixed_rate

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AboveElevation:
    """The satellite stands at or above an elevation over a place's horizon.

    Geometric elevation, no refraction, over the plane normal to WGS 84 at the place. The value is
    the sine of the elevation less that of the limit, so its maximum is the culmination.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
        up: Their unit normals, shape ``(3, n)``.
        least_sine: Sine of the limit at each place, shape ``(n,)``.
    """

    place: Array
    up: Array
    least_sine: Array

    def evaluate(
        self,
        item: Index,
        time_s: Array,  # noqa: ARG002
        position: Array,
        velocity: Array,
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        (ux, uy, uz), (px, py, pz) = self.up[:, item], self.place[:, item]
        x, y, z = position[0] - px, position[1] - py, position[2] - pz
        vx, vy, vz = velocity
        distance = np.sqrt(x * x + y * y + z * z)
        sine = (x * ux + y * uy + z * uz) / distance
        closing = (x * vx + y * vy + z * vz) / distance
        rate = (vx * ux + vy * uy + vz * uz - sine * closing) / distance
        return sine - self.least_sine[item], rate


@dataclass(frozen=True, slots=True, eq=False)
class WithinOffNadir:
    """The satellite sees a place at most so far off its nadir.

    Nadir is the direction to the Earth's centre; the local vertical differs from it by up to
    0.2 degrees. The value is the cosine of the angle less that of the limit. It holds for places
    behind the Earth too: keep to the near side by other means.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
        least_cosine: Cosine of the limit.
    """

    place: Array
    least_cosine: float

    def evaluate(
        self,
        item: Index,
        time_s: Array,  # noqa: ARG002
        position: Array,
        velocity: Array,
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        rx, ry, rz = position
        vx, vy, vz = velocity
        px, py, pz = self.place[:, item]
        x, y, z = rx - px, ry - py, rz - pz
        distance = np.sqrt(x * x + y * y + z * z)
        radius = np.sqrt(rx * rx + ry * ry + rz * rz)
        product = distance * radius
        cosine = (x * rx + y * ry + z * rz) / product
        along = vx * rx + vy * ry + vz * rz
        closing = vx * x + vy * y + vz * z
        rate = (along + closing) / product
        rate -= cosine * (closing / distance**2 + along / radius**2)
        return cosine - self.least_cosine, rate


@dataclass(frozen=True, slots=True, eq=False)
class SunAbove:
    """The Sun's centre stands at or above an elevation over a place, without refraction.

    Attributes:
        sun: The Sun.
        up: Unit normals of the places, shape ``(3, n)``.
        least_sine: Sine of the limit.
    """

    sun: Sun
    up: Array
    least_sine: float

    def evaluate(
        self,
        item: Index,
        time_s: Array,
        position: Array,  # noqa: ARG002
        velocity: Array,  # noqa: ARG002
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        up = self.up[:, item]
        direction = self.sun.direction(time_s)
        value = np.sum(up * direction, axis=0) - self.least_sine
        return value, np.sum(up * earth_fixed_rate(direction), axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class InShadow:
    """The Earth hides the Sun's centre from the satellite.

    A sphere of the equatorial radius and the Sun as a point at its true distance: the middle of
    the penumbra, some 8 s wide in low orbit, so the energy of the two half-lit stretches at an
    eclipse's ends comes out right. The value is the share of the Earth's radius by which the line
    to the Sun passes inside the limb.

    Attributes:
        sun: The Sun.
    """

    sun: Sun

    def evaluate(
        self,
        item: Index,  # noqa: ARG002
        time_s: Array,
        position: Array,
        velocity: Array,
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        line = self.sun.position(time_s) - position
        direction = line / np.sqrt(np.sum(line**2, axis=0))
        towards = np.sum(position * direction, axis=0)
        limb = np.sqrt(np.maximum(np.sum(position**2, axis=0) - EQUATORIAL_RADIUS_M**2, 1.0))
        rate = np.sum(velocity * direction + position * earth_fixed_rate(direction), axis=0)
        rate += np.sum(position * velocity, axis=0) / limb
        return -(towards + limb) / EQUATORIAL_RADIUS_M, -rate / EQUATORIAL_RADIUS_M
