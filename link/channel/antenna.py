"""Antennas and noise: gain and beam of a dish, and the noise that it receives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT_M_S = 299_792_458.0
BOLTZMANN_DBW_PER_K_HZ = 10 * math.log10(1.380649e-23)


def dish_gain_dbi(diameter_m: float, frequency_hz: float, efficiency: float) -> float:
    """Return the gain of a circular aperture, η (π D / λ)², in dBi.

    Args:
        diameter_m: Diameter in metres.
        frequency_hz: Frequency in Hz.
        efficiency: Aperture efficiency η, above 0 and up to 1.
    """
    turns = math.pi * diameter_m * frequency_hz / SPEED_OF_LIGHT_M_S
    return 10 * math.log10(efficiency) + 20 * math.log10(turns)


def dish_diameter_m(gain_dbi: float, frequency_hz: float, efficiency: float) -> float:
    """Return the diameter in metres of a circular aperture with a gain.

    Args:
        gain_dbi: Gain in dBi.
        frequency_hz: Frequency in Hz.
        efficiency: Aperture efficiency η, above 0 and up to 1.
    """
    ratio: float = 10 ** (gain_dbi / 10) / efficiency
    return math.sqrt(ratio) * SPEED_OF_LIGHT_M_S / (math.pi * frequency_hz)


def free_space_loss_db(frequency_hz: float, distance_m: ArrayLike) -> NDArray[np.float64]:
    """Return the loss of free space between isotropic antennas, 20 log(4π d f / c), in dB.

    ITU-R P.525-4 §2.3.

    Args:
        frequency_hz: Frequency in Hz.
        distance_m: Distance in metres, any shape.
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    loss: NDArray[np.float64] = 20 * np.log10(
        4 * math.pi * distance * frequency_hz / SPEED_OF_LIGHT_M_S
    )
    return loss


def dish_beamwidth_deg(diameter_m: float, frequency_hz: float) -> float:
    """Return the half-power beamwidth of a dish in degrees: 70 λ / D, the usual approximation."""
    return 70 * SPEED_OF_LIGHT_M_S / (frequency_hz * diameter_m)


def sky_temperature_k(attenuation_db: ArrayLike, medium_k: float = 275.0) -> NDArray[np.float64]:
    """Return the noise temperature of the sky behind an absorbing path, in kelvin.

    T = T_m (1 − 10^(−A/10)) + 2.7 K · 10^(−A/10): ITU-R P.618-13 §3.

    Args:
        attenuation_db: Absorption of the path in dB, any shape.
        medium_k: Mean radiating temperature of the medium T_m.
    """
    passed = 10 ** (-np.asarray(attenuation_db, dtype=np.float64) / 10)
    return medium_k * (1 - passed) + 2.7 * passed
