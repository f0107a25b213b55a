"""Which frames the imager takes: a timetable that turning, daylight and duty cycle allow.

Accesses say when a target can be seen; one satellite can look at one place at a time. The
timetable is filled in order of priority, and of time within a priority: each frame goes where it
is seen best, or as near to that as what is already in the timetable allows. So a frame gives way
only to more important ones and to earlier ones of its own rank. (A greedy timetable is not the
best possible one; it is the rule that planners can follow by hand.)
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .orbit.access import Access

EARTH_RADIUS_M = 6_371_000.0
EARTH_GM = 3.986_004_418e14
"""m³/s², WGS 84."""

TOO_SHORT = "access shorter than a frame"
TURNING = "no time to turn"
BUSY = "imager busy with another frame"
DUTY_CYCLE = "duty cycle used up"


@dataclass(frozen=True, slots=True)
class Pointing:
    """How fast the satellite works.

    Attributes:
        frame_s: time that one frame takes, seconds.
        slew_deg_s: turning rate, degrees a second.
        settle_s: time to calm down after a turn, seconds.
        duty_cycle: largest share of any stretch of one orbit spent imaging, 0 to 1.
        period_s: time of one orbit, seconds.
        off_nadir_limit_deg: how far it may turn from straight down, degrees.
    """

    frame_s: float
    slew_deg_s: float
    settle_s: float
    duty_cycle: float
    period_s: float
    off_nadir_limit_deg: float

    def crossing_s(self, off_nadir_deg: float) -> float:
        """How long a point stays in reach that is seen at best so far off nadir, seconds.

        The points in reach are a cap around the one below the satellite. It moves along a great
        circle at the cap's centre, so the point's way through it is a chord: by Napier's rules
        cos(half the chord) = cos(radius of the cap) / cos(distance from the centre).
        """
        cap = _ground_angle(self.off_nadir_limit_deg, self.period_s)
        beside = _ground_angle(off_nadir_deg, self.period_s)
        half = math.acos(min(1.0, math.cos(cap) / math.cos(beside)))
        return half / math.pi * self.period_s

    def turn_s(self, a: Shot, b: Shot) -> float:
        """Time to turn from one shot to the next.

        The two may lie on opposite sides of the track, so the angles add up; frames of one
        access follow each other without a turn.
        """
        if a.access == b.access:
            return 0.0
        return (a.off_nadir_deg + b.off_nadir_deg) / self.slew_deg_s + self.settle_s


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """One frame in the timetable, seconds of the run.

    Attributes:
        start_s, end_s: while the imager records.
        access: index of the access that it belongs to.
        off_nadir_deg: how far the satellite is turned.
    """

    start_s: float
    end_s: float
    access: int = field(compare=False)
    off_nadir_deg: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class Timetable:
    """What will be imaged, and why the rest will not.

    Attributes:
        shots: in order of time, none overlapping.
        skipped: by index of access, why it got no frame at all.
    """

    shots: tuple[Shot, ...]
    skipped: dict[int, str]


def _ground_angle(off_nadir_deg: float, period_s: float) -> float:
    """Angle at the Earth's centre between the point below and one seen off nadir, radians."""
    axis_m = (EARTH_GM * (period_s / (2 * math.pi)) ** 2) ** (1 / 3)
    off_nadir = math.radians(off_nadir_deg)
    sine = math.sin(off_nadir) * axis_m / EARTH_RADIUS_M
    if sine >= 1:  # beyond the horizon, where all is seen that can be
        return math.acos(EARTH_RADIUS_M / axis_m)
    return math.asin(sine) - off_nadir


def frame_seconds(length_m: float, period_s: float) -> float:
    """Time in which the point below the satellite moves by one frame's length.

    On a sphere that stands still: the Earth's own turning changes it by up to 7 %.
    """
    return length_m / (2 * math.pi * EARTH_RADIUS_M / period_s)


