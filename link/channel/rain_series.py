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

    def state(self, time_s: Array) -> Array:
        """Return X at times in seconds of the run, any shape; negative times are allowed."""
        position = np.asarray(time_s, dtype=np.float64) / STEP_S
        index = np.floor(position)
        block, offset = np.divmod(index.astype(np.int64), _BLOCK_STEPS)
        numbers, row = np.unique(block, return_inverse=True)
        if not len(numbers):
            return np.empty(position.shape)
        table = np.stack([_block(self._key, int(number)) for number in numbers])
        row = row.reshape(offset.shape)
        low, high = table[row, offset], table[row, offset + 1]
        state: Array = low + (position - index) * (high - low)
        return state

    def coarse(self, span: int) -> Array:
        """Return X every `BLOCK_S` from `span * SPAN_S` to the next span, both included."""
        return _coarse(self._key, span)


@lru_cache(maxsize=16_384)  # 36 MB: half a year of one station, or the passes of many
def _block(key: str, number: int) -> Array:
    """Return the values of a block, both ends included, shape ``(257,)``, not to be changed."""
    span, place = divmod(number, _SPAN_BLOCKS)
    ends = _coarse(key, span)[place : place + 2]
    normals = gaussians(f"{key}/{span}/{place}", _BLOCK_STEPS - 1)
    return bridge(ends[0], ends[1], normals, STEP_S)


@lru_cache(maxsize=4096)
def _coarse(key: str, span: int) -> Array:
    """Return the values at the blocks' borders in a span, shape ``(129,)``, not to be changed."""
    left, *normals = gaussians(f"{key}/{span}", _SPAN_BLOCKS)
    (right,) = gaussians(f"{key}/{span + 1}", 1)
    return bridge(left, right, np.array(normals), BLOCK_S)


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
        X at n + 1 times from start to end, shape ``(n + 1,)``, read-only.

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
    values.flags.writeable = False
    return values


@lru_cache(maxsize=64)
def _middle(distance_s: float) -> tuple[float, float]:
    """Return the weight of two values' sum, and the standard deviation, in their middle."""
    correlation = math.exp(-BETA_PER_S * distance_s)
    whole = 1 + correlation * correlation
    variance = -math.expm1(-2 * BETA_PER_S * distance_s) / whole
    return round(correlation / whole, 12), round(math.sqrt(variance), 12)
