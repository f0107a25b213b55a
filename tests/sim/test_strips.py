"""Strips in the timetable: cases computed by hand, and rules that always hold."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from downpass.sim.mission.planning import plan
from downpass.sim.mission.strips import Strips
from downpass.sim.mission.timetable import (
    BUSY,
    DUTY_CYCLE,
    NOT_PLANNED,
    TURNING,
    Pointing,
    Shot,
    Timetable,
)
from downpass.sim.orbit.access import Access
from downpass.sim.orbit.motion import GroundMotion
from downpass.sim.orbit.strips import StripView
from hypothesis import given, settings
from hypothesis import strategies as st

# At 1 m/s a frame of 10 m takes 10 s; 1 deg/s and 5 s to settle; one orbit takes 1000 s.
STEADY = GroundMotion((0.0, 100_000.0), (1.0, 1.0))
POINTING = Pointing(10.0, STEADY, 1.0, 5.0, 1.0, 1000.0, 30.0)
STRIPS = Strips(0.0, math.inf, 0.0, 10_000.0, "1/sat", {})


def view(*shares: str, start: float = 0.0, rolls: tuple[float, ...] = (0.0,)) -> StripView:
    """Cells of 10 m; a digit is a share in tenths, and `x` all of it."""
    share = np.array([[1.0 if c == "x" else int(c) / 10 for c in row] for row in shares]).T
    return StripView(start + np.arange(len(share) + 1) * 10.0, share, np.array(rolls))


def access(one: StripView, target: int = 0) -> Access:
    start, end = float(one.edge_m[0]), float(one.edge_m[-1])
    return Access(0, target, start, end, (start + end) / 2, 0.0, 45.0, 0.0, 0.0, start, end)


def table(
    *views: StripView,
    pointing: Pointing = POINTING,
    priorities: list[int] | None = None,
    points: tuple[Access, ...] = (),
    **limits: object,
) -> Timetable:
    accesses = [*map(access, views), *points]
    strips = replace(STRIPS, **limits)
    return plan(
        accesses,
        priorities or [5] * len(accesses),
        [True] * len(views) + [False] * len(points),
        pointing,
        strips.end_s,
        dict(enumerate(views)),
        strips,
    )


def frames(timetable: Timetable) -> list[tuple[float, float]]:
    return [(round(s.start_s, 6), round(s.end_s, 6)) for s in timetable.shots]


def test_a_strip_is_consecutive_frames_from_the_first_wanted_cell() -> None:
    found = table(view("00xxx0"))
    assert frames(found) == [(20, 30), (30, 40), (40, 50)]
    assert {shot.roll_deg for shot in found.shots} == {0.0}
    assert found.skipped == {}


def test_a_strip_of_whole_frames_ends_beyond_the_ground() -> None:
    """25 m of ground in frames of 10 m are three frames, the last of which is half empty."""
    coarse = StripView(np.array([0.0, 100, 125, 200]), np.array([[0.0], [1.0], [0.0]]), np.zeros(1))
    assert frames(table(coarse)) == [(100, 110), (110, 120), (120, 130)]


def test_frames_take_as_long_as_the_ground_speed_says() -> None:
    faster = GroundMotion((0.0, 100_000.0), (2.0, 2.0))
    assert frames(table(view("00x0"), pointing=replace(POINTING, motion=faster))) == [(10, 15)]


def test_gaps_split_a_strip_unless_they_are_short() -> None:
    still = replace(POINTING, settle_s=0.0)
    assert len(frames(table(view("xx0xx"), pointing=still))) == 4
    assert len(frames(table(view("xx0xx"), pointing=still, gap_m=10.0))) == 5
    assert len(frames(table(view("xx00xx"), pointing=still, gap_m=10.0))) == 4


def test_strips_of_one_roll_have_time_to_settle_between_them() -> None:
    # The gap of 10 s is enough for the 5 s; one of 0 s, after the longest strip, is not.
    assert frames(table(view("x0x"))) == [(0, 10), (20, 30)]
    found = frames(table(view("xxxxxx"), most_m=20.0))
    assert found[:2] == [(0, 10), (10, 20)]
    assert found[2:] == [(30, 40), (40, 50)]  # a cell is free or it is not


def test_the_least_length_extends_a_strip() -> None:
    assert frames(table(view("00x00"), least_m=25.0)) == [(20, 30), (30, 40), (40, 50)]
    # At the end of the run it is moved back, and where there is no room it is not taken.
    assert frames(table(view("000x"), least_m=25.0, end_s=40.0)) == [(10, 20), (20, 30), (30, 40)]
    found = table(view("0x"), least_m=25.0, end_s=20.0)
    assert frames(found) == []
    assert found.skipped == {0: TURNING}


def test_the_greatest_length_keeps_the_fullest_part() -> None:
    """The cells beside it are lost to the 5 s for settling."""
    found = frames(table(view("11x9x11"), most_m=30.0))
    assert found == [(0, 10), (20, 30), (30, 40), (40, 50), (60, 70)]


def test_the_fullest_look_is_taken() -> None:
    found = table(view("555", "xxx", rolls=(0.0, 10.0)))
    assert [shot.roll_deg for shot in found.shots] == [10.0] * 3
    assert [shot.off_nadir_deg for shot in found.shots] == [10.0] * 3


def test_a_turn_between_looks_takes_its_time() -> None:
    """From -10 to 10 degrees at 1 deg/s with 5 s to settle are 25 s."""
    found = table(view("xxxx000000", "000000xxxx", rolls=(-10.0, 10.0)))
    assert frames(found)[:4] == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert frames(found)[4:] == [(70, 80), (80, 90), (90, 100)]


def test_a_higher_priority_goes_first() -> None:
    found = table(view("xxxxx"), view("0xx00"), priorities=[3, 7])
    by_access = {
        n: [f for f, s in zip(frames(found), found.shots, strict=True) if s.access == n]
        for n in (0, 1)
    }
    assert by_access[1] == [(10, 20), (20, 30)]
    # 5 s to settle before and after: the cells at either side are lost, the last one is not.
    assert by_access[0] == [(40, 50)]


def test_a_point_and_a_strip_share_the_imager() -> None:
    point = Access(0, 9, 20.0, 30.0, 25.0, 0.0, 45.0, 0.0, 0.0, 25.0, 25.0)
    found = table(view("xxxxxx"), priorities=[3, 7], points=(point,))
    assert [s.access for s in found.shots] == [0, 1, 0, 0]
    found = table(view("xxxxxx"), priorities=[7, 3], points=(point,))
    assert [s.access for s in found.shots] == [0] * 6
    assert found.skipped == {1: BUSY}


def test_the_duty_cycle_shortens_a_strip() -> None:
    """5 % of an orbit of 1000 s are 50 s."""
    busy = replace(POINTING, duty_cycle=0.05)
    assert frames(table(view("x" * 9), pointing=busy)) == [(n * 10, n * 10 + 10) for n in range(5)]
    found = table(view("x" * 9), view("x" * 5, start=200.0), pointing=busy)
    assert len(found.shots) == 5
    assert found.skipped == {1: DUTY_CYCLE}


def test_an_acquisition_plan_takes_its_share_in_whole_frames() -> None:
    """Blocks of 200 km, here 20 frames of 10 km; drawn anew for another satellite."""
    motion = GroundMotion((0.0, 1e7), (1e3, 1e3))
    pointing = Pointing(10e3, motion, 1.0, 0.0, 1.0, 6e3, 30.0)
    cells = np.ones((20_000, 1))
    one = StripView(np.arange(20_001) * 10e3, cells, np.zeros(1))
    taken = []
    for seed in ("1/a", "1/b"):
        found = table(one, pointing=pointing, end_s=1e7, seed=seed, plan_shares={0: 0.3})
        assert len(found.shots) / 20_000 == pytest.approx(0.3, abs=0.05)
        edges = [
            s.start_s
            for a, s in pairwise((Shot(-9, -9, 0, 0), *found.shots))
            if s.start_s > a.end_s + 1e-6
        ]
        assert all(round(edge / 10) % 20 == 0 for edge in edges)
        taken.append({round(s.start_s) for s in found.shots})
        assert found == table(one, pointing=pointing, end_s=1e7, seed=seed, plan_shares={0: 0.3})
    assert taken[0] != taken[1]


def test_what_no_plan_asks_for_says_so() -> None:
    found = table(view("xx"), plan_shares={0: 1e-9})
    assert found.skipped == {0: NOT_PLANNED}


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[StripView], dict[str, object], Pointing]:
    rolls = draw(st.sampled_from([(0.0,), (-10.0, 0.0, 10.0), (-25.0, 25.0)]))
    views = []
    for _ in range(draw(st.integers(1, 3))):
        rows = [draw(st.text("0005x", min_size=1, max_size=30)).ljust(30, "0") for _ in rolls]
        rows[0] = "x" + rows[0][1:]
        views.append(view(*rows, start=draw(st.integers(0, 40)) * 10.0, rolls=rolls))
    frame = draw(st.sampled_from([4.0, 10.0, 25.0]))
    least = draw(st.sampled_from([0.0, 30.0]))
    limits = {
        "least_m": least,
        "most_m": draw(st.sampled_from([math.inf, 100.0, 60.0])),
        "gap_m": draw(st.sampled_from([0.0, 20.0])),
        "end_s": draw(st.sampled_from([10_000.0, 333.0])),
    }
    pointing = Pointing(
        frame,
        STEADY,
        draw(st.sampled_from([0.5, 5.0])),
        draw(st.sampled_from([0.0, 7.0])),
        draw(st.sampled_from([1.0, 0.3, 0.05])),
        300.0,
        30.0,
    )
    return views, limits, pointing


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_limits_hold(drawn: tuple[list[StripView], dict[str, object], Pointing]) -> None:
    views, limits, pointing = drawn
    found = table(*views, pointing=pointing, **limits)
    strips: list[list[Shot]] = []
    for shot in found.shots:
        assert shot.end_s - shot.start_s == pytest.approx(pointing.frame_m)
        assert shot.start_s >= 0 and shot.end_s <= limits["end_s"] + 1e-6
        last = strips[-1][-1] if strips else None
        joined = last is not None and abs(shot.start_s - last.end_s) < 1e-6
        if joined and (last.access, last.roll_deg) == (shot.access, shot.roll_deg):
            strips[-1].append(shot)
        else:
            strips.append([shot])
    for one, other in pairwise(strips):
        turn = pointing.turn_s(one[-1], other[0])
        assert other[0].start_s - one[-1].end_s >= turn - 1e-5
    for strip in strips:
        length = len(strip) * pointing.frame_m
        assert length >= limits["least_m"] - 1e-6
        if pointing.settle_s:  # otherwise one strip may follow another at the same roll
            assert length <= limits["most_m"] + 1e-6
        # A strip has wanted ground.
        edge, share = views[strip[0].access].edge_m, views[strip[0].access].share
        look = views[strip[0].access].roll_deg.tolist().index(strip[0].roll_deg)
        inside = (edge[1:] > strip[0].start_s + 1e-6) & (edge[:-1] < strip[-1].end_s - 1e-6)
        assert share[inside, look].max() > 0
    for end in [shot.end_s for shot in found.shots]:
        used = sum(
            max(0.0, min(s.end_s, end) - max(s.start_s, end - pointing.period_s))
            for s in found.shots
        )
        assert used <= pointing.duty_cycle * pointing.period_s + 1e-5
    assert set(found.skipped) == set(range(len(views))) - {s.access for s in found.shots}
