"""Footprints: the ground that each frame of a timetable shows, as four corners.

A frame of a strip lies between the lines of sight of the two edges of the imager's field of view,
at the strip's roll angle, from the moment in which it begins to the one in which it ends
(`orbit.strips`). A frame of an area by an imager that takes no strips is as wide as the swath, and
lies across the track from where the satellite is in the middle of the frame. The timetable knows
one tilt for the access, that to the nearest point of the area. From one frame to the next the roll
angle changes where more of the area is seen then: to turn by a tenth of the off-nadir limit, a
frame must gain a whole swath of wanted ground. A frame of a point is a rectangle, swath by frame
length, around the point; where the imager cannot tilt that far and the swath covers the rest,
around the place that it looks at.

Edges are great circles at the Earth's centre. A frame longer than 200 km is several footprints, so
that the chord stays within some 100 metres of the curved swath.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from ..mission.flight import Flight, orbit_of
from ..orbit.access import Access
from ..orbit.earth import EQUATORIAL_RADIUS_M, POLAR_RADIUS_M, geodetic, positions
from ..orbit.polygon import polygon_of
from ..orbit.region import Region, region_of_polygon
from ..orbit.strips import field_of_view, ground_points
from ..orbit.trajectory import Trajectory, trajectory

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MOST_FOOTPRINTS: Final = 5_000_000
"""Most footprints of a run: 200 MB."""
_LONGEST_M: Final = 200e3
_BATCH: Final = 20_000
_MOST_ROLLS: Final = 100  # roll angles tried on each side of nadir
# Turning a frame of an area by the whole off-nadir limit costs as much as this many swaths.
_TURN_COST: Final = 10.0
_SIGHTS: Final = 1_000  # frames whose lines of sight are computed together
# Just within the horizon of the ellipsoid, whatever the satellite's latitude.
_HORIZON: Final = 0.9999 * POLAR_RADIUS_M


@dataclass(frozen=True, slots=True, eq=False)
class Footprints:
    """Footprints in order of time.

    Attributes:
        time_ms: Middle of each footprint's frame, in milliseconds of the run, shape ``(n,)``.
        satellite: Index of its satellite, shape ``(n,)``.
        frame: Number of its frame among those of all satellites, one satellite after the other in
            the order of their timetables, shape ``(n,)``.
        corner: Unit vectors from the Earth's centre to its corners in turn, shape ``(4, 3, n)``.
    """

    time_ms: NDArray[np.int64]
    satellite: Index
    frame: Index
    corner: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """Frames, or parts of long ones: when they are taken, and where the imager looks."""

    begin_s: Array
    end_s: Array
    roll: Array
    access: Index
    frame: Index
    piece: Index

    def part(self, chosen: slice) -> _Frames:
        return _Frames(
            self.begin_s[chosen],
            self.end_s[chosen],
            self.roll[chosen],
            self.access[chosen],
            self.frame[chosen],
            self.piece[chosen],
        )


def footprints(flight: Flight) -> Iterator[Footprints]:
    """Yield the footprints of all frames of a flight, in parts, in order of time.

    Raises:
        InputError: There are more than `MOST_FOOTPRINTS`.
    """
    views = [_SatelliteView(flight, n) for n in range(len(flight.scenario.satellites))]
    total = sum(view.count for view in views)
    if total > MOST_FOOTPRINTS:
        raise InputError(
            f"found {total} frames to cover; allowed: up to {MOST_FOOTPRINTS}, so shorten the run "
            "or lengthen frame_length"
        )
    first_frame = 0
    frames = []
    for view, timetable in zip(views, flight.timetables, strict=True):
        frames.append(view.frames(first_frame))
        first_frame += len(timetable.shots)
    time_ms = np.concatenate([_middle_ms(f) for f in frames])
    satellite = np.concatenate([np.full(len(f.frame), n) for n, f in enumerate(frames)])
    place = np.concatenate([np.arange(len(f.frame)) for f in frames])
    order = np.lexsort((place, satellite, time_ms))
    for low in range(0, len(order), _BATCH):
        chosen = order[low : low + _BATCH]
        corner = np.empty((4, 3, len(chosen)))
        frame = np.empty(len(chosen), np.intp)
        for index in np.unique(satellite[chosen]).tolist():
            mine = satellite[chosen] == index
            # In order of time, a satellite's footprints are consecutive in its own list.
            rows = place[chosen][mine]
            part = frames[index].part(slice(int(rows[0]), int(rows[-1]) + 1))
            corner[:, :, mine] = views[index].corners(part)
            frame[mine] = part.frame
        yield Footprints(time_ms[chosen], satellite[chosen].astype(np.intp), frame, corner)


def _middle_ms(frames: _Frames) -> NDArray[np.int64]:
    middle = np.round((frames.begin_s + frames.end_s) * 500.0)
    return np.asarray(np.maximum.accumulate(middle), dtype=np.int64)


class _SatelliteView:
    """Where one satellite's imager looks in each of its frames."""

    def __init__(self, flight: Flight, satellite: int) -> None:
        scenario = flight.scenario
        spec = scenario.satellites[satellite]
        self._flight, self._satellite = flight, satellite
        self._imager = spec.imager
        self._trajectory: Trajectory = trajectory(orbit_of(spec, scenario), scenario.start)
        geometry = flight.geometries[satellite]
        self._accesses = geometry.accesses
        altitude = max(float(np.round(geometry.track.altitude_m.mean(), -1)), 1e3)
        self._half_view = field_of_view(self._imager.swath, altitude) / 2.0
        self._parts = max(1, math.ceil(self._imager.frame_length / _LONGEST_M))
        self.count = len(flight.timetables[satellite].shots) * self._parts

    def frames(self, first_frame: int) -> _Frames:
        """Return the frames of the timetable, long ones in parts."""
        shots = self._flight.timetables[self._satellite].shots
        begin = np.array([shot.start_s for shot in shots])
        end = np.array([shot.end_s for shot in shots])
        access = np.array([shot.access for shot in shots], dtype=np.intp)
        roll = np.radians([math.nan if s.roll_deg is None else s.roll_deg for s in shots])
        number = np.repeat(np.arange(len(shots)), self._parts)
        piece = np.tile(np.arange(self._parts), len(shots))
        step = (end - begin)[number] / self._parts
        low = begin[number] + piece * step
        return _Frames(
            low,
            low + step,
            roll[number],
            access[number],
            number + first_frame,
            piece,
        )

    def corners(self, frames: _Frames) -> Array:
        """Return the corners of footprints, shape ``(4, 3, n)``."""
        targets = self._flight.scenario.targets
        is_point = np.array(
            [targets[self._accesses[n].target].at is not None for n in frames.access.tolist()],
            dtype=np.bool_,
        )
        corner = np.empty((4, 3, len(frames.access)))
        points, others = np.flatnonzero(is_point), np.flatnonzero(~is_point)
        if len(points):
            corner[:, :, points] = self._around_points(frames, points)
        if len(others):
            corner[:, :, others] = self._along_track(frames, others)
        return np.asarray(corner / np.sqrt(np.sum(corner**2, axis=1, keepdims=True)))

    def _along_track(self, frames: _Frames, rows: Index) -> Array:
        """Return the corners of frames of areas: from begin to end at one roll angle."""
        roll = frames.roll[rows]
        open_ones = np.flatnonzero(np.isnan(roll))
        if len(open_ones):
            roll[open_ones] = self._rolls(frames, rows[open_ones])
        edges = []
        for time in (frames.begin_s[rows], frames.end_s[rows]):
            position, velocity = self._trajectory.ecef(time)
            if self._imager.mode == "strip":
                sides = [_seen(position, velocity, roll + s * self._half_view) for s in (-1.0, 1.0)]
            else:
                middle = _seen(position, velocity, roll)
                across = _across(position, velocity, middle)
                half = self._imager.swath / 2.0
                sides = [_beside(middle, across, s * half) for s in (-1.0, 1.0)]
            edges.append(sides)
        (left0, right0), (left1, right1) = edges
        return np.stack([left0, left1, right1, right0])

    def _rolls(self, frames: _Frames, rows: Index) -> Array:
        """Return the roll angles, in radians, of frames of polygons that are no strips."""
        target = np.array([self._accesses[n].target for n in frames.access[rows].tolist()])
        middle = (frames.begin_s[rows] + frames.end_s[rows]) / 2.0
        roll = self._access_rolls(frames.access[rows])
        limit = math.radians(self._imager.off_nadir_limit)
        step = max(self._half_view / 2.0, limit / _MOST_ROLLS)
        side, window = math.floor(limit / step + 1e-9), max(1, round(self._half_view / step))
        sight = np.arange(-side - window, side + window + 1, dtype=np.float64) * step
        seen = np.zeros((len(rows), 2 * side + 1))
        for index in np.unique(target).tolist():
            polygon = self._flight.scenario.targets[index].polygon
            if polygon is None:
                continue
            region = region_of_polygon(polygon_of(polygon))
            mine = np.flatnonzero(target == index)
            for part in np.array_split(mine, -(-len(mine) // _SIGHTS)):
                wanted = _within(region, *self._trajectory.ecef(middle[part]), sight)
                total = np.cumsum(np.pad(wanted, ((0, 0), (1, 0))), axis=1)
                seen[part] = total[:, 2 * window + 1 :] - total[:, : -2 * window - 1]
        seen /= 2 * window + 1
        access = frames.access[rows]
        for index in np.unique(access).tolist():
            mine = np.flatnonzero(access == index)
            best = int(np.argmin(np.abs(middle[mine] - self._accesses[index].best_s)))
            usual = round(roll[mine[0]] / step)
            chosen = _steady(seen[mine[best:]], usual, side)
            # From the best time back to the beginning, as from it to the end.
            before = _steady(seen[mine[best::-1]], usual, side)
            roll[mine] = np.concatenate((before[:0:-1], chosen)) * step
        return roll

    def _access_rolls(self, access: Index) -> Array:
        """Return the tilt at the best time of accesses, negative to the left of the track."""
        chosen, which = np.unique(access, return_inverse=True)
        best = [self._accesses[n] for n in chosen.tolist()]
        position, velocity = self._trajectory.ecef(np.array([a.best_s for a in best]))
        line = _places(best) - position
        right = np.cross(velocity, position, axis=0)
        side = np.where(np.sum(_unit(right) * line, axis=0) < 0.0, -1.0, 1.0)
        tilt = [min(a.off_nadir_deg, self._imager.off_nadir_limit) for a in best]
        return np.asarray((side * np.radians(tilt))[which])

    def _around_points(self, frames: _Frames, rows: Index) -> Array:
        """Return the corners of frames of points: rectangles along the track."""
        access = [self._accesses[n] for n in frames.access[rows].tolist()]
        place = _places(access)
        beyond = np.array([a.off_nadir_deg > self._imager.off_nadir_limit for a in access])
        if beyond.any():
            place[:, beyond] = self._at_limit([a for a, b in zip(access, beyond, strict=True) if b])
        part = np.round((frames.begin_s[rows] + frames.end_s[rows]) / 2.0, 6)
        position, velocity = self._trajectory.ecef(part)
        across = _across(position, velocity, place)
        along = np.cross(_unit(place), across, axis=0)
        length, half = self._imager.frame_length / self._parts, self._imager.swath / 2.0
        begin = frames.piece[rows].astype(np.float64) * length - self._imager.frame_length / 2.0
        ends = [_beside(place, along, begin), _beside(place, along, begin + length)]
        (left0, right0), (left1, right1) = (
            [_beside(end, across, s * half) for s in (-1.0, 1.0)] for end in ends
        )
        return np.stack([left0, left1, right1, right0])

    def _at_limit(self, access: Sequence[Access]) -> Array:
        """Return the places that the imager looks at, as near to its targets as it can tilt."""
        position, _ = self._trajectory.ecef(np.array([a.best_s for a in access]))
        place = _places(access)
        # Lines of sight lie across a motion; one at right angles to the target's direction will do.
        motion = np.cross(position, place - position, axis=0)
        limit = np.full(len(access), math.radians(self._imager.off_nadir_limit))
        return _seen(position, motion, limit)


def _seen(position: Array, velocity: Array, sight: Array) -> Array:
    """Return where one line of sight for each position meets the ground, shape ``(3, n)``.

    Lines beyond the horizon are turned down to it.
    """
    distance = np.sqrt(np.sum(position**2, axis=0))
    most = np.arcsin(np.minimum(_HORIZON / distance, 1.0))
    sight = np.clip(sight, -most, most)
    return np.asarray(ground_points(position, velocity, sight[:, None])[:, :, 0])


def _steady(seen: Array, usual: int, side: int) -> Array:
    """Return a roll angle for each of consecutive frames, in steps from nadir.

    Args:
        seen: Share of the swath that is wanted at each roll angle, shape ``(n, 2 * side + 1)``.
        usual: Roll angle before the first frame, in steps.
        side: Number of roll angles on each side of nadir.
    """
    number = np.arange(-side, side + 1)
    chosen = []
    for share in seen:
        cost = _TURN_COST * np.abs(number - usual) / max(side, 1)
        usual = int(np.argmax(np.round(share - cost, 9))) - side
        chosen.append(usual)
    return np.array(chosen, dtype=np.float64)


def _within(region: Region, position: Array, velocity: Array, sight: Array) -> Array:
    """Return 1 where a line of sight ends in a region, else 0, shape ``(n, sights)``."""
    ground = ground_points(position, velocity, sight)
    hit = np.isfinite(ground[0])
    wanted = np.zeros(hit.shape, dtype=np.int64)
    latitude, longitude, _ = geodetic(ground[:, hit])
    wanted[hit] = region.contains(latitude, longitude)
    return wanted


def _places(accesses: Sequence[Access]) -> Array:
    """Return the imaged points of accesses, in metres, shape ``(3, n)``."""
    return positions(
        np.array([a.latitude_deg for a in accesses]), np.array([a.longitude_deg for a in accesses])
    )


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.sqrt(np.sum(vector**2, axis=0)))


def _across(position: Array, velocity: Array, place: Array) -> Array:
    """Return horizontal unit vectors at places, to the right of the motion."""
    right = np.cross(velocity, position, axis=0)
    up = _unit(place)
    return _unit(right - np.sum(right * up, axis=0) * up)


def _beside(place: Array, direction: Array, distance_m: Array | float) -> Array:
    """Return places at a distance along a great circle, as directions from the Earth's centre."""
    angle = np.asarray(distance_m) / EQUATORIAL_RADIUS_M
    return np.asarray(_unit(place) * np.cos(angle) + direction * np.sin(angle))
