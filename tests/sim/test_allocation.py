"""The allocation: optimal against a linear program and against brute force, within all bounds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from downpass.sim.frames.allocation import ValueCurve, allocate, concave
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog


@st.composite
def curves(draw: st.DrawFn, most: int = 6) -> ValueCurve:
    count = draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(1, most), min_size=count, max_size=count))
    slopes = sorted(
        draw(st.lists(st.integers(1, 20), min_size=count, max_size=count, unique=True)),
        reverse=True,
    )
    sizes, values = [draw(st.integers(0, 3))], [0.0]
    for length, slope in zip(lengths, slopes, strict=True):
        sizes.append(sizes[-1] + length)
        values.append(values[-1] + slope * length)
    return ValueCurve(tuple(sizes), tuple(values))


@st.composite
def problems(draw: st.DrawFn, frames: int) -> tuple[list[ValueCurve], list[int], int, int]:
    given = draw(st.lists(curves(), min_size=1, max_size=frames))
    gaps = draw(st.lists(st.integers(0, 10), min_size=len(given), max_size=len(given)))
    sent = [0, *np.cumsum(gaps[:-1]).tolist()]
    return given, sent, sent[-1] + gaps[-1], draw(st.integers(0, 25))


def bounds(sent: list[int], end: int, capacity: int) -> list[tuple[int, int, int]]:
    """First and last frame of each sum that is bounded, and its bound, as the module states."""
    count = len(sent)
    whole = [(s, t, sent[t] - sent[s] + capacity) for s in range(count) for t in range(s, count)]
    return whole + [(s, count - 1, end - sent[s]) for s in range(count)]


def value(given: list[ValueCurve], sizes: list[int]) -> float:
    return sum(curve.at(size) for curve, size in zip(given, sizes, strict=True))


@given(problems(frames=7))
def test_as_good_as_a_linear_program(problem: tuple[list[ValueCurve], list[int], int, int]) -> None:
    given, sent, end, capacity = problem
    sizes = allocate(given, sent, end, capacity)
    least = [curve.sizes[0] for curve in given]
    limits = bounds(sent, end, capacity)
    if any(sum(least[s : t + 1]) > bound for s, t, bound in limits):
        assert all(a >= b for a, b in zip(sizes, least, strict=True))
        return
    assert all(sum(sizes[s : t + 1]) <= bound for s, t, bound in limits)
    assert all(c.sizes[0] <= size <= c.sizes[-1] for c, size in zip(given, sizes, strict=True))
    # One variable for each step of each curve; steps of a concave curve fill up in order.
    steps = [
        (index, b - a, (v - u) / (b - a))
        for index, c in enumerate(given)
        for a, b, u, v in zip(c.sizes, c.sizes[1:], c.values, c.values[1:], strict=False)
    ]
    found = linprog(
        [-slope for _, _, slope in steps],
        A_ub=[[float(s <= index <= t) for index, _, _ in steps] for s, t, _ in limits],
        b_ub=[bound - sum(least[s : t + 1]) for s, t, bound in limits],
        bounds=[(0, length) for _, length, _ in steps],
    )
    assert value(given, sizes) - value(given, least) == pytest.approx(-found.fun, abs=1e-6)


@settings(max_examples=40)
@given(problems(frames=3))
def test_as_good_as_brute_force(problem: tuple[list[ValueCurve], list[int], int, int]) -> None:
    given, sent, end, capacity = problem
    limits = bounds(sent, end, capacity)
    allowed = [
        sizes
        for sizes in product(*(range(c.sizes[0], c.sizes[-1] + 1) for c in given))
        if all(sum(sizes[s : t + 1]) <= bound for s, t, bound in limits)
    ]
    if allowed:
        best = max(value(given, list(sizes)) for sizes in allowed)
        assert value(given, allocate(given, sent, end, capacity)) == pytest.approx(best)


def test_a_recorder_simulated_byte_by_byte_never_overflows() -> None:
    """The bounds say what a queue does: checked by running one."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        count = int(rng.integers(1, 8))
        gaps = rng.integers(0, 30, count)
        sent = [0, *np.cumsum(gaps[:-1]).tolist()]
        capacity = int(rng.integers(5, 40))
        line = [ValueCurve((0, 100), (0.0, float(rng.integers(1, 9)))) for _ in range(count)]
        sizes = allocate(line, sent, sent[-1] + int(gaps[-1]), capacity)
        held = 0
        for size, gap in zip(sizes, gaps, strict=True):
            held += size
            assert held <= capacity
            held = max(0, held - int(gap))
        assert held == 0


def test_equal_frames_share_equally_and_important_ones_get_more() -> None:
    # 1 dB a byte up to 10 bytes, then half of it: two equal frames and 30 bytes to send after both.
    curve = ValueCurve((0, 10, 30), (0.0, 10.0, 20.0))
    assert allocate([curve, curve], [0, 0], 20, 100) == [10, 10]
    assert allocate([curve, curve.weighted(3.0)], [0, 0], 20, 100) == [0, 20]
    # The first frame can use what is sent before the second arrives, which the second cannot.
    assert allocate([curve, curve], [0, 15], 20, 100) == [15, 5]


def test_what_is_stored_already_takes_room() -> None:
    stored = ValueCurve((12,), (0.0,))
    curve = ValueCurve((0, 50), (0.0, 50.0))
    assert allocate([stored, curve], [0, 0], 100, 20) == [12, 8]
    assert allocate([stored, curve], [0, 12], 100, 20) == [12, 20]
    assert allocate([stored, curve], [0, 0], 10, 20) == [12, 0]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(-50, 50)), min_size=1, max_size=12))
def test_the_concave_curve_lies_above_all_points(points: list[tuple[int, int]]) -> None:
    hull = concave([(size, float(value)) for size, value in points])
    for size, height in points:
        if size >= hull.sizes[0]:
            assert hull.at(size) >= height - 1e-9
    slopes = np.diff(hull.values) / np.diff(hull.sizes)
    assert (slopes > 0).all() and (np.diff(slopes) < 1e-12).all()
    assert set(zip(hull.sizes, hull.values, strict=True)) <= {(s, float(v)) for s, v in points}
