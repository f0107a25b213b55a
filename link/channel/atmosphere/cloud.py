"""Attenuation by clouds on a slant path (ITU-R P.840)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .site import SiteClimate


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
    raise NotImplementedError
