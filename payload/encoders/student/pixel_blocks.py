"""Rotate a tile's pixels and lay them out in blocks, as the 8-bit networks read them.

The planes x = (R · (pixel − 128) + 2^12) >> 13 (docs/codec-integers.md, "Colour") have ten bits.
They are split into 4 · high + low, bytes with the zero point 128. Rotations keep lengths, so planes
are within 222 grey levels of the middle, and nothing is clipped. A *cell* is 4 x 4 pixels, by row,
column and plane; a *block* is 4 x 4 cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.rotation import MATRIX_FRACTION

CELL: Final = 4
CELL_BYTES: Final = 3 * CELL**2
_SHIFT: Final = MATRIX_FRACTION - 1
"""From the matrix's fraction to half grey levels."""
_MIDDLE: Final = 128


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
    def of(cls, pixels: NDArray[np.uint8], rotation: NDArray[np.int32], copies: int) -> Cells:
        """Return the cells of pixels (16 · rows, 16 · columns, 3)."""
        planes = (pixels.astype(np.int32) - _MIDDLE) @ rotation.T
        planes += 1 << (_SHIFT - 1)
        planes >>= _SHIFT
        high = _folded((planes >> 2) + _MIDDLE)
        low = _folded((planes & 3) + _MIDDLE)
        entering = np.concatenate([high] * copies + [low], axis=2)[None]
        return cls(entering, _folded(high), _folded(low))


def _folded(value: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Merge each 4 x 4 positions into one, whose channels go by row, column and channel."""
    rows, columns, channels = value.shape
    parts = value.astype(np.uint8).reshape(rows // CELL, CELL, columns // CELL, CELL, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(rows // CELL, columns // CELL, -1)
