"""The Pareto front against a comparison of all pairs; intervals against hand-made ones."""

from __future__ import annotations

import math

import pytest
from downpass.sim.sweep.front import pareto_front
from downpass.sim.sweep.intervals import Interval, interval
from hypothesis import given
from hypothesis import strategies as st

FIGURE = st.none() | st.integers(0, 6).map(float) | st.sampled_from((math.inf, math.nan))


@given(st.lists(st.tuples(FIGURE, FIGURE), max_size=12), st.booleans(), st.booleans())
def test_the_front_is_what_no_other_point_beats(
    points: list[tuple[float | None, float | None]], less_x: bool, less_y: bool
) -> None:
    known = {
        n: (-x if less_x else x, -y if less_y else y)
        for n, (x, y) in enumerate(points)
        if x is not None and y is not None and not math.isnan(x) and not math.isnan(y)
    }

    def beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return a != b and a[0] >= b[0] and a[1] >= b[1]

    expected = {n for n, p in known.items() if not any(beats(q, p) for q in known.values())}
    found = pareto_front(
        [x for x, _ in points], [y for _, y in points], less_x=less_x, less_y=less_y
    )
    assert set(found) == expected
    assert len(found) == len(expected)
    across = [points[n][0] for n in found]
    assert across == sorted(across)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([None], None),
        ([3], Interval(3, 3, 3, 1)),
        ([5, 1, None, 3], Interval(3, 1, 5, 3)),
        ([4, 2, 1, 3], Interval(2, 1, 4, 4)),  # nearest rank: always a value that was found
        (range(1, 21), Interval(10, 1, 19, 20)),  # from 20 runs on, the extremes are left out
        (range(1, 101), Interval(50, 5, 95, 100)),
    ],
)
def test_median_and_interval(values: list[float | None], expected: Interval | None) -> None:
    assert interval(values) == expected
