"""Propagates an orbit with SGP4 over arrays of times, in TEME and Earth-fixed axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec

from ...link.errors import InputError
from .clock import Clock
from .earth import geodetic
from .elements import Elements, sgp4_complaint
from .ephemeris import Ephemeris, sampled
from .frames import Axes, earth_fixed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Propagator:
    """Computes the position and velocity of one satellite at any second of a run.

    Earth-fixed axes are TEME rotated by GMST(UT1), as in skyfield by default. Polar motion is
    neglected (at most 15 m on the ground, 2 ms in the time of a pass).
    """

    elements: Elements
    start: datetime
    clock: Clock = field(init=False)
    _record: Satrec = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clock", Clock(self.start))
        object.__setattr__(self, "_record", self.elements.satrec())

    def teme(self, time_s: Array) -> tuple[Array, Array]:
        """Return position (m) and velocity (m/s) in TEME, each of shape ``(3, n)``.

        Raises:
            InputError: SGP4 fails at one of these times, usually because the orbit has decayed.
        """
        time_s = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
        whole = np.full(time_s.shape, self.clock.jd_whole)
        code, position, velocity = self._record.sgp4_array(whole, self.clock.utc_fraction(time_s))
        if code.any():
            first = int(np.argmax(code != 0))
            when = self.clock.start + timedelta(seconds=float(time_s[first]))
            raise InputError(f"orbit at {when:%Y-%m-%dT%H:%M:%SZ}: {sgp4_complaint(code[first])}")
        return position.T * 1e3, velocity.T * 1e3

    def ecef(self, time_s: Array) -> tuple[Array, Array]:
        """Return position (m) and velocity (m/s) in Earth-fixed axes, each of shape ``(3, n)``.

        The velocity is relative to the rotating Earth.

        Raises:
            InputError: As for `teme`.
        """
        time_s = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
        return earth_fixed(Axes.TEME, *self.teme(time_s), self.clock, time_s)

    def subpoint(self, time_s: Array) -> tuple[Array, Array, Array]:
        """Return geodetic latitude and longitude (degrees) and height (m) of the satellite."""
        return geodetic(self.ecef(time_s)[0])

    def ephemeris(self, duration_s: float, step_s: float = 30.0) -> Ephemeris:
        """Compute states from 0 to `duration_s` at even steps of at most `step_s`.

        Raises:
            InputError: As for `teme`, or the duration is not positive and finite.
        """
        return sampled(self.ecef, duration_s, step_s)
