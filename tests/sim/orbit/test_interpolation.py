"""Interpolation: exact on polynomials of its degree, and against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from downpass.sim.orbit.interpolation import Interpolation, Method
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from scipy.interpolate import CubicHermiteSpline, KroghInterpolator


@given(
    method=st.sampled_from(Method),
    degree=st.integers(1, 9),
    seed=st.integers(0, 10_000),
)
def test_polynomials_of_the_degree_come_back(method: Method, degree: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.5, 1.5, 14))
    curves = [Polynomial(rng.normal(size=degree + 1), domain=[0, 14]) for _ in range(3)]
    position = np.stack([curve(time) for curve in curves])
    velocity = np.stack([curve.deriv()(time) for curve in curves])
    wanted = np.concatenate((rng.uniform(time[0], time[-1], 40), time))
    value, rate = Interpolation(method, degree).at(wanted, time, position, velocity)
    scale = 1.0 + np.abs(position).max()
    exact = np.stack([curve(wanted) for curve in curves])
    assert np.abs(value - exact).max() < 1e-7 * scale
    exact = np.stack([curve.deriv()(wanted) for curve in curves])
    assert np.abs(rate - exact).max() < 1e-6 * scale


def test_cubic_hermite_and_lagrange_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(10.0)
    position, velocity = rng.normal(size=(3, 10)), rng.normal(size=(3, 10))
    wanted = rng.uniform(0.0, 9.0, 100)
    value, rate = Interpolation(Method.HERMITE, 3).at(wanted, time, position, velocity)
    spline = CubicHermiteSpline(time, position, velocity, axis=1)
    assert np.allclose(value, spline(wanted), atol=1e-12)
    assert np.allclose(rate, spline.derivative()(wanted), atol=1e-12)
    # In the middle interval the six states around it decide.
    inside = rng.uniform(4.0, 5.0, 50)
    value, rate = Interpolation(Method.LAGRANGE, 5).at(inside, time, position, velocity)
    assert np.allclose(value, KroghInterpolator(time[2:8], position[:, 2:8], axis=1)(inside))
    assert np.allclose(rate, KroghInterpolator(time[2:8], velocity[:, 2:8], axis=1)(inside))


@pytest.mark.parametrize(
    ("method", "degree", "nodes"),
    [("LAGRANGE", 1, 2), ("LAGRANGE", 7, 8), ("HERMITE", 3, 2), ("HERMITE", 7, 4),
     ("HERMITE", 8, 5)],
)  # fmt: skip
def test_nodes(method: str, degree: int, nodes: int) -> None:
    assert Interpolation(Method(method), degree).nodes == nodes


@pytest.mark.parametrize(
    ("method", "degree"), [("LAGRANGE", 1), ("LAGRANGE", 5), ("HERMITE", 3), ("HERMITE", 7)]
)
def test_the_estimated_error_is_that_of_a_circle(method: str, degree: int) -> None:
    """Half-way between two states of a circle, where a polynomial is farthest off."""
    how = Interpolation(Method(method), degree)
    turn = 0.3
    angle = np.arange(12) * turn
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle])
    rate = np.stack([-np.sin(angle), np.cos(angle), 0 * angle])
    middle = angle[5] + turn / 2
    found, _ = how.at(np.array([middle]), angle, circle, rate)
    exact = np.array([np.cos(middle), np.sin(middle), 0.0])
    error = np.linalg.norm(found[:, 0] - exact)
    assert how.error_m(np.array([1.0]), np.array([turn]))[0] == pytest.approx(error, rel=0.3)
