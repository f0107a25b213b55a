"""A tile's planes, as ONNX Runtime's networks read them, and in blocks of bytes, for 8-bit kernels.

The planes x = (R · (pixel − 128) + 2^12) >> 13 (docs/codec-integers.md, "Colour") have ten bits,
before and after the prefilter. Rotations keep lengths, so planes are within 222 grey levels of the
middle, and the rotation clips nothing. For 8-bit kernels, planes are split into 4 · high + low:
bytes with the zero point 128. A *cell* is 4 x 4 pixels, by row, column and plane; a *block* is
4 x 4 cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.student import lapped
from ....link.student.rotation import MATRIX_FRACTION

CELL: Final = 4
CELL_BYTES: Final = 3 * CELL**2
_SHIFT: Final = MATRIX_FRACTION - 1
"""From the matrix's fraction to half grey levels."""
_MIDDLE: Final = 128


def planes_of(
    pixels: NDArray[np.uint8],
    rotation: NDArray[np.int32],
    prefilter: NDArray[np.int16] | None,
) -> NDArray[np.int32]:
    """Return a tile's planes (3, 16 · rows, 16 · columns) in half grey levels, after the prefilter.

    Args:
        pixels: Pixels (16 · rows, 16 · columns, 3).
        rotation: Matrix (3, 3), see `link.student.rotation`.
        prefilter: Weights of the filter across block boundaries, see `link.student.lapped`; None
            for none.
    """
    planes = (pixels.astype(np.int32) - _MIDDLE) @ rotation.T
    planes += 1 << (_SHIFT - 1)
    planes >>= _SHIFT
    planes = np.ascontiguousarray(np.moveaxis(planes, 2, 0))
    if prefilter is None:
        return planes
    return lapped.prefilter(planes, prefilter).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The inputs of the 8-bit networks, all uint8.

    Attributes:
        entering: Each cell's high bytes, `copies` times, then its low bytes:
            (1, 4 · rows, 4 · columns, (copies + 1) · 48).
        high: Each block's high bytes (rows, columns, 768).
        low: Each block's low bytes (rows, columns, 768).
    """

    entering: NDArray[np.uint8]
    high: NDArray[np.uint8]
    low: NDArray[np.uint8]

    @classmethod
    def of(cls, planes: NDArray[np.int32], copies: int) -> Cells:
        """Return the cells of planes (3, 16 · rows, 16 · columns)."""
        values = np.moveaxis(planes, 0, 2)
        high = _folded((values >> 2) + _MIDDLE)
        low = _folded((values & 3) + _MIDDLE)
        entering = np.concatenate([high] * copies + [low], axis=2)[None]
        return cls(entering, _folded(high), _folded(low))


def _folded(value: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Merge each 4 x 4 positions into one, whose channels go by row, column and channel."""
    rows, columns, channels = value.shape
    parts = value.astype(np.uint8).reshape(rows // CELL, CELL, columns // CELL, CELL, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(rows // CELL, columns // CELL, -1)
