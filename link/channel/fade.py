"""Fade: how much the weather attenuates a path beyond the clear sky, over time.

```
time, elevation ─► Fade.attenuation_db ─► link budget ─► Es/N0 ─► mode, received or not
```

A link asks its `Fade` at the times and elevations of a pass. `NoFade` is a clear sky,
`ConstantFade` a fixed availability, and `RainFade` (rain_fade.py) rain that comes and goes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .atmosphere.site import SiteClimate
from .atmosphere.total import excess_attenuation_db

Array = NDArray[np.float64]

FADE_DECIMALS: Final = 6
"""Decimals to which attenuations in dB are rounded.

Logarithms and powers differ between machines in their last bit. The rounded attenuation does not,
so nothing that follows from it does either.
"""

LOWEST_ELEVATION_DEG: Final = 0.5
"""Below this elevation, attenuations are those at this elevation."""

_ELEVATIONS: Final = 257


class Fade(Protocol):
    """The attenuation of a path by the weather, as a function of time and elevation."""

    @property
    def step_s(self) -> float:
        """Between neighbouring multiples of this many seconds, the attenuation is smooth in time.

        Whoever searches for crossings samples a curve there first. Infinite if it is smooth anyway.
        """

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:
        """Return the attenuation beyond the clear sky's gases, in dB, not negative.

        Args:
            time_s: Times in seconds of the run, shape ``(n,)``.
            elevation_deg: Elevation of the satellite at these times in degrees, shape ``(n,)``.
        """


@dataclass(frozen=True, slots=True)
class NoFade:
    """A clear sky all the time."""

    @property
    def step_s(self) -> float:
        """See `Fade.step_s`."""
        return math.inf

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:  # noqa: ARG002
        """Return 0 dB for every time."""
        return np.zeros(np.shape(time_s))


@dataclass(frozen=True)
class ConstantFade:
    """A fixed availability: always the attenuation that is exceeded for the rest of the year.

    Rain, clouds and scintillation together, at each elevation by ITU-R P.618 §2.5. This is how a
    margin is dimensioned, and not how weather behaves: a real link is better nearly always, and
    far worse at times.

    Attributes:
        frequency_hz: Carrier frequency in Hz.
        site: Climate of the station.
        availability: Share of an average year in which the attenuation is not exceeded, 0.5 to
            0.99999.
        diameter_m: Diameter of the station's antenna in metres, for scintillation.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.

    Raises:
        ValueError: The availability is outside what P.618 gives.
    """

    frequency_hz: float
    site: SiteClimate
    availability: float
    diameter_m: float
    polarization_tilt_deg: float = 45.0
    _curve: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.5 <= self.availability <= 0.99999:
            raise ValueError(f"availability {self.availability}; allowed is 0.5 to 0.99999")
        curve = excess_attenuation_db(
            self.frequency_hz,
            elevation_grid(),
            self.site,
            round(100 * (1 - self.availability), 9),
            self.diameter_m,
            self.polarization_tilt_deg,
        )
        object.__setattr__(self, "_curve", np.asarray(curve))

    @property
    def step_s(self) -> float:
        """See `Fade.step_s`."""
        return math.inf

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:  # noqa: ARG002
        """Return the attenuation at each elevation in dB; the time does not matter."""
        place, share = elevation_place(elevation_deg)
        low, high = self._curve[place], self._curve[place + 1]
        return np.round(low + share * (high - low), FADE_DECIMALS)


def elevation_grid() -> Array:
    """Return the elevations in degrees at which attenuations are tabulated, ascending.

    The grid is even in log tan(θ/2), so its steps grow with sin θ: 0.1° at 5° of elevation, and
    1.2° towards the zenith.
    """
    tangents = np.exp(np.linspace(_coordinate(LOWEST_ELEVATION_DEG), 0.0, _ELEVATIONS))
    return np.minimum(2.0 * np.degrees(np.arctan(tangents)), 90.0)


def elevation_place(elevation_deg: Array) -> tuple[NDArray[np.intp], Array]:
    """Return where elevations lie in `elevation_grid`.

    Returns:
        The index of the elevation below, and the share of the way to the next one, 0 to 1.
    """
    inside = np.clip(elevation_deg, LOWEST_ELEVATION_DEG, 90.0)
    lowest = _coordinate(LOWEST_ELEVATION_DEG)
    position = (1.0 - _coordinate(inside) / lowest) * (_ELEVATIONS - 1)
    place = np.clip(position.astype(np.intp), 0, _ELEVATIONS - 2)
    return place, np.clip(position - place, 0.0, 1.0)


def _coordinate(elevation_deg: ArrayLike) -> Array:
    tangent: Array = np.tan(np.radians(elevation_deg) / 2.0)
    return np.log(tangent)
