"""The effects of the atmosphere together: ITU-R P.618-13 §2.5.

A_T(p) = A_G(p) + sqrt((A_R(p) + A_C(p))² + A_S(p)²), with gases and clouds at 1 % for rarer events,
because rain attenuation already holds their part. It covers 0.001 % to 50 % of an average year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cloud import cloud_attenuation_db
from .gases import gas_attenuation_db
from .rain import CIRCULAR_TILT_DEG, rain_attenuation_db
from .scintillation import scintillation_fade_db
from .site import SiteClimate


@dataclass(frozen=True, slots=True)
class Contributions:
    """Attenuation that is exceeded for a part of an average year, by cause.

    Attributes:
        gases_db: Oxygen and water vapour.
        clouds_db: Clouds.
        rain_db: Rain.
        scintillation_db: Scintillation.
    """

    gases_db: NDArray[np.float64]
    clouds_db: NDArray[np.float64]
    rain_db: NDArray[np.float64]
    scintillation_db: NDArray[np.float64]

    @property
    def total_db(self) -> NDArray[np.float64]:
        """All causes together, P.618-13 equation 64."""
        total: NDArray[np.float64] = self.gases_db + np.hypot(
            self.rain_db + self.clouds_db, self.scintillation_db
        )
        return total


def contributions(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    diameter_m: float,
    polarization_tilt_deg: float = CIRCULAR_TILT_DEG,
    efficiency: float = 0.5,
) -> Contributions:
    """Return the attenuation by each cause that is exceeded for a part of an average year.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        diameter_m: Diameter of the station's antenna, for scintillation.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
        efficiency: Aperture efficiency of the station's antenna, for scintillation.
    """
    percent = np.asarray(exceedance_percent, dtype=np.float64)
    return Contributions(
        gas_attenuation_db(frequency_hz, elevation_deg, site, percent),
        cloud_attenuation_db(frequency_hz, elevation_deg, site, percent),
        rain_attenuation_db(frequency_hz, elevation_deg, site, percent, polarization_tilt_deg),
        scintillation_fade_db(frequency_hz, elevation_deg, site, percent, diameter_m, efficiency),
    )


def excess_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    diameter_m: float,
    polarization_tilt_deg: float = CIRCULAR_TILT_DEG,
) -> NDArray[np.float64]:
    """Return how much more than the median clear sky's gases is exceeded for a part of the year.

    This is what a fixed availability costs: with `exceedance_percent = 0.5`, the link has at most
    this excess attenuation for 99.5 % of an average year. It is never below 0.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        diameter_m: Diameter of the station's antenna, for scintillation.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """
    total = contributions(
        frequency_hz, elevation_deg, site, exceedance_percent, diameter_m, polarization_tilt_deg
    ).total_db
    excess: NDArray[np.float64] = np.maximum(
        total - gas_attenuation_db(frequency_hz, elevation_deg, site), 0.0
    )
    return excess
