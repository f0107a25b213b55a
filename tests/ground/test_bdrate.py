from __future__ import annotations

import math

import numpy as np
import pytest
from downpass.ground.bd_rate import bd_rate, pchip_slopes
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

ANCHOR = [(0.1, 24.0), (0.2, 26.1), (0.4, 28.7), (0.8, 32.0), (1.5, 36.2)]


@given(st.floats(0.2, 5))
def test_a_curve_of_so_many_times_the_bytes_costs_that(factor: float) -> None:
    test = [(rate * factor, quality) for rate, quality in ANCHOR]
    found = bd_rate(ANCHOR, test)
    assert found.percent == pytest.approx((factor - 1) * 100, abs=1e-9)
    assert found.coverage == 1


@st.composite
def curves(draw: st.DrawFn) -> list[tuple[float, float]]:
    count = draw(st.integers(2, 9))
    steps = st.lists(st.floats(0.05, 2), min_size=count, max_size=count)
    rates = 0.05 * np.exp(np.cumsum(draw(steps)))
    qualities = 20 + np.cumsum(draw(steps)) * 4
    return list(zip(rates.tolist(), qualities.tolist(), strict=True))


@given(curves(), curves())
def test_it_is_what_scipys_pchip_gives(
    anchor: list[tuple[float, float]], test: list[tuple[float, float]]
) -> None:
    found = bd_rate(anchor, test)
    low = max(anchor[0][1], test[0][1])
    high = min(anchor[-1][1], test[-1][1])
    if high <= low:
        assert math.isnan(found.percent)
        assert found.coverage == 0
        return
    one, two = (
        PchipInterpolator([q for _, q in curve], np.log([r for r, _ in curve]))
        for curve in (anchor, test)
    )
    mean = (two.integrate(low, high) - one.integrate(low, high)) / (high - low)
    assert found.percent == pytest.approx((math.exp(mean) - 1) * 100, rel=1e-6, abs=1e-6)
    assert found.coverage == pytest.approx((high - low) / (anchor[-1][1] - anchor[0][1]))


@given(curves())
def test_slopes_are_scipys(curve: list[tuple[float, float]]) -> None:
    x, y = np.array([q for _, q in curve]), np.log([r for r, _ in curve])
    assert pchip_slopes(x, y) == pytest.approx(PchipInterpolator(x, y).derivative()(x), abs=1e-9)


def test_the_range_is_what_the_anchor_reaches_between_two_rates() -> None:
    wide = [(0.01, 15.0), *ANCHOR, (9.0, 50.0)]
    test = [(rate * 2, quality) for rate, quality in ANCHOR]
    assert bd_rate(wide, test, rates=(0.1, 1.5)).coverage == pytest.approx(1, abs=1e-6)
    # A codec that reaches only the upper half of the range is judged there, and it is said.
    upper = [(rate, quality) for rate, quality in test if quality >= 28]
    assert bd_rate(wide, upper, rates=(0.1, 1.5)).coverage == pytest.approx(
        (36.2 - 28.7) / (36.2 - 24.0), abs=1e-4
    )


def test_points_that_gain_nothing_are_left_out() -> None:
    noisy = [*ANCHOR, (0.5, 28.0), (2.0, math.inf), (0.9, 31.9)]
    assert bd_rate(noisy, ANCHOR).percent == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("test", [[], [(1.0, 30.0)], [(0.1, 50.0), (0.2, 60.0)]])
def test_curves_without_common_quality_have_no_rate(test: list[tuple[float, float]]) -> None:
    found = bd_rate(ANCHOR, test)
    assert math.isnan(found.percent)
    assert found.coverage == 0
