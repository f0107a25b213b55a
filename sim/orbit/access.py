"""Accesses: the times at which the imager can image a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from ...link.root_finding import root
from .areas import Areas, central_angle, ground_distance, upward
from .areasearch import AreaView, stations
from .conditions import AboveElevation, InFieldOfRegard, OffNadirCosine, SunAbove, WithinTilt
from .earth import Site, geodetic, normals, positions
from .ephemeris import Ephemeris
from .polygon import Polygon
from .regard import FieldOfRegard, sight_angle
from .region import LandArea
from .search import Near, find
from .sun import Sun
from .windows import Windows, microdegrees, milliseconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_Measure = Callable[[Index, Array], tuple[Array, Array]]

_CHUNK = 2_000  # points processed together
_AREAS = 200  # areas processed together
# Step (as an angle at the Earth's centre, 13 km) of the search within an access for the smallest
# off-nadir angle to an area.
_STEP = 2e-3
_TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True)
class Imaging:
    """The imager's limits on the viewing geometry.

    Attributes:
        off_nadir_limit_deg: Largest off-nadir angle; 0 for an imager that only looks straight
            down. Nadir is the direction to the Earth's centre.
        min_sun_elevation_deg: Minimum elevation of the Sun at the target, or None to image by
            day and night.
        swath_m: Width of the swath on the ground. Everything within half a swath of the line of
            sight is imaged too.

    Raises:
        InputError: A value is out of range, or the off-nadir limit and the swath are both 0.
    """

    off_nadir_limit_deg: float
    min_sun_elevation_deg: float | None = None
    swath_m: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.off_nadir_limit_deg < 90.0:
            raise InputError(
                f"off-nadir limit {self.off_nadir_limit_deg:g} deg; allowed is 0 to below 90"
            )
        least = self.min_sun_elevation_deg
        if least is not None and not -90.0 <= least <= 90.0:
            raise InputError(f"least Sun elevation {least:g} deg; allowed is -90 to 90 deg")
        if not 0.0 <= self.swath_m <= 1e7:
            raise InputError(f"swath {self.swath_m:g} m; allowed is 0 to 10000 km")
        if not self.off_nadir_limit_deg and not self.swath_m:
            raise InputError("off-nadir limit 0 deg and swath 0 m; allowed is one of them at most")

    @property
    def field(self) -> FieldOfRegard:
        """The ground that the imager can reach."""
        return FieldOfRegard(math.radians(self.off_nadir_limit_deg), self.swath_m / 2.0)


@dataclass(frozen=True, slots=True)
class Access:
    """One time window in which a target can be imaged.

    Times are rounded to the millisecond and angles to the microdegree.

    Attributes:
        satellite: Index of the satellite.
        target: Index of the target.
        start_s: Start, in seconds of the run.
        end_s: End, in seconds of the run.
        best_s: Time of the smallest off-nadir angle. If the sub-satellite point crosses an area,
            the middle of the longest stretch inside it.
        off_nadir_deg: Angle from nadir to the line of sight at `best_s`. The imager tilts less
            where the swath covers the rest.
        sun_elevation_deg: Elevation of the Sun at the imaged point at `best_s`.
        latitude_deg: Latitude of the imaged point at `best_s`.
        longitude_deg: Longitude of the imaged point at `best_s`, -180 to 180.
        first_s: When the satellite is abeam of the point that is in reach at `start_s`, clipped
            to the access. An area passes below or beside the satellite from `first_s` to
            `last_s`.
        last_s: When the satellite is abeam of the point that is in reach at `end_s`, clipped
            likewise. For a point target, both are `best_s`.
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
    first_s: float
    last_s: float

    @property
    def duration_s(self) -> float:
        """Time from start to end in seconds."""
        return self.end_s - self.start_s


def accesses(
    ephemeris: Ephemeris,
    sun: Sun,
    targets: Sequence[Site | Polygon | LandArea],
    imaging: Imaging,
    satellite: int = 0,
) -> list[Access]:
    """Compute every access to every target, in order of start.

    A point is accessible while the imager reaches it, the satellite is above its horizon, and the
    Sun stands high enough over it. The imager reaches the ground within its off-nadir limit and
    half a swath beyond. An area is accessible while the imager reaches any point of it at which
    the Sun stands high enough; `areasearch` describes how the search avoids missing such times.

    Args:
        ephemeris: The satellite's states.
        sun: The Sun over the same time span.
        targets: Points and polygons; `strips` finds the accesses to areas of land.
        imaging: The imager's limits.
        satellite: Index of the satellite, written into `Access.satellite`.
    """
    points = [n for n, target in enumerate(targets) if isinstance(target, Site)]
    areas = [n for n, target in enumerate(targets) if isinstance(target, Polygon)]
    found = [
        _of_points(ephemeris, sun, points[low : low + _CHUNK], targets, imaging)
        for low in range(0, len(points), _CHUNK)
    ]
    found += [
        _of_areas(ephemeris, sun, areas[low : low + _AREAS], targets, imaging)
        for low in range(0, len(areas), _AREAS)
    ]
    if not found:
        return []
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    order = np.lexsort((columns[0], columns[1]))
    rows = zip(*(column[order].tolist() for column in columns), strict=True)
    return [Access(satellite, *row) for row in rows]


