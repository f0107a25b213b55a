"""The climate of a ground station: its own figures, and those of a map for the rest."""

from __future__ import annotations

from dataclasses import replace

from ...link.channel.atmosphere.climate_map import climate_at
from ...link.channel.atmosphere.site import SiteClimate
from ..scenario.ground import StationSpec


def site_climate(station: StationSpec) -> SiteClimate:
    """Return the climate that the link budgets of a station use.

    Args:
        station: The station; what its `climate` leaves out comes from the shipped map.
    """
    latitude, longitude = station.at
    mapped = climate_at(latitude, longitude, station.altitude)
    own = station.climate
    if own is None:
        return mapped
    return replace(
        mapped,
        rain_rate_001_mm_h=_given(own.rain_rate, mapped.rain_rate_001_mm_h),
        rain_probability_percent=_given(own.rain_probability, mapped.rain_probability_percent, 100),
        rain_height_km=_given(own.rain_height, mapped.rain_height_km, 1e-3),
    )


def _given(own: float | None, mapped: float, factor: float = 1.0) -> float:
    """Return a figure of the station's own, scaled and rounded, or else the map's."""
    return mapped if own is None else round(own * factor, 6)
