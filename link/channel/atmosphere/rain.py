"""Attenuation by rain on a slant path: ITU-R P.838-3 and P.618-13 §2.2.1.

```
rain rate at 0.01 % ─ P.838 ─► dB/km ─ × effective length ─► dB at 0.01 % ─► dB at any part of time
rain height, site, elevation ──────────┘
```

P.618's method covers 0.001 % to 5 % of an average year and frequencies up to 55 GHz. Beyond 5 %,
its formula is continued, which stays above 0 and falls further; below 0.001 %, its value there is
held. It takes elevations from 0° on.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .path import slant_factor
from .site import SiteClimate

CIRCULAR_TILT_DEG = 45.0
"""Tilt to the horizontal that stands for circular polarization in P.838."""

_LOWEST_PERCENT = 0.001

# P.838-3, tables 1 to 4: a, b and c of each term; then the slope and the constant in log10 f.
_K_H = (
    ((-5.33980, -0.10008, 1.13098), (-0.35351, 1.26970, 0.45400),
     (-0.23789, 0.86036, 0.15354), (-0.94158, 0.64552, 0.16817)),
    -0.18961, 0.71147,
)  # fmt: skip
_K_V = (
    ((-3.80595, 0.56934, 0.81061), (-3.44965, -0.22911, 0.51059),
     (-0.39902, 0.73042, 0.11899), (0.50167, 1.07319, 0.27195)),
    -0.16398, 0.63297,
)  # fmt: skip
_ALPHA_H = (
    ((-0.14318, 1.82442, -0.55187), (0.29591, 0.77564, 0.19822), (0.32177, 0.63773, 0.13164),
     (-5.37610, -0.96230, 1.47828), (16.1721, -3.29980, 3.43990)),
    0.67849, -1.95537,
)  # fmt: skip
_ALPHA_V = (
    ((-0.07771, 2.33840, -0.76284), (0.56727, 0.95545, 0.54039), (-0.20238, 1.14520, 0.26809),
     (-48.2991, 0.791669, 0.116226), (48.5833, 0.791459, 0.116479)),
    -0.053739, 0.83433,
)  # fmt: skip
_Curve = tuple[tuple[tuple[float, float, float], ...], float, float]


def specific_attenuation_db_per_km(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    rain_rate_mm_h: float,
    polarization_tilt_deg: float = CIRCULAR_TILT_DEG,
) -> NDArray[np.float64]:
    """Return the attenuation of rain in dB/km, k times R to the power alpha (ITU-R P.838-3).

    Args:
        frequency_hz: Frequency in Hz, 1 to 1000 GHz.
        elevation_deg: Elevation in degrees, any shape; it matters for linear polarization.
        rain_rate_mm_h: Rain rate in mm/h.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """
    k_h, k_v, alpha_h, alpha_v = _coefficients(frequency_hz)
    turned = np.cos(np.radians(np.asarray(elevation_deg, dtype=np.float64))) ** 2 * np.cos(
        np.radians(2 * polarization_tilt_deg)
    )
    k = (k_h + k_v + (k_h - k_v) * turned) / 2
    alpha = (k_h * alpha_h + k_v * alpha_v + (k_h * alpha_h - k_v * alpha_v) * turned) / (2 * k)
    specific: NDArray[np.float64] = k * rain_rate_mm_h**alpha
    return specific


def rain_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike,
    polarization_tilt_deg: float = CIRCULAR_TILT_DEG,
) -> NDArray[np.float64]:
    """Return the rain attenuation that is exceeded for a part of an average year, in dB.

    ITU-R P.618-13 §2.2.1.1, steps 1 to 10.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of the time in percent.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """
    elevation = np.clip(np.asarray(elevation_deg, dtype=np.float64), 0.0, 90.0)
    percent = np.maximum(np.asarray(exceedance_percent, dtype=np.float64), _LOWEST_PERCENT)
    height = site.rain_height_km - site.height_km
    if height <= 0 or site.rain_rate_001_mm_h <= 0:
        return np.zeros(np.broadcast_shapes(elevation.shape, percent.shape))
    at_001 = _attenuation_at_001_db(frequency_hz, elevation, site, polarization_tilt_deg)
    latitude = abs(site.latitude_deg)
    sine = np.sin(np.radians(elevation))
    if latitude >= 36:
        beta = np.zeros_like(elevation)
    else:
        low = np.where(elevation >= 25, 0.0, 1.8 - 4.25 * sine)
        beta = -0.005 * (latitude - 36) + low
    beta = np.where(percent >= 1, 0.0, beta)
    exponent = (
        0.655
        + 0.033 * np.log(percent)
        - 0.045 * np.log(np.maximum(at_001, 1e-30))
        - beta * (1 - percent) * sine
    )
    attenuation: NDArray[np.float64] = at_001 * (percent / 0.01) ** -exponent
    return attenuation


def rain_attenuation_probability_percent(
    elevation_deg: ArrayLike, site: SiteClimate
) -> NDArray[np.float64]:
    """Return for which part of the year there is any rain on the path, in percent.

    ITU-R P.618-13 §2.2.1.2.

    Args:
        elevation_deg: Elevation in degrees, any shape.
        site: Climate of the station.
    """
    elevation = np.clip(np.asarray(elevation_deg, dtype=np.float64), 0.0, 90.0)
    at_site = site.rain_probability_percent / 100
    height = site.rain_height_km - site.height_km
    if height <= 0 or at_site <= 0:
        return np.zeros_like(elevation)
    if at_site >= 1:  # the formula divides by the time without rain
        return np.full_like(elevation, 100.0)
    distance = slant_factor(elevation, height) * height * np.cos(np.radians(elevation))
    correlation = 0.59 * np.exp(-distance / 31) + 0.41 * np.exp(-distance / 800)
    both = _both_exceed(NormalDist().inv_cdf(1 - at_site), correlation)
    spread = (both - at_site**2) / (at_site * (1 - at_site))
    probability: NDArray[np.float64] = 100 * (1 - (1 - at_site) * spread**at_site)
    return probability


def _attenuation_at_001_db(
    frequency_hz: float, elevation: NDArray[np.float64], site: SiteClimate, tilt_deg: float
) -> NDArray[np.float64]:
    """Return the attenuation exceeded for 0.01 % of the year, P.618-13 §2.2.1.1 steps 1 to 9."""
    frequency = frequency_hz / 1e9
    height = site.rain_height_km - site.height_km
    sine, cosine = np.sin(np.radians(elevation)), np.cos(np.radians(elevation))
    slant = height * slant_factor(elevation, height)
    ground = slant * cosine
    specific = specific_attenuation_db_per_km(
        frequency_hz, elevation, site.rain_rate_001_mm_h, tilt_deg
    )
    horizontal = 1 / (
        1 + 0.78 * np.sqrt(ground * specific / frequency) - 0.38 * (1 - np.exp(-2 * ground))
    )
    edge_deg = np.degrees(np.arctan2(height, ground * horizontal))
    # Where the path leaves the rain at its edge, its length is ground × horizontal / cos θ.
    length = np.where(edge_deg > elevation, slant * horizontal, slant)
    towards_equator = max(36 - abs(site.latitude_deg), 0.0)
    vertical = 1 / (
        1
        + np.sqrt(sine)
        * (
            31
            * (1 - np.exp(-elevation / (1 + towards_equator)))
            * np.sqrt(length * specific)
            / frequency**2
            - 0.45
        )
    )
    attenuation: NDArray[np.float64] = specific * length * vertical
    return attenuation


@lru_cache(maxsize=4096)
def _coefficients(frequency_hz: float) -> tuple[float, float, float, float]:
    """Return the coefficients of P.838-3: k_H, k_V, alpha_H, alpha_V."""
    logarithm = float(np.log10(frequency_hz / 1e9))

    def value(curve: _Curve) -> float:
        terms, slope, constant = curve
        bumps = sum(a * float(np.exp(-(((logarithm - b) / c) ** 2))) for a, b, c in terms)
        return bumps + slope * logarithm + constant

    return 10 ** value(_K_H), 10 ** value(_K_V), value(_ALPHA_H), value(_ALPHA_V)


def _both_exceed(threshold: float, correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that two standard normal variables both exceed a threshold.

    Plackett's identity: the derivative with respect to the correlation is the bivariate density,
    which is integrated over the arc sine of the correlation with Gauss and Legendre's rule.
    """
    nodes, weights = np.polynomial.legendre.leggauss(32)
    upper = np.arcsin(correlation)[..., np.newaxis]
    angle = upper * (nodes + 1) / 2
    density = np.exp(-(threshold**2) / (1 + np.sin(angle)))
    alone = NormalDist().cdf(-threshold)
    both: NDArray[np.float64] = alone**2 + np.sum(weights * density * upper / 2, axis=-1) / (
        2 * np.pi
    )
    return both
