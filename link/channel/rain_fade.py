"""Rain and clouds on a path over time: the drawn weather in decibels.

```
RainSeries: X(t) ─► exceeded for p = 100 Q(X) % of a year ─► P.618, P.840 at the link's frequency,
                                                             and at the elevation ─► dB
```

The attenuation at X is the one that ITU-R P.618 says is exceeded for p % of an average year. So the
long-term distribution of the series is P.618's own at every elevation. P.1853 fits a lognormal
distribution to P.618's and subtracts an offset instead, which keeps the process but not the
distribution: with it, P.618's attenuation at 3 % of the time is exceeded for 1.7 to 2.1 % in X band
at three unlike stations (`benchmarks/rain_series.py` prints both).

What this models: all satellites over a station see the same weather at the same time, each at its
own frequency and elevation; when a satellite rises through a shower, its attenuation falls as P.618
falls with elevation at equal probability; rain and clouds come together, as P.618 §2.5 adds them.

What it does not model: that a shower stands in one direction and not in the other, so two
satellites in different parts of the sky fade together here; that stations near each other share
their weather; seasons and hours of the day; scintillation, which lasts seconds and belongs into the
margin.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .atmosphere.cloud import cloud_attenuation_db
from .atmosphere.rain import rain_attenuation_db, rain_attenuation_probability_percent
from .atmosphere.site import SiteClimate
from .fade import FADE_DECIMALS, elevation_grid, elevation_place
from .rain_series import STEP_S, RainSeries

Array = NDArray[np.float64]

LARGEST_PERCENT: Final = 5.0
"""Up to this part of the time, P.618 gives the rain attenuation that is exceeded."""

SMALLEST_PERCENT: Final = 0.001
"""Rarer attenuations than this are held at this one's, where P.618 ends."""

_DRY_PERCENT: Final = 6.0
"""It rains at least for this part of the time, so that attenuation ends in a ramp, not a step."""

_CLOUD_PERCENT: Final = 1.0
"""P.618 §2.5 takes clouds at no smaller part of the time than this."""


class RainFade:
    """The attenuation of one link's path by the rain and clouds drawn for its station.

    Args:
        series: Weather over the station, shared by all links to it.
        frequency_hz: Carrier frequency in Hz.
        site: Climate of the station.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.
    """

    def __init__(
        self,
        series: RainSeries,
        frequency_hz: float,
        site: SiteClimate,
        polarization_tilt_deg: float = 45.0,
    ) -> None:
        self._series = series
        self._states = _states()
        self._table = _attenuation_table(frequency_hz, site, polarization_tilt_deg)

    @property
    def step_s(self) -> float:
        """See `Fade.step_s`."""
        return STEP_S

    def attenuation_db(self, time_s: Array, elevation_deg: Array) -> Array:
        """Return the attenuation by rain and clouds in dB, rounded to a millionth.

        Args:
            time_s: Times in seconds of the run, shape ``(n,)``.
            elevation_deg: Elevation of the satellite at these times in degrees, shape ``(n,)``.
        """
        return self.at_state(self._series.state(time_s), elevation_deg)

    def at_state(self, state: Array, elevation_deg: Array) -> Array:
        """Return the attenuation in dB in a state of the weather (a standard Gaussian)."""
        column, across = elevation_place(elevation_deg)
        states, table = self._states, self._table
        inside = np.clip(state, states[0], states[-1])
        row = np.clip(np.searchsorted(states, inside, side="right") - 1, 0, len(states) - 2)
        up = (inside - states[row]) / (states[row + 1] - states[row])
        low = table[row, column] * (1 - across) + table[row, column + 1] * across
        high = table[row + 1, column] * (1 - across) + table[row + 1, column + 1] * across
        return np.round(low + up * (high - low), FADE_DECIMALS)


def state_of_percent(percent: float) -> float:
    """Return the X that is exceeded for a part of the time in percent."""
    return NormalDist().inv_cdf(1 - percent / 100)


def rain_exceeded_db(
    frequency_hz: float,
    elevation_deg: Array,
    site: SiteClimate,
    state: Array,
    polarization_tilt_deg: float = 45.0,
) -> Array:
    """Return the rain attenuation in states of the weather, in dB.

    Up to 5 % of the time this is P.618's. It falls to 0 between 5 % and the probability of rain on
    the path (P.618 §2.2.1.2), or 6 % where rain is rarer than that.

    Args:
        frequency_hz: Frequency in Hz.
        elevation_deg: Elevations in degrees, shape ``(n,)``.
        site: Climate of the station.
        state: States of the weather, shape ``(m,)``.
        polarization_tilt_deg: Tilt of the polarization to the horizontal; 45 for circular.

    Returns:
        Attenuations of shape ``(m, n)``.
    """
    percent = np.clip(_percent(state), SMALLEST_PERCENT, LARGEST_PERCENT)
    attenuation = rain_attenuation_db(
        frequency_hz, elevation_deg, site, percent[:, None], polarization_tilt_deg
    )
    wet = np.maximum(rain_attenuation_probability_percent(elevation_deg, site), _DRY_PERCENT)
    first = np.array([state_of_percent(min(float(share), 99.0)) for share in wet])
    edge = state_of_percent(LARGEST_PERCENT)
    ramp: Array = np.clip((state[:, None] - first) / (edge - first), 0.0, 1.0)
    return attenuation * ramp


@lru_cache(maxsize=128)  # of 300 kB each
def _attenuation_table(
    frequency_hz: float, site: SiteClimate, polarization_tilt_deg: float
) -> Array:
    """Return rain and cloud attenuation in dB, a row for each state, a column an elevation."""
    states, elevations = _states(), elevation_grid()
    rain = rain_exceeded_db(frequency_hz, elevations, site, states, polarization_tilt_deg)
    percent = np.maximum(_percent(states), _CLOUD_PERCENT)
    cloud = cloud_attenuation_db(frequency_hz, elevations, site, percent[:, None])
    # Beyond some 100 dB, P.618's formula falls again towards rarer weather; its maximum is held.
    table = np.maximum.accumulate(rain + cloud, axis=0)
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def _states() -> Array:
    """Return the tabulated states, ascending: close where P.618's curve has its corners."""
    corners = [
        (state_of_percent(50.0), 16),
        (state_of_percent(12.0), 40),
        (state_of_percent(LARGEST_PERCENT), 24),
        (state_of_percent(1.0), 64),
        (state_of_percent(SMALLEST_PERCENT), 0),
    ]
    parts = [
        np.linspace(low, high, steps, endpoint=False)
        for (low, steps), (high, _) in pairwise(corners)
    ]
    return np.concatenate([*parts, [corners[-1][0]]])


def _percent(state: Array) -> Array:
    """Return for which part of the time states are exceeded, in percent."""
    return np.array([100 * NormalDist().cdf(-float(x)) for x in state])
