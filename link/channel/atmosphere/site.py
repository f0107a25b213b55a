"""The climate of a ground station, as the models of attenuation need it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

PROBABILITIES_PERCENT = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0)
"""Parts of an average year, in percent, at which the climate's distributions are given.

ITU-R P.618-13 §2.5 takes water vapour and clouds at 1 % for all rarer events, because rain
attenuation already holds their part.
"""


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
        pressure_hpa: Pressure of the dry air at the surface (ITU-R P.835).
        water_vapour_g_m3: Median water vapour density at the surface (ITU-R P.836).
        wet_refractivity: Median wet term of the surface refractivity in N-units (ITU-R P.453).
        integrated_vapour_kg_m2: Water vapour column exceeded at `PROBABILITIES_PERCENT`
            (ITU-R P.836).
        cloud_liquid_kg_m2: Reduced cloud liquid water column exceeded at `PROBABILITIES_PERCENT`
            (ITU-R P.840).

    Raises:
        ValueError: A figure is outside what exists on Earth, or a distribution has not one value
            for each of the probabilities or rises with them.
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

    def __post_init__(self) -> None:
        limits = (
            ("latitude in deg", self.latitude_deg, -90, 90),
            ("height in km", self.height_km, -0.5, 9),
            ("rain rate in mm/h", self.rain_rate_001_mm_h, 0, 400),
            ("probability of rain in %", self.rain_probability_percent, 0, 100),
            ("rain height in km", self.rain_height_km, 0, 10),
            ("temperature in K", self.temperature_k, 180, 330),
            ("pressure in hPa", self.pressure_hpa, 250, 1100),
            ("water vapour density in g/m³", self.water_vapour_g_m3, 0, 60),
            ("wet refractivity", self.wet_refractivity, 0, 400),
        )
        for name, value, least, most in limits:
            if not (math.isfinite(value) and least <= value <= most):
                raise ValueError(f"{name}: {value}; allowed is {least} to {most}")
        for name, values in (
            ("integrated water vapour", self.integrated_vapour_kg_m2),
            ("cloud liquid water", self.cloud_liquid_kg_m2),
        ):
            if len(values) != len(PROBABILITIES_PERCENT):
                raise ValueError(
                    f"{name}: {len(values)} values; allowed is {len(PROBABILITIES_PERCENT)}, "
                    f"for {', '.join(f'{p:g}' for p in PROBABILITIES_PERCENT)} % of the year"
                )
            if any(not 0 <= value <= 200 for value in values) or any(
                later > earlier for earlier, later in pairwise(values)
            ):
                raise ValueError(f"{name}: {list(values)}; allowed is 200 down to 0 kg/m²")


def exceeded(values: tuple[float, ...], exceedance_percent: ArrayLike) -> NDArray[np.float64]:
    """Return the value of a distribution that is exceeded for a part of the year.

    Interpolated linearly in the logarithm of the probability (ITU-R P.836-6 and P.840-8, annex 1),
    and held constant outside the probabilities that are given.

    Args:
        values: One value for each of `PROBABILITIES_PERCENT`.
        exceedance_percent: Part of the time in percent, any shape.
    """
    part = np.clip(
        np.asarray(exceedance_percent, dtype=np.float64),
        PROBABILITIES_PERCENT[0],
        PROBABILITIES_PERCENT[-1],
    )
    return np.interp(np.log(part), np.log(PROBABILITIES_PERCENT), values)


def standard_pressure_hpa(height_km: float) -> float:
    """Return the pressure at a height of the mean annual reference atmosphere (ITU-R P.835-6).

    Args:
        height_km: Height above mean sea level in km, at most 11 km of geopotential.
    """
    geopotential = 6356.766 * height_km / (6356.766 + height_km)
    ratio: float = (288.15 / (288.15 - 6.5 * geopotential)) ** (-34.1632 / 6.5)
    return 1013.25 * ratio
