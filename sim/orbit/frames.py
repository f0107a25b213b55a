"""Reference frames: from the axes of an ephemeris to Earth-fixed ones.

Earth-fixed axes are the ITRF without polar motion, which moves a place by at most 15 m. From TEME
they are reached by GMST (1982), as SGP4's theory has it; from GCRF by precession and nutation
IAU 2000B (within a thousandth of an arc second of 2000A from 1995 to 2050, 3 cm in low orbit) and
apparent sidereal time. ICRF and GCRF have the same axes; those of EME2000 differ from them by the
constant frame bias, 23 milliarcseconds.

Sources: AIAA 2006-6753, appendix C (TEME); IERS Conventions (2010), chapter 5, with the SOFA
routines `pnm00b`, `gst00b` and `bp00`.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import erfa
import numpy as np
from numpy.typing import NDArray

from .clock import Clock
from .earth import ROTATION_RATE

Array = NDArray[np.float64]

_J2000 = 2_451_545.0


class Axes(StrEnum):
    """Axes in which states are given; the origin is the Earth's centre."""

    ITRF = "ITRF"
    GCRF = "GCRF"
    EME2000 = "EME2000"
    TEME = "TEME"


def earth_fixed(
    axes: Axes, position: Array, velocity: Array, clock: Clock, time_s: Array
) -> tuple[Array, Array]:
    """Convert states to Earth-fixed axes.

    Args:
        axes: Axes of the states.
        position: Positions in metres, shape ``(3, n)``.
        velocity: Velocities in m/s in the same axes, shape ``(3, n)``; those in ITRF are relative
            to the rotating Earth.
        clock: Clock of the run.
        time_s: Times of the states in seconds of the run, shape ``(n,)``.

    Returns:
        Positions and velocities, each of shape ``(3, n)``; the velocities are relative to the
        rotating Earth.
    """
    match axes:
        case Axes.ITRF:
            return position, velocity
        case Axes.TEME:
            return _rotated(position, velocity, clock.gmst(time_s))
        case Axes.GCRF | Axes.EME2000:
            whole = np.full(time_s.shape, clock.jd_whole)
            matrix = erfa.pnm00b(whole, clock.tt_fraction(time_s))
            if axes is Axes.EME2000:
                matrix = matrix @ _bias().T
            position = np.einsum("nij,jn->in", matrix, position)
            velocity = np.einsum("nij,jn->in", matrix, velocity)
            return _rotated(position, velocity, erfa.gst00b(whole, clock.ut1_fraction(time_s)))


@cache
def _bias() -> Array:
    """Return the matrix that turns vectors in GCRF to EME2000."""
    matrix, _, _ = erfa.bp00(_J2000, 0.0)
    return np.asarray(matrix)


def _rotated(position: Array, velocity: Array, angle: Array) -> tuple[Array, Array]:
    """Rotate states about the pole by the Earth's angle, and take its rotation off velocities."""
    (x, y, z), (vx, vy, vz) = position, velocity
    cosine, sine = np.cos(angle), np.sin(angle)
    position = np.stack([cosine * x + sine * y, cosine * y - sine * x, z])
    velocity = np.stack([cosine * vx + sine * vy, cosine * vy - sine * vx, vz])
    velocity[0] += ROTATION_RATE * position[1]
    velocity[1] -= ROTATION_RATE * position[0]
    return position, velocity
