"""Passes of a satellite over ground stations: AOS, LOS, culmination, elevation over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...link.channel.rate_model import Stretch
from ...link.errors import InputError
from .earth import Site
from .elevation import PassCurves, Places, sine_to_degrees
from .ephemeris import Ephemeris
from .horizon import Horizon, hide
from .run_states import RunStates
from .search import Near
from .windows import best_within, microdegrees, milliseconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_SAMPLE_S = 10.0


@dataclass(frozen=True, slots=True)
class GroundStation:
    """A place with an antenna.

    Attributes:
        site: Location of the antenna.
        elevation_mask_deg: Elevation in degrees above which it can receive.
        horizon: What hides the satellite by azimuth; None if nothing reaches above the mask.

    Raises:
        InputError: The mask is outside 0 to 90 degrees.
    """

    site: Site
    elevation_mask_deg: float = 5.0
    horizon: Horizon | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.elevation_mask_deg < 90.0:
            raise InputError(
                f"elevation mask {self.elevation_mask_deg:g} deg; allowed is 0 to below 90 deg"
            )


@dataclass(frozen=True, slots=True)
class Pass:
    """One satellite over one station, from rising above the mask to setting below it.

    Where the station has a horizon, the satellite must stand above that too; a hill may split what
    would be one pass into two.

    A pass that is under way when the run starts or ends is cut there, and its culmination is the
    highest moment within the run. Times are rounded to the millisecond; a pass whose AOS and LOS
    round to the same millisecond is left out.

    Attributes:
        satellite: Index of the satellite.
        station: Index of the station.
        aos_s: Acquisition of signal, seconds of the run.
        los_s: Loss of signal, seconds of the run.
        max_elevation_deg: Elevation at culmination in degrees.
        culmination_s: Time of the largest elevation.
        curves: Elevation and slant range of all passes of the satellite.
        row: Index of this pass in `curves.windows`.
    """

    satellite: int
    station: int
    aos_s: float
    los_s: float
    max_elevation_deg: float
    culmination_s: float
    curves: PassCurves = field(compare=False, repr=False)
    row: int = field(compare=False, repr=False)

    @property
    def duration_s(self) -> float:
        """Time from AOS to LOS in seconds."""
        return self.los_s - self.aos_s

    def __reduce__(self) -> tuple[type[Pass], tuple[object, ...]]:
        # Pickled as a call, which takes a third of the time of a dataclass's own way.
        return Pass, tuple(getattr(self, name) for name in self.__slots__)

    @property
    def time_s(self) -> Array:
        """Times of samples, from AOS to LOS, at most ten seconds apart, culmination included."""
        return _sample_times(self.aos_s, self.culmination_s, self.los_s)

    @property
    def elevation_deg(self) -> Array:
        """Elevations in degrees at the times of `time_s`."""
        return self.elevation_deg_at(self.time_s)

    def elevation_deg_at(self, time_s: Array) -> Array:
        """Return the elevation in degrees at times, shape ``(n,)``, in seconds of the run."""
        return self.curves.elevation_deg(np.full(len(time_s), self.station), time_s)

    def slant_range_m_at(self, time_s: Array) -> Array:
        """Return the slant range in metres at times, shape ``(n,)``, in seconds of the run."""
        return self.curves.slant_range_m(np.full(len(time_s), self.station), time_s)

    def stretches(self, elevations_deg: Sequence[float]) -> list[Stretch]:
        """Cut the pass where the satellite crosses any of the given elevations.

        Crossings are found by root finding on the elevation curve and rounded to the millisecond.

        Args:
            elevations_deg: Elevations in degrees, in any order.

        Returns:
            Stretches without gaps from AOS to LOS.
        """
        return self.curves.stretches(self.row, elevations_deg)


def passes(
    ephemeris: Ephemeris,
    stations: Sequence[GroundStation],
    satellite: int = 0,
    states: RunStates | None = None,
) -> list[Pass]:
    """Return every pass over every station, in order of AOS.

    Args:
        ephemeris: The satellite's states.
        stations: The stations.
        satellite: Index of the satellite, written into `Pass.satellite`.
        states: What the ephemeris is of; with it, the passes need not keep the states.
    """
    if not stations:
        return []
    mask_deg = np.array([station.elevation_mask_deg for station in stations])
    places = Places.of([station.site for station in stations])
    near = Near.of(ephemeris) if states is None else states.near()
    windows, peaks, condition = places.above(near, mask_deg)
    windows = windows.rounded(ephemeris.end_s)
    horizons = [station.horizon for station in stations]
    if any(horizon is not None for horizon in horizons):
        windows = hide(windows, [station.site for station in stations], horizons, ephemeris)
    if not len(windows):
        return []

    def sine(item: Index, time_s: Array) -> Array:
        value = condition.evaluate(item, time_s, *ephemeris.at(time_s))[0]
        return np.asarray(value + condition.least_sine[item])

    culmination, height = best_within(
        windows, peaks, lambda item, time: sine(item, time) - condition.least_sine[item]
    )
    culmination = np.clip(milliseconds(culmination), windows.start_s, windows.end_s)
    highest_deg = microdegrees(sine_to_degrees(height + condition.least_sine[windows.item]))

    curves = PassCurves(places, mask_deg, near if states is None else states, windows)
    found = [
        Pass(
            satellite,
            int(windows.item[row]),
            float(windows.start_s[row]),
            float(windows.end_s[row]),
            float(highest_deg[row]),
            float(culmination[row]),
            curves,
            row,
        )
        for row in range(len(windows))
    ]
    return sorted(found, key=lambda one: (one.aos_s, one.station))


def _sample_times(start: float, top: float, end: float) -> Array:
    inner = np.arange(np.floor(start / _SAMPLE_S) + 1.0, np.ceil(end / _SAMPLE_S)) * _SAMPLE_S
    return np.unique(np.concatenate(([start, top, end], inner)))
