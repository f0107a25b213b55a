"""The effects of the atmosphere together (ITU-R P.618 §2.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .site import SiteClimate


def excess_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    diameter_m: float,
    polarization_tilt_deg: float = 45.0,
) -> NDArray[np.float64]:
    """Return how much more than the mean clear sky's gases is exceeded for a part of the year.

    This is what a fixed availability costs: with `exceedance_percent = 0.5`, the link has at most
    this excess attenuation for 99.5 % of an average year.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        diameter_m: Diameter of the station's antenna, for scintillation.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """
    raise NotImplementedError
