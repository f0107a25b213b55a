"""The rotation of three bands before coding: a quaternion of four signed bytes, and its matrix.

The student codes three planes along the axes on which the colours of natural pictures vary. If a
frame's bands vary along other axes (infrared composites, false colours), the encoder rotates them
about mid-grey onto these axes. docs/codec-integers.md ("Colour") has the formulas. Both ends
compute the same integer matrix from the quaternion.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Quaternion = tuple[int, int, int, int]

IDENTITY: Final[Quaternion] = (127, 0, 0, 0)
MATRIX_FRACTION: Final = 14
"""Matrices are integers times 2^-14."""


def rotation_matrix(quaternion: Quaternion) -> NDArray[np.int32]:
    """Return the 3 x 3 integer matrix (in 2^-14) of a quaternion of signed bytes.

    Raises:
        ValueError: All four are zero.
    """
    w, x, y, z = quaternion
    norm = w * w + x * x + y * y + z * z
    if norm == 0:
        raise ValueError("a rotation needs a quaternion that is not zero")
    whole = (
        (norm - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), norm - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), norm - 2 * (x * x + y * y)),
    )
    scale = 2 << MATRIX_FRACTION
    return np.array([[(v * scale + norm) // (2 * norm) for v in row] for row in whole], np.int32)
