"""The Pareto front: the points that no other point beats in both of two figures."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(
    x: Sequence[float | None], y: Sequence[float | None], *, less_x: bool, less_y: bool
) -> list[int]:
    """Return the indices of the points on the front, by rising x.

    A point is on the front if no other point is at least as good in both figures and better in one.
    Of points that are equal in both, all are on it or none.

    Args:
        x: The first figure of each point; a point that lacks one, or has NaN, is on no front.
        y: The second figure.
        less_x: Whether less is better in x.
        less_y: Whether less is better in y.
    """
    known = [
        (-a if less_x else a, -b if less_y else b, n)
        for n, (a, b) in enumerate(zip(x, y, strict=True))
        if a is not None and b is not None and not math.isnan(a) and not math.isnan(b)
    ]
    # From the best x on, a point is on the front if its y is better than all before it.
    known.sort(key=lambda point: (-point[0], -point[1]))
    front: list[int] = []
    best: float | None = None
    at = math.nan
    for a, b, n in known:
        if best is None or b > best:
            best, at = b, a
            front.append(n)
        elif b == best and a == at:
            front.append(n)
    return sorted(front, key=lambda n: (x[n], n))
