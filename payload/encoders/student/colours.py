"""Which way to turn a frame's three bands, so that its colours vary as a natural picture's do.

The principal axis of the differences between neighbouring pixels goes onto grey (1, 1, 1), the
second onto red-blue (1, 0, -1), the third onto what is left. Sums are exact integers and the
eigenvectors come of Jacobi rotations in plain float64, so every machine finds the same bytes;
which bytes is the encoder's own choice and no matter of the bitstream.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.rotation import IDENTITY, Quaternion

_MOST_ROWS: Final = 32
_MOST_COLUMNS: Final = 2048

AXES: Final = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3.0], [2.0], [6.0]])
"""Rows: where the first, second and third axis of a picture's colours are turned to."""
PRIOR: Final = AXES.T @ np.diag([1e-2, 1e-3, 5e-4]) @ AXES
"""Added to covariances (squared levels): a blank or grey picture is not turned."""


def sampled_rows(shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """Return rows of a frame, those below them, and columns: a sample that says enough."""
    step = max(1, (shape[0] - 1) // _MOST_ROWS)
    return slice(0, max(shape[0] - 1, 1), step), slice(1, None, step), slice(0, _MOST_COLUMNS)


def difference_moments(
    here: NDArray[np.uint8],
    below: NDArray[np.uint8],
    seen_here: NDArray[np.bool_] | None = None,
    seen_below: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the second moments (3 x 3) of differences between neighbours.

    Args:
        here: Rows of pixels (rows, columns, 3).
        below: The row below each of them.
        seen_here: False at pixels to leave out.
        seen_below: The same of the rows below.
    """
    wide = here.astype(np.float64)
    differences = [wide[:, 1:] - wide[:, :-1], below - wide[: below.shape[0]]]
    if seen_here is not None and seen_below is not None:
        valid = (seen_here[:, 1:] & seen_here[:, :-1], seen_here[: below.shape[0]] & seen_below)
        differences = [one[seen] for one, seen in zip(differences, valid, strict=True)]
    total, count = np.zeros((3, 3)), 0
    for difference in differences:
        flat = difference.reshape(-1, 3)
        total += flat.T @ flat  # whole numbers below 2^53, in any order
        count += flat.shape[0]
    return np.asarray(total / max(count, 1))


def rotation_of(moments: NDArray[np.float64]) -> Quaternion:
    """Return the rotation that takes a covariance's axes to `AXES`."""
    if not moments.any():
        return IDENTITY
    vectors = _eigenvectors((moments + PRIOR).tolist())
    first = _towards(vectors[0], AXES[0].tolist())
    second = _towards(vectors[1], AXES[1].tolist())
    third = [  # right-handed, as AXES is: no reflection
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    ]
    axes = AXES.tolist()
    matrix = [
        [sum(axes[k][i] * v[j] for k, v in enumerate((first, second, third))) for j in range(3)]
        for i in range(3)
    ]
    return _quaternion(matrix)


def _towards(vector: list[float], axis: list[float]) -> list[float]:
    positive = sum(a * b for a, b in zip(vector, axis, strict=True)) >= 0
    return vector if positive else [-v for v in vector]


def _eigenvectors(matrix: list[list[float]]) -> list[list[float]]:
    """Return the eigenvectors of a symmetric 3 x 3 matrix by falling eigenvalue (Jacobi)."""
    a = [row[:] for row in matrix]
    vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    for _ in range(20):
        for p, q in ((0, 1), (0, 2), (1, 2)):
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
    order = sorted(range(3), key=lambda k: -a[k][k])
    return [vectors[k] for k in order]


def _quaternion(r: list[list[float]]) -> Quaternion:
    """Return the nearest signed bytes to a rotation matrix's quaternion."""
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
