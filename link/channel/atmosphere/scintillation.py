"""Tropospheric scintillation on a slant path: ITU-R P.618-13 §2.4.1.

The method covers elevations from 5° on, 4 to 20 GHz (it is used up to 55 GHz in §2.5) and 0.01 % to
50 % of the time. Beyond those parts of time, the value at their end is held; below 5°, 1/sin θ is
continued as `path.py` says, without the deep fading by multipath of §2.4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .path import slant_factor
from .site import SiteClimate

_TURBULENCE_HEIGHT_M = 1000.0


def scintillation_fade_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    diameter_m: float,
    efficiency: float = 0.5,
) -> NDArray[np.float64]:
    """Return the fade by scintillation that is exceeded for a part of an average year, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        diameter_m: Diameter of the station's antenna.
        efficiency: Aperture efficiency of the station's antenna, 0 to 1; 0.5 is what P.618 calls
            conservative.
    """
    logarithm = np.log10(np.clip(np.asarray(exceedance_percent, dtype=np.float64), 0.01, 50.0))
    time_factor = -0.061 * logarithm**3 + 0.072 * logarithm**2 - 1.71 * logarithm + 3.0
    deviation = scintillation_deviation_db(
        frequency_hz, elevation_deg, site, diameter_m, efficiency
    )
    fade: NDArray[np.float64] = time_factor * deviation
    return fade


def scintillation_deviation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    diameter_m: float,
    efficiency: float = 0.5,
) -> NDArray[np.float64]:
    """Return the long-term standard deviation of the signal's amplitude, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees, any shape.
        site: Climate of the station.
        diameter_m: Diameter of the station's antenna.
        efficiency: Aperture efficiency of the station's antenna, 0 to 1.
    """
    frequency = frequency_hz / 1e9
    elevation = np.clip(np.asarray(elevation_deg, dtype=np.float64), 0.0, 90.0)
    sine = np.sin(np.radians(elevation))
    reference = 3.6e-3 + 1e-4 * site.wet_refractivity
    length_m = 2 * _TURBULENCE_HEIGHT_M / (np.sqrt(sine**2 + 2.35e-4) + sine)
    x = 1.22 * efficiency * diameter_m**2 * frequency / length_m
    averaging = 3.86 * (x**2 + 1) ** (11 / 12) * np.sin(11 / 6 * np.arctan2(1.0, x)) - 7.08 * x ** (
        5 / 6
    )
    # From x = 7 on, P.618 takes the aperture to average all scintillation out.
    factor = np.where(x < 7.0, np.sqrt(np.maximum(averaging, 0.0)), 0.0)
    deviation: NDArray[np.float64] = (
        reference
        * frequency ** (7 / 12)
        * factor
        * slant_factor(elevation, _TURBULENCE_HEIGHT_M / 1000) ** 1.2
    )
    return deviation
