"""The horizon of a ground station: hills and buildings that hide the satellite, by azimuth.

```
windows above the mask ─► nodes, also where the azimuth passes a corner of the horizon
                              ─► elevation − horizon between them is smooth ─► its zeros
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.channel.level_steps import SampledCurve, Spans
from ...link.clock import TICKS_PER_SECOND
from ...link.errors import InputError
from ...link.root_finding import root
from .earth import Site, normals, positions
from .ephemeris import Ephemeris
from .windows import Windows

Array = NDArray[np.float64]
Index = NDArray[np.intp]

HIGHEST_DEG: Final = 80.0
"""Highest horizon. Beyond it, the azimuth of a satellite may turn by 180 degrees in a second."""

MOST_CORNERS: Final = 720
_STEP_RAD: Final = 0.005  # of the satellite's motion between two samples
_LONGEST_STEP_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Horizon:
    """A closed line of corners; between neighbours, the elevation is linear in the azimuth.

    Attributes:
        azimuth_deg: Azimuths of the corners from north over east, ascending, 0 to below 360.
        elevation_deg: Elevation of the horizon at each corner, 0 to 80 degrees.

    Raises:
        InputError: There is no corner or more than 720, azimuths do not ascend, or an angle is out
            of range.
    """

    azimuth_deg: tuple[float, ...]
    elevation_deg: tuple[float, ...]

    def __post_init__(self) -> None:
        number = len(self.azimuth_deg)
        if not 1 <= number <= MOST_CORNERS or len(self.elevation_deg) != number:
            raise InputError(f"horizon of {number} corners; allowed is 1 to {MOST_CORNERS}")
        for azimuth in self.azimuth_deg:
            if not 0.0 <= azimuth < 360.0:
                raise InputError(f"horizon at azimuth {azimuth:g} deg; allowed is 0 to below 360")
        for elevation in self.elevation_deg:
            if not 0.0 <= elevation <= HIGHEST_DEG:
                raise InputError(
                    f"horizon of {elevation:g} deg; allowed is 0 to {HIGHEST_DEG:g} deg"
                )
        if any(np.diff(self.azimuth_deg) <= 0.0):
            raise InputError("horizon with azimuths that do not ascend; allowed is from 0 upwards")

    def at(self, azimuth_deg: Array) -> Array:
        """Return the elevation of the horizon in degrees at azimuths in degrees, any turn."""
        return np.asarray(
            np.interp(azimuth_deg, self.azimuth_deg, self.elevation_deg, period=360.0)
        )


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The sky over one place, in azimuth and elevation.

    Attributes:
        ephemeris: The satellite's states.
        position: Earth-fixed position of the place in metres, shape ``(3, 1)``.
        axes: Unit vectors to the east, to the north and up, shape ``(3, 3)``, one a row.
    """

    ephemeris: Ephemeris
    position: Array
    axes: Array

    @classmethod
    def of(cls, site: Site, ephemeris: Ephemeris) -> View:
        """Return the view from a site."""
        latitude, longitude = np.array([site.latitude_deg]), np.array([site.longitude_deg])
        up = normals(latitude, longitude)[:, 0]
        turn = np.radians(site.longitude_deg)
        east = np.array([-np.sin(turn), np.cos(turn), 0.0])
        axes = np.stack((east, np.cross(up, east), up))
        return cls(ephemeris, positions(latitude, longitude, np.array([site.altitude_m])), axes)

    def azimuth_elevation_deg(self, time_s: Array) -> tuple[Array, Array]:
        """Return azimuth (0 to 360, from north over east) and elevation, each ``(n,)``."""
        line = self.axes @ (self.ephemeris.at(time_s)[0] - self.position)
        east, north, up = line
        azimuth = np.degrees(np.arctan2(east, north)) % 360.0
        return azimuth, np.degrees(np.arctan2(up, np.hypot(east, north)))


