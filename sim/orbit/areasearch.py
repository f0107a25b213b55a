"""When areas are in view: a search that leaves no window out.

How deep an area lies within the field of regard (`areas.Nearest.margin`) has corners in time, where
one edge takes over from another, so derivatives do not bound it. Motion does: between two moments
the margin cannot change by more than the point below the satellite moves and the field's radius
changes. So a stretch of time whose two ends are both far enough inside (or outside) is inside (or
outside) throughout, and any other is halved, until the satellite moves less than `RESOLUTION` in
it. No window and no gap is missed in which the margin rises above zero, or falls below it, by
half of that: 32 m on the ground.
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
"""Motion of the point below the satellite, as an angle at the Earth's centre: 64 m."""

# A start or an end is bracketed this closely, in seconds, before a straight line gives it.
_BRACKET_S = 0.01
# Steps within windows in which the Sun is looked at: 13 km, 2 s in low orbit.
_SUN_STEP = 2e-3
_GRAVITY = 9.81


@dataclass(frozen=True, slots=True, eq=False)
class AreaView:
    """One satellite's view of some areas.

    Attributes:
        areas: The areas.
        ephemeris: The satellite's states.
        field: The imager's field of regard.
        horizon: Whether the horizon may bound it.
    """

    areas: Areas
    ephemeris: Ephemeris
    field: FieldOfRegard
    horizon: bool

    def at(self, area: Index, time_s: Array) -> tuple[Nearest, Array, Array]:
        """The nearest points at times; the satellite's positions and velocities."""
        position, velocity = self.ephemeris.at(time_s)
        return (
            self.areas.nearest(area, position, self.field, horizon=self.horizon),
            position,
            velocity,
        )

    def closeness(self, area: Index, time_s: Array) -> tuple[Array, Array, Array]:
        """Minus the angle at the Earth's centre to the nearest point, its rate, and the point."""
        nearest, position, velocity = self.at(area, time_s)
        distance = np.sqrt(np.sum(position**2, axis=0))
        below = position / distance
        angle = central_angle(nearest.direction, below)
        climb = np.sum(below * velocity, axis=0)
        turning = (velocity - climb * below) / distance
        rate = np.sum(nearest.direction * turning, axis=0) / np.maximum(np.sin(angle), 1e-12)
        return -angle, np.where(nearest.inside, 0.0, rate), nearest.direction

    def windows(self) -> Windows:
        """When each area is in view, whatever the light."""
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
        """Which stretches may hold a change that their ends hide, or a crossing to locate."""
        length = spans.end_s - spans.start_s
        motion = np.maximum(speed[spans.grid], speed[spans.grid + 1]) * length
        radii = []
        for time_s in (spans.start_s, spans.end_s):
            distance = np.sqrt(np.sum(self.ephemeris.at(time_s)[0] ** 2, axis=0))
            radii.append(self.field.radius(distance, EQUATORIAL_RADIUS_M))
        # The field's radius may also turn in between: at most by what free fall bends the path.
        bend = 5.0 * _GRAVITY / 8.0 / EQUATORIAL_RADIUS_M * length**2
        change = motion + np.abs(radii[1] - radii[0]) + bend
        crosses = (spans.start_margin >= 0.0) != (spans.end_margin >= 0.0)
        unsure = np.abs(spans.start_margin + spans.end_margin) <= change
        return np.where(crosses, length > _BRACKET_S, unsure & (change > RESOLUTION))

    def in_sunlight(self, windows: Windows, sun: Sun, least_deg: float) -> Windows:
        """Cut windows to when a part of the area that is in view has sunlight enough.

        The Sun is looked at every 13 km of the satellite's way, so an interruption or a glimpse
        shorter than that (2 s in low orbit) may be overlooked; starts and ends are exact.
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
        """Whether the Sun stands high enough over some part of the area that is in view."""
        return self.seen(area, time_s, sun, least_deg)[1]

    def seen(
        self, area: Index, time_s: Array, sun: Sun, least_deg: float | None
    ) -> tuple[Array, Mask]:
        """The point that is imaged: the nearest, or the sunniest in view if that one is too dark.

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
    """How fast the point below a satellite moves over the turning Earth, in rad/s.

    Args:
        position: Earth-fixed positions, shape ``(3, n)``.
        velocity: Velocities seen from the turning Earth, shape ``(3, n)``.
    """
    across = np.cross(position, velocity, axis=0)
    return np.asarray(np.sqrt(np.sum(across**2, axis=0)) / np.sum(position**2, axis=0))


def stations(windows: Windows, ephemeris: Ephemeris, step: float) -> tuple[Index, Array]:
    """Times within windows, both ends among them, between which the satellite moves little.

    Args:
        windows: The windows.
        ephemeris: The satellite's states.
        step: The largest motion of the point below it, in radians.

    Returns:
        The window of each time, and the times, sorted by window and time.
    """
    speed = angular_speed(ephemeris.position, ephemeris.velocity)
    # The fastest within each window, from the grid times about it.
    low = np.floor((windows.start_s - ephemeris.time_s[0]) / ephemeris.step_s).astype(np.intp)
    high = np.ceil((windows.end_s - ephemeris.time_s[0]) / ephemeris.step_s).astype(np.intp)
    low = np.clip(low, 0, len(speed) - 2)
    high = np.clip(high, low + 1, len(speed) - 1)
    edges = np.stack([low, high + 1], axis=1).ravel()
    fastest = np.maximum.reduceat(np.append(speed, 0.0), edges)[::2]
    length = windows.end_s - windows.start_s
    # No coarser than the grid either: that is what the ephemeris is made for.
    pieces = np.ceil(length * np.maximum(fastest / step, 1.0 / ephemeris.step_s)).astype(np.intp)
    pieces = np.maximum(pieces, 1)
    owner = np.repeat(np.arange(len(windows)), pieces + 1)
    begin = np.cumsum(pieces + 1) - (pieces + 1)
    part = np.arange(len(owner)) - begin[owner]
    time = windows.start_s[owner] + part * (length / pieces)[owner]
    return owner, np.where(part == pieces[owner], windows.end_s[owner], time)


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Stretches of time, each of one area and within one step of the grid."""

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
        """Some of them."""
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
        """The first and the second half of each."""
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
    """From margins at times to windows.

    Args:
        chain: Number of the chain of neighbouring grid times, shape ``(n,)``.
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
