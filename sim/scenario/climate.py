"""The climate of a ground station: a map's figures, or its own where it has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from ...link.channel.atmosphere.climate_map import climate_at
from ...link.channel.atmosphere.site import SiteClimate
from .base import Model
from .units import Metres, MillimetresPerHour, Number


class ClimateSpec(Model):
    """What is known of a station's rain; what is left out comes from a map of the Earth."""

    rain_rate: Annotated[
        float | None, MillimetresPerHour(least="0 mm/h", most="300 mm/h", usual="40 mm/h")
    ] = Field(
        default=None,
        description=(
            "Rain rate that is exceeded for 0.01 % of an average year, integrated over a minute "
            "(ITU-R P.837)."
        ),
        examples=["40 mm/h"],
    )
    rain_probability: Annotated[float | None, Number(0, 1)] = Field(
        default=None,
        description="Part of an average year in which it rains (ITU-R P.837).",
        examples=[0.05],
    )
    rain_height: Annotated[float | None, Metres(least="0 m", most="8 km", usual="4 km")] = Field(
        default=None,
        description="Mean height above sea level up to which there is rain (ITU-R P.839).",
        examples=["4 km"],
    )


def site_climate(
    latitude_deg: float, longitude_deg: float, height_m: float, own: ClimateSpec | None
) -> SiteClimate:
    """Return the climate of a station: its own figures, and the map's for the rest.

    Args:
        latitude_deg: Latitude in degrees, north positive.
        longitude_deg: Longitude in degrees, east positive.
        height_m: Height of the station in metres.
        own: What the scenario or the shipped table gives.
    """
    site = climate_at(latitude_deg, longitude_deg, height_m)
    if own is None:
        return site
    known: dict[str, float] = {}
    if own.rain_rate is not None:
        known["rain_rate_001_mm_h"] = own.rain_rate
    if own.rain_probability is not None:
        known["rain_probability_percent"] = 100 * own.rain_probability
    if own.rain_height is not None:
        known["rain_height_km"] = own.rain_height / 1000
    return replace(site, **known)
