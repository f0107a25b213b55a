"""Attenuation by clouds on a slant path: ITU-R P.840-8.

The attenuation is the reduced liquid water column of the site times the specific attenuation of
water droplets at 0 °C (Rayleigh's approximation, valid up to 200 GHz), over sin θ. P.840 covers 5°
to 90°; below 5°, `path.py` says what is done.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .path import slant_factor
from .site import SiteClimate, exceeded

_CLOUD_HEIGHT_KM = 3.0
"""Height that stands for clouds on paths below 5°."""


def liquid_water_coefficient(frequency_hz: float, temperature_k: float = 273.15) -> float:
    """Return the specific attenuation of cloud droplets in (dB/km)/(g/m³).

    ITU-R P.840-8, equations 2 to 11: the double-Debye permittivity of water.

    Args:
        frequency_hz: Frequency in Hz, up to 200 GHz.
        temperature_k: Temperature of the droplets in K.
    """
    f = frequency_hz / 1e9
    excess = 300 / temperature_k - 1
    static = 77.66 + 103.3 * excess
    middle = 0.0671 * static
    infinite = 3.52
    principal = 20.20 - 146 * excess + 316.0 * excess**2
    secondary = 39.8 * principal
    real = (
        (static - middle) / (1 + (f / principal) ** 2)
        + (middle - infinite) / (1 + (f / secondary) ** 2)
        + infinite
    )
    imaginary = f * (static - middle) / (principal * (1 + (f / principal) ** 2)) + f * (
        middle - infinite
    ) / (secondary * (1 + (f / secondary) ** 2))
    eta = (2 + real) / imaginary
    return 0.819 * f / (imaginary * (1 + eta**2))


def cloud_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
) -> NDArray[np.float64]:
    """Return the cloud attenuation that is exceeded for a part of an average year, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
    """
    column = exceeded(site.cloud_liquid_kg_m2, exceedance_percent)
    attenuation: NDArray[np.float64] = (
        column
        * liquid_water_coefficient(frequency_hz)
        * slant_factor(elevation_deg, _CLOUD_HEIGHT_KM)
    )
    return attenuation
