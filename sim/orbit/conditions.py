"""The conditions that define passes, accesses and eclipses, as smooth values with rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .earth import EQUATORIAL_RADIUS_M
from .regard import FieldOfRegard
from .sun import Sun, earth_fixed_rate

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AboveElevation:
    """The satellite is at or above an elevation over a place's horizon.

    The elevation is geometric, without refraction, above the plane perpendicular to the normal of
    WGS 84 at the place. The value is the sine of the elevation minus that of the limit, so its
    maximum is the culmination.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
        up: Unit normals of the places, shape ``(3, n)``.
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
class InFieldOfRegard:
    """The imager reaches a place; for fields of regard that end well before the horizon.

    The value is the cosine of the angle at the Earth's centre between satellite and place, minus
    that of the field's radius.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
        ground_m: Distances of the places from the Earth's centre in metres, shape ``(n,)``.
        field: The field of regard; `FieldOfRegard.is_smooth` must hold.
    """

    place: Array
    ground_m: Array
    field: FieldOfRegard

    def evaluate(
        self,
        item: Index,
        time_s: Array,  # noqa: ARG002
        position: Array,
        velocity: Array,
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        ground = self.ground_m[item]
        cosine, rate, radius, climb = _central_angle(
            self.place[:, item], ground, position, velocity
        )
        slope = np.sin(self.field.limit) / ground
        sine = radius * slope
        reach = np.arcsin(sine) - self.field.limit + self.field.half_swath_m / ground
        widening = slope / np.sqrt(1.0 - sine * sine) * climb
        return cosine - np.cos(reach), rate + np.sin(reach) * widening


@dataclass(frozen=True, slots=True, eq=False)
class WithinTilt:
    """The imager reaches a place with a tilt within its limit; the horizon is ignored.

    The tilt is the off-nadir angle of the nearest point that lies half a swath from the place.
    The value is the cosine of the tilt minus that of the limit. The condition also holds for
    places behind the Earth; use `AboveElevation` to exclude them.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
        ground_m: Distances of the places from the Earth's centre in metres, shape ``(n,)``.
        field: The field of regard; its limit is more than zero.
    """

    place: Array
    ground_m: Array
    field: FieldOfRegard

    def evaluate(
        self,
        item: Index,
        time_s: Array,  # noqa: ARG002
        position: Array,
        velocity: Array,
    ) -> tuple[Array, Array]:
        """See `search.Condition`."""
        ground = self.ground_m[item]
        cosine, rate, radius, climb = _central_angle(
            self.place[:, item], ground, position, velocity
        )
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        short = angle - self.field.half_swath_m / ground
        covered = short <= 0.0
        angle_rate = np.where(covered, 0.0, -rate / np.maximum(np.sin(angle), 1e-12))
        short = np.maximum(short, 0.0)
        across, down = ground * np.sin(short), radius - ground * np.cos(short)
        squared = across * across + down * down
        turning = down * ground * np.cos(short) * angle_rate
        turning -= across * (climb + across * angle_rate)
        value = down / np.sqrt(squared) - np.cos(self.field.limit)
        return value, -across / np.sqrt(squared) * turning / squared


def _central_angle(
    place: Array, ground_m: Array, position: Array, velocity: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the cosine of the central angle, its rate, the satellite's distance, and its rate."""
    rx, ry, rz = position
    vx, vy, vz = velocity
    px, py, pz = place
    radius = np.sqrt(rx * rx + ry * ry + rz * rz)
    climb = (rx * vx + ry * vy + rz * vz) / radius
    product = radius * ground_m
    cosine = (rx * px + ry * py + rz * pz) / product
    rate = (vx * px + vy * py + vz * pz) / product - cosine * (climb / radius)
    return cosine, rate, radius, climb


@dataclass(frozen=True, slots=True, eq=False)
class OffNadirCosine:
    """How close to nadir a place is seen: the cosine of its off-nadir angle.

    Nadir is the direction to the Earth's centre; the local vertical differs from it by up to
    0.2 degrees.

    Attributes:
        place: Earth-fixed positions of the places in metres, shape ``(3, n)``.
    """

    place: Array

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
        return cosine, rate


@dataclass(frozen=True, slots=True, eq=False)
class SunAbove:
    """The Sun's centre is at or above an elevation over a place, without refraction.

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

    The Earth is a sphere of the equatorial radius, and the Sun a point at its true distance. An
    eclipse thus starts and ends in the middle of the penumbra, which takes some 8 s to cross in
    low orbit, so the solar energy collected during the two crossings comes out right. The value is
    the distance by which the line to the Sun passes inside the limb, in Earth radii.

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
