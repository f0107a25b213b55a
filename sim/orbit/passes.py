"""Passes of a satellite over ground stations: AOS, LOS, culmination, elevation along the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .conditions import AboveElevation
from .earth import Site, normals, positions
from .ephemeris import Ephemeris
from .search import Near, find
from .windows import Peaks, Windows, best_within, microdegrees, milliseconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_Sine = Callable[[Index, Array], Array]

_SAMPLE_S = 10.0
# Geodetic and geocentric vertical differ by at most 0.193 degrees; angles are widened by this.
_VERTICAL_SLACK = np.radians(0.25)


@dataclass(frozen=True, slots=True)
class GroundStation:
    """A place with an antenna.

    Raises:
        InputError: A mask outside 0 to 90 degrees.
    """

    site: Site
    elevation_mask_deg: float = 5.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.elevation_mask_deg < 90.0:
            raise InputError(
                f"elevation mask {self.elevation_mask_deg:g} deg; allowed is 0 to below 90 deg"
            )


@dataclass(frozen=True, slots=True)
class Pass:
    """One satellite over one station, from the mask up and down to it again.

    A pass that is under way when the run starts or ends is cut there, and its culmination is the
    highest moment within the run. Times are to the millisecond, and a pass that rounds to nothing
    is none.

    Attributes:
        satellite: Index of the satellite.
        station: Index of the station.
        aos_s: Acquisition of signal, seconds of the run.
        los_s: Loss of signal.
        max_elevation_deg: Elevation at culmination.
        culmination_s: Moment of the largest elevation.
        time_s: Times of samples, from AOS to LOS, ten seconds apart or less, culmination among
            them.
        elevation_deg: Elevations at these times.
        step_start_s: Where stretches within one step of the elevation table start; the first at
            AOS. Each lasts to the next, the last to LOS.
        step: For each stretch the index of the table's largest elevation at or below the
            satellite's, or -1 where the satellite is below them all.
    """

    satellite: int
    station: int
    aos_s: float
    los_s: float
    max_elevation_deg: float
    culmination_s: float
    time_s: Array = field(compare=False, repr=False)
    elevation_deg: Array = field(compare=False, repr=False)
    step_start_s: Array = field(compare=False, repr=False)
    step: Index = field(compare=False, repr=False)

    @property
    def duration_s(self) -> float:
        """Time from AOS to LOS in seconds."""
        return self.los_s - self.aos_s

    def stretches(self) -> list[tuple[float, float, int]]:
        """Start, end and step of each stretch within one step of the elevation table."""
        starts = self.step_start_s.tolist()
        return list(zip(starts, [*starts[1:], self.los_s], self.step.tolist(), strict=True))


def passes(
    ephemeris: Ephemeris,
    stations: Sequence[GroundStation],
    elevation_steps_deg: Sequence[float] = (),
    satellite: int = 0,
) -> list[Pass]:
    """Every pass over every station, in order of AOS.

    Args:
        ephemeris: The satellite's states.
        stations: The stations.
        elevation_steps_deg: Elevations of a table (of data rates, say), ascending: a pass tells
            when the satellite crosses each.
        satellite: What to write into `Pass.satellite`.

    Raises:
        InputError: The elevations of the table do not ascend or are no elevations.
    """
    steps = np.array(elevation_steps_deg, dtype=np.float64)
    if np.any(np.diff(steps) <= 0.0) or np.any(np.abs(steps) > 90.0):
        raise InputError(
            f"elevations of a step table {[float(step) for step in steps]}; "
            "allowed is -90 to 90 deg, ascending"
        )
    if not stations:
        return []
    mask_deg = np.array([station.elevation_mask_deg for station in stations])
    places = _Places.of([station.site for station in stations])
    near = Near.of(ephemeris)
    windows, peaks, condition = places.above(near, mask_deg)
    windows = windows.rounded(ephemeris.end_s)
    if not len(windows):
        return []

    def sine(item: Index, time_s: Array) -> Array:
        value = condition.evaluate(item, time_s, *ephemeris.at(time_s))[0]
        return np.asarray(value + condition.least_sine[item])

    culmination, height = best_within(
        windows, peaks, lambda item, time: sine(item, time) - condition.least_sine[item]
    )
    culmination = np.clip(milliseconds(culmination), windows.start_s, windows.end_s)
    highest_deg = microdegrees(_degrees(height + condition.least_sine[windows.item]))

    samples = [
        _sample_times(start, top, end)
        for start, top, end in zip(windows.start_s, culmination, windows.end_s, strict=True)
    ]
    elevations = _at_times(windows.item, samples, sine)
    starts = _step_starts(places, near, mask_deg, steps, windows)
    ends = [np.append(start[1:], end) for start, end in zip(starts, windows.end_s, strict=True)]
    middles = [(start + end) / 2.0 for start, end in zip(starts, ends, strict=True)]
    levels = [
        np.searchsorted(steps, level, side="right") - 1
        for level in _at_times(windows.item, middles, sine)
    ]
    found = [
        Pass(
            satellite,
            int(windows.item[i]),
            float(windows.start_s[i]),
            float(windows.end_s[i]),
            float(highest_deg[i]),
            float(culmination[i]),
            samples[i],
            elevations[i],
            starts[i],
            levels[i],
        )
        for i in range(len(windows))
    ]
    return sorted(found, key=lambda one: (one.aos_s, one.station))


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    place: Array
    up: Array

    @classmethod
    def of(cls, sites: Sequence[Site]) -> _Places:
        latitude = np.array([site.latitude_deg for site in sites])
        longitude = np.array([site.longitude_deg for site in sites])
        altitude = np.array([site.altitude_m for site in sites])
        return cls(positions(latitude, longitude, altitude), normals(latitude, longitude))

    def above(self, near: Near, least_deg: Array) -> tuple[Windows, Peaks, AboveElevation]:
        """Windows at or above an elevation at each place."""
        condition = AboveElevation(self.place, self.up, np.sin(np.radians(least_deg)))
        radius = np.sqrt(np.sum(self.place**2, axis=0))
        reach = elevation_reach(near.ephemeris, radius, np.radians(least_deg))
        pairs = list(near.pairs(self.place / radius, reach))
        item, grid = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return *find(condition, near.ephemeris, item, grid), condition


def elevation_reach(ephemeris: Ephemeris, radius_m: Array, elevation: Array) -> Array:
    """The angle at the Earth's centre within which a satellite can stand above an elevation.

    Args:
        ephemeris: The satellite's states.
        radius_m: Distance of the places from the Earth's centre, shape ``(n,)``.
        elevation: Elevations in radians, shape ``(n,)``.
    """
    farthest = float(np.sqrt(np.sum(ephemeris.position**2, axis=0)).max()) * 1.001
    low = np.maximum(elevation - _VERTICAL_SLACK, -np.pi / 2.0)
    return np.asarray(np.arccos(np.minimum(radius_m / farthest, 1.0) * np.cos(low)) - low)


def _degrees(sine: Array) -> Array:
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))


def _sample_times(start: float, top: float, end: float) -> Array:
    inner = np.arange(np.floor(start / _SAMPLE_S) + 1.0, np.ceil(end / _SAMPLE_S)) * _SAMPLE_S
    return np.unique(np.concatenate(([start, top, end], inner)))


def _at_times(item: Index, times: list[Array], sine: _Sine) -> list[Array]:
    lengths = [len(time) for time in times]
    elevation_deg = _degrees(sine(np.repeat(item, lengths), np.concatenate(times)))
    return np.split(elevation_deg, np.cumsum(lengths)[:-1])


def _step_starts(
    places: _Places, near: Near, mask_deg: Array, steps_deg: Array, windows: Windows
) -> list[Array]:
    crossings: list[tuple[Index, Array]] = [(np.arange(len(windows)), windows.start_s)]
    span = float(windows.end_s.max()) + 1.0
    for step_deg in steps_deg:
        if step_deg <= mask_deg.min():
            continue
        higher, _, _ = places.above(near, np.full(len(mask_deg), step_deg))
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
