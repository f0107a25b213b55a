"""A table of states over time, such as an ephemeris file has, and interpolation in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .earth import ROTATION_RATE
from .frames import Axes
from .interpolation import Interpolation

Array = NDArray[np.float64]

# EGM2008, as in the IERS Conventions (2010), table 1.1.
_MU = 3.986004418e14
LARGEST_ERROR_M: Final = 100.0
"""Error of the interpolation above which a table is too coarse: 15 ms along a low orbit."""
_DISAGREEMENT: Final = 0.01
"""Share of the speed by which velocities may differ from the rate of the positions."""


@dataclass(frozen=True, slots=True, eq=False)
class StateSegment:
    """States that one interpolation may join.

    Attributes:
        axes: Axes of the states.
        interpolation: How to interpolate between them.
        tt: Times in nanoseconds of TT since J2000, ascending, shape ``(n,)``.
        position: Positions in metres, shape ``(3, n)``.
        velocity: Velocities in m/s, shape ``(3, n)``.
        start: Beginning of the time in which the states may be used, in nanoseconds of TT.
        stop: End of that time.

    Raises:
        InputError: The states are too few or too far apart for the interpolation, do not ascend
            in time, or are not those of an orbit about the Earth.
    """

    axes: Axes
    interpolation: Interpolation
    tt: NDArray[np.int64]
    position: Array
    velocity: Array
    start: int
    stop: int

    def __post_init__(self) -> None:
        number, how = len(self.tt), self.interpolation
        if number < how.nodes:
            raise InputError(
                f"found {number} states in a segment; allowed: at least {how.nodes} for "
                f"{how.method} of degree {how.degree}"
            )
        step_s = np.diff(self.tt) / 1e9
        if not (step_s > 0.0).all():
            raise InputError("found states that do not ascend in time; allowed: rising epochs")
        radius = np.sqrt(np.sum(self.position**2, axis=0))
        speed = np.sqrt(np.sum(self.velocity**2, axis=0))
        if not ((radius > 6.3e6) & (radius < 5e8) & (speed < 2e4)).all():
            raise InputError(
                "found a state that is no orbit about the Earth; allowed: 6300 to 500000 km from "
                "its centre and up to 20 km/s"
            )
        turn = np.maximum(speed[1:], speed[:-1]) / np.minimum(radius[1:], radius[:-1]) * step_s
        error_m = how.error_m(radius[1:], turn)
        if error_m.max() > LARGEST_ERROR_M:
            raise InputError(
                f"found states {step_s[np.argmax(error_m)]:g} s apart, where {how.method} of "
                f"degree {how.degree} is off by some {error_m.max():.3g} m; allowed: up to "
                f"{LARGEST_ERROR_M:g} m"
            )
        chord = np.diff(self.position) / step_s
        mean = (self.velocity[:, 1:] + self.velocity[:, :-1]) / 2.0
        apart = np.sqrt(np.sum((chord - mean) ** 2, axis=0))
        # The mean of two velocities differs from the chord by a twelfth of the square of the turn.
        if (apart > speed[1:] * (_DISAGREEMENT + turn**2 / 6.0)).any():
            raise InputError(
                f"found velocities that differ from the rate of the positions by up to "
                f"{apart.max():.3g} m/s; allowed: km and km/s in one frame"
            )


@dataclass(frozen=True, slots=True, eq=False)
class StateTable:
    """States of one satellite, in segments.

    Attributes:
        name: Name of the satellite.
        segments: The segments in order of time; where two overlap, the later one holds.
    """

    name: str
    segments: tuple[StateSegment, ...]

    @property
    def period_s(self) -> float:
        """Orbital period in seconds: the median of those of the states' osculating orbits."""
        axes_m = []
        for segment in self.segments:
            velocity = segment.velocity
            if segment.axes is Axes.ITRF:
                velocity = velocity.copy()
                velocity[0] -= ROTATION_RATE * segment.position[1]
                velocity[1] += ROTATION_RATE * segment.position[0]
            radius = np.sqrt(np.sum(segment.position**2, axis=0))
            inverse = 2.0 / radius - np.sum(velocity**2, axis=0) / _MU
            axes_m.append(1.0 / np.maximum(inverse, 1e-12))
        axis_m = float(np.median(np.concatenate(axes_m)))
        return 2.0 * math.pi * math.sqrt(axis_m**3 / _MU)

    @property
    def start(self) -> int:
        """Beginning of the table in nanoseconds of TT since J2000."""
        return min(segment.start for segment in self.segments)

    @property
    def stop(self) -> int:
        """End of the table in nanoseconds of TT since J2000."""
        return max(segment.stop for segment in self.segments)
