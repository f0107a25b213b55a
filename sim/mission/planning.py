"""Planning: which frames the imager takes, within slew rate, daylight and duty cycle.

An access is a time window in which a target can be imaged. A satellite can image one place at a
time. The timetable is filled in order of priority, and of time within a priority. Each frame is
placed at the time of the best view, or as near to it as the frames already placed allow. So a
frame gives way only to more important frames and to earlier ones of its own priority. (A greedy
timetable is not the best possible one, but planners can follow the rule by hand.) The areas of an
imager that takes strips are planned by `strips`, in the same order.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ...link.errors import InputError
from ..orbit.access import Access
from ..orbit.strips import StripView
from .strips import Strips, place_strips
from .timetable import (
    BUSY,
    DUTY_CYCLE,
    TOO_SHORT,
    TURNING,
    Pointing,
    Shot,
    Timetable,
    apart,
    within_duty_cycle,
)

MAX_FRAMES = 5_000_000
"""Most frames of one satellite; a continent in short frames could have any number."""


def plan(
    accesses: Sequence[Access],
    priorities: Sequence[int],
    areas: Sequence[bool],
    pointing: Pointing,
    duration_s: float,
    views: Mapping[int, StripView] | None = None,
    strips: Strips | None = None,
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
        views: What the imager sees during accesses that are imaged in strips, by index.
        strips: How it takes strips; needed with `views`.

    Raises:
        InputError: There are more than `MAX_FRAMES` frames.
    """
    shots: list[Shot] = []
    skipped: dict[int, str] = {}
    order = sorted(
        range(len(accesses)),
        key=lambda i: (-priorities[i], accesses[i].start_s, accesses[i].target),
    )
    for index in order:
        access = accesses[index]
        if views is not None and strips is not None and index in views:
            cause = place_strips(shots, index, access.target, views[index], pointing, strips)
            if cause is not None:
                skipped[index] = cause
            continue
        end_s = min(access.end_s, duration_s)
        wanted = _wanted(access, index, areas[index], end_s, pointing)
        if not wanted:
            skipped[index] = TOO_SHORT
            continue
        _check_number(len(shots) + len(wanted))
        causes = [_place(shots, shot, access.start_s, end_s, pointing) for shot in wanted]
        if None not in causes:
            skipped[index] = next(cause for cause in causes if cause is not None)
    _check_number(sum(shot.frames for shot in shots))
    frames = [frame for shot in shots for frame in _frames(shot, pointing)]
    return Timetable(tuple(frames), dict(sorted(skipped.items())))


def _check_number(frames: int) -> None:
    """Check a number of frames.

    Raises:
        InputError: They are too many.
    """
    if frames > MAX_FRAMES:
        raise InputError(
            f"the timetable has {frames} frames; allowed is up to {MAX_FRAMES}, so lengthen "
            "frame_length or shorten the run"
        )


def _frames(shot: Shot, pointing: Pointing) -> Iterator[Shot]:
    """Yield the frames of a shot, equally long on the ground."""
    if shot.frames == 1:
        yield shot
        return
    motion = pointing.motion
    begin, end = motion.way_m(shot.start_s), motion.way_m(shot.end_s)
    step = (end - begin) / shot.frames
    edge = [motion.time_at_s(begin + n * step) for n in range(1, shot.frames)]
    for start_s, end_s in pairwise([shot.start_s, *edge, shot.end_s]):
        yield replace(shot, start_s=start_s, end_s=end_s, frames=1)


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
        _check_number(count)
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
    limited = False
    for shot in _places(wanted, shots, range(low, high), pointing):
        if shot.start_s < start_s or shot.end_s > end_s or not _is_free(shots, shot, pointing):
            continue
        if not within_duty_cycle(shots, shot, pointing):
            limited = True
            continue
        insort(shots, shot)
        return None
    if limited:
        return DUTY_CYCLE
    frame_s = wanted.end_s - wanted.start_s
    return TURNING if _has_gap(shots[low:high], start_s, end_s, frame_s) else BUSY


def _is_free(shots: Sequence[Shot], shot: Shot, pointing: Pointing) -> bool:
    """Return whether there is time to turn between a shot and all others.

    Only its neighbours matter, because no turn is longer than two turns by way of a third shot.
    """
    after = bisect_left(shots, shot)
    return all(apart(shot, other, pointing) for other in shots[max(after - 1, 0) : after + 1])


def _has_gap(near: Sequence[Shot], start_s: float, end_s: float, frame_s: float) -> bool:
    """Return whether a frame would fit between those of the timetable if slews took no time."""
    free_s = start_s
    for other in near:
        if other.start_s - free_s >= frame_s - 1e-6:
            return True
        free_s = max(free_s, other.end_s)
    return end_s - free_s >= frame_s - 1e-6


def _places(wanted: Shot, shots: Sequence[Shot], near: range, pointing: Pointing) -> Iterator[Shot]:
    """Yield possible placements: first as wanted, then next to other frames, nearest first."""
    yield wanted
    moved = []
    for index in near:
        other = shots[index]
        turn = pointing.turn_s(wanted, other)
        begin, end = other.end_s + turn, other.start_s - turn
        # An area has thousands of frames in a row, between which there is no room.
        if index + 1 == len(shots) or begin < shots[index + 1].start_s:
            moved.append(pointing.frame_from(begin))
        if index == 0 or end > shots[index - 1].end_s:
            moved.append(pointing.frame_until(end))
    for begin, end in sorted(moved, key=lambda at: (abs(at[0] - wanted.start_s), at[0])):
        yield Shot(begin, end, wanted.access, wanted.off_nadir_deg)
