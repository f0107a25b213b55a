"""Where curves cross levels, against dense sampling and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from downpass.link.channel.level_steps import SampledCurve, Spans, Steps
from hypothesis import given, settings
from hypothesis import strategies as st

MS = 1000
S = 1_000_000


def spans(*pairs: tuple[float, float]) -> Spans:
    start, end = np.array(pairs, dtype=float).reshape(-1, 2).T
    return Spans(start, end)


def listed(steps: Steps) -> list[tuple[int, float, int]]:
    return [
        (int(span), int(tick) / S, int(count))
        for span, tick, count in zip(steps.span, steps.tick, steps.count, strict=True)
    ]


def test_a_parabola_crosses_two_levels_on_its_way_up_and_down() -> None:
    # 100 − (t − 50)² reaches 0 at 40 and 60, and 64 at 44 and 56.
    curve = SampledCurve(lambda t: 100.0 - (t - 50.0) ** 2, spans((30, 47), (47, 70)), 10.0)
    assert listed(curve.steps(np.array([0.0, 64.0]))) == [
        (0, 30.0, 0),
        (0, 40.0, 1),
        (0, 44.0, 2),
        (1, 47.0, 2),
        (1, 56.0, 1),
        (1, 60.0, 0),
    ]


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 100.0), (49.9, 90.0), (10.0, 50.1), (49.95, 50.05)], ids=str
)
def test_a_summit_between_nodes_shows_however_short_it_is(start: float, end: float) -> None:
    # Above the level for 20 ms around 50.003 s, which is no multiple of the step.
    curve = SampledCurve(lambda t: 1e-4 - (t - 50.003) ** 2, spans((start, end)), 30.0)
    assert listed(curve.steps(np.array([0.0]))) == [
        (0, start, 0),
        (0, 49.993, 1),
        (0, 50.013, 0),
    ]


def test_equal_levels_are_crossed_at_once() -> None:
    curve = SampledCurve(lambda t: np.sin(t), spans((-1.0, 4.0)), 0.5)
    found = listed(curve.steps(np.array([0.0, 0.0, 0.5])))
    assert [(time, count) for _, time, count in found] == [
        (-1.0, 0),
        (0.0, 2),
        (0.524, 3),
        (2.618, 2),
        (3.142, 0),
    ]


@settings(max_examples=60, deadline=None)
@given(
    waves=st.lists(
        st.tuples(st.floats(-3, 3), st.floats(0.001, 0.03), st.floats(0, 6)), min_size=1, max_size=4
    ),
    edges=st.lists(st.integers(0, 900_000), min_size=2, max_size=8, unique=True),
    levels=st.lists(st.floats(-4, 4), min_size=1, max_size=6),
)
def test_steps_are_what_dense_sampling_sees(
    waves: list[tuple[float, float, float]], edges: list[int], levels: list[float]
) -> None:
    def curve(time_s: np.ndarray) -> np.ndarray:
        return sum(a * np.sin(w * time_s + p) for a, w, p in waves) + 0.0 * time_s

    edges = sorted(edges)
    where = spans(*((a / 1e3, b / 1e3) for a, b in zip(edges[::2], edges[1::2], strict=False)))
    levels = sorted(levels)
    steps = SampledCurve(curve, where, 10.0).steps(np.array(levels))
    assert np.array_equal(np.unique(steps.span), np.arange(len(where)))
    for index in range(len(where)):
        mine = steps.span == index
        assert steps.tick[mine][0] == where.start[index]
        assert np.all(np.diff(steps.tick[mine]) > 0)
        assert np.all(np.diff(steps.count[mine]) != 0)
        assert np.all(steps.tick[mine] % MS == 0)
        tick = np.linspace(where.start[index], where.end[index] - 1, 4001).astype(np.int64)
        value = curve(tick / S)
        seen = np.searchsorted(np.array(levels), value, side="right")
        counted = steps.at(np.full(len(tick), index), tick)
        # A millisecond of rounding: the curve moves by less than its steepest slope times that.
        slope = sum(abs(a) * w for a, w, _ in waves)
        near = np.min(np.abs(value[:, None] - np.array(levels)), axis=1) <= slope * 1e-3 + 1e-9
        assert np.array_equal(counted[~near], seen[~near])


def test_later_steps_start_with_what_was_before_and_end_with_their_span() -> None:
    where = spans((0, 10), (20, 30))
    steps = Steps(np.array([0, 0, 1]), np.array([0, 9 * S, 20 * S]), np.array([3, 1, 2]))
    assert listed(steps.later(where, 2 * S, before=0)) == [
        (0, 0.0, 0),
        (0, 2.0, 3),
        (1, 20.0, 0),
        (1, 22.0, 2),
    ]
    assert listed(steps.later(where, 20 * S, before=7)) == [(0, 0.0, 7), (1, 20.0, 7)]
    assert steps.later(where, 0, before=7) is steps
