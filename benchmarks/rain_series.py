"""How often the drawn rain exceeds what ITU-R P.618 says, over ten years of the series.

    python benchmarks/rain_series.py [--years 10] [--seeds 3]

For three stations and several seeds: for which part of the time the attenuation of a link at a
fixed elevation exceeds the one that P.618 gives for 3, 1, 0.3 and 0.1 % of an average year, as a
ratio to that part. Below them stand the ratio that P.1853's own lognormal fit with its offset would
have after an endless time, and how far a series of this length scatters by chance (one standard
deviation, from the correlation of the process).
"""

from __future__ import annotations

import argparse
import math
import time
from statistics import NormalDist, mean

import numpy as np
from downpass.link.channel.atmosphere.climate_map import climate_at
from downpass.link.channel.atmosphere.cloud import cloud_attenuation_db
from downpass.link.channel.atmosphere.rain import (
    rain_attenuation_db,
    rain_attenuation_probability_percent,
)
from downpass.link.channel.atmosphere.site import SiteClimate
from downpass.link.channel.rain_fade import RainFade, state_of_percent
from downpass.link.channel.rain_series import BETA_PER_S, SPAN_S, STEP_S, RainSeries

FREQUENCY_HZ = 8.2e9
ELEVATION_DEG = 20.0
PERCENT = (3.0, 1.0, 0.3, 0.1)
YEAR_S = 365.25 * 86_400.0
PLACES = {
    "Svalbard": (78.23, 15.39, 450.0),
    "Matera": (40.65, 16.70, 500.0),
    "Singapore": (1.35, 103.82, 20.0),
}


def level_db(site: SiteClimate, percent: float) -> float:
    """Return the attenuation by rain and clouds that P.618 gives for a part of the time."""
    rain = rain_attenuation_db(FREQUENCY_HZ, ELEVATION_DEG, site, percent)
    return float(rain + cloud_attenuation_db(FREQUENCY_HZ, ELEVATION_DEG, site, max(percent, 1.0)))


def exceeded(site: SiteClimate, series: RainSeries, years: float) -> list[float]:
    """Return the part of the time in percent for which each of P.618's levels is exceeded."""
    fade = RainFade(series, FREQUENCY_HZ, site)
    levels = [level_db(site, percent) for percent in PERCENT]
    steps = np.arange(0.0, SPAN_S, STEP_S)
    elevation = np.full(len(steps), ELEVATION_DEG)
    counts, total = np.zeros(len(PERCENT)), 0
    for span in range(round(years * YEAR_S / SPAN_S)):
        found = fade.attenuation_db(span * SPAN_S + steps, elevation)
        counts += [np.count_nonzero(found > level) for level in levels]
        total += len(found)
    return list(100 * counts / total)


def scatter(percent: float, years: float) -> float:
    """Return the relative standard deviation of a part of the time over some years.

    The variance is 2/T times the integral of the covariance of "exceeded"; for two Gaussians that
    is Plackett's integral of their joint density over the correlation.
    """
    level, part = state_of_percent(percent), percent / 100
    covariance, last, total = 0.0, 0.0, 0.0
    lags = np.arange(0.0, 60_000.0, 5.0)[::-1]
    values = []
    for lag in lags:
        correlation = math.exp(-BETA_PER_S * lag)
        angle = math.asin(correlation)
        middle = (angle + last) / 2
        covariance += (
            (angle - last) * math.exp(-(level**2) / (1 + math.sin(middle))) / (2 * math.pi)
        )
        last = angle
        values.append(covariance)
    total = 5.0 * sum(values)
    return math.sqrt(2 * total / (years * YEAR_S)) / part


def lognormal(site: SiteClimate) -> list[float]:
    """Return the exceedance in percent of P.1853's lognormal fit, steps A to C."""
    wet = float(rain_attenuation_probability_percent(ELEVATION_DEG, site))
    parts = [p for p in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5) if p <= wet]
    states = [state_of_percent(p) for p in parts]
    levels = [float(rain_attenuation_db(FREQUENCY_HZ, ELEVATION_DEG, site, p)) for p in parts]
    sigma, m = np.polyfit(states, np.log(levels), 1)
    offset = math.exp(m + sigma * state_of_percent(wet))
    ratios = []
    for percent in PERCENT:
        rain = float(rain_attenuation_db(FREQUENCY_HZ, ELEVATION_DEG, site, percent))
        state = (math.log(rain + offset) - m) / sigma
        ratios.append(100 * NormalDist().cdf(-state))
    return ratios


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print(
        f"{FREQUENCY_HZ / 1e9:g} GHz at {ELEVATION_DEG:g}°, {asked.years:g} years every "
        f"{STEP_S:g} s: time above P.618's attenuation, as a ratio to P.618's"
    )
    print(f"{'':24}" + "".join(f"{p:>9g} %" for p in PERCENT))
    begun = time.process_time()
    for name, place in PLACES.items():
        site = climate_at(*place)
        found = []
        for seed in range(1, asked.seeds + 1):
            found.append(exceeded(site, RainSeries(seed, name.lower()), asked.years))
            print(f"{name:12} seed {seed:<7}" + _ratios(found[-1]))
        print(
            f"{name:12} {'mean':12}"
            + _ratios([mean(column) for column in zip(*found, strict=True)])
        )
        print(f"{name:12} {'lognormal':12}" + _ratios(lognormal(site)))
    chance = "".join(f"{100 * scatter(p, asked.years):>9.1f} %" for p in PERCENT)
    print(f"{'scatter of one seed, 1 sd':25}" + chance)
    count = asked.seeds * len(PLACES)
    print(f"{(time.process_time() - begun) / count:.1f} processor seconds a station and seed")


def _ratios(found: list[float]) -> str:
    return "".join(f"{one / p:>11.3f}" for one, p in zip(found, PERCENT, strict=True))


if __name__ == "__main__":
    main()
