"""Find the principal axes of three bands and the quaternion of their rotation.

The arithmetic is plain float64, so the results are the same on every machine.
"""

from __future__ import annotations

import math
from typing import Final

from ....link.student.rotation import Quaternion

_PAIRS: Final = ((0, 1), (0, 2), (1, 2))


def towards(vector: list[float], axis: list[float]) -> list[float]:
    """Return the vector or its opposite, whichever lies on the axis's side."""
    positive = sum(a * b for a, b in zip(vector, axis, strict=True)) >= 0
    return vector if positive else [-v for v in vector]


def eigenvectors(matrix: list[list[float]]) -> list[list[float]]:
    """Return the eigenvectors of a symmetric 3 x 3 matrix by falling eigenvalue (Jacobi)."""
    a = [row[:] for row in matrix]
    vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    for _ in range(20):
        # Off the diagonal, values fall quadratically: to nothing beside it within a few rounds.
        if not any(abs(a[p][q]) > 1e-30 * abs(a[p][p] + a[q][q]) for p, q in _PAIRS):
            break
        for p, q in _PAIRS:
            if abs(a[p][q]) <= 1e-300:
                continue
            theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q])
            t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + math.sqrt(theta * theta + 1.0))
            c = 1.0 / math.sqrt(t * t + 1.0)
            s = t * c
            for k in range(3):
                a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
            for k in range(3):
                a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
                vp, vq = vectors[p][k], vectors[q][k]
                vectors[p][k], vectors[q][k] = c * vp - s * vq, s * vp + c * vq
            a[p][q] = a[q][p] = 0.0  # what the rotation is for; rounding leaves something
    order = sorted(range(3), key=lambda k: -a[k][k])
    return [vectors[k] for k in order]


def quaternion(r: list[list[float]]) -> Quaternion:
    """Return a rotation matrix's quaternion, rounded to signed bytes."""
    squares = (
        1 + r[0][0] + r[1][1] + r[2][2],
        1 + r[0][0] - r[1][1] - r[2][2],
        1 - r[0][0] + r[1][1] - r[2][2],
        1 - r[0][0] - r[1][1] + r[2][2],
    )
    largest = max(range(4), key=lambda k: squares[k])
    root = math.sqrt(squares[largest])
    x, y, z = r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]
    xy, xz, yz = r[0][1] + r[1][0], r[0][2] + r[2][0], r[1][2] + r[2][1]
    rows = ((None, x, y, z), (x, None, xy, xz), (y, xy, None, yz), (z, xz, yz, None))
    parts = [root / 2 if v is None else v / (2 * root) for v in rows[largest]]
    sign = -1.0 if parts[0] < 0 else 1.0
    w, x, y, z = (math.floor(sign * v * 127 + 0.5) for v in parts)
    return w, x, y, z
