from __future__ import annotations

import numpy as np
from downpass.sim.orbit.windows import Peaks, Windows, best_within
from hypothesis import given
from hypothesis import strategies as st

SPAN = 40


@st.composite
def window_sets(draw: st.DrawFn, items: int = 3) -> Windows:
    """Windows on whole seconds: what they cover can be counted second by second."""
    rows: list[tuple[int, int, int]] = []
    for item in range(items):
        edges = sorted(draw(st.sets(st.integers(0, SPAN), max_size=10)))
        pairs = zip(edges[::2], edges[1::2], strict=False)
        rows += [(item, start, end) for start, end in pairs]
    item, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Windows(item.astype(np.intp), start.astype(float), end.astype(float))


def seconds(windows: Windows, items: int = 3) -> np.ndarray:
    covered = np.zeros((items, SPAN), dtype=bool)
    for item, start, end in zip(windows.item, windows.start_s, windows.end_s, strict=True):
        covered[item, int(start) : int(end)] = True
    return covered


@given(window_sets(), window_sets())
def test_an_intersection_is_what_both_cover(one: Windows, other: Windows) -> None:
    both = one.intersect(other)
    assert np.array_equal(seconds(both), seconds(one) & seconds(other))
    assert np.all(both.end_s > both.start_s)
    order = np.lexsort((both.start_s, both.item))
    assert np.array_equal(order, np.arange(len(both)))


def test_the_best_moment_is_a_peak_inside_or_an_end() -> None:
    windows = Windows(np.array([0, 0, 1]), np.array([0.0, 10.0, 0.0]), np.array([5.0, 15.0, 20.0]))
    peaks = Peaks(np.array([0, 1, 1]), np.array([12.0, 3.0, 18.0]), np.array([9.0, 4.0, 7.0]))

    def rising(item: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        return time_s / 10.0

    time_s, value = best_within(windows, peaks, rising)
    assert time_s.tolist() == [5.0, 12.0, 18.0]
    assert value.tolist() == [0.5, 9.0, 7.0]


def test_rounded_windows_stay_within_the_run_and_keep_no_slivers() -> None:
    windows = Windows(
        np.array([0, 0, 1, 2]),
        np.array([0.0, 5.00012, 9.99991, 0.0]),
        np.array([1.23456, 5.00034, 10.00041, 10.0002]),
    )
    # The last one was cut at the end of the run and still ends with it.
    rounded = windows.rounded(10.00041)
    assert rounded.item.tolist() == [0, 1, 2]
    assert rounded.start_s.tolist() == [0.0, 10.0, 0.0]
    assert rounded.end_s.tolist() == [1.235, 10.00041, 10.0]