_Columns = tuple[NDArray[np.generic], ...]
"""The columns of `Access`, from `target` onwards."""


def _of_points(
    ephemeris: Ephemeris,
    sun: Sun,
    chosen: Sequence[int],
    targets: Sequence[Site | Polygon | LandArea],
    imaging: Imaging,
) -> _Columns:
    sites = [site for site in (targets[n] for n in chosen) if isinstance(site, Site)]
    north = np.array([site.latitude_deg for site in sites])
    east = np.array([site.longitude_deg for site in sites])
    place = positions(north, east, np.array([site.altitude_m for site in sites]))
    up = normals(north, east)
    ground = np.sqrt(np.sum(place**2, axis=0))
    distance = np.sqrt(np.sum(ephemeris.position**2, axis=0))
    field = imaging.field

    reach = field.radius(np.array([distance.max() * 1.001]), ground)
    pairs = list(Near.of(ephemeris).pairs(place / ground, reach))
    item, grid = (np.concatenate(column) for column in zip(*pairs, strict=True))
    smooth = field.is_smooth(distance * 1.001)
    view = (InFieldOfRegard if smooth else WithinTilt)(place, ground, field)
    windows = find(view, ephemeris, item, grid)[0]
    if field.meets_horizon(distance):
        horizon = AboveElevation(place, up, np.zeros(len(sites)))
        windows = windows.intersect(find(horizon, ephemeris, item, grid)[0])
    if imaging.min_sun_elevation_deg is not None:
        daylight = SunAbove(sun, up, math.sin(math.radians(imaging.min_sun_elevation_deg)))
        windows = windows.intersect(find(daylight, ephemeris, item, grid)[0])
    windows = windows.rounded(ephemeris.end_s)

    sight = OffNadirCosine(place)

    def nearness(which: Index, time_s: Array) -> tuple[Array, Array]:
        return sight.evaluate(windows.item[which], time_s, *ephemeris.at(time_s))

    owner, time = stations(windows, ephemeris, math.inf)
    _, best, cosine = _highest_of(nearness, owner, time, *nearness(owner, time))
    best = np.clip(milliseconds(best), windows.start_s, windows.end_s)
    point = windows.item
    return (
        np.array(chosen, dtype=np.intp)[point],
        windows.start_s,
        windows.end_s,
        best,
        microdegrees(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))),
        microdegrees(sun.elevation_deg(up[:, point], best)),
        microdegrees(north[point]),
        microdegrees((east[point] + 180.0) % 360.0 - 180.0),
        best,
        best,
    )


def _of_areas(
    ephemeris: Ephemeris,
    sun: Sun,
    chosen: Sequence[int],
    targets: Sequence[Site | Polygon | LandArea],
    imaging: Imaging,
) -> _Columns:
    polygons = [area for area in (targets[n] for n in chosen) if isinstance(area, Polygon)]
    distance = np.sqrt(np.sum(ephemeris.position**2, axis=0))
    field = imaging.field
    view = AreaView(Areas.of(polygons), ephemeris, field, field.meets_horizon(distance))
    windows = view.windows()
    least = imaging.min_sun_elevation_deg
    if least is not None:
        windows = view.in_sunlight(windows, sun, least)
    windows = windows.rounded(ephemeris.end_s)

    best = np.clip(
        milliseconds(_best_of_areas(view, windows, sun, least)), windows.start_s, windows.end_s
    )
    area = windows.item
    seen, _ = view.seen(area, best, sun, least)
    position, _ = ephemeris.at(best)
    height = np.sqrt(np.sum(position**2, axis=0))
    ground = ground_distance(seen)
    apart = central_angle(seen, position / height)
    north, east, _ = geodetic(seen * ground)
    first, last = (
        milliseconds(
            np.clip(
                _abeam(ephemeris, view.seen(area, edge, sun, least)[0], edge),
                windows.start_s,
                windows.end_s,
            )
        )
        for edge in (windows.start_s, windows.end_s)
    )
    return (
        np.array(chosen, dtype=np.intp)[area],
        windows.start_s,
        windows.end_s,
        best,
        microdegrees(np.degrees(sight_angle(height, ground, apart))),
        microdegrees(sun.elevation_deg(upward(seen), best)),
        microdegrees(north),
        microdegrees(east),
        np.minimum(first, last),
        np.maximum(first, last),
    )


