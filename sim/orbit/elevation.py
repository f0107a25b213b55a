"""Elevation and slant range of a satellite, seen from places on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...link.channel.rate_model import Stretch
from .conditions import AboveElevation
from .earth import Site, normals, positions
from .ephemeris import Ephemeris
from .run_states import RunStates
from .search import Near, find
from .windows import Peaks, Windows, milliseconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]

Cut = tuple[Index, Array, Array, Array]
"""Stretches of all passes: each pass's first, one more at the end; start, end, and elevation."""

# Geodetic and geocentric vertical differ by at most 0.193 degrees, so searches are widened by this.
_VERTICAL_SLACK = np.radians(0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places on the ground, as vectors.

    Attributes:
        position: Earth-fixed positions in metres, shape ``(3, n)``.
        up: Unit normals to the ellipsoid, shape ``(3, n)``.
    """

    position: Array
    up: Array

    @classmethod
    def of(cls, sites: Sequence[Site]) -> Places:
        """Return the vectors of sites."""
        latitude = np.array([site.latitude_deg for site in sites])
        longitude = np.array([site.longitude_deg for site in sites])
        altitude = np.array([site.altitude_m for site in sites])
        return cls(positions(latitude, longitude, altitude), normals(latitude, longitude))

    def above(self, near: Near, least_deg: Array) -> tuple[Windows, Peaks, AboveElevation]:
        """Find the windows in which the satellite stands at or above an elevation.

        Args:
            near: The satellite's states.
            least_deg: The elevation for each place, shape ``(n,)``.

        Returns:
            The windows, the culminations in them, and the condition that holds in them.
        """
        condition = AboveElevation(self.position, self.up, np.sin(np.radians(least_deg)))
        radius = np.sqrt(np.sum(self.position**2, axis=0))
        reach = elevation_reach(near.ephemeris, radius, np.radians(least_deg))
        pairs = list(near.pairs(self.position / radius, reach))
        item, grid = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return *find(condition, near.ephemeris, item, grid), condition


@dataclass(frozen=True, slots=True, eq=False)
class PassCurves:
    """Elevation and slant range over time, for all passes of one satellite.

    The passes share this object, so that crossings of an elevation are searched for in all
    passes at once, and only once for each elevation.

    Attributes:
        places: The stations.
        mask_deg: Elevation masks of the stations, shape ``(n,)``.
        states: The satellite's states, or the states that they follow from.
        windows: Windows from AOS to LOS of each pass; the items are stations.
    """

    places: Places
    mask_deg: Array
    states: Near | RunStates
    windows: Windows
    _cuts: dict[tuple[float, ...], Cut] = field(default_factory=dict)

    @property
    def near(self) -> Near:
        """The satellite's states."""
        return self.states if isinstance(self.states, Near) else self.states.near()

    def elevation_deg(self, station: Index, time_s: Array) -> Array:
        """Return the geometric elevation in degrees.

        Args:
            station: Index of the station for each time, shape ``(n,)``.
            time_s: Seconds of the run, shape ``(n,)``.
        """
        horizon = AboveElevation(self.places.position, self.places.up, np.zeros(len(self.mask_deg)))
        sine, _ = horizon.evaluate(station, time_s, *self.near.ephemeris.at(time_s))
        return sine_to_degrees(sine)

    def slant_range_m(self, station: Index, time_s: Array) -> Array:
        """Return the distance from station to satellite in metres; see `elevation_deg`."""
        satellite, _ = self.near.ephemeris.at(time_s)
        line = satellite - self.places.position[:, station]
        return np.asarray(np.sqrt(np.sum(line**2, axis=0)))

    def stretches(self, row: int, elevations_deg: Sequence[float]) -> list[Stretch]:
        """Cut one pass where it crosses any of the given elevations.

        Args:
            row: Index of the pass in `windows`.
            elevations_deg: Elevations, in any order.
        """
        self.cut(elevations_deg)
        first, start, end, middle_deg = self._cuts[tuple(elevations_deg)]
        mine = slice(int(first[row]), int(first[row + 1]))
        columns = (column[mine].tolist() for column in (start, end, middle_deg))
        return [Stretch(*stretch) for stretch in zip(*columns, strict=True)]

    def cut(self, elevations_deg: Sequence[float]) -> None:
        """Compute the stretches of all passes between given elevations, for later."""
        key = tuple(elevations_deg)
        if key not in self._cuts:
            self._cuts[key] = self._cut(key)

    def _cut(self, elevations_deg: tuple[float, ...]) -> Cut:
        starts = self._crossings(elevations_deg)
        ends = [
            np.append(start[1:], end) for start, end in zip(starts, self.windows.end_s, strict=True)
        ]
        lengths = [len(start) for start in starts]
        start, end = np.concatenate(starts), np.concatenate(ends)
        middle_deg = self.elevation_deg(np.repeat(self.windows.item, lengths), (start + end) / 2.0)
        return np.concatenate(([0], np.cumsum(lengths))), start, end, middle_deg

    def _crossings(self, elevations_deg: tuple[float, ...]) -> list[Array]:
        """Return AOS and the times of crossings of each pass, ascending, to the millisecond."""
        windows = self.windows
        crossings: list[tuple[Index, Array]] = [(np.arange(len(windows)), windows.start_s)]
        span = float(windows.end_s.max()) + 1.0
        for level_deg in elevations_deg:
            if level_deg <= self.mask_deg.min():
                continue
            higher, _, _ = self.places.above(self.near, np.full(len(self.mask_deg), level_deg))
            for time in (milliseconds(higher.start_s), milliseconds(higher.end_s)):
                into = np.searchsorted(
                    windows.item * span + windows.start_s, higher.item * span + time, side="right"
                )
                into = np.maximum(into - 1, 0)
                inside = (
                    (windows.item[into] == higher.item)
                    & (time > windows.start_s[into])
                    & (time < windows.end_s[into])
                )
                crossings.append((into[inside], time[inside]))
        owner = np.concatenate([which for which, _ in crossings])
        time = np.concatenate([moment for _, moment in crossings])
        order = np.lexsort((time, owner))
        starts = np.split(time[order], np.searchsorted(owner[order], np.arange(1, len(windows))))
        return [np.unique(start) for start in starts]


def elevation_reach(ephemeris: Ephemeris, radius_m: Array, elevation: Array) -> Array:
    """Return the angle at the Earth's centre within which a satellite can be above an elevation.

    Args:
        ephemeris: The satellite's states.
        radius_m: Distance of the places from the Earth's centre, shape ``(n,)``.
        elevation: Elevations in radians, shape ``(n,)``.
    """
    farthest = float(np.sqrt(np.sum(ephemeris.position**2, axis=0)).max()) * 1.001
    low = np.maximum(elevation - _VERTICAL_SLACK, -np.pi / 2.0)
    return np.asarray(np.arccos(np.minimum(radius_m / farthest, 1.0) * np.cos(low)) - low)


def sine_to_degrees(sine: Array) -> Array:
    """Return angles in degrees from their sines, which may exceed 1 by a rounding error."""
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
