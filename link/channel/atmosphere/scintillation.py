"""Tropospheric scintillation on a slant path (ITU-R P.618 §2.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .site import SiteClimate


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
        efficiency: Aperture efficiency of the station's antenna, 0 to 1.
    """
    raise NotImplementedError