def _best_of_areas(view: AreaView, windows: Windows, sun: Sun, least_deg: float | None) -> Array:
    """Return the time of the best view of each window's area; see `Access.best_s`.

    Only points with enough sunlight count. If the nearest point never has enough, the sunniest
    one is imaged, and the middle of the window is as good a time as any.
    """
    best = (windows.start_s + windows.end_s) / 2.0
    # Start with the grid times, which are enough to find the middle of a long crossing.
    rest = np.arange(len(windows))
    for step in (math.inf, _STEP):
        if not len(rest):
            break
        part = windows.take(rest)
        owner, time = stations(part, view.ephemeris, step)
        height, rate, lit = _area_heights(view, part.item[owner], time, sun, least_deg)
        over = lit & (height == 0.0)
        crossed, middle = _middle_of_longest(over, owner, time)
        best[rest[crossed]] = middle
        if step < math.inf:
            beside = np.setdiff1d(owner[lit], crossed)
            kept = np.flatnonzero(lit & np.isin(owner, beside))

            def nearness(which: Index, time_s: Array, part: Windows = part) -> tuple[Array, Array]:
                return view.closeness(part.item[which], time_s)[:2]

            which, moment, _ = _highest_of(
                nearness, owner[kept], time[kept], height[kept], rate[kept]
            )
            best[rest[which]] = moment
        rest = np.delete(rest, crossed)
    # Rounding may put a window's end on the wrong side of sunrise or sunset.
    inset = np.minimum(2e-3, (windows.end_s - windows.start_s) / 2.0)
    if least_deg is None:
        return best
    return np.clip(best, windows.start_s + inset, windows.end_s - inset)


def _area_heights(
    view: AreaView, area: Index, time_s: Array, sun: Sun, least_deg: float | None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the closeness of the nearest points, its rate, and whether they are sunlit enough."""
    height, rate, direction = view.closeness(area, time_s)
    lit = np.ones(len(area), dtype=np.bool_)
    if least_deg is not None:
        lit = sun.elevation_deg(upward(direction), time_s) >= least_deg
    return height, rate, lit


def _middle_of_longest(
    holds: NDArray[np.bool_], owner: Index, time_s: Array
) -> tuple[Index, Array]:
    """Return the middle of each owner's longest run of samples for which `holds` is true."""
    chosen = np.flatnonzero(holds)
    if not len(chosen):
        return np.empty(0, dtype=np.intp), np.empty(0)
    fresh = np.concatenate(([True], (np.diff(chosen) > 1) | (np.diff(owner[chosen]) != 0)))
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(chosen)) - 1
    start, end = time_s[chosen[first]], time_s[chosen[last]]
    of = owner[chosen[first]]
    order = np.lexsort((end - start, of))
    longest = order[np.flatnonzero(np.diff(of[order], append=-1))]
    return of[longest], (start[longest] + end[longest]) / 2.0


def _highest_of(
    measure: _Measure, owner: Index, time_s: Array, value: Array, rate: Array
) -> tuple[Index, Array, Array]:
    """Find each owner's highest value, among the samples and the maxima between them.

    Args:
        measure: Gives value and rate for owners at times.
        owner: Owner of each sample, sorted.
        time_s: Times of the samples, sorted for each owner.
        value: Values of the samples.
        rate: Rates of the samples.

    Returns:
        The owners that have samples, and the time and value of each one's maximum.
    """
    turns = (owner[1:] == owner[:-1]) & (rate[:-1] > 0.0) & (rate[1:] <= 0.0)
    at = np.flatnonzero(turns)
    peak = root(
        lambda which, moment: measure(which, moment)[1],
        owner[at],
        (time_s[at], rate[at]),
        (time_s[at + 1], rate[at + 1]),
        _TOLERANCE_S,
    )
    who = np.concatenate((owner, owner[at]))
    when = np.concatenate((time_s, peak))
    high = np.concatenate((value, measure(owner[at], peak)[0]))
    order = np.lexsort((high, who))
    best = order[np.flatnonzero(np.diff(who[order], append=-1))]
    return who[best], when[best], high[best]


def _abeam(ephemeris: Ephemeris, direction: Array, time_s: Array) -> Array:
    """Return the times at which the satellite is abeam of places.

    Newton's method finds the time at which the along-track distance to the place is zero.

    Args:
        ephemeris: The satellite's states.
        direction: Unit vectors from the Earth's centre to the places, shape ``(3, n)``.
        time_s: Times from which the iteration starts, shape ``(n,)``.
    """
    moment = time_s
    for _ in range(4):
        position, velocity = ephemeris.at(moment)
        distance = np.sqrt(np.sum(position**2, axis=0))
        below = position / distance
        turning = velocity - np.sum(below * velocity, axis=0) * below
        speed = np.maximum(np.sqrt(np.sum(turning**2, axis=0)), 1e-9)
        along = np.arctan2(
            np.sum(direction * turning, axis=0) / speed, np.sum(direction * below, axis=0)
        )
        moment = np.clip(moment + along * distance / speed, ephemeris.time_s[0], ephemeris.end_s)
    return moment
