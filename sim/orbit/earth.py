"""The Earth as an ellipsoid: conversion between geodetic coordinates and positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError

Array = NDArray[np.float64]

# WGS 84 (NGA.STND.0036): semi-major axis, flattening and derived values.
EQUATORIAL_RADIUS_M = 6_378_137.0
FLATTENING = 1.0 / 298.257223563
POLAR_RADIUS_M = EQUATORIAL_RADIUS_M * (1.0 - FLATTENING)
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)

# Rotation of the Earth in an inertial frame (rad/s of UT1), Vallado (2013), eq. 3-40.
ROTATION_RATE = 7.292115146706979e-5


@dataclass(frozen=True, slots=True)
class Site:
    """A place on the Earth, geodetic on WGS 84.

    Raises:
        InputError: The latitude is outside -90..90, the longitude is outside -180..360, or no
            place on Earth has this height.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0

    def __post_init__(self) -> None:
        check_latitude_longitude(self.latitude_deg, self.longitude_deg)
        if not -1_000.0 <= self.altitude_m <= 20_000.0:
            raise InputError(
                f"site altitude {self.altitude_m:g} m; allowed is -1000 to 20000 m above WGS 84"
            )


def check_latitude_longitude(latitude_deg: float, longitude_deg: float) -> None:
    """Check that coordinates are a place on Earth.

    Raises:
        InputError: A coordinate is out of range.
    """
    if not -90.0 <= latitude_deg <= 90.0:
        raise InputError(f"latitude {latitude_deg:g}; allowed is -90 to 90 degrees, north positive")
    if not -180.0 <= longitude_deg <= 360.0:
        raise InputError(
            f"longitude {longitude_deg:g}; allowed is -180 to 360 degrees, east positive"
        )


def normals(latitude_deg: Array, longitude_deg: Array) -> Array:
    """Return unit vectors that point up (along the ellipsoid's normal), shape ``(3, n)``."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )


def positions(
    latitude_deg: Array,
    longitude_deg: Array,
    altitude_m: Array | float = 0.0,
) -> Array:
    """Convert geodetic coordinates to Earth-fixed positions in metres, shape ``(3, n)``."""
    up = normals(latitude_deg, longitude_deg)
    # Radius of curvature in the prime vertical.
    curvature = EQUATORIAL_RADIUS_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * up[2] ** 2)
    result: Array = (curvature + altitude_m) * up
    result[2] -= ECCENTRICITY_SQUARED * curvature * up[2]
    return result


def geodetic(position_m: Array) -> tuple[Array, Array, Array]:
    """Convert Earth-fixed positions to geodetic latitude, longitude and height.

    Latitude and longitude are in degrees (longitude -180..180), the height is in metres.
    Bowring's method (1976, Survey Review 23, 323-327) with one more step is exact to below a
    millimetre from the ground to geostationary height.

    Args:
        position_m: Earth-fixed positions in metres, shape ``(3, n)``.
    """
    x, y, z = position_m
    distance = np.hypot(x, y)
    second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)
    reduced = np.arctan2(z * EQUATORIAL_RADIUS_M, distance * POLAR_RADIUS_M)
    latitude = reduced
    for _ in range(2):
        latitude = np.arctan2(
            z + second * POLAR_RADIUS_M * np.sin(reduced) ** 3,
            distance - ECCENTRICITY_SQUARED * EQUATORIAL_RADIUS_M * np.cos(reduced) ** 3,
        )
        reduced = np.arctan2((1.0 - FLATTENING) * np.sin(latitude), np.cos(latitude))
    sine = np.sin(latitude)
    # This form does not divide by the cosine, so it also holds at the poles.
    height = (
        distance * np.cos(latitude)
        + z * sine
        - EQUATORIAL_RADIUS_M * np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine**2)
    )
    return np.degrees(latitude), np.degrees(np.arctan2(y, x)), height
