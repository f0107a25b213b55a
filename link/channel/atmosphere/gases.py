"""Attenuation by oxygen and water vapour on a slant path: ITU-R P.676-12.

```
surface: specific attenuation (annex 1) ─ × equivalent height (annex 2 §2.2) ─► zenith ─► slant
site: water vapour column ─────────────────────────────────── (annex 2 §2.3) ─► zenith ─┘
```

Oxygen takes its attenuation at the zenith from the equivalent height; water vapour from the
integrated column, which is what the climate's statistics are about. Annex 2 holds from 5° to 90°
elevation and up to 350 GHz. Below 5°, `path.py` says what is done.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .path import slant_factor
from .site import SiteClimate, exceeded
from .spectral_lines import OXYGEN, WATER_VAPOUR

_EQUIVALENT_HEIGHT_LINES = np.array(
    [
        (0.1597, 118.750334),
        (0.1066, 368.498246),
        (0.1325, 424.763020),
        (0.1242, 487.249273),
        (0.0938, 715.392902),
        (0.1448, 773.839490),
        (0.1374, 834.145546),
    ]
)
"""P.676-12 table 3: coefficient c and frequency in GHz."""

_VAPOUR_HEIGHT_KM = 2.0
"""Scale height of water vapour (ITU-R P.835-6 §1.2); it matters below 5° only."""

_REFERENCE_GHZ = 20.6
_REFERENCE_PRESSURE_HPA = 845.0


def gas_attenuation_db(
    frequency_hz: float,
    elevation_deg: ArrayLike,
    site: SiteClimate,
    exceedance_percent: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the attenuation by oxygen and water vapour, in dB.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevation in degrees; broadcast with `exceedance_percent`.
        site: Climate of the station.
        exceedance_percent: Part of an average year in percent for which there is more water
            vapour; None is the median (50 %), which stands for a clear sky.
    """
    oxygen_db, oxygen_height_km, *vapour_db = _zenith(frequency_hz, site)
    vapour = (
        vapour_db[-1]
        if exceedance_percent is None
        else exceeded(tuple(vapour_db), exceedance_percent)
    )
    return oxygen_db * slant_factor(elevation_deg, oxygen_height_km) + vapour * slant_factor(
        elevation_deg, _VAPOUR_HEIGHT_KM
    )


def oxygen_db_per_km(
    frequency_ghz: float, dry_hpa: ArrayLike, vapour_g_m3: ArrayLike, temperature_k: ArrayLike
) -> NDArray[np.float64]:
    """Return the specific attenuation by oxygen and the dry continuum (P.676-12 annex 1).

    Args:
        frequency_ghz: Frequency in GHz.
        dry_hpa: Pressure of the dry air in hPa, shape ``(n,)`` or a number, as all that follow.
        vapour_g_m3: Water vapour density in g/m³.
        temperature_k: Temperature in K.
    """
    pressure, vapour, theta = _state(dry_hpa, vapour_g_m3, temperature_k)
    line, a1, a2, a3, a4, a5, a6 = OXYGEN.T
    strength = a1 * 1e-7 * pressure * theta**3 * np.exp(a2 * (1 - theta))
    width = a3 * 1e-4 * (pressure * theta ** (0.8 - a4) + 1.1 * vapour * theta)
    width = np.sqrt(width**2 + 2.25e-6)
    mixing = (a5 + a6 * theta) * 1e-4 * (pressure + vapour) * theta**0.8
    lines = np.sum(strength * _shape(frequency_ghz, line, width, mixing), axis=-1)
    pressure, vapour, theta = pressure[..., 0], vapour[..., 0], theta[..., 0]
    debye = 5.6e-4 * (pressure + vapour) * theta**0.8
    dry = (
        frequency_ghz
        * pressure
        * theta**2
        * (
            6.14e-5 / (debye * (1 + (frequency_ghz / debye) ** 2))
            + 1.4e-12 * pressure * theta**1.5 / (1 + 1.9e-5 * frequency_ghz**1.5)
        )
    )
    specific: NDArray[np.float64] = 0.1820 * frequency_ghz * (lines + dry)
    return specific


def vapour_db_per_km(
    frequency_ghz: float, dry_hpa: ArrayLike, vapour_g_m3: ArrayLike, temperature_k: ArrayLike
) -> NDArray[np.float64]:
    """Return the specific attenuation by water vapour (P.676-12 annex 1).

    Args:
        frequency_ghz: Frequency in GHz.
        dry_hpa: Pressure of the dry air in hPa, shape ``(n,)`` or a number, as all that follow.
        vapour_g_m3: Water vapour density in g/m³.
        temperature_k: Temperature in K.
    """
    pressure, vapour, theta = _state(dry_hpa, vapour_g_m3, temperature_k)
    line, b1, b2, b3, b4, b5, b6 = WATER_VAPOUR.T
    strength = b1 * 1e-1 * vapour * theta**3.5 * np.exp(b2 * (1 - theta))
    width = b3 * 1e-4 * (pressure * theta**b4 + b5 * vapour * theta**b6)
    width = 0.535 * width + np.sqrt(0.217 * width**2 + 2.1316e-12 * line**2 / theta)
    lines = np.sum(strength * _shape(frequency_ghz, line, width, 0.0), axis=-1)
    specific: NDArray[np.float64] = 0.1820 * frequency_ghz * lines
    return specific


