"""Attenuation by rain on a slant path (ITU-R P.838 and P.618)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .site import SiteClimate


def rain_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    polarization_tilt_deg: float = 45.0,
) -> NDArray[np.float64]:
    """Return the rain attenuation that is exceeded for a part of an average year, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """
    raise NotImplementedError


def rain_attenuation_probability_percent(
    elevation_deg: ArrayLike, site: SiteClimate
) -> NDArray[np.float64]:
    """Return for which part of the year there is any rain on the path, in percent.

    ITU-R P.618-13 §2.2.1.2.

    Args:
        elevation_deg: Elevation in degrees, any shape.
        site: Climate of the station.
    """
    raise NotImplementedError
