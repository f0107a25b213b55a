"""Accesses: when the imager may look at a target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .conditions import AboveElevation, SunAbove, WithinOffNadir
from .earth import POLAR_RADIUS_M, Site, normals, positions
from .ephemeris import Ephemeris
from .passes import elevation_reach
from .polygon import Polygon
from .search import Near, find
from .sun import Sun
from .windows import best_within, merge, microdegrees, milliseconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# The slowest a subsatellite point moves in low orbit: turns a polygon's spacing into a time.
_GROUND_SPEED = 6_000.0
_CHUNK = 2_000  # samples looked at together


@dataclass(frozen=True, slots=True)
class Imaging:
    """What the imager needs of the geometry.

    Attributes:
        off_nadir_limit_deg: Largest angle from nadir (the Earth's centre) it is tilted to.
        min_sun_elevation_deg: Least elevation of the Sun at the target, or None for day and
            night.
        swath_m: Width of its swath: polygons are looked at in points about so far apart.

    Raises:
        InputError: A value outside its range.
    """

    off_nadir_limit_deg: float
    min_sun_elevation_deg: float | None = None
    swath_m: float = 10_000.0

    def __post_init__(self) -> None:
        if not 0.0 < self.off_nadir_limit_deg < 90.0:
            raise InputError(
                f"off-nadir limit {self.off_nadir_limit_deg:g} deg; allowed is above 0 to below 90"
            )
        least = self.min_sun_elevation_deg
        if least is not None and not -90.0 <= least <= 90.0:
            raise InputError(f"least Sun elevation {least:g} deg; allowed is -90 to 90 deg")
        if not 0.0 < self.swath_m < 1e7:
            raise InputError(f"swath {self.swath_m:g} m; allowed is above 0 to 10000 km")


@dataclass(frozen=True, slots=True)
class Access:
    """One stretch of time in which a target can be imaged, to the millisecond and microdegree.

    Attributes:
        satellite: Index of the satellite.
        target: Index of the target.
        start_s: Start, seconds of the run.
        end_s: End.
        best_s: When the angle off nadir is smallest.
        off_nadir_deg: That angle.
        sun_elevation_deg: Elevation of the Sun at the target at that moment.
        latitude_deg: Latitude of the target's point seen at that angle.
        longitude_deg: Longitude of it, -180 to 180.
    """

    satellite: int
    target: int
    start_s: float
    end_s: float
    best_s: float
    off_nadir_deg: float
    sun_elevation_deg: float
    latitude_deg: float
    longitude_deg: float

    @property
    def duration_s(self) -> float:
        """Time from start to end in seconds."""
        return self.end_s - self.start_s


def accesses(
    ephemeris: Ephemeris,
    sun: Sun,
    targets: Sequence[Site | Polygon],
    imaging: Imaging,
    satellite: int = 0,
) -> list[Access]:
    """Every access to every target, in order of start.

    A point is accessible while the angle from nadir to it is at most the limit, the satellite is
    above its horizon, and the Sun stands high enough over it. A polygon is accessible while any
    of its sample points is: points on its boundary and inside, a swath apart or half the radius
    of the imager's field of regard, whichever is less (and farther for areas that would need more
    than 800 points). So an access to a polygon starts at most one spacing late, 1.5 s for a
    swath of 10 km, and gaps shorter than that are closed; its least angle off nadir is that of
    the best sample.

    Args:
        ephemeris: The satellite's states.
        sun: The Sun over the same time.
        targets: Points and polygons.
        imaging: The imager's limits.
        satellite: What to write into `Access.satellite`.
    """
    if not targets:
        return []
    near = Near.of(ephemeris)
    found = [
        _of_chunk(ephemeris, near, sun, samples, imaging)
        for samples in _Samples.chunks(targets, ephemeris, imaging)
    ]
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    order = np.lexsort((columns[0], columns[1]))
    rows = zip(*(column[order].tolist() for column in columns), strict=True)
    return [Access(satellite, *row) for row in rows]


def _of_chunk(
    ephemeris: Ephemeris, near: Near, sun: Sun, samples: _Samples, imaging: Imaging
) -> tuple[NDArray[np.generic], ...]:
    """Columns of `Access` from `target` on, for the targets of some samples."""
    item, grid = samples.pairs(near)
    view = WithinOffNadir(samples.place, float(np.cos(np.radians(imaging.off_nadir_limit_deg))))
    windows, peaks = find(view, ephemeris, item, grid)
    if _sees_horizon(ephemeris, imaging):
        horizon = AboveElevation(samples.place, samples.up, np.zeros(len(samples.owner)))
        windows = windows.intersect(find(horizon, ephemeris, item, grid)[0])
    if imaging.min_sun_elevation_deg is not None:
        least = float(np.sin(np.radians(imaging.min_sun_elevation_deg)))
        daylight = SunAbove(sun, samples.up, least)
        windows = windows.intersect(find(daylight, ephemeris, item, grid)[0])

    windows = windows.rounded(ephemeris.end_s)

    def value(which: Index, time_s: Array) -> Array:
        return view.evaluate(which, time_s, *ephemeris.at(time_s))[0]

    best, cosine = best_within(windows, peaks, value)
    owner = samples.owner[windows.item]
    gap_s = samples.spacing_m[windows.item] / _GROUND_SPEED
    joined, chosen = merge(windows, owner, cosine, gap_s)
    point = windows.item[chosen]
    off_nadir = np.degrees(np.arccos(np.clip(cosine[chosen] + view.least_cosine, -1.0, 1.0)))
    return (
        joined.item,
        joined.start_s,
        joined.end_s,
        np.clip(milliseconds(best[chosen]), joined.start_s, joined.end_s),
        microdegrees(off_nadir),
        microdegrees(sun.elevation_deg(samples.up[:, point], best[chosen])),
        microdegrees(samples.latitude_deg[point]),
        microdegrees((samples.longitude_deg[point] + 180.0) % 360.0 - 180.0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """The points that stand for some targets: one for a point, many for a polygon.

    `owner` is the target of each, and samples `first[i]` to `first[i + 1]` are one target's.
    """

    owner: Index
    first: Index
    latitude_deg: Array
    longitude_deg: Array
    spacing_m: Array
    place: Array
    up: Array
    reach: Array

    @classmethod
    def chunks(
        cls, targets: Sequence[Site | Polygon], ephemeris: Ephemeris, imaging: Imaging
    ) -> Iterator[_Samples]:
        """The samples of all targets, some whole targets at a time to bound the memory."""
        # Half the radius of the field of regard, so that neighbouring points' windows overlap.
        closest = float(np.sqrt(np.sum(ephemeris.position**2, axis=0)).min())
        angle = float(np.radians(imaging.off_nadir_limit_deg))
        sine = min(1.0, closest / POLAR_RADIUS_M * math.sin(angle))
        field = (math.asin(sine) - angle) * POLAR_RADIUS_M
        spacing = min(imaging.swath_m, field / 2.0)
        rows: list[tuple[int, Array, Array, float, float]] = []
        size = 0
        for number, target in enumerate(targets):
            if isinstance(target, Polygon):
                north, east, used = target.samples(spacing)
                rows.append((number, north, east, 0.0, used))
            else:
                north = np.array([target.latitude_deg])
                east = np.array([target.longitude_deg])
                rows.append((number, north, east, target.altitude_m, 0.0))
            size += len(north)
            if size >= _CHUNK:
                yield cls._of(rows, ephemeris, imaging)
                rows, size = [], 0
        if rows:
            yield cls._of(rows, ephemeris, imaging)

    @classmethod
    def _of(
        cls,
        rows: list[tuple[int, Array, Array, float, float]],
        ephemeris: Ephemeris,
        imaging: Imaging,
    ) -> _Samples:
        numbers, norths, easts, heights, spacings = zip(*rows, strict=True)
        counts = np.array([len(part) for part in norths])
        north, east = np.concatenate(norths), np.concatenate(easts)
        place = positions(north, east, np.repeat(heights, counts))
        radius = np.sqrt(np.sum(place**2, axis=0))
        return cls(
            np.repeat(numbers, counts),
            np.concatenate(([0], np.cumsum(counts))),
            north,
            east,
            np.repeat(spacings, counts),
            place,
            normals(north, east),
            _off_nadir_reach(ephemeris, radius, imaging.off_nadir_limit_deg),
        )

    def pairs(self, near: Near) -> tuple[Index, Index]:
        """Samples and grid times at which they may be in view, sorted."""
        direction = self.place / np.sqrt(np.sum(self.place**2, axis=0))
        counts = np.diff(self.first)
        points = self.first[:-1][counts == 1]
        item: list[Index] = []
        grid: list[Index] = []
        for which, at in near.pairs(direction[:, points], self.reach[points]):
            item.append(points[which])
            grid.append(at)
        for area in np.flatnonzero(counts > 1):
            part = slice(self.first[area], self.first[area + 1])
            middle = direction[:, part].mean(axis=1)
            middle /= np.sqrt(np.sum(middle**2))
            cap = float(np.arccos(np.clip(middle @ direction[:, part], -1.0, 1.0)).max())
            which, at = near.pairs_in_cap(middle, cap, direction[:, part], self.reach[part])
            item.append(which + self.first[area])
            grid.append(at)
        items, grids = np.concatenate(item), np.concatenate(grid)
        order = np.argsort(items, kind="stable")
        return items[order], grids[order]


def _sees_horizon(ephemeris: Ephemeris, imaging: Imaging) -> bool:
    """Whether the limit comes near the horizon, or beyond it, from anywhere on the orbit."""
    farthest = float(np.sqrt(np.sum(ephemeris.position**2, axis=0)).max())
    horizon_deg = np.degrees(np.arcsin(min(1.0, POLAR_RADIUS_M / farthest)))
    return bool(imaging.off_nadir_limit_deg > horizon_deg - 3.0)


def _off_nadir_reach(ephemeris: Ephemeris, radius_m: Array, limit_deg: float) -> Array:
    """The angle at the Earth's centre within which a place can be in view."""
    farthest = float(np.sqrt(np.sum(ephemeris.position**2, axis=0)).max()) * 1.001
    limit = np.radians(limit_deg)
    sine = farthest / radius_m * np.sin(limit)
    tilted = np.arcsin(np.minimum(sine, 1.0)) - limit
    horizon = elevation_reach(ephemeris, radius_m, np.zeros_like(radius_m))
    return np.asarray(np.where(sine < 1.0, np.minimum(tilted, horizon), horizon))
