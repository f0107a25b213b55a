"""Position of the Sun, computed without downloads."""

from __future__ import annotations

from dataclasses import dataclass

import erfa
import numpy as np
from numpy.typing import NDArray

from .clock import Clock
from .earth import ROTATION_RATE

Array = NDArray[np.float64]

AU_M = 149_597_870_700.0
_LIGHT_TIME_DAYS = 499.004782 / 86_400.0
_KNOT_S = 6.0 * 3_600.0


@dataclass(frozen=True, slots=True, eq=False)
class Sun:
    """The apparent direction of the Sun over a run, in Earth-fixed axes.

    The position comes from the IAU SOFA series `epv00` (Earth from the Sun, 5 µrad over 1900 to
    2100), evaluated one light time earlier, which accounts for aberration, and rotated by IAU
    2006/2000A precession and nutation. It is tabulated every six hours in axes that do not rotate
    with the Earth, interpolated there (within 0.6 arcsec), and then rotated by GMST. The result is
    within 3 arcsec of DE421.
    """

    clock: Clock
    _knot_s: Array
    _inertial_m: Array

    @classmethod
    def over(cls, clock: Clock, duration_s: float) -> Sun:
        """Tabulate the Sun for times from 0 to `duration_s`."""
        knots = np.arange(0.0, duration_s + 2.0 * _KNOT_S, _KNOT_S)
        tt = clock.tt_fraction(knots)
        whole = np.full(knots.shape, clock.jd_whole)
        heliocentric, _ = erfa.epv00(whole, tt - _LIGHT_TIME_DAYS)
        to_earth_fixed = erfa.c2t06a(whole, tt, whole, clock.ut1_fraction(knots), 0.0, 0.0)
        fixed = np.einsum("nij,nj->in", to_earth_fixed, -heliocentric["p"]) * AU_M
        return cls(clock, knots, _turn(fixed, -clock.gmst(knots)))

    def position(self, time_s: Array) -> Array:
        """Return the Earth-fixed position of the Sun in metres, shape ``(3, n)``."""
        inertial = np.stack([np.interp(time_s, self._knot_s, axis) for axis in self._inertial_m])
        return _turn(inertial, self.clock.gmst(time_s))

    def direction(self, time_s: Array) -> Array:
        """Return Earth-fixed unit vectors to the Sun, shape ``(3, n)``."""
        position = self.position(time_s)
        return np.asarray(position / np.sqrt(np.sum(position**2, axis=0)))

    def elevation_deg(self, up: Array, time_s: Array) -> Array:
        """Return the elevation of the Sun's centre over places, without refraction.

        Args:
            up: Unit normals of the places, shape ``(3, n)`` or ``(3, 1)``.
            time_s: Times, shape ``(n,)``.
        """
        sine = np.sum(up * self.direction(time_s), axis=0)
        return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def earth_fixed_rate(direction: Array) -> Array:
    """Return the rate, per second, of an inertially fixed direction in Earth-fixed axes."""
    rate = np.zeros_like(direction)
    rate[0] = ROTATION_RATE * direction[1]
    rate[1] = -ROTATION_RATE * direction[0]
    return rate


def _turn(vector: Array, angle: Array) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = vector
    return np.stack([cosine * x + sine * y, cosine * y - sine * x, z])
