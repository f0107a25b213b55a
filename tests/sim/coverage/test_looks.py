"""Looks at cells: counted by hand, and properties."""

from __future__ import annotations

import numpy as np
import pytest
from downpass.sim.coverage.footprints import Footprints
from downpass.sim.coverage.grid import cells_of_region
from downpass.sim.coverage.looks import SAME_LOOK_MS, LookBook
from downpass.sim.orbit.areas import geocentric
from downpass.sim.orbit.polygon import polygon_of
from downpass.sim.orbit.region import region_of_polygon
from hypothesis import given, settings
from hypothesis import strategies as st

Box = tuple[float, float, float, float]
SQUARE = cells_of_region(
    region_of_polygon(polygon_of([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])), 4_000
)
HOUR_MS = 3_600_000


def frames(
    boxes: list[Box], times_ms: list[int], satellites: list[int] | None = None
) -> Footprints:
    """Frames given by their southern, northern, western and eastern edge."""
    corner = np.empty((4, 3, len(boxes)))
    for n, (south, north, west, east) in enumerate(boxes):
        corner[:, :, n] = geocentric(
            np.array([south, north, north, south]), np.array([west, west, east, east])
        ).T
    number = np.arange(len(boxes))
    satellite = np.array(satellites or [0] * len(boxes), dtype=np.intp)
    return Footprints(np.array(times_ms, dtype=np.int64), satellite, number, corner)


def book(boxes: list[Box], times_ms: list[int], satellites: list[int] | None = None) -> LookBook:
    """Return the looks of frames at the square."""
    found = LookBook(SQUARE.latitude_deg, SQUARE.longitude_deg)
    found.add(frames(boxes, times_ms, satellites), None, None)
    return found


def share(found: LookBook) -> float:
    return float((found.looks > 0).mean())


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(-2, 2, -2, 2)], 1.0),
        ([(-2, 2, -0.5, 0.5)], 0.5),
        ([(-2, 2, -0.5, 0.5), (-2, 2, 0.0, 1.0)], 0.75),
        ([(-2, 2, -0.5, 0.5), (-2, 2, -0.5, 0.5)], 0.5),
        ([(-2, 2, -0.5, 0.5), (-0.5, 0.5, -2, 2)], 0.75),
        ([(2, 3, -1, 1)], 0.0),
        ([(-2, 2, 179, 181)], 0.0),
    ],
    ids=["whole", "one strip", "two that overlap", "the same twice", "a cross", "beside", "far"],
)
def test_ground_counts_once(boxes: list[Box], expected: float) -> None:
    assert share(book(boxes, [n * HOUR_MS for n in range(len(boxes))])) == pytest.approx(
        expected, abs=0.01
    )


def test_a_frame_across_the_antimeridian_and_one_over_a_pole() -> None:
    found = LookBook(np.array([0.1, 0.1, 89.9, -89.9]), np.array([179.9, -179.9, 77.0, 77.0]))
    pole = geocentric(np.array([88.0] * 4), np.array([0.0, 90.0, 180.0, -90.0])).T[:, :, None]
    across = frames([(-1, 1, 179, 181)], [0])
    both = np.concatenate((across.corner, pole), axis=2)
    found.add(Footprints(np.array([0, 1]), np.array([0, 1]), np.array([0, 1]), both), None, None)
    assert found.looks.tolist() == [1, 1, 1, 0]


def test_gaps_between_looks() -> None:
    whole = (-2.0, 2.0, -2.0, 2.0)
    left = (-2.0, 2.0, -2.0, 0.0)
    found = book([whole, left, whole], [0, 2 * HOUR_MS, 6 * HOUR_MS])
    west = SQUARE.longitude_deg < -0.1
    east = SQUARE.longitude_deg > 0.1
    assert set(found.looks[west].tolist()) == {3}
    assert set(found.looks[east].tolist()) == {2}
    assert set(found.gap_sum_ms.tolist()) == {6 * HOUR_MS}
    assert set(found.gap_most_ms[west].tolist()) == {4 * HOUR_MS}
    assert set(found.gap_most_ms[east].tolist()) == {6 * HOUR_MS}


@pytest.mark.parametrize(
    ("satellites", "apart_ms", "looks"),
    [([0, 0], SAME_LOOK_MS - 1, 1), ([0, 0], SAME_LOOK_MS, 2), ([0, 1], 1_000, 2)],
    ids=["one look", "two looks", "two satellites"],
)
def test_what_is_one_look(satellites: list[int], apart_ms: int, looks: int) -> None:
    whole = (-2.0, 2.0, -2.0, 2.0)
    found = book([whole, whole], [0, apart_ms], satellites)
    assert set(found.looks.tolist()) == {looks}


def test_it_does_not_matter_how_frames_are_divided() -> None:
    boxes: list[Box] = [(-2, 2, -1 + n / 20, -0.5 + n / 20) for n in range(30)]
    times = [n * HOUR_MS for n in range(30)]
    at_once = book(boxes, times)
    in_parts = LookBook(SQUARE.latitude_deg, SQUARE.longitude_deg)
    for n in range(0, 30, 7):
        in_parts.add(frames(boxes[n : n + 7], times[n : n + 7]), None, None)
    for name in ("looks", "gap_sum_ms", "gap_most_ms"):
        assert getattr(at_once, name).tolist() == getattr(in_parts, name).tolist()


EDGES = st.lists(
    st.floats(-1.5, 1.5).map(lambda x: round(x, 3)), min_size=2, max_size=2, unique=True
)
BOXES = st.tuples(EDGES, EDGES).map(lambda e: (min(e[0]), max(e[0]), min(e[1]), max(e[1])))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(BOXES, st.booleans()), min_size=1, max_size=6))
def test_union_and_delivered(items: list[tuple[Box, bool]]) -> None:
    boxes = [box for box, _ in items]
    arrived = np.array([flag for _, flag in items])
    times = [n * HOUR_MS for n in range(len(boxes))]
    found = LookBook(SQUARE.latitude_deg, SQUARE.longitude_deg)
    found.add(frames(boxes, times), arrived, arrived)
    seen = found.looks > 0
    alone = [book([box], [0]).looks for box in boxes]
    assert not (found.delivered & ~seen).any()
    assert seen.sum() <= sum(one.sum() for one in alone)
    # Against a slow count of each frame by itself.
    assert found.looks.tolist() == np.sum(alone, axis=0).tolist()
    by_flag = [one for one, flag in zip(alone, arrived, strict=True) if flag]
    expected = np.sum(by_flag, axis=0) > 0 if by_flag else np.zeros(len(seen), np.bool_)
    assert found.delivered.tolist() == expected.tolist()