def _state(
    dry_hpa: ArrayLike, vapour_g_m3: ArrayLike, temperature_k: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return dry pressure, vapour pressure (hPa) and θ = 300 K / T, with an axis for the lines."""
    temperature = np.asarray(temperature_k, dtype=np.float64)[..., np.newaxis]
    density = np.asarray(vapour_g_m3, dtype=np.float64)[..., np.newaxis]
    pressure = np.asarray(dry_hpa, dtype=np.float64)[..., np.newaxis]
    return pressure, density * temperature / 216.7, 300 / temperature


def _shape(
    frequency_ghz: float,
    line: NDArray[np.float64],
    width: NDArray[np.float64],
    mixing: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return the line shape factor, P.676-12 equation 5."""
    below, above = line - frequency_ghz, line + frequency_ghz
    factor: NDArray[np.float64] = (frequency_ghz / line) * (
        (width - mixing * below) / (below**2 + width**2)
        + (width - mixing * above) / (above**2 + width**2)
    )
    return factor


@lru_cache(maxsize=4096)
def _zenith(frequency_hz: float, site: SiteClimate) -> tuple[float, ...]:
    """Return oxygen's zenith attenuation in dB and height in km, and vapour's at each quantile."""
    frequency = frequency_hz / 1e9
    specific = float(
        oxygen_db_per_km(frequency, site.pressure_hpa, site.water_vapour_g_m3, site.temperature_k)
    )
    height = _oxygen_height_km(frequency, site)
    return (
        specific * height,
        height,
        *(_vapour_zenith_db(frequency, site.height_km, v) for v in site.integrated_vapour_kg_m2),
    )


def _oxygen_height_km(frequency_ghz: float, site: SiteClimate) -> float:
    """Return the equivalent height of oxygen in km, P.676-12 equations 30 to 34."""
    vapour = site.water_vapour_g_m3 * site.temperature_k / 216.7
    pressure = (site.pressure_hpa + vapour) / 1013.25
    celsius = site.temperature_k - 273.15
    f = frequency_ghz
    peak = (
        5.1040
        / (1 + 0.066 * pressure**-2.3)
        * np.exp(-(((f - 59.7) / (2.87 + 12.4 * np.exp(-7.9 * pressure))) ** 2))
    )
    coefficient, line = _EQUIVALENT_HEIGHT_LINES.T
    lines = np.sum(
        coefficient * np.exp(2.12 * pressure) / ((f - line) ** 2 + 0.025 * np.exp(2.2 * pressure))
    )
    wings = (
        0.0114
        * f
        / (1 + 0.14 * pressure**-2.6)
        * (15.02 * f**2 - 1353 * f + 5.333e4)
        / (f**3 - 151.3 * f**2 + 9629 * f - 6803)
    )
    warmth = 0.7832 + 0.00709 * celsius
    height = 6.1 * warmth / (1 + 0.17 * pressure**-1.1) * (1 + peak + lines + wings)
    return float(min(height, 10.7 * pressure**0.3) if f < 70 else height)


def _vapour_zenith_db(frequency_ghz: float, height_km: float, column_kg_m2: float) -> float:
    """Return the zenith attenuation of a water vapour column in dB, P.676-12 annex 2 §2.3."""
    if column_kg_m2 <= 0:
        return 0.0
    density = column_kg_m2 / 2.38
    temperature = 14 * np.log(0.22 * density) + 3 + 273.15
    state = (_REFERENCE_PRESSURE_HPA, density, temperature)
    ratio = vapour_db_per_km(frequency_ghz, *state) / vapour_db_per_km(_REFERENCE_GHZ, *state)
    zenith = 0.0176 * column_kg_m2 * float(ratio)
    if frequency_ghz < 20:
        return zenith
    f = frequency_ghz
    a = (
        0.2048 * np.exp(-(((f - 22.43) / 3.097) ** 2))
        + 0.2326 * np.exp(-(((f - 183.5) / 4.096) ** 2))
        + 0.2073 * np.exp(-(((f - 325) / 3.651) ** 2))
        - 0.1113
    )
    b = 8.741e4 * np.exp(-0.587 * f) + 312.2 * f**-2.38 + 0.723
    return float(zenith * (a * min(max(height_km, 0.0), 4.0) ** b + 1))
