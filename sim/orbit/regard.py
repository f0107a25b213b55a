"""The imager's field of regard: how far from the sub-satellite point it can image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .earth import POLAR_RADIUS_M

Array = NDArray[np.float64]

# The ellipsoid's horizon differs from a sphere's by the angle between the geodetic and the
# geocentric vertical, at most 0.193 degrees.
HORIZON_SLACK = math.radians(0.2)
# Sine of the incidence angle (from the vertical at the imaged place) up to which the field's radius
# changes smoothly with the satellite's distance. At 90 degrees its rate is infinite.
_STEEPEST_SINE = 0.98


@dataclass(frozen=True, slots=True)
class FieldOfRegard:
    """The ground that an imager can reach: a cap around the sub-satellite point.

    The line of sight is tilted by at most `limit` from the direction to the Earth's centre, and
    the swath extends half its width farther on the ground. For a place at distance R from the
    Earth's centre and a satellite at distance r, the sine rule gives the cap's radius as an angle
    at the Earth's centre: ``asin(r / R sin(limit)) - limit + half_swath_m / R``. The horizon
    bounds it.

    Attributes:
        limit: Largest tilt from nadir, in radians.
        half_swath_m: Half the width of the swath on the ground, in metres.
    """

    limit: float
    half_swath_m: float

    def radius(self, distance_m: Array, ground_m: Array | float) -> Array:
        """Return the cap's radius in radians, or the horizon's if the limit lies beyond it.

        Args:
            distance_m: Distances of the satellite from the Earth's centre, in metres.
            ground_m: Distances of the places from the Earth's centre, in metres.
        """
        sine = distance_m * (math.sin(self.limit) / ground_m)
        tilted = np.arcsin(np.minimum(sine, 1.0)) - self.limit
        horizon = np.arccos(np.minimum(ground_m / distance_m, 1.0)) + HORIZON_SLACK
        return np.asarray(np.where(sine < 1.0, tilted, horizon) + self.half_swath_m / ground_m)

    def slope(self, distance_m: Array) -> Array:
        """Return the tangent of the incidence angle at the limit, at most 5.

        It is the change of the cap's radius per relative change of the place's distance R.
        """
        sine = np.minimum(distance_m * (math.sin(self.limit) / POLAR_RADIUS_M), _STEEPEST_SINE)
        return np.asarray(sine / np.sqrt(1.0 - sine * sine))

    def is_smooth(self, distance_m: Array) -> bool:
        """Return whether the radius changes smoothly at all these distances of the satellite."""
        steepest = float(distance_m.max()) * math.sin(self.limit) / POLAR_RADIUS_M
        return steepest < _STEEPEST_SINE

    def meets_horizon(self, distance_m: Array) -> bool:
        """Return whether the horizon bounds the cap at any of these satellite distances."""
        horizon = np.arccos(np.minimum(POLAR_RADIUS_M / distance_m, 1.0)) - 2.0 * HORIZON_SLACK
        return bool(np.any(self.radius(distance_m, POLAR_RADIUS_M) > horizon))


def sight_angle(distance_m: Array, ground_m: Array, central: Array) -> Array:
    """Return the angle between nadir and the line of sight to a place, in radians.

    Args:
        distance_m: Distances of the satellite from the Earth's centre, in metres.
        ground_m: Distances of the places from the Earth's centre, in metres.
        central: Angles at the Earth's centre between satellite and place, in radians.
    """
    across = ground_m * np.sin(central)
    # 1 - cos(central) as 2 sin^2(central / 2) keeps its precision where the angle is small.
    down = distance_m - ground_m + 2.0 * ground_m * np.sin(central / 2.0) ** 2
    return np.asarray(np.arctan2(across, down))