def plan(
    accesses: Sequence[Access],
    priorities: Sequence[int],
    areas: Sequence[bool],
    pointing: Pointing,
    duration_s: float,
) -> Timetable:
    """Fill the timetable of one satellite.

    Args:
        accesses: when it can see what.
        priorities: of each access's target; higher goes first.
        areas: of each access, whether its target is an area. A point gets one frame. An area
            gets as many, one behind the other, as it is long: the time for which it is in reach
            beyond that of a point, in frames.
        pointing: how fast the satellite works.
        duration_s: end of the run; no frame ends later.
    """
    shots: list[Shot] = []
    skipped: dict[int, str] = {}
    order = sorted(
        range(len(accesses)),
        key=lambda i: (-priorities[i], accesses[i].start_s, accesses[i].target),
    )
    for index in order:
        access = accesses[index]
        end_s = min(access.end_s, duration_s)
        room = int((end_s - access.start_s) / pointing.frame_s + 1e-9)
        if room < 1:
            skipped[index] = TOO_SHORT
            continue
        count = 1
        if areas[index]:
            over_s = access.duration_s - pointing.crossing_s(access.off_nadir_deg)
            count = max(1, min(room, math.ceil(over_s / pointing.frame_s)))
        wanted = _wanted(access, index, end_s, pointing.frame_s, count)
        causes = [_place(shots, shot, access.start_s, end_s, pointing) for shot in wanted]
        if None not in causes:
            skipped[index] = next(cause for cause in causes if cause is not None)
    return Timetable(tuple(shots), dict(sorted(skipped.items())))


def _wanted(access: Access, index: int, end_s: float, frame_s: float, count: int) -> list[Shot]:
    """The frames of one access, one behind the other, around the moment of the best view."""
    total = count * frame_s
    first = min(max(access.best_s - total / 2, access.start_s), end_s - total)
    return [
        Shot(first + n * frame_s, first + (n + 1) * frame_s, index, access.off_nadir_deg)
        for n in range(count)
    ]


def _place(
    shots: list[Shot], wanted: Shot, start_s: float, end_s: float, pointing: Pointing
) -> str | None:
    """Put a frame into the timetable, moved within its access if it must; or say why not."""
    frame_s = wanted.end_s - wanted.start_s
    reach = pointing.turn_s(wanted, Shot(0, 0, -1, 90.0)) + frame_s
    low = bisect_left(shots, Shot(start_s - reach, start_s, -1, 0.0))
    high = bisect_left(shots, Shot(end_s + reach, end_s, -1, 0.0))
    near = shots[low:high]
    moved = [wanted.start_s]
    for other in near:
        turn = pointing.turn_s(wanted, other)
        moved += [other.end_s + turn, other.start_s - turn - frame_s]
    cause = TURNING if _has_gap(near, start_s, end_s, frame_s) else BUSY
    for begin in sorted(moved, key=lambda at: (abs(at - wanted.start_s), at)):
        if begin < start_s or begin + frame_s > end_s:
            continue
        shot = Shot(begin, begin + frame_s, wanted.access, wanted.off_nadir_deg)
        if not all(_apart(shot, other, pointing) for other in near):
            continue
        if not _within_duty_cycle(shots, shot, pointing):
            cause = DUTY_CYCLE
            continue
        insort(shots, shot)
        return None
    return cause


def _has_gap(near: Sequence[Shot], start_s: float, end_s: float, frame_s: float) -> bool:
    """Whether a frame would fit between those of the timetable if no turn took time."""
    free_s = start_s
    for other in near:
        if other.start_s - free_s >= frame_s - 1e-6:
            return True
        free_s = max(free_s, other.end_s)
    return end_s - free_s >= frame_s - 1e-6


def _apart(a: Shot, b: Shot, pointing: Pointing) -> bool:
    first, second = (a, b) if a.start_s <= b.start_s else (b, a)
    # A microsecond of slack, so that frames that touch do not clash by rounding.
    return second.start_s - first.end_s >= pointing.turn_s(a, b) - 1e-6


def _within_duty_cycle(shots: list[Shot], new: Shot, pointing: Pointing) -> bool:
    """Whether no stretch of one orbit would hold too much imaging.

    The fullest stretch ends where a frame ends, so only those that the new frame lies in are
    looked at.
    """
    if pointing.duty_cycle >= 1:
        return True
    period = pointing.period_s
    low = bisect_left(shots, Shot(new.start_s - period - pointing.frame_s, 0.0, -1, 0.0))
    high = bisect_left(shots, Shot(new.end_s + period, 0.0, -1, 0.0))
    near = shots[low:high]
    insort(near, new)
    start = np.array([shot.start_s for shot in near])
    end = np.array([shot.end_s for shot in near])
    before = np.concatenate(([0.0], np.cumsum(end - start)))
    last = np.flatnonzero((end >= new.end_s) & (end <= new.end_s + period))
    begin = end[last] - period
    first = np.searchsorted(end, begin, side="right")  # the first shot that reaches into it
    cut_off = np.maximum(begin - start[first], 0.0)
    used = before[last + 1] - before[first] - cut_off
    return bool(np.all(used <= pointing.duty_cycle * period + 1e-6))
