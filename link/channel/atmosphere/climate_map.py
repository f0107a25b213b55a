"""The climate of any place on Earth, from a coarse grid that ships with the package."""

from __future__ import annotations

from .site import SiteClimate


def climate_at(latitude_deg: float, longitude_deg: float, height_m: float) -> SiteClimate:
    """Return the climate of a place, interpolated in the shipped grid.

    Args:
        latitude_deg: Latitude in degrees, north positive.
        longitude_deg: Longitude in degrees, east positive.
        height_m: Height above mean sea level in metres.
    """
    raise NotImplementedError
