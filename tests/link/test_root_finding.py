from __future__ import annotations

import numpy as np
from downpass.link.root_finding import root
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=20))
def test_roots_are_found_to_the_tolerance(zeros: list[float]) -> None:
    exact = np.array(zeros)
    item = np.arange(len(exact))

    def cubic(which: np.ndarray, x: np.ndarray) -> np.ndarray:
        distance = x - exact[which]
        return distance**3 + 0.1 * distance

    left, right = np.full(len(exact), -60.0), np.full(len(exact), 75.0)
    found = root(cubic, item, (left, cubic(item, left)), (right, cubic(item, right)), 1e-6)
    assert np.abs(found - exact).max() < 1e-6


def test_a_root_costs_few_evaluations() -> None:
    calls = 0

    def sine(which: np.ndarray, x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return np.sin(x)

    item = np.arange(1)
    left, right = np.array([2.0]), np.array([4.0])
    found = root(sine, item, (left, np.sin(left)), (right, np.sin(right)), 1e-9)
    assert abs(found[0] - np.pi) < 1e-9
    assert calls <= 10
