"""Finds the windows in which areas are in view, without missing any.

The depth of an area within the field of regard (`areas.Nearest.margin`) has corners in time where
one edge takes over from another, so its derivatives do not bound it. Motion does: between two
times, the margin cannot change by more than the motion of the sub-satellite point plus the change
of the field's radius. A time span whose two ends are both far enough inside (or outside) is
therefore inside (or outside) throughout. Any other span is halved until the satellite moves less
than `RESOLUTION` in it. The search misses no window in which the margin rises above zero by half
of `RESOLUTION` (32 m on the ground), and no gap in which it falls below zero by as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .areas import Areas, Nearest, central_angle, ground_distance, upward
from .earth import EQUATORIAL_RADIUS_M
from .ephemeris import Ephemeris
from .regard import FieldOfRegard
from .search import Near
from .sun import Sun
from .windows import Windows

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

RESOLUTION = 1e-5
"""Motion of the sub-satellite point, as an angle at the Earth's centre: 64 m."""

# Width in seconds to which a start or an end is bracketed before it is interpolated linearly.
_BRACKET_S = 0.01
# Step within windows at which the Sun's elevation is checked: 13 km, 2 s in low orbit.
_SUN_STEP = 2e-3
_GRAVITY = 9.81


@dataclass(frozen=True, slots=True, eq=False)
class AreaView:
    """Answers when and where one satellite sees areas.

    Attributes:
        areas: The areas.
        ephemeris: The satellite's states.
        field: The imager's field of regard.
        horizon: Whether the horizon may bound the field of regard.
    """

    areas: Areas
    ephemeris: Ephemeris
    field: FieldOfRegard
    horizon: bool

    def at(self, area: Index, time_s: Array) -> tuple[Nearest, Array, Array]:
        """Return the nearest points at times, and the satellite's positions and velocities."""
        position, velocity = self.ephemeris.at(time_s)
        return (
            self.areas.nearest(area, position, self.field, horizon=self.horizon),
            position,
            velocity,
        )

    def closeness(self, area: Index, time_s: Array) -> tuple[Array, Array, Array]:
        """Return closeness, its rate, and the nearest point.

        Closeness is minus the angle at the Earth's centre to the nearest point.
        """
        nearest, position, velocity = self.at(area, time_s)
        distance = np.sqrt(np.sum(position**2, axis=0))
        below = position / distance
        angle = central_angle(nearest.direction, below)
        climb = np.sum(below * velocity, axis=0)
        turning = (velocity - climb * below) / distance
        rate = np.sum(nearest.direction * turning, axis=0) / np.maximum(np.sin(angle), 1e-12)
        return -angle, np.where(nearest.inside, 0.0, rate), nearest.direction

    def windows(self) -> Windows:
        """Return the windows in which each area is in view, regardless of sunlight."""
        ephemeris = self.ephemeris
        distance = np.sqrt(np.sum(ephemeris.position**2, axis=0))
        widest = float(self.field.radius(distance, EQUATORIAL_RADIUS_M).max()) + 0.01
        parts = list(Near.of(ephemeris).pairs(self.areas.middle, self.areas.cap + widest))
        area, grid = (np.concatenate(column) for column in zip(*parts, strict=True))
        if not len(area):
            return Windows(area, np.empty(0), np.empty(0))
        nearest = self.areas.nearest(
            area, ephemeris.position[:, grid], self.field, horizon=self.horizon
        )
        joined = (area[1:] == area[:-1]) & (grid[1:] == grid[:-1] + 1)
        chain = np.concatenate(([0], np.cumsum(~joined)))
        time = ephemeris.time_s[grid]
        points = [(chain, time, nearest.margin)]
        left = np.flatnonzero(joined)
        spans = _Spans(
            chain[left],
            area[left],
            grid[left],
            time[left],
            time[left + 1],
            nearest.margin[left],
            nearest.margin[left + 1],
        )
        speed = 1.02 * angular_speed(ephemeris.position, ephemeris.velocity)
        while len(spans := spans.take(self._undecided(spans, speed))):
            middle = (spans.start_s + spans.end_s) / 2.0
            margin = self.at(spans.area, middle)[0].margin
            points.append((spans.chain, middle, margin))
            spans = spans.halves(middle, margin)
        chains, times, margins = (np.concatenate(column) for column in zip(*points, strict=True))
        first = np.flatnonzero(np.diff(chain, prepend=-1))
        return _windows(chains, times, margins, area[first])

    def _undecided(self, spans: _Spans, speed: Array) -> Mask:
        """Return which spans may hide a change between their ends, or have a crossing to locate."""
        length = spans.end_s - spans.start_s
        motion = np.maximum(speed[spans.grid], speed[spans.grid + 1]) * length
        radii = []
        for time_s in (spans.start_s, spans.end_s):
            distance = np.sqrt(np.sum(self.ephemeris.at(time_s)[0] ** 2, axis=0))
            radii.append(self.field.radius(distance, EQUATORIAL_RADIUS_M))
        # The field's radius may also have an extremum within the span. Free fall, which bends the
        # path, bounds its effect.
        bend = 5.0 * _GRAVITY / 8.0 / EQUATORIAL_RADIUS_M * length**2
        change = motion + np.abs(radii[1] - radii[0]) + bend
        crosses = (spans.start_margin >= 0.0) != (spans.end_margin >= 0.0)
        unsure = np.abs(spans.start_margin + spans.end_margin) <= change
        return np.where(crosses, length > _BRACKET_S, unsure & (change > RESOLUTION))

    def in_sunlight(self, windows: Windows, sun: Sun, least_deg: float) -> Windows:
        """Cut windows to the times when some part of the area in view has enough sunlight.

        The Sun's elevation is checked every 13 km along the satellite's path, so an interruption
        or a sunlit period shorter than that (2 s in low orbit) may be missed. Starts and ends are
        exact.
        """
        if not len(windows):
            return windows
        owner, time = stations(windows, self.ephemeris, _SUN_STEP)
        lit = self.is_lit(windows.item[owner], time, sun, least_deg)
        changes = np.flatnonzero((owner[1:] == owner[:-1]) & (lit[1:] != lit[:-1]))
        low, high = time[changes], time[changes + 1]
        item, before = windows.item[owner[changes]], lit[changes]
        while len(low) and float((high - low).max()) > 1e-4:
            middle = (low + high) / 2.0
            same = self.is_lit(item, middle, sun, least_deg) == before
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        edge = np.where(before, low, high)
        first = np.flatnonzero(lit & (np.diff(owner, prepend=-1) != 0))
        last = np.flatnonzero(lit & (np.diff(owner, append=-1) != 0))
        starts = np.concatenate((owner[first], owner[changes][~before]))
        begin = np.concatenate((time[first], edge[~before]))
        ends = np.concatenate((owner[last], owner[changes][before]))
        finish = np.concatenate((time[last], edge[before]))
        into, out = np.lexsort((begin, starts)), np.lexsort((finish, ends))
        return Windows(windows.item[starts[into]], begin[into], finish[out])

    def is_lit(self, area: Index, time_s: Array, sun: Sun, least_deg: float) -> Mask:
        """Return whether the Sun is high enough over some part of the area in view."""
        return self.seen(area, time_s, sun, least_deg)[1]

    def seen(
        self, area: Index, time_s: Array, sun: Sun, least_deg: float | None
    ) -> tuple[Array, Mask]:
        """Return the imaged point: the nearest, or the sunniest in view if that is too dark.

        Returns:
            Unit vectors from the Earth's centre, shape ``(3, n)``, and whether the Sun stands
            high enough there.
        """
        nearest, position, _ = self.at(area, time_s)
        direction = nearest.direction
        lit = np.ones(len(area), dtype=np.bool_)
        if least_deg is None:
            return direction, lit
        lit = sun.elevation_deg(upward(direction), time_s) >= least_deg
        distance = np.sqrt(np.sum(position**2, axis=0))
        below = position / distance
        radius = self.field.radius(distance, ground_distance(below))
        highest = sun.elevation_deg(upward(below), time_s) + np.degrees(radius) + 0.5
        rest = np.flatnonzero(~lit & (highest >= least_deg))
        if len(rest):
            point, found = self.areas.sunniest(
                area[rest], below[:, rest], radius[rest], sun.direction(time_s[rest])
            )
            bright = sun.elevation_deg(upward(point), time_s[rest]) >= least_deg
            chosen = found & bright
            direction[:, rest[chosen]] = point[:, chosen]
            lit[rest[chosen]] = True
        return direction, lit


