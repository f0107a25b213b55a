"""The timetable: cases computed by hand, rules that always hold, and a plain search beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.mission.planning import (
    BUSY,
    DUTY_CYCLE,
    TOO_SHORT,
    TURNING,
    Pointing,
    Shot,
    Timetable,
    plan,
)
from downpass.sim.orbit.access import Access
from downpass.sim.orbit.motion import GroundMotion
from hypothesis import example, given, settings
from hypothesis import strategies as st

# Frames of 4 m at 1 m/s take 4 s; 1 deg/s and 5 s to settle; one orbit takes 1000 s.
STEADY = GroundMotion((0.0, 100_000.0), (1.0, 1.0))
POINTING = Pointing(4.0, STEADY, 1.0, 5.0, 1.0, 1000.0, 30.0)


def access(
    start: float,
    end: float,
    *,
    best: float | None = None,
    off: float = 10.0,
    target: int = 0,
    along: tuple[float, float] | None = None,
) -> Access:
    middle = (start + end) / 2 if best is None else best
    first, last = along or (middle, middle)
    return Access(0, target, start, end, middle, off, 45.0, 0.0, 0.0, first, last)


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
    # 12 m from where its first point is abeam to where its last one is: three frames of 4 m.
    made = table(access(100, 200, off=0, best=199, along=(130, 142)), areas=[True])
    assert [shot.start_s for shot in made.shots] == pytest.approx([130, 134, 138])
    assert all(b.start_s == a.end_s for a, b in pairwise(made.shots))
    longer = table(access(100, 200, off=0, along=(130, 142.1)), areas=[True])
    assert [shot.start_s for shot in longer.shots] == pytest.approx(
        [128.05 + 4 * n for n in range(4)]
    )
    # A point as long in reach is taken once, and a small area once at its best moment.
    assert len(table(access(100, 200, off=0, along=(130, 142))).shots) == 1
    assert starts(table(access(100, 200, best=150, along=(149, 153)), areas=[True])) == [(0, 148)]


def test_many_frames_of_an_area_that_lies_within_another() -> None:
    """The time goes with the product of the two numbers of frames, and not with its square."""
    wide, within = access(0, 4000, along=(0, 4000)), access(1000, 3000, along=(1000, 3000))
    made = table(wide, within, areas=[True, True])
    assert len(made.shots) == 1000
    assert made.skipped == {1: BUSY}


def test_an_area_of_too_many_frames_is_refused_before_they_are_made() -> None:
    tiny = replace(POINTING, frame_m=1e-5)
    with pytest.raises(InputError, match=r"6000000 frames; allowed is up to 5000000"):
        table(access(0, 60, along=(0, 60)), areas=[True], pointing=tiny)


def test_frames_of_an_area_stay_within_its_access() -> None:
    # Cut at both ends by the Sun or the run: it begins and ends over the area.
    made = table(access(100, 119, along=(100, 119)), areas=[True])
    assert [shot.start_s for shot in made.shots] == pytest.approx([101.5, 105.5, 109.5, 113.5])
    made = table(access(100, 200, along=(100, 200)), areas=[True], duration=150)
    assert made.shots[-1].end_s <= 150
    assert len(made.shots) == 12


def test_the_swath_covers_what_the_limit_does_not() -> None:
    nadir = replace(POINTING, off_nadir_limit_deg=0.0, settle_s=0.0)
    made = table(access(100, 160, off=9), access(132, 180, off=8, best=140), pointing=nadir)
    assert [(shot.start_s, shot.off_nadir_deg) for shot in made.shots] == [(128, 0.0), (138, 0.0)]
    agile = table(access(100, 160, off=20), pointing=replace(POINTING, off_nadir_limit_deg=15.0))
    assert agile.shots[0].off_nadir_deg == 15.0


def test_the_duty_cycle_holds_in_any_orbit() -> None:
    pointing = replace(POINTING, duty_cycle=0.012)  # 12 s: three frames in any 1000 s
    accesses = [access(100 + 200 * n, 160 + 200 * n, target=n) for n in range(8)]
    made = table(*accesses, pointing=pointing)
    assert [a for a, _ in starts(made)] == [0, 1, 2, 5, 6, 7]  # 128 s and 1128 s: one orbit apart
    assert made.skipped == {3: DUTY_CYCLE, 4: DUTY_CYCLE}
    # The more important ones are counted first.
    made = table(*accesses, priorities=[1, 1, 1, 9, 9, 9, 1, 1], pointing=pointing)
    assert {3, 4, 5} <= {a for a, _ in starts(made)}


def test_a_frames_time_follows_the_ground_speed_at_its_moment() -> None:
    # From 1 m/s to 9 m/s in 100 s: the way is t + 0.04 t^2.
    motion = GroundMotion((0.0, 100.0, 200.0), (1.0, 9.0, 9.0))
    assert motion.way_m(50.0) == pytest.approx(150.0)
    assert motion.time_at_s(150.0) == pytest.approx(50.0)
    assert motion.way_m(150.0) == pytest.approx(500.0 + 450.0)
    pointing = replace(POINTING, motion=motion)
    slow = table(access(0, 20, best=5), pointing=pointing).shots[0]
    fast = table(access(120, 180), pointing=pointing).shots[0]
    assert motion.way_m(slow.end_s) - motion.way_m(slow.start_s) == pytest.approx(4.0)
    assert fast.end_s - fast.start_s == pytest.approx(4.0 / 9.0)
    row = table(access(0, 200, along=(0, 200)), areas=[True], pointing=pointing)
    assert len(row.shots) == 350  # 1400 m
    assert all(
        motion.way_m(shot.end_s) - motion.way_m(shot.start_s) == pytest.approx(4.0)
        for shot in row.shots
    )


def test_a_satellite_that_stands_still_over_the_ground_takes_no_frame() -> None:
    still = replace(POINTING, motion=GroundMotion((0.0, 10_000.0), (0.0, 0.0)))
    assert table(access(0, 10_000), pointing=still) == Timetable((), {0: TOO_SHORT})


@given(
    st.lists(st.floats(0.0, 10_000.0), min_size=2, max_size=12),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2, unique=True),
)
@example([2.2250738585072014e-308, 4.45687197060473e-249, 1.0], [0.0, 0.25])
def test_the_way_and_the_time_of_it_are_inverse(speeds: list[float], moments: list[float]) -> None:
    motion = GroundMotion(tuple(30.0 * n for n in range(len(speeds))), tuple(speeds))
    early, late = (30.0 * (len(speeds) - 1) * share for share in sorted(moments))
    assert motion.way_m(early) <= motion.way_m(late) + 1e-9
    for moment in (early, late):
        way = motion.way_m(moment)
        assert motion.way_m(motion.time_at_s(way)) == pytest.approx(way, abs=1e-6)


# Rules

UNEVEN = GroundMotion((0.0, 500.0, 900.0, 1500.0, 4000.0), (1.0, 6.0, 0.5, 2.0, 1.0))


@st.composite
def problems(
    draw: st.DrawFn,
) -> tuple[list[Access], list[int], list[bool], Pointing, float]:
    period = draw(st.sampled_from([300.0, 5677.0]))
    pointing = Pointing(
        frame_m=draw(st.sampled_from([1.4, 4.0, 30.0])),
        motion=draw(st.sampled_from([STEADY, UNEVEN])),
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
        along = sorted(start + length * draw(st.floats(0, 1)) for _ in range(2))
        off = draw(st.floats(0, 35))
        made.append(access(start, start + length, best=best, off=off, along=(along[0], along[1])))
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
        way = pointing.motion.way_m(shot.end_s) - pointing.motion.way_m(shot.start_s)
        assert way == pytest.approx(pointing.frame_m, abs=1e-5)
        assert shot.off_nadir_deg == min(seen.off_nadir_deg, 30.0)
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
