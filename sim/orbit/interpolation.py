"""Polynomial interpolation in a table of states: Lagrange's and Hermite's, for many times at once.

Both are evaluated in Newton's form. For Hermite's polynomial every node counts twice, and the
divided difference of a node with itself is the derivative there.

Source: Stoer and Bulirsch, Introduction to Numerical Analysis, 3rd ed. (2002), sections 2.1.3 and
2.1.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

HIGHEST_DEGREE: Final = 15


class Method(StrEnum):
    """How positions and velocities between two states follow from the states around them."""

    LAGRANGE = "LAGRANGE"
    """Positions from positions and velocities from velocities, each for itself."""

    HERMITE = "HERMITE"
    """Positions from positions and velocities; a velocity is the rate of the position."""


@dataclass(frozen=True, slots=True)
class Interpolation:
    """A method with its degree.

    Attributes:
        method: Lagrange's or Hermite's.
        degree: Degree of the polynomial, 1 to 15.
    """

    method: Method
    degree: int

    @property
    def nodes(self) -> int:
        """Number of states that one polynomial goes through."""
        return self.degree + 1 if self.method is Method.LAGRANGE else self.degree // 2 + 1

    def error_m(self, radius_m: Array, radians_per_step: Array) -> Array:
        """Estimate the error half-way between two states, in metres.

        The remainder of the polynomial for a circular motion, whose n-th derivative is the radius
        times the n-th power of the angular speed (Stoer and Bulirsch, theorem 2.1.4.1).

        Args:
            radius_m: Distances from the centre.
            radians_per_step: Angles from one state to the next.
        """
        number = self.nodes
        apart = math.prod(abs(i - (number - 1) // 2 - 0.5) for i in range(number))
        order = number if self.method is Method.LAGRANGE else 2 * number
        share = apart if self.method is Method.LAGRANGE else apart * apart
        return np.asarray(radius_m * radians_per_step**order * (share / math.factorial(order)))

    def at(
        self, wanted_s: Array, time_s: Array, position: Array, velocity: Array
    ) -> tuple[Array, Array]:
        """Return position and velocity at times, each of shape ``(3, n)``.

        The polynomial goes through the states nearest to a time, as many before it as after it
        unless the table begins or ends there.

        Args:
            wanted_s: Times within the table, shape ``(n,)``.
            time_s: Times of the states, ascending, shape ``(m,)``, at least `nodes` of them.
            position: Positions of the states, shape ``(3, m)``.
            velocity: Velocities of the states, shape ``(3, m)``.
        """
        number = self.nodes
        left = np.clip(np.searchsorted(time_s, wanted_s, side="right") - 1, 0, len(time_s) - 1)
        first = np.clip(left - (number - 1) // 2, 0, len(time_s) - number)
        rows = first + np.arange(number)[:, None]
        nodes = time_s[rows] - wanted_s
        if self.method is Method.LAGRANGE:
            value, _ = _newton(nodes, position[:, rows], None)
            rate, _ = _newton(nodes, velocity[:, rows], None)
            return value, rate
        return _newton(nodes, position[:, rows], velocity[:, rows])


def _newton(nodes: Array, values: Array, rates: Array | None) -> tuple[Array, Array]:
    """Return value and rate, at 0, of the polynomials through nodes.

    Args:
        nodes: Times of the nodes relative to the time wanted, shape ``(m, n)``.
        values: Values at the nodes, shape ``(3, m, n)``.
        rates: Rates at the nodes for Hermite's polynomial, shape ``(3, m, n)``; else None.
    """
    times = nodes if rates is None else np.repeat(nodes, 2, axis=0)
    column = values if rates is None else np.repeat(values, 2, axis=1)
    coefficients = [column[:, 0]]
    for order in range(1, len(times)):
        step = times[order:] - times[:-order]
        difference = column[:, 1:] - column[:, :-1]
        if order == 1 and rates is not None:
            # Every other difference is of a node with itself: the derivative.
            step[::2] = 1.0
            difference[:, ::2] = rates
        column = difference / step
        coefficients.append(column[:, 0])
    value, rate = coefficients[-1], np.zeros_like(coefficients[-1])
    for order in range(len(times) - 2, -1, -1):
        rate = value - times[order] * rate
        value = coefficients[order] - times[order] * value
    return value, rate
