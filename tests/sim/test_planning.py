"""The timetable: cases computed by hand, rules that always hold, and a plain search beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from downpass.sim.orbit.access import Access
from downpass.sim.planning import (
    BUSY,
    DUTY_CYCLE,
    EARTH_RADIUS_M,
    TOO_SHORT,
    TURNING,
    Pointing,
    Shot,
    Timetable,
    frame_seconds,
    plan,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# 4 s a frame, 1 deg/s and 5 s to settle; one orbit takes 1000 s.
POINTING = Pointing(4.0, 1.0, 5.0, 1.0, 1000.0, 30.0)
LOW_ORBIT = replace(POINTING, period_s=5677.0)


def access(
    start: float, end: float, *, best: float | None = None, off: float = 10.0, target: int = 0
) -> Access:
    middle = (start + end) / 2 if best is None else best
    return Access(0, target, start, end, middle, off, 45.0, 0.0, 0.0)


def table(
    *accesses: Access,
    priorities: list[int] | None = None,
    areas: list[bool] | None = None,
    pointing: Pointing = POINTING,
    duration: float = 10_000,
) -> Timetable:
    count = len(accesses)
    return plan(accesses, priorities or [5] * count, areas or [False] * count, pointing, duration)


def starts(timetable: Timetable) -> list[tuple[int, float]]:
    return [(shot.access, shot.start_s) for shot in timetable.shots]


def test_a_point_is_taken_once_at_its_best_moment() -> None:
    assert starts(table(access(100, 160))) == [(0, 128)]
    assert starts(table(access(100, 160, best=101))) == [(0, 100)]  # within the access
    assert starts(table(access(100, 160, best=160))) == [(0, 156)]


def test_an_access_shorter_than_a_frame_gives_none() -> None:
    assert table(access(100, 103.9)) == Timetable((), {0: TOO_SHORT})
    assert starts(table(access(100, 104))) == [(0, 100)]
    # Nor does one that the end of the run makes shorter.
    assert table(access(100, 160), duration=103) == Timetable((), {0: TOO_SHORT})
    assert starts(table(access(100, 160), duration=110)) == [(0, 106)]


def test_turning_takes_the_sum_of_both_angles_and_settling() -> None:
    # 10 + 20 deg at 1 deg/s and 5 s: the second may begin 35 s after the first has ended.
    first, second = access(100, 160, off=10), access(100, 180, best=130, off=20)
    assert starts(table(first, second)) == [(0, 128), (1, 167)]
    # 12 s less, and only before it there would be room; which there is not.
    assert table(first, access(100, 168, best=130, off=20)).skipped == {1: TURNING}
    # Earlier is as good as later, and nearer to the best moment is better.
    first, ranks = access(200, 260, off=10), [9, 5]
    later = table(first, access(100, 300, best=231, off=20), priorities=ranks)
    assert starts(later) == [(0, 228), (1, 267)]
    earlier = table(first, access(100, 300, best=229, off=20), priorities=ranks)
    assert starts(earlier) == [(1, 189), (0, 228)]


def test_an_imager_that_is_busy_all_the_time_is_said_so() -> None:
    # The first frame takes 4 of the 6 s in which the second could be; turning is not the point.
    first, second = access(100, 104, off=10), access(99, 105, off=10)
    assert table(first, second, priorities=[6, 5]).skipped == {1: BUSY}
    # Three seconds longer and the frame would fit, but for the turn.
    longer = access(97, 108, off=10)
    assert table(first, longer, priorities=[6, 5]).skipped == {1: TURNING}


def test_who_is_more_important_goes_first_and_equals_in_order_of_time() -> None:
    early, late = access(100, 160, off=20), access(110, 170, off=20)
    assert starts(table(early, late))[0] == (0, 128)
    assert table(early, late).skipped == {1: TURNING}
    assert starts(table(early, late, priorities=[5, 6])) == [(1, 138)]
    assert table(early, late, priorities=[5, 6]).skipped == {0: TURNING}


def test_frames_of_one_area_follow_each_other_without_a_turn() -> None:
    # A point at nadir is in reach for `crossing_s`; an area three frames long 12 s longer.
    crossing = LOW_ORBIT.crossing_s(0.0)
    end = 100 + crossing + 12 - 1e-6
    made = table(access(100, end, off=0), areas=[True], pointing=LOW_ORBIT)
    assert len(made.shots) == 3
    assert made.shots[1].start_s == pytest.approx((100 + end) / 2 - 2)
    assert all(b.start_s == pytest.approx(a.end_s) for a, b in pairwise(made.shots))
    # A point as long in reach is taken once, and a small area at least once.
    assert len(table(access(100, end, off=0), pointing=LOW_ORBIT).shots) == 1
    small = table(access(100, 100 + crossing, off=0), areas=[True], pointing=LOW_ORBIT)
    assert len(small.shots) == 1


@pytest.mark.parametrize("off_nadir", [0.0, 5.0, 17.0, 29.0, 30.0])
def test_a_point_is_in_reach_as_long_as_a_satellite_that_is_stepped_past_it_sees_it(
    off_nadir: float,
) -> None:
    period = 5677.0
    axis = (3.986004418e14 * (period / math.tau) ** 2) ** (1 / 3)

    def seen_off_nadir(beside: float, along: float) -> float:
        # The satellite is at (axis, 0, 0), the point at these angles from the one below it.
        x = EARTH_RADIUS_M * math.cos(beside) * math.cos(along)
        y = EARTH_RADIUS_M * math.cos(beside) * math.sin(along)
        z = EARTH_RADIUS_M * math.sin(beside)
        return math.degrees(math.atan2(math.hypot(y, z), axis - x))

    low, high = 0.0, 0.2
    for _ in range(60):  # how far beside the track a point lies that is seen so at best
        middle = (low + high) / 2
        low, high = (middle, high) if seen_off_nadir(middle, 0.0) < off_nadir else (low, middle)
    step = 1e-5
    steps = sum(seen_off_nadir(low, n * step) <= 30.0 for n in range(1, 10_000))
    seconds = 2 * steps * step / math.tau * period
    assert LOW_ORBIT.crossing_s(off_nadir) == pytest.approx(seconds, abs=0.05)


def test_the_duty_cycle_holds_in_any_orbit() -> None:
    pointing = replace(POINTING, duty_cycle=0.012)  # 12 s: three frames in any 1000 s
    accesses = [access(100 + 200 * n, 160 + 200 * n, target=n) for n in range(8)]
    made = table(*accesses, pointing=pointing)
    assert [a for a, _ in starts(made)] == [0, 1, 2, 5, 6, 7]  # 128 s and 1128 s: one orbit apart
    assert made.skipped == {3: DUTY_CYCLE, 4: DUTY_CYCLE}
    # The more important ones are counted first.
    made = table(*accesses, priorities=[1, 1, 1, 9, 9, 9, 1, 1], pointing=pointing)
    assert {3, 4, 5} <= {a for a, _ in starts(made)}


def test_a_frames_time_is_its_length_on_the_ground() -> None:
    assert frame_seconds(math.tau * EARTH_RADIUS_M, 5677.0) == pytest.approx(5677.0)
    assert frame_seconds(10_000, 5677.0) == pytest.approx(1.418, abs=5e-4)  # 7.05 km/s


# Rules


@st.composite
def problems(
    draw: st.DrawFn,
) -> tuple[list[Access], list[int], list[bool], Pointing, float]:
    period = draw(st.sampled_from([300.0, 5677.0]))
    pointing = Pointing(
        frame_s=draw(st.sampled_from([1.4, 4.0, 30.0])),
        slew_deg_s=draw(st.sampled_from([0.3, 1.0, 7.0])),
        settle_s=draw(st.sampled_from([0.0, 5.0])),
        duty_cycle=draw(st.sampled_from([0.01, 0.05, 0.3, 1.0])),
        period_s=period,
        off_nadir_limit_deg=30.0,
    )
    made, priorities, areas = [], [], []
    for _ in range(draw(st.integers(0, 10))):
        start = draw(st.integers(0, 12_000)) / 10
        length = draw(st.integers(1, 1000)) / 10
        best = start + length * draw(st.floats(0, 1))
        made.append(access(start, start + length, best=best, off=draw(st.floats(0, 30))))
        priorities.append(draw(st.integers(1, 9)))
        areas.append(draw(st.booleans()))
    return made, priorities, areas, pointing, draw(st.sampled_from([600.0, 2000.0]))


@settings(deadline=None, max_examples=120)
@given(problems())
def test_every_timetable_can_be_flown(
    problem: tuple[list[Access], list[int], list[bool], Pointing, float],
) -> None:
    accesses, _, areas, pointing, duration = problem
    made = plan(*problem)
    assert list(made.shots) == sorted(made.shots)
    for shot in made.shots:
        seen = accesses[shot.access]
        assert seen.start_s - 1e-9 <= shot.start_s
        assert shot.end_s <= min(seen.end_s, duration) + 1e-9
        assert shot.end_s - shot.start_s == pytest.approx(pointing.frame_s)
        assert shot.off_nadir_deg == seen.off_nadir_deg
    for a, b in pairwise(made.shots):
        turn = 0.0
        if a.access != b.access:
            turn = (a.off_nadir_deg + b.off_nadir_deg) / pointing.slew_deg_s + pointing.settle_s
        assert b.start_s - a.end_s >= turn - 2e-6
    # Every access has a frame or a reason; a point has no more than one.
    taken = [shot.access for shot in made.shots]
    assert set(taken) | set(made.skipped) == set(range(len(accesses)))
    assert not set(taken) & set(made.skipped)
    assert all(taken.count(n) <= 1 for n, area in enumerate(areas) if not area)
    # The duty cycle, in windows of one orbit that begin or end at any edge of any frame.
    begins = np.array([shot.start_s for shot in made.shots])
    ends = np.array([shot.end_s for shot in made.shots])
    edges = np.concatenate((begins, ends))
    for first in np.concatenate((edges, edges - pointing.period_s)):
        last = first + pointing.period_s
        used = np.maximum(0, np.minimum(ends, last) - np.maximum(begins, first)).sum()
        assert used <= pointing.duty_cycle * pointing.period_s + 1e-5


@settings(deadline=None, max_examples=80)
@given(problems())
def test_more_important_targets_lose_nothing_to_less_important_ones(
    problem: tuple[list[Access], list[int], list[bool], Pointing, float],
) -> None:
    accesses, priorities, areas, pointing, duration = problem
    made = plan(*problem)
    kept = [n for n, priority in enumerate(priorities) if priority >= 5]
    alone = plan(
        [accesses[n] for n in kept],
        [priorities[n] for n in kept],
        [areas[n] for n in kept],
        pointing,
        duration,
    )
    assert [(kept[s.access], s.start_s) for s in alone.shots] == [
        (s.access, s.start_s) for s in made.shots if s.access in kept
    ]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(4, 60), st.integers(0, 9), st.integers(1, 3)),
        max_size=5,
    ),
    st.integers(0, 3),
)
def test_each_point_lies_where_a_plain_search_finds_the_nearest_room(
    rows: list[tuple[int, int, int, int]], settle: int
) -> None:
    # Whole seconds throughout and frames of 4 s, so that every answer is a whole or half second.
    pointing = replace(POINTING, settle_s=float(settle))
    accesses = [
        access(start, start + length, off=off, target=n)
        for n, (start, length, off, _) in enumerate(rows)
    ]
    placed: list[Shot] = []
    for n in sorted(range(len(rows)), key=lambda n: (-rows[n][3], rows[n][0], n)):
        seen = accesses[n]
        wish = min(max(seen.best_s - 2, seen.start_s), seen.end_s - 4)
        free = []
        for half in range(int(2 * seen.start_s), int(2 * (seen.end_s - 4)) + 1):
            begin = half / 2
            clear = all(
                begin - other.end_s >= seen.off_nadir_deg + other.off_nadir_deg + settle
                or other.start_s - (begin + 4) >= seen.off_nadir_deg + other.off_nadir_deg + settle
                for other in placed
            )
            if clear:
                free.append((abs(begin - wish), begin))
        if free:
            begin = min(free)[1]
            placed.append(Shot(begin, begin + 4, n, seen.off_nadir_deg))
    made = plan(accesses, [row[3] for row in rows], [False] * len(rows), pointing, 1000.0)
    assert starts(made) == [(shot.access, shot.start_s) for shot in sorted(placed)]
    assert set(made.skipped.values()) <= {TURNING, BUSY}
