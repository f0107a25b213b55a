"""Attenuation by oxygen and water vapour on a slant path (ITU-R P.676)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .site import SiteClimate


def gas_attenuation_db(
    frequency_hz: float, elevation_deg: ArrayLike, site: SiteClimate
) -> NDArray[np.float64]:
    """Return the attenuation by gases in the mean clear atmosphere of a site, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees, any shape.
        site: Climate of the station.
    """
    raise NotImplementedError