def angular_speed(position: Array, velocity: Array) -> Array:
    """Return the angular speed of the sub-satellite point over the rotating Earth, in rad/s.

    Args:
        position: Earth-fixed positions, shape ``(3, n)``.
        velocity: Earth-fixed velocities, shape ``(3, n)``.
    """
    across = np.cross(position, velocity, axis=0)
    return np.asarray(np.sqrt(np.sum(across**2, axis=0)) / np.sum(position**2, axis=0))


def stations(windows: Windows, ephemeris: Ephemeris, step: float) -> tuple[Index, Array]:
    """Divide windows into steps of limited motion, both ends included.

    Args:
        windows: The windows.
        ephemeris: The satellite's states.
        step: Largest motion of the sub-satellite point in one step, in radians.

    Returns:
        The window of each time, and the times, sorted by window and time.
    """
    speed = angular_speed(ephemeris.position, ephemeris.velocity)
    # The highest speed within each window, taken from the grid times around it.
    low = np.floor((windows.start_s - ephemeris.time_s[0]) / ephemeris.step_s).astype(np.intp)
    high = np.ceil((windows.end_s - ephemeris.time_s[0]) / ephemeris.step_s).astype(np.intp)
    low = np.clip(low, 0, len(speed) - 2)
    high = np.clip(high, low + 1, len(speed) - 1)
    edges = np.stack([low, high + 1], axis=1).ravel()
    fastest = np.maximum.reduceat(np.append(speed, 0.0), edges)[::2]
    length = windows.end_s - windows.start_s
    # The steps are no coarser than the grid of the ephemeris.
    pieces = np.ceil(length * np.maximum(fastest / step, 1.0 / ephemeris.step_s)).astype(np.intp)
    pieces = np.maximum(pieces, 1)
    owner = np.repeat(np.arange(len(windows)), pieces + 1)
    begin = np.cumsum(pieces + 1) - (pieces + 1)
    part = np.arange(len(owner)) - begin[owner]
    time = windows.start_s[owner] + part * (length / pieces)[owner]
    return owner, np.where(part == pieces[owner], windows.end_s[owner], time)


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Time spans, each of one area and within one step of the grid."""

    chain: Index
    area: Index
    grid: Index
    start_s: Array
    end_s: Array
    start_margin: Array
    end_margin: Array

    def __len__(self) -> int:
        return len(self.chain)

    def take(self, chosen: Mask) -> _Spans:
        """Return a selection of the spans."""
        return _Spans(
            self.chain[chosen],
            self.area[chosen],
            self.grid[chosen],
            self.start_s[chosen],
            self.end_s[chosen],
            self.start_margin[chosen],
            self.end_margin[chosen],
        )

    def halves(self, middle_s: Array, margin: Array) -> _Spans:
        """Return the first halves of all spans, then the second halves."""
        return _Spans(
            np.concatenate((self.chain, self.chain)),
            np.concatenate((self.area, self.area)),
            np.concatenate((self.grid, self.grid)),
            np.concatenate((self.start_s, middle_s)),
            np.concatenate((middle_s, self.end_s)),
            np.concatenate((self.start_margin, margin)),
            np.concatenate((margin, self.end_margin)),
        )


def _windows(chain: Index, time_s: Array, margin: Array, area: Index) -> Windows:
    """Convert margins at times into windows.

    Args:
        chain: Index of the chain of consecutive grid times, shape ``(n,)``.
        time_s: Times, shape ``(n,)``.
        margin: Margins, shape ``(n,)``.
        area: The area of each chain.
    """
    order = np.lexsort((time_s, chain))
    chain, time_s, margin = chain[order], time_s[order], margin[order]
    holds = margin >= 0.0
    same = chain[1:] == chain[:-1]
    cut = np.flatnonzero(same & (holds[1:] != holds[:-1]))
    share = margin[cut] / (margin[cut] - margin[cut + 1])
    crossing = time_s[cut] + share * (time_s[cut + 1] - time_s[cut])
    opens = np.concatenate(([True], ~same)) & holds
    closes = np.concatenate((~same, [True])) & holds
    start = np.concatenate((time_s[opens], crossing[~holds[cut]]))
    start_chain = np.concatenate((chain[opens], chain[cut][~holds[cut]]))
    end = np.concatenate((time_s[closes], crossing[holds[cut]]))
    end_chain = np.concatenate((chain[closes], chain[cut][holds[cut]]))
    first, last = np.lexsort((start, start_chain)), np.lexsort((end, end_chain))
    windows = Windows(area[start_chain[first]], start[first], end[last])
    return windows.take(windows.end_s > windows.start_s)
