"""Planning: which frames the imager takes, within slew rate, daylight and duty cycle.

An access is a time window in which a target can be imaged. A satellite can image one place at a
time. The timetable is filled in order of priority, and of time within a priority. Each frame is
placed at the time of the best view, or as near to it as the frames already placed allow. So a
frame gives way only to more important frames and to earlier ones of its own priority. (A greedy
timetable is not the best possible one, but planners can follow the rule by hand.)
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
    """How a satellite takes frames: their length, its slew rate and its limits.

    Attributes:
        frame_m: Length of a frame along the track, in metres.
        motion: Motion of the sub-satellite point, which determines how long a frame takes.
        slew_deg_s: Slew rate, in degrees per second.
        settle_s: Settling time after a slew, in seconds.
        duty_cycle: Largest share of any time span of one orbital period spent imaging, 0 to 1.
        period_s: Orbital period, in seconds.
        off_nadir_limit_deg: Largest off-nadir angle, in degrees.
    """

    frame_m: float
    motion: GroundMotion
    slew_deg_s: float
    settle_s: float
    duty_cycle: float
    period_s: float
    off_nadir_limit_deg: float

    def frame_from(self, start_s: float) -> tuple[float, float]:
        """Return start and end of a frame that begins at a time, in seconds."""
        return start_s, self.motion.time_at_s(self.motion.way_m(start_s) + self.frame_m)

    def frame_until(self, end_s: float) -> tuple[float, float]:
        """Return start and end of a frame that ends at a time, in seconds."""
        return self.motion.time_at_s(self.motion.way_m(end_s) - self.frame_m), end_s

    def tilt_deg(self, access: Access) -> float:
        """Return the off-nadir angle for an access; the swath covers the rest beyond the limit."""
        return min(access.off_nadir_deg, self.off_nadir_limit_deg)

    def turn_s(self, a: Shot, b: Shot) -> float:
        """Return the seconds to slew from one shot to the next.

        The two may lie on opposite sides of the track, so their angles are added. Frames of one
        access follow each other without a slew.
        """
        if a.access == b.access:
            return 0.0
        return (a.off_nadir_deg + b.off_nadir_deg) / self.slew_deg_s + self.settle_s


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """One frame in the timetable.

    Attributes:
        start_s: When the imager begins to record, in seconds of the run.
        end_s: When the imager stops recording, in seconds of the run.
        access: Index of the access that the frame belongs to.
        off_nadir_deg: Off-nadir angle, in degrees.
    """

    start_s: float
    end_s: float
    access: int = field(compare=False)
    off_nadir_deg: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The frames that will be taken, and why other accesses get none.

    Attributes:
        shots: The frames, in order of time; they do not overlap.
        skipped: For the index of each access without a frame, the cause.
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
        accesses: The satellite's accesses.
        priorities: Priority of each access's target; higher goes first.
        areas: For each access, whether its target is an area. A point gets one frame. An area
            gets as many consecutive frames as it takes to cover it, from where the satellite is
            abeam of its first point in reach to where it is abeam of the last one.
        pointing: How the satellite takes frames.
        duration_s: End of the run in seconds; no frame ends later.
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
    """Return the consecutive frames of one access, around the best view or along an area."""
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
    """Place a frame, moved within its access if necessary; return the cause of failure, if any."""
    reach = pointing.turn_s(wanted, Shot(0, 0, -1, 90.0))
    # Frames do not overlap, so only the last of those that begin earlier may extend into the range.
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
    """Return whether a frame would fit between those of the timetable if slews took no time."""
    free_s = start_s
    for other in near:
        if other.start_s - free_s >= frame_s - 1e-6:
            return True
        free_s = max(free_s, other.end_s)
    return end_s - free_s >= frame_s - 1e-6


def _places(wanted: Shot, near: Sequence[Shot], pointing: Pointing) -> Iterator[Shot]:
    """Yield possible placements: first as wanted, then next to other frames, nearest first."""
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
    # A microsecond of slack keeps adjacent frames from conflicting by rounding.
    return second.start_s - first.end_s >= pointing.turn_s(a, b) - 1e-6


def _within_duty_cycle(shots: list[Shot], new: Shot, pointing: Pointing) -> bool:
    """Return whether imaging stays within the duty cycle in every span of one orbit period.

    The fullest span ends where a frame ends, so only the spans that contain the new frame and
    end with a frame are checked.
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
    first = np.searchsorted(end, begin, side="right")  # the first shot that extends into the span
    cut_off = np.maximum(begin - start[first], 0.0)
    used = before[last + 1] - before[first] - cut_off
    return bool(np.all(used <= pointing.duty_cycle * period + 1e-6))
