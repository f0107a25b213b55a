"""The climate of a ground station, as the attenuation models need it."""

from __future__ import annotations

from dataclasses import dataclass

PROBABILITIES_PERCENT = (0.1, 1.0, 5.0, 10.0, 50.0, 99.0)
"""Parts of an average year, in percent, at which the climate's distributions are given."""


@dataclass(frozen=True, slots=True)
class SiteClimate:
    """Figures of a place over an average year.

    Attributes:
        latitude_deg: Latitude in degrees, north positive.
        height_km: Height above mean sea level in km.
        rain_rate_001_mm_h: Rain rate exceeded for 0.01 % of the time, one-minute integration
            (ITU-R P.837).
        rain_probability_percent: Part of the time with rain (ITU-R P.837).
        rain_height_km: Mean height of the rain above mean sea level (ITU-R P.839).
        temperature_k: Mean temperature at the surface (ITU-R P.1510).
        pressure_hpa: Total pressure at the surface (ITU-R P.835).
        water_vapour_g_m3: Mean water vapour density at the surface (ITU-R P.836).
        wet_refractivity: Median wet term of the surface refractivity in N-units (ITU-R P.453).
        integrated_vapour_kg_m2: Water vapour column exceeded at `PROBABILITIES_PERCENT`
            (ITU-R P.836).
        cloud_liquid_kg_m2: Reduced cloud liquid water column exceeded at `PROBABILITIES_PERCENT`
            (ITU-R P.840).
    """

    latitude_deg: float
    height_km: float
    rain_rate_001_mm_h: float
    rain_probability_percent: float
    rain_height_km: float
    temperature_k: float
    pressure_hpa: float
    water_vapour_g_m3: float
    wet_refractivity: float
    integrated_vapour_kg_m2: tuple[float, ...]
    cloud_liquid_kg_m2: tuple[float, ...]
