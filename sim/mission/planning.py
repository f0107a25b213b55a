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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..orbit.access import Access
from ..orbit.motion import GroundMotion

TOO_SHORT = "access shorter than a frame"
TURNING = "no time to turn"
BUSY = "imager busy with another frame"
DUTY_CYCLE = "duty cycle used up"


@dataclass(frozen=True, slots=True)
class Pointing:
    """How fast the satellite works.

    Attributes:
        frame_m: Length of a frame along the track, in metres.
        motion: Motion of the point below the satellite, which says how long a frame takes.
        slew_deg_s: Turning rate, in degrees a second.
        settle_s: Time to calm down after a turn, in seconds.
        duty_cycle: Largest share of any stretch of one orbit spent imaging, 0 to 1.
        period_s: Time of one orbit, in seconds.
        off_nadir_limit_deg: How far it may turn from straight down, in degrees.
    """

    frame_m: float
    motion: GroundMotion
    slew_deg_s: float
    settle_s: float
    duty_cycle: float
    period_s: float
    off_nadir_limit_deg: float

    def frame_from(self, start_s: float) -> tuple[float, float]:
        """Start and end of a frame that begins then, in seconds."""
        return start_s, self.motion.time_at_s(self.motion.way_m(start_s) + self.frame_m)

    def frame_until(self, end_s: float) -> tuple[float, float]:
        """Start and end of a frame that is over then, in seconds."""
        return self.motion.time_at_s(self.motion.way_m(end_s) - self.frame_m), end_s

    def tilt_deg(self, access: Access) -> float:
        """How far the satellite turns for an access: the swath covers what its limit does not."""
        return min(access.off_nadir_deg, self.off_nadir_limit_deg)

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
        start_s: When the imager begins to record.
        end_s: When it ends.
        access: Index of the access that it belongs to.
        off_nadir_deg: How far the satellite is turned.
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
            gets as many, one behind the other, as it is long: from where the satellite is abeam
            of the first point of it in reach to where it is abeam of the last one.
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
        wanted = _wanted(access, index, areas[index], end_s, pointing)
        if not wanted:
            skipped[index] = TOO_SHORT
            continue
        causes = [_place(shots, shot, access.start_s, end_s, pointing) for shot in wanted]
        if None not in causes:
            skipped[index] = next(cause for cause in causes if cause is not None)
    return Timetable(tuple(shots), dict(sorted(skipped.items())))


def _wanted(access: Access, index: int, area: bool, end_s: float, pointing: Pointing) -> list[Shot]:
    """The frames of one access in a row: around the best view, or all along an area."""
    motion, frame_m = pointing.motion, pointing.frame_m
    begin, end = motion.way_m(access.start_s), motion.way_m(end_s)
    # A micrometre of slack for the rounding of sums.
    room = int((end - begin + 1e-6) / frame_m)
    if room < 1:
        return []
    count, middle = 1, motion.way_m(access.best_s)
    if area:
        first, last = motion.way_m(access.first_s), motion.way_m(access.last_s)
        count = max(1, min(room, math.ceil((last - first - 1e-6) / frame_m)))
        middle = (first + last) / 2 if count > 1 else middle
    low = min(max(middle - count * frame_m / 2, begin), end - count * frame_m)
    edges = [motion.time_at_s(low + n * frame_m) for n in range(count + 1)]
    edges[0], edges[-1] = max(edges[0], access.start_s), min(edges[-1], end_s)
    tilt = pointing.tilt_deg(access)
    return [Shot(edges[n], edges[n + 1], index, tilt) for n in range(count)]


def _place(
    shots: list[Shot], wanted: Shot, start_s: float, end_s: float, pointing: Pointing
) -> str | None:
    """Put a frame into the timetable, moved within its access if it must; or say why not."""
    reach = pointing.turn_s(wanted, Shot(0, 0, -1, 90.0))
    # Frames do not overlap, so of those that begin earlier only the last one may reach in.
    low = max(bisect_left(shots, Shot(start_s - reach, start_s, -1, 0.0)) - 1, 0)
    high = bisect_left(shots, Shot(end_s + reach, end_s, -1, 0.0))
    near = shots[low:high]
    frame_s = wanted.end_s - wanted.start_s
    cause = TURNING if _has_gap(near, start_s, end_s, frame_s) else BUSY
    for shot in _places(wanted, near, pointing):
        if shot.start_s < start_s or shot.end_s > end_s:
            continue
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


def _places(wanted: Shot, near: Sequence[Shot], pointing: Pointing) -> Iterator[Shot]:
    """Where a frame may go: where it is wanted, then next to the others, the nearest first."""
    yield wanted
    moved = []
    for other in near:
        turn = pointing.turn_s(wanted, other)
        moved.append(pointing.frame_from(other.end_s + turn))
        moved.append(pointing.frame_until(other.start_s - turn))
    for begin, end in sorted(moved, key=lambda at: (abs(at[0] - wanted.start_s), at[0])):
        yield Shot(begin, end, wanted.access, wanted.off_nadir_deg)


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
    low = max(bisect_left(shots, Shot(new.start_s - period, 0.0, -1, 0.0)) - 1, 0)
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
