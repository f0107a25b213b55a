"""The timetable: what the imager takes when, and what limits it."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import numpy as np

from ..orbit.access import Access
from ..orbit.motion import GroundMotion

TOO_SHORT = "access shorter than a frame"
TURNING = "no time to turn"
BUSY = "imager busy with another frame"
DUTY_CYCLE = "duty cycle used up"
NOT_PLANNED = "left out by the acquisition plan"


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

        Strips know their side of the track. Others may lie on opposite sides, so their angles are
        added. Frames of one access follow each other without a slew.
        """
        if a.roll_deg is not None and b.roll_deg is not None:
            return abs(a.roll_deg - b.roll_deg) / self.slew_deg_s + self.settle_s
        if a.access == b.access:
            return 0.0
        return (a.off_nadir_deg + b.off_nadir_deg) / self.slew_deg_s + self.settle_s


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """One frame in the timetable, or the consecutive frames of a strip.

    Attributes:
        start_s: When the imager begins to record, in seconds of the run.
        end_s: When the imager stops recording, in seconds of the run.
        access: Index of the access that the frame belongs to.
        off_nadir_deg: Off-nadir angle, in degrees.
        frames: Number of frames, which follow each other without a pause.
        roll_deg: Roll angle of a strip, positive to the right of the track; None for a frame that
            may lie on either side.
    """

    start_s: float
    end_s: float
    access: int = field(compare=False)
    off_nadir_deg: float = field(compare=False)
    frames: int = field(default=1, compare=False)
    roll_deg: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The frames that will be taken, and why other accesses get none.

    Attributes:
        shots: The frames, in order of time; they do not overlap.
        skipped: For the index of each access without a frame, the cause.
    """

    shots: tuple[Shot, ...]
    skipped: dict[int, str]


def apart(a: Shot, b: Shot, pointing: Pointing) -> bool:
    """Return whether there is time to turn between two shots."""
    first, second = (a, b) if a.start_s <= b.start_s else (b, a)
    # A microsecond of slack keeps adjacent frames from conflicting by rounding.
    return second.start_s - first.end_s >= pointing.turn_s(a, b) - 1e-6


def within_duty_cycle(shots: list[Shot], new: Shot, pointing: Pointing) -> bool:
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
