"""Weather over a station as a random process: drawn from the seed, the same whoever asks.

The process is that of ITU-R P.1853 (the synthesis of rain attenuation): a stationary Gaussian
Markov process X(t) of mean 0 and variance 1 whose correlation decays as exp(−β |t|), with
β = 2·10⁻⁴ 1/s, so weather is forgotten in some 80 minutes. X says how rare the present weather is:
attenuations that are exceeded for p % of the year belong to X = Q⁻¹(p/100). What that is in dB
depends on frequency and elevation and is not known here (rain_fade.py).

P.1853 filters one long sequence of noise, so the thousandth day costs a thousand days. Here any
moment is drawn on its own, with the same distribution:

```
nodes, every 36.4 h    ●───────────────────────────────●   independent: exp(−β · 36.4 h) < 10⁻¹¹
inside, every 1024 s   ●──●──●──●──●──●──●──●──●──●──●──●   bridges between nodes, halved again
inside, every 4 s         ●··●··●··●                         and again; only where somebody asks
```

The middle of two values at distance 2h is Gaussian, given both: with r = exp(−βh), its mean is
r/(1+r²) times their sum and its variance (1−r²)/(1+r²). So halving gives exactly the process's
joint distribution on the grid of 4 s. Between two values of the grid X is linear, which lowers its
variance by at most 0.08 %.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BETA_PER_S: Final = 2e-4
"""Decay of the correlation in 1/s (ITU-R P.1853, Annex 1, step B)."""

STEP_S: Final = 4.0
"""Distance of two drawn values in seconds."""

_BLOCK_STEPS: Final = 256
_SPAN_BLOCKS: Final = 128

BLOCK_S: Final = STEP_S * _BLOCK_STEPS
"""Distance of two values that are drawn before those between them, in seconds."""

SPAN_S: Final = BLOCK_S * _SPAN_BLOCKS
"""Distance of two independent values in seconds."""

_KEPT_BLOCKS: Final = 128
_SMALLEST: Final = 2.0**-54


class RainSeries:
    """The state of the weather over one station, a standard Gaussian for every moment.

    Values depend on seed and station alone: not on the order in which they are asked for, and not
    on which satellite asks. Drawn values are rounded, and what follows from them is additions and
    multiplications, so every machine computes the same numbers.

    Args:
        seed: Seed of the run.
        station: Name of the station.
    """

    def __init__(self, seed: int, station: str) -> None:
        self._key = f"weather/{seed}/{station}"
        self._blocks: dict[int, Array] = {}
        self._span: tuple[int, Array] = (0, np.empty(0))

    def state(self, time_s: Array) -> Array:
        """Return X at times in seconds of the run, any shape; negative times are allowed."""
        position = np.asarray(time_s, dtype=np.float64) / STEP_S
        index = np.floor(position)
        block, offset = np.divmod(index.astype(np.int64), _BLOCK_STEPS)
        numbers, row = np.unique(block, return_inverse=True)
        if not len(numbers):
            return np.empty(position.shape)
        table = np.stack([self._block(int(number)) for number in numbers])
        row = row.reshape(offset.shape)
        low, high = table[row, offset], table[row, offset + 1]
        state: Array = low + (position - index) * (high - low)
        return state

    def coarse(self, span: int) -> Array:
        """Return X every `BLOCK_S` from `span * SPAN_S` to the next span, both included."""
        if self._span[0] != span or not len(self._span[1]):
            left, *normals = gaussians(f"{self._key}/{span}", _SPAN_BLOCKS)
            (right,) = gaussians(f"{self._key}/{span + 1}", 1)
            self._span = (span, bridge(left, right, np.array(normals), BLOCK_S))
        return self._span[1]

    def _block(self, number: int) -> Array:
        """Return the values of a block of 1024 s, both ends included."""
        found = self._blocks.get(number)
        if found is None:
            span, place = divmod(number, _SPAN_BLOCKS)
            ends = self.coarse(span)[place : place + 2]
            normals = gaussians(f"{self._key}/{span}/{place}", _BLOCK_STEPS - 1)
            found = bridge(ends[0], ends[1], normals, STEP_S)
            if len(self._blocks) >= _KEPT_BLOCKS:
                del self._blocks[next(iter(self._blocks))]  # the oldest
            self._blocks[number] = found
        return found


def gaussians(key: str, count: int) -> Array:
    """Return standard Gaussian numbers, the same on every machine.

    Args:
        key: Names what is drawn, so that unrelated draws do not shift it.
        count: How many.
    """
    uniform = random.Random(key).random  # noqa: S311 - a seeded draw, not a secret
    inverse = NormalDist().inv_cdf
    return np.round([inverse(uniform() or _SMALLEST) for _ in range(count)], 9)


def bridge(left: float, right: float, normals: Array, step_s: float) -> Array:
    """Draw a stationary process X between two known values, by halving.

    Args:
        left: X at the start.
        right: X at the end.
        normals: Independent standard Gaussian numbers, one for each value between the two, shape
            ``(n − 1,)`` where n is a power of two.
        step_s: Distance of neighbouring values in seconds.

    Returns:
        X at n + 1 times from start to end, shape ``(n + 1,)``.

    Raises:
        ValueError: n is no power of two.
    """
    steps = len(normals) + 1
    if steps & (steps - 1):
        raise ValueError(f"{steps} steps between two values; allowed is a power of two")
    values = np.empty(steps + 1)
    values[0], values[-1] = left, right
    while steps > 1:
        half = steps // 2
        weight, spread = _middle(half * step_s)
        around = values[:-1:steps] + values[steps::steps]
        values[half::steps] = weight * around + spread * normals[half - 1 :: steps]
        steps = half
    return values


@lru_cache(maxsize=64)
def _middle(distance_s: float) -> tuple[float, float]:
    """Return the weight of two values' sum, and the standard deviation, in their middle."""
    correlation = math.exp(-BETA_PER_S * distance_s)
    whole = 1 + correlation * correlation
    variance = -math.expm1(-2 * BETA_PER_S * distance_s) / whole
    return round(correlation / whole, 12), round(math.sqrt(variance), 12)
