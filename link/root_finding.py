"""Zeros of smooth functions, each within its own bracket, for many brackets at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Function = Callable[[Index, Array], Array]


def root(
    function: Function,
    item: Index,
    left: tuple[Array, Array],
    right: tuple[Array, Array],
    tolerance: float,
) -> Array:
    """Find zeros of one function for many items, each within its own bracket.

    Chandrupatla's method (1997, Advances in Engineering Software 28, 145-149) uses inverse
    quadratic interpolation where it is safe, and bisection elsewhere. Here it works on all
    brackets at once.

    Args:
        function: Takes items and times, and returns values.
        item: Items, shape ``(n,)``.
        left: Lower ends of the brackets and the values there, each of shape ``(n,)``.
        right: Upper ends of the brackets and the values there, which have the opposite sign.
        tolerance: Width of the bracket, in seconds, at which the iteration stops.
    """
    (b, fb), (a, fa) = (tuple(np.array(x) for x in end) for end in (left, right))
    result = np.where(np.abs(fa) < np.abs(fb), a, b)
    active = np.arange(len(item))
    c, fc = a.copy(), fa.copy()
    fraction = np.full(len(item), 0.5)
    for _ in range(100):
        if not len(active):
            break
        t = a + fraction * (b - a)
        ft = function(item[active], t)
        same = (ft >= 0.0) == (fa >= 0.0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = t, ft
        result[active] = np.where(np.abs(fa) < np.abs(fb), a, b)
        width = np.abs(b - a)
        going = (width > tolerance) & (fa != 0.0) & (fb != 0.0)
        active = active[going]
        a, fa, b, fb, c, fc, width = (x[going] for x in (a, fa, b, fb, c, fc, width))
        xi = (a - b) / (c - b)
        phi = (fa - fb) / (fc - fb)
        quadratic = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = fa / (fb - fa) * fc / (fb - fc)
            guess += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        least = np.minimum(0.5, 0.4 * tolerance / width)
        fraction = np.clip(np.where(quadratic, guess, 0.5), least, 1.0 - least)
    return result
