"""Strip views: how much of a region a push-broom imager would see along its track, at each roll.

A push-broom imager records line after line while its satellite flies on. What it records in one
go, at one roll angle, is a strip. The track is divided into cells of a few kilometres. In the
middle of each, lines of sight are sampled across the field of view of the imager, at roll angles
(looks) from the off-nadir limit on one side to that on the other. The share of a cell at a look is
the share of these lines of sight that end on wanted ground in enough sunlight.

```
region, Sun ─► wanted (cell × line of sight) ─► share (cell × look) ─► accesses, strip views
```
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .access import Access, Imaging
from .earth import EQUATORIAL_RADIUS_M, POLAR_RADIUS_M, geodetic, normals
from .ephemeris import Ephemeris
from .motion import GroundMotion
from .region import Region
from .sun import Sun
from .windows import microdegrees, milliseconds

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The shipped coastline is accurate to about 9 km.
_FINEST_M, _COARSEST_M = 4e3, 10e3
_MOST_LOOKS = 15
_LEAST_LINES, _MOST_LINES = 5, 31  # lines of sight across one swath
_LEAST_CELLS = 8  # of the access to a polygon, which may be small
_CELLS = 20_000  # cells processed together
_BATCH = 300_000  # lines of sight processed together


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The roll angles of an imager, and the lines of sight that sample them.

    Attributes:
        roll_deg: Roll angle of each look, positive to the right of the track, shape ``(n,)``.
        sight: Angles from nadir of the lines of sight, in radians: as many for each look, one look
            after the other, shape ``(n * lines,)``.
    """

    roll_deg: Array
    sight: Array

    @classmethod
    def of(cls, imaging: Imaging, altitude_m: float) -> Looks:
        """Choose looks that cover the reach of an imager, at most 15 of them.

        Neighbouring looks adjoin or overlap unless that takes more than 15.

        Args:
            imaging: Off-nadir limit and swath.
            altitude_m: Height of the satellite, which gives the field of view.
        """
        view = 2.0 * math.atan2(max(imaging.swath_m, 1.0) / 2.0, altitude_m)
        limit = math.radians(imaging.off_nadir_limit_deg)
        lines = min(max(round(imaging.swath_m / _COARSEST_M), _LEAST_LINES), _MOST_LINES)
        side = min(math.ceil(round(limit / view, 6)), _MOST_LOOKS // 2)
        roll = np.arange(-side, side + 1) * (limit / max(side, 1))
        within = ((np.arange(lines) + 0.5) / lines - 0.5) * view
        sight = (roll[:, None] + within).ravel()
        return cls(np.degrees(roll), sight)


@dataclass(frozen=True, slots=True, eq=False)
class StripView:
    """What an imager would see of a region during one access, cell by cell along the track.

    Attributes:
        edge_m: Edges of the cells, in metres along the track (`GroundMotion.way_m`), rising,
            shape ``(cells + 1,)``.
        share: Share of the swath that is wanted, 0 to 1, shape ``(cells, looks)``.
        roll_deg: Roll angle of each look, shape ``(looks,)``.
    """

    edge_m: Array
    share: Array
    roll_deg: Array


@dataclass(frozen=True, slots=True, eq=False)
class StripSearch:
    """Searches one satellite's run for what its imager sees of regions.

    Attributes:
        ephemeris: The satellite's states.
        sun: The Sun over the same time span.
        motion: Distance along the ground track over time.
        imaging: The imager's limits.
        looks: The roll angles to try.
        cell_m: Length of a cell along the track, in metres.
        gap_m: Unwanted ground, along the track, that does not end an access.
    """

    ephemeris: Ephemeris
    sun: Sun
    motion: GroundMotion
    imaging: Imaging
    looks: Looks
    cell_m: float
    gap_m: float

    @classmethod
    def of(
        cls,
        ephemeris: Ephemeris,
        sun: Sun,
        motion: GroundMotion,
        imaging: Imaging,
        *,
        frame_m: float,
        gap_m: float = 0.0,
    ) -> StripSearch:
        """Prepare a search, with looks for the satellite's mean height.

        A cell is about a quarter of the swath, between 4 and 10 km, and either a whole part of a
        frame or some whole frames.
        """
        altitude = geodetic(ephemeris.position)[2]
        # Rounded, so that the last bits of the orbit do not change the number of looks.
        looks = Looks.of(imaging, max(float(np.round(altitude.mean(), -1)), 1e3))
        about = min(max(imaging.swath_m / 4.0, _FINEST_M), _COARSEST_M)
        cell = frame_m / math.ceil(frame_m / about)
        if frame_m < about:
            cell = frame_m * math.floor(about / frame_m)
        return cls(ephemeris, sun, motion, imaging, looks, cell, gap_m)

    def whole_run(
        self, region: Region, target: int, satellite: int
    ) -> list[tuple[Access, StripView]]:
        """Return the accesses to a region of any extent, in order of start.

        An access lasts while some look sees wanted ground; the sunlit half of the orbit over the
        land has a few. Its ends are those of cells, so they are known to a few kilometres.
        """
        total = self.motion.way_m(self.ephemeris.end_s)
        count = max(1, math.ceil(total / self.cell_m - 1e-9))
        # Only what is wanted is kept: a long run has far more cells over the sea and by night.
        wanted = np.zeros(count, dtype=np.bool_)
        kept: list[Array] = []
        for low in range(0, count, _CELLS):
            high = min(low + _CELLS, count)
            share = self._shares(region, self._middles(self._edges(low, high, total)))
            wanted[low:high] = np.any(share > 0.0, axis=1)
            kept.append(share[wanted[low:high]])
        shares = np.concatenate(kept)
        number = np.cumsum(wanted) - 1  # row in `shares` of each wanted cell
        found = []
        edges = self._edges(0, count, total)
        for first, last in runs(wanted, edges, self.gap_m):
            edge = edges[first : last + 1]
            share = np.zeros((last - first, shares.shape[1]))
            share[wanted[first:last]] = shares[number[first] : number[last - 1] + 1]
            view = StripView(edge, share, self.looks.roll_deg)
            access = self._access(view, self._times(edge), target, satellite)
            if access.end_s > access.start_s:
                found.append((access, view))
        return found

    def of_access(self, region: Region, access: Access) -> StripView | None:
        """Return the view of a region during a known access; None if no line of sight meets it.

        That is so if the region is much narrower than the swath.
        """
        begin, end = self.motion.way_m(access.start_s), self.motion.way_m(access.end_s)
        count = max(_LEAST_CELLS, math.ceil((end - begin) / self.cell_m - 1e-9))
        edge = np.linspace(begin, end, count + 1)
        share = self._shares(region, self._middles(edge))
        return StripView(edge, share, self.looks.roll_deg) if np.any(share) else None

    def _edges(self, first: int, last: int, total_m: float) -> Array:
        """Return the edges of cells of the whole run; the last cell ends with it."""
        return np.asarray(np.minimum(np.arange(first, last + 1) * self.cell_m, total_m))

    def _middles(self, edge_m: Array) -> Array:
        """Return the times in the middle of cells."""
        time = self._times(edge_m)
        return np.asarray((time[1:] + time[:-1]) / 2.0)

    def _times(self, edge_m: Array) -> Array:
        times = np.array([self.motion.time_at_s(way) for way in edge_m.tolist()])
        return np.asarray(np.clip(times, self.ephemeris.time_s[0], self.ephemeris.end_s))

    def _shares(self, region: Region, time_s: Array) -> Array:
        """Return the wanted share of each look at some times, shape ``(times, looks)``."""
        looks = self.looks
        share = np.zeros((len(time_s), len(looks.roll_deg)))
        step = max(1, _BATCH // len(looks.sight))
        for low in range(0, len(time_s), step):
            part = slice(low, low + step)
            wanted = self._wanted(region, time_s[part])
            share[part] = wanted.reshape(len(wanted), len(looks.roll_deg), -1).mean(axis=2)
        return np.asarray(share)

    def _wanted(self, region: Region, time_s: Array) -> Mask:
        """Return whether each line of sight ends on wanted ground in sunlight."""
        sight = self.looks.sight
        ground = ground_points(*self.ephemeris.at(time_s), sight)
        hit = np.isfinite(ground[0])
        wanted = np.zeros(hit.shape, dtype=np.bool_)
        latitude, longitude, _ = geodetic(ground[:, hit])
        lit = np.ones(len(latitude), dtype=np.bool_)
        least = self.imaging.min_sun_elevation_deg
        if least is not None:
            time = np.broadcast_to(time_s[:, None], hit.shape)[hit]
            elevation = self.sun.elevation_deg(normals(latitude, longitude), time)
            lit = np.round(elevation, 6) >= least
        inside = np.zeros(len(lit), dtype=np.bool_)
        inside[lit] = region.contains(latitude[lit], longitude[lit])
        wanted[hit] = inside
        return wanted

    def _access(self, view: StripView, time_s: Array, target: int, satellite: int) -> Access:
        """Describe an access by its best cell: the fullest one of the best look."""
        which = best_look(view.share.sum(axis=0), view.roll_deg)
        column = view.share[:, which]
        full = np.flatnonzero(column == column.max())
        cell = int(full[np.argmin(np.abs(full - (len(column) - 1) / 2.0))])
        best = (time_s[cell] + time_s[cell + 1]) / 2.0
        moment = np.array([best])
        sight = np.radians(view.roll_deg[which : which + 1])
        north, east, _ = geodetic(ground_points(*self.ephemeris.at(moment), sight)[:, :, 0])
        height = self.sun.elevation_deg(normals(north, east), moment)
        start, end, best = milliseconds(np.array([time_s[0], time_s[-1], best])).tolist()
        return Access(
            satellite,
            target,
            start,
            end,
            best,
            float(microdegrees(np.abs(view.roll_deg[which]))),
            float(microdegrees(height)[0]),
            float(microdegrees(north)[0]),
            float(microdegrees(east)[0]),
            start,
            end,
        )


def strip_accesses(
    search: StripSearch,
    accesses: Sequence[Access],
    polygons: Mapping[int, Region],
    regions: Mapping[int, Region],
    satellite: int,
) -> tuple[list[Access], dict[int, StripView]]:
    """Find what each access to a polygon sees, and the accesses to regions of any extent.

    Args:
        search: The search over the satellite's run.
        accesses: Accesses to points and polygons.
        polygons: The region of each polygon, by index of the target.
        regions: The region of each target that has no accesses yet, by index of the target.
        satellite: Index of the satellite.

    Returns:
        All accesses in order of start, and the views of those to areas, by index.
    """
    rows: list[tuple[Access, StripView | None]] = [
        (a, search.of_access(polygons[a.target], a) if a.target in polygons else None)
        for a in accesses
    ]
    for target, region in regions.items():
        rows += search.whole_run(region, target, satellite)
    rows.sort(key=lambda row: (row[0].start_s, row[0].target))
    views = {index: view for index, (_, view) in enumerate(rows) if view is not None}
    return [access for access, _ in rows], views


def best_look(value: Array, roll_deg: Array) -> int:
    """Return the look of the greatest value; of equal ones the one with the least roll."""
    order = np.lexsort((roll_deg, np.abs(roll_deg), -np.round(value, 9)))
    return int(order[0])


def runs(wanted: Mask, edge_m: Array, gap_m: float) -> list[tuple[int, int]]:
    """Return the first cell of each run of wanted cells, and the cell after its last one.

    Args:
        wanted: Whether each cell is wanted, shape ``(n,)``.
        edge_m: Edges of the cells, shape ``(n + 1,)``.
        gap_m: Longest stretch of unwanted cells that does not end a run.
    """
    change = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False]))))
    starts, ends = change[::2], change[1::2]
    if not len(starts):
        return []
    apart = edge_m[starts[1:]] - edge_m[ends[:-1]] > gap_m
    first = starts[np.concatenate(([True], apart))]
    last = ends[np.concatenate((apart, [True]))]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def ground_points(position: Array, velocity: Array, sight: Array) -> Array:
    """Return where lines of sight meet the ellipsoid, in metres; not a number where they miss it.

    A line of sight is tilted from the direction to the Earth's centre, in the plane across the
    motion over the rotating Earth (an imager steered in yaw).

    Args:
        position: Earth-fixed positions in metres, shape ``(3, n)``.
        velocity: Earth-fixed velocities, shape ``(3, n)``.
        sight: Tilts in radians, positive to the right of the track, shape ``(m,)``.

    Returns:
        Earth-fixed positions, shape ``(3, n, m)``.
    """
    down = -position / np.sqrt(np.sum(position**2, axis=0))
    right = np.cross(velocity, -down, axis=0)
    right /= np.sqrt(np.sum(right**2, axis=0))
    line = down[:, :, None] * np.cos(sight) + right[:, :, None] * np.sin(sight)
    # On axes scaled by the ellipsoid's radii, it is the unit sphere: |p + s d| = 1.
    radii = np.array([EQUATORIAL_RADIUS_M, EQUATORIAL_RADIUS_M, POLAR_RADIUS_M])[:, None, None]
    p, d = position[:, :, None] / radii, line / radii
    a, b, c = np.sum(d * d, axis=0), np.sum(p * d, axis=0), np.sum(p * p, axis=0) - 1.0
    square = b * b - a * c
    with np.errstate(invalid="ignore"):
        distance = (-b - np.sqrt(np.where((square >= 0.0) & (b < 0.0), square, np.nan))) / a
    return np.asarray(position[:, :, None] + distance * line)
