"""Choose the rotation of a frame's three bands that makes its colours vary as natural ones do.

The first principal axis of the differences between neighbouring pixels is rotated to grey
(1, 1, 1), the second to red-blue (1, 0, -1), the third to the axis that is left. Sums are exact
integers and the eigenvectors come from Jacobi rotations in plain float64, so every machine finds
the same rotation. The bitstream's format does not prescribe how an encoder chooses it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.rotation import IDENTITY, Quaternion
from .axes import eigenvectors, quaternion, towards

_MOST_ROWS: Final = 32
_MOST_COLUMNS: Final = 2048

AXES: Final = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3.0], [2.0], [6.0]])
"""Rows: the directions that a picture's first, second and third axis are rotated to."""
PRIOR: Final = AXES.T @ np.diag([1e-2, 1e-3, 5e-4]) @ AXES
"""Added to covariances (squared levels), so that a blank or grey picture is not rotated."""


def sampled_rows(shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """Return a sample of a frame: its rows, the rows below them, and its columns."""
    step = max(1, (shape[0] - 1) // _MOST_ROWS)
    return slice(0, max(shape[0] - 1, 1), step), slice(1, None, step), slice(0, _MOST_COLUMNS)


def difference_moments(
    here: NDArray[np.uint8],
    below: NDArray[np.uint8],
    seen_here: NDArray[np.bool_] | None = None,
    seen_below: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the second moments (3 x 3) of the differences between neighbouring pixels.

    Args:
        here: Rows of pixels (rows, columns, 3).
        below: The row below each of these rows.
        seen_here: False at pixels to leave out, in `here`.
        seen_below: False at pixels to leave out, in `below`.
    """
    wide = np.moveaxis(here, 2, 0).astype(np.int16, order="C")
    under = np.moveaxis(below, 2, 0)
    differences = [wide[:, :, 1:] - wide[:, :, :-1], under - wide[:, : under.shape[1]]]
    flat = [one.reshape(3, -1) for one in differences]
    if seen_here is not None and seen_below is not None:
        valid = (seen_here[:, 1:] & seen_here[:, :-1], seen_here[: under.shape[1]] & seen_below)
        flat = [one[:, seen.ravel()] for one, seen in zip(flat, valid, strict=True)]
    total, count = np.zeros((3, 3)), 0
    for bands in flat:
        # Sums of these integers are exact in float64, twice as fast as in int64; and unlike a
        # product of matrices this starts no threads.
        exact = bands.astype(np.float64)
        total += np.einsum("ik,jk->ij", exact, exact)
        count += bands.shape[1]
    return np.asarray(total / max(count, 1))


def rotation_of(moments: NDArray[np.float64]) -> Quaternion:
    """Return the rotation that takes a covariance's axes to `AXES`."""
    if not moments.any():
        return IDENTITY
    vectors = eigenvectors((moments + PRIOR).tolist())
    first = towards(vectors[0], AXES[0].tolist())
    second = towards(vectors[1], AXES[1].tolist())
    third = [  # right-handed like AXES, so that the matrix is no reflection
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    ]
    axes = AXES.tolist()
    matrix = [
        [sum(axes[k][i] * v[j] for k, v in enumerate((first, second, third))) for j in range(3)]
        for i in range(3)
    ]
    return quaternion(matrix)