def hide(
    windows: Windows,
    sites: Sequence[Site],
    horizons: Sequence[Horizon | None],
    ephemeris: Ephemeris,
) -> Windows:
    """Cut windows to the times at which the satellite stands above the station's horizon.

    Args:
        windows: Windows of the stations, rounded to the millisecond; the items are stations.
        sites: The stations.
        horizons: The horizon of each; None where nothing hides the satellite.
        ephemeris: The satellite's states.
    """
    parts: list[tuple[Index, Array, Array]] = []
    for station, horizon in enumerate(horizons):
        mine = windows.take(windows.item == station)
        start, end = mine.start_s, mine.end_s
        if horizon is not None and len(mine):
            start, end = _visible(mine, View.of(sites[station], ephemeris), horizon)
        parts.append((np.full(len(start), station), start, end))
    item, start, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Windows(item, start, end)


def _visible(windows: Windows, view: View, horizon: Horizon) -> tuple[Array, Array]:
    """Return starts and ends, in order, of the parts of one station's windows that are visible."""
    spans = Spans(windows.start_s, windows.end_s)
    radius = np.sqrt(np.sum(view.ephemeris.position**2, axis=0))
    speed = np.sqrt(np.sum(view.ephemeris.velocity**2, axis=0))
    step = min(_STEP_RAD / float((speed / radius).max()), _LONGEST_STEP_S)

    def clearance_deg(time_s: Array) -> Array:
        azimuth, elevation = view.azimuth_elevation_deg(time_s)
        return elevation - horizon.at(azimuth)

    corners = _corner_times(spans, step, view, horizon)
    steps = SampledCurve(clearance_deg, spans, step, corners).steps(np.zeros(1))
    seen = steps.count > 0
    last = np.append(steps.span[1:] != steps.span[:-1], True)
    start = steps.tick / TICKS_PER_SECOND
    # Only the run's own end may lie between two milliseconds.
    end = np.where(last, windows.end_s[steps.span], np.append(start[1:], 0.0))
    return start[seen], end[seen]


def _corner_times(spans: Spans, step_s: float, view: View, horizon: Horizon) -> tuple[Index, Array]:
    """Return when the satellite's azimuth passes a corner of the horizon, with the span."""
    span, time = spans.nodes(step_s)
    corner_deg = np.array(horizon.azimuth_deg)
    azimuth, _ = view.azimuth_elevation_deg(time)
    turned = (np.diff(azimuth) + 180.0) % 360.0 - 180.0
    # Corners are numbered on through all turns, from the first node's turn on.
    end = azimuth[:-1] + turned
    before = np.searchsorted(corner_deg, azimuth[:-1], side="right")
    number = len(corner_deg)
    after = np.floor(end / 360.0).astype(np.intp) * number
    after += np.searchsorted(corner_deg, end % 360.0, side="right")
    low, high = np.minimum(before, after), np.maximum(before, after)
    passed = np.where(span[1:] == span[:-1], high - low, 0)
    piece = np.repeat(np.arange(len(passed)), passed)
    offset = np.arange(len(piece)) - np.repeat(np.cumsum(passed) - passed, passed)
    corner = corner_deg[(low[piece] + offset) % number]

    def beyond(item: Index, time_s: Array) -> Array:
        return np.asarray(np.sin(np.radians(view.azimuth_elevation_deg(time_s)[0] - corner[item])))

    every = np.arange(len(piece))
    left, right = time[piece], time[piece + 1]
    values = beyond(every, left), beyond(every, right)
    bracketed = (values[0] >= 0.0) != (values[1] >= 0.0)
    every, left, right = every[bracketed], left[bracketed], right[bracketed]
    found = root(
        beyond,
        every,
        (left, values[0][bracketed]),
        (right, values[1][bracketed]),
        max(1e-7, 4.0 * float(np.spacing(np.max(time)))),
    )
    return span[piece[bracketed]], found
