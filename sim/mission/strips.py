"""Strips: continuous acquisitions of a push-broom imager over an area.

Within one access, the strip with the most wanted ground is placed first, then the next one, until
nothing more fits. A strip begins with the first cell of wanted ground for which the imager is free.
It consists of whole frames and keeps its roll angle. Between two strips the satellite turns and
settles.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..orbit.strips import StripView, best_look, runs
from .timetable import (
    BUSY,
    DUTY_CYCLE,
    NOT_PLANNED,
    TOO_SHORT,
    TURNING,
    Pointing,
    Shot,
    within_duty_cycle,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_PLAN_BLOCK_M = 200e3  # least length of the pieces that an acquisition plan takes or leaves out


@dataclass(frozen=True, slots=True)
class Strips:
    """How a satellite takes strips.

    Attributes:
        least_m: Least length of a strip, in metres; a shorter one is extended.
        most_m: Greatest length of a strip, in metres.
        gap_m: Longest unwanted ground within a strip, in metres.
        end_s: End of the run, in seconds.
        seed: Key of the acquisition plans' random numbers: the scenario's seed and the satellite.
        plan_shares: Share of each area that its acquisition plan asks for, by index of the target;
            1 where there is none.
    """

    least_m: float
    most_m: float
    gap_m: float
    end_s: float
    seed: str
    plan_shares: dict[int, float]


def place_strips(
    shots: list[Shot], access: int, target: int, view: StripView, pointing: Pointing, strips: Strips
) -> str | None:
    """Place the strips of one access; return why there is none, if so.

    Args:
        shots: The timetable so far, in order of time; strips are added to it.
        access: Index of the access.
        target: Index of its target.
        view: What the imager sees during the access.
        pointing: How the satellite turns, and its duty cycle.
        strips: Limits of strips.
    """
    motion = pointing.motion
    edge_s = np.array([motion.time_at_s(way) for way in view.edge_m.tolist()])
    planned = _planned(view, target, pointing.frame_m, strips)
    share = np.where(planned[:, None], view.share, 0.0)
    if not share.any():
        return NOT_PLANNED
    dead = np.zeros(share.shape, dtype=np.bool_)  # what could not be placed
    cause, placed = TOO_SHORT, False
    while True:
        best = _best(shots, share, dead, view, edge_s, pointing, strips)
        if best is None:
            break
        look, first, last = best
        roll = float(view.roll_deg[look])
        found = _strip(shots, access, roll, view.edge_m[[first, last]], pointing, strips)
        if isinstance(found, str):
            cause = found
            dead[first:last, look] = True
            continue
        insort(shots, found)
        placed = True
    if placed:
        return None
    return BUSY if cause == TOO_SHORT and not dead.any() else cause


def _planned(view: StripView, target: int, frame_m: float, strips: Strips) -> Mask:
    """Draw which cells the acquisition plan asks for, in blocks of whole frames."""
    share = strips.plan_shares.get(target, 1.0)
    cells = len(view.edge_m) - 1
    if share >= 1.0:
        return np.ones(cells, dtype=np.bool_)
    block_m = frame_m * math.ceil(_PLAN_BLOCK_M / frame_m)
    middle = (view.edge_m[1:] + view.edge_m[:-1]) / 2.0
    blocks = np.floor(np.round(middle / block_m, 9)).astype(np.int64)
    drawn = {
        block: random.Random(f"{strips.seed}/acquisition plan/{target}/{block}").random() < share  # noqa: S311 - no secret
        for block in np.unique(blocks).tolist()
    }
    return np.array([drawn[block] for block in blocks.tolist()])


def _best(
    shots: list[Shot],
    share: Array,
    dead: Mask,
    view: StripView,
    edge_s: Array,
    pointing: Pointing,
    strips: Strips,
) -> tuple[int, int, int] | None:
    """Return look, first cell and end cell of the strip with the most wanted ground."""
    length = np.diff(view.edge_m)
    found: list[tuple[int, int, int]] = []
    value: list[float] = []
    for look, roll in enumerate(view.roll_deg.tolist()):
        free = _free(shots, roll, edge_s, pointing) & ~dead[:, look]
        column = np.where(free, share[:, look], 0.0)
        if not column.any():
            continue
        ground = np.concatenate(([0.0], np.cumsum(column * length)))
        for low, high in runs(free, view.edge_m, 0.0):
            for a, b in runs(column[low:high] > 0.0, view.edge_m[low : high + 1], strips.gap_m):
                first, last = _window(ground, view.edge_m, low + a, low + b, strips.most_m)
                found.append((look, first, last))
                value.append(float(ground[last] - ground[first]))
    if not found:
        return None
    rolls = view.roll_deg[[look for look, _, _ in found]]
    return found[best_look(np.array(value), rolls)]


def _window(ground: Array, edge_m: Array, first: int, last: int, most_m: float) -> tuple[int, int]:
    """Return the part of a run, no longer than allowed, with the most wanted ground."""
    if edge_m[last] - edge_m[first] <= most_m + 1e-6:
        return first, last
    starts = np.arange(first, last)
    ends = np.searchsorted(edge_m, edge_m[starts] + most_m + 1e-6, side="right") - 1
    ends = np.clip(ends, starts + 1, last)
    best = int(np.argmax(np.round(ground[ends] - ground[starts], 3)))
    # Without the unwanted cells at its ends.
    wanted = starts[best] + np.flatnonzero(np.diff(ground[starts[best] : ends[best] + 1]) > 0.0)
    return int(wanted[0]), int(wanted[-1]) + 1


def _free(shots: list[Shot], roll_deg: float, edge_s: Array, pointing: Pointing) -> Mask:
    """Return the cells that the timetable leaves free for a roll angle, turns included."""
    begin, end = float(edge_s[0]), float(edge_s[-1])
    free = np.ones(len(edge_s) - 1, dtype=np.bool_)
    trial = Shot(begin, end, -1, abs(roll_deg), roll_deg=roll_deg)
    for other in _near(shots, trial, pointing):
        turn = pointing.turn_s(trial, other)
        busy = (edge_s[1:] > other.start_s - turn + 1e-6) & (
            edge_s[:-1] < other.end_s + turn - 1e-6
        )
        free &= ~busy
    return free


def _near(shots: list[Shot], shot: Shot, pointing: Pointing) -> list[Shot]:
    """Return the shots of the timetable that a shot could conflict with."""
    reach = 180.0 / pointing.slew_deg_s + pointing.settle_s
    low = max(bisect_left(shots, Shot(shot.start_s - reach, 0.0, -1, 0.0)) - 1, 0)
    high = bisect_left(shots, Shot(shot.end_s + reach, 0.0, -1, 0.0))
    return shots[low:high]


def _strip(
    shots: list[Shot],
    access: int,
    roll_deg: float,
    run_m: Array,
    pointing: Pointing,
    strips: Strips,
) -> Shot | str:
    """Return the strip over a run of cells in whole frames, or why it cannot be placed."""
    motion, frame_m = pointing.motion, pointing.frame_m
    begin, end = run_m.tolist()
    least = max(1, math.ceil(strips.least_m / frame_m - 1e-9))
    frames = max(math.ceil((end - begin) / frame_m - 1e-6), least)
    if strips.most_m < math.inf:
        frames = min(frames, math.floor(strips.most_m / frame_m + 1e-9))
    # How far the strip may extend: up to its neighbours and the run's ends.
    low, high = 0.0, motion.way_m(strips.end_s)
    middle_s = motion.time_at_s((begin + end) / 2.0)
    trial = Shot(middle_s, middle_s, access, abs(roll_deg), roll_deg=roll_deg)
    reach_s = motion.time_at_s(begin + frames * frame_m) - motion.time_at_s(end)
    wide = Shot(
        motion.time_at_s(begin) - max(reach_s, 0.0),
        motion.time_at_s(end) + max(reach_s, 0.0),
        access,
        abs(roll_deg),
    )
    for other in _near(shots, wide, pointing):
        turn = pointing.turn_s(trial, other)
        if other.end_s <= middle_s:
            low = max(low, motion.way_m(other.end_s + turn))
        else:
            high = min(high, motion.way_m(other.start_s - turn))
    frames = min(frames, math.floor((high - low) / frame_m + 1e-9))
    if frames < least:
        return TOO_SHORT if high - low < frame_m else TURNING
    start = max(min(begin, high - frames * frame_m), low)
    if start + frames * frame_m <= begin + 1e-6:
        return TOO_SHORT

    def shot(first: int, count: int) -> Shot:
        begin_s, end_s = (motion.time_at_s(start + n * frame_m) for n in (first, first + count))
        return Shot(begin_s, end_s, access, abs(roll_deg), count, roll_deg)

    whole = shot(0, frames)
    if within_duty_cycle(shots, whole, pointing):
        return whole
    # Shortened at its end or at its beginning, whichever leaves more of it, and some wanted ground.
    head = _most_frames(frames, lambda n: within_duty_cycle(shots, shot(0, n), pointing))
    tail = _most_frames(frames, lambda n: within_duty_cycle(shots, shot(frames - n, n), pointing))
    head = head if start + head * frame_m > begin + 1e-6 else 0
    tail = tail if start + (frames - tail) * frame_m < end - 1e-6 else 0
    if max(head, tail) < least:
        return DUTY_CYCLE
    return shot(0, head) if head >= tail else shot(frames - tail, tail)


def _most_frames(frames: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number of frames, below a number, that fit."""
    low, high = 0, frames
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
