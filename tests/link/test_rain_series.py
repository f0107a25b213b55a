"""The weather's Gaussian process: exact covariance, and values that belong to seed and station."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import numpy as np
import pytest
from downpass.link.channel import rain_series
from downpass.link.channel.rain_series import (
    BETA_PER_S,
    BLOCK_S,
    SPAN_S,
    STEP_S,
    RainSeries,
    bridge,
    gaussians,
)
from hypothesis import given, settings
from hypothesis import strategies as st

DAY_S = 86_400.0


@pytest.mark.parametrize("steps", [2, 8, 64])
@pytest.mark.parametrize("step_s", [0.5, 4.0, 1024.0, 40_000.0])
def test_a_bridge_has_exactly_the_covariance_of_the_process(steps: int, step_s: float) -> None:
    # Values are linear in the draws, so unit draws show the matrix, and with it the covariance.
    columns = []
    for source in range(steps + 1):
        unit = np.eye(steps + 1)[source]
        columns.append(bridge(unit[0], unit[-1], unit[1:-1], step_s))
    matrix = np.stack(columns, axis=1)
    between_ends = math.exp(-BETA_PER_S * steps * step_s)
    drawn = np.eye(steps + 1)
    drawn[0, -1] = drawn[-1, 0] = between_ends
    apart = np.abs(np.subtract.outer(np.arange(steps + 1), np.arange(steps + 1))) * step_s
    assert matrix @ drawn @ matrix.T == pytest.approx(np.exp(-BETA_PER_S * apart), abs=1e-10)


def test_a_bridge_of_three_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        bridge(0.0, 0.0, np.zeros(2), 4.0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-2 * SPAN_S, 40 * DAY_S), min_size=1, max_size=12),
    st.integers(0, 2**63 - 1),
    st.randoms(use_true_random=False),
)
def test_a_moment_has_the_same_value_whoever_asks_in_whatever_order(
    times: list[float], seed: int, shuffler: random.Random
) -> None:
    together = RainSeries(seed, "svalbard").state(np.array(times))
    order = list(range(len(times)))
    shuffler.shuffle(order)
    other = RainSeries(seed, "svalbard")
    for index in order:
        assert other.state(np.array([times[index]]))[0] == together[index]


def test_blocks_that_were_forgotten_are_drawn_again_alike() -> None:
    times = np.arange(0.0, 2 * DAY_S, 500.0)
    first = RainSeries(3, "singapore").state(times)
    rain_series._block.cache_clear()
    rain_series._coarse.cache_clear()
    assert (RainSeries(3, "singapore").state(times[::-1])[::-1] == first).all()


@pytest.mark.parametrize("border", [0.0, BLOCK_S, SPAN_S, -SPAN_S, 3 * SPAN_S])
def test_the_series_is_continuous_where_blocks_and_spans_meet(border: float) -> None:
    around = RainSeries(7, "kourou").state(border + np.array([-1e-6, 0.0, 1e-6]))
    assert around == pytest.approx(around[1], abs=1e-5)


def test_between_two_draws_the_series_is_linear() -> None:
    series = RainSeries(1, "matera")
    ends = series.state(np.array([400.0, 400.0 + STEP_S]))
    assert series.state(np.array([401.0]))[0] == pytest.approx(0.75 * ends[0] + 0.25 * ends[1])


def test_other_stations_and_other_seeds_have_other_weather() -> None:
    times = np.arange(0.0, 60 * DAY_S, 4000.0)
    base = RainSeries(1, "svalbard").state(times)
    for other in (RainSeries(2, "svalbard"), RainSeries(1, "matera")):
        assert abs(np.corrcoef(base, other.state(times))[0, 1]) < 0.12


def test_values_stay_the_same_from_version_to_version() -> None:
    # Frozen on CPython 3.11; a change would give every drawn scenario other weather.
    found = RainSeries(1, "svalbard").state(np.array([0.0, 1.0, 5000.0, DAY_S, 365 * DAY_S]))
    assert found == pytest.approx(
        [0.090486118, 0.094446503312, -0.764250312512, 1.282854141352, -0.550397190932], abs=1e-11
    )


def test_draws_are_standard_gaussians() -> None:
    drawn = gaussians("test", 200_000)
    assert abs(drawn.mean()) < 0.01
    assert drawn.std() == pytest.approx(1, abs=0.01)
    for sigma in (1.0, 2.0, 3.0):
        share = math.erfc(sigma / math.sqrt(2)) / 2
        assert (drawn > sigma).mean() == pytest.approx(share, rel=5 / math.sqrt(200_000 * share))


def test_in_ten_years_each_state_is_exceeded_for_its_share_of_the_time() -> None:
    # One value every 1024 s over four stations. With a correlation of 5000 s, the sampling noise is
    # about 1 % of the share at 3 % of the time, 3 % at 0.3 % and 5 % at 0.1 %.
    spans = range(round(3652.5 * DAY_S / SPAN_S))
    series = [RainSeries(1, name) for name in ("svalbard", "matera", "singapore", "kourou")]
    states = np.concatenate([one.coarse(span)[:-1] for one in series for span in spans])
    for percent, tolerance in ((50.0, 0.02), (3.0, 0.05), (1.0, 0.06), (0.3, 0.1), (0.1, 0.2)):
        level = NormalDist().inv_cdf(1 - percent / 100)
        assert (states > level).mean() * 100 == pytest.approx(percent, rel=tolerance)
    for lag in (1, 5, 20):
        found = np.corrcoef(states[:-lag], states[lag:])[0, 1]
        assert found == pytest.approx(math.exp(-BETA_PER_S * lag * BLOCK_S), abs=0.01)


def test_both_grids_hold_the_same_values() -> None:
    series = RainSeries(11, "alaska")
    border = np.arange(128.0) * BLOCK_S
    assert (series.state(5 * SPAN_S + border) == series.coarse(5)[:-1]).all()
