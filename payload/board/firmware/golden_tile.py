"""The golden tile, which the firmware's encoder codes at boot to test itself.

Its sides are no multiples of a block, so that padding is tested, too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.codestream import AnalysedTile, encode_tile
from ....link.student.frame_layout import BLOCK
from ....link.student.rotation import Quaternion, rotation_matrix
from ...encoders.student.student_model import StudentModel

GOLDEN_ROWS, GOLDEN_COLUMNS, GOLDEN_QUALITY = 40, 56, 210
GOLDEN_ROTATION: Final[Quaternion] = (120, -20, 30, 12)


def golden_pixels() -> NDArray[np.uint8]:
    """Return the golden tile (rows, columns, 3): slopes, an edge, and stronger noise in a part."""
    row, column, band = np.indices((GOLDEN_ROWS, GOLDEN_COLUMNS, 3))
    value = 40 + 2 * row + band * column + np.where(3 * row > 2 * column + 20, 60, 0)
    noise = (row * 7919 + column * 104729 + band * 1299709) * 2654435761 % (1 << 32) >> 26
    value = value + np.where(row + column > 60, noise, noise // 16)
    return np.asarray(np.clip(value, 0, 255), np.uint8)


def golden_codestream(model: StudentModel) -> bytes:
    """Return the Python encoder's codestream of the golden tile."""
    pixels = golden_pixels()
    pad = [(0, -side % BLOCK) for side in pixels.shape[:2]]
    whole = np.pad(pixels, [*pad, (0, 0)], mode="edge")
    latents, side = model.analyse(whole, rotation_matrix(GOLDEN_ROTATION))
    tile = AnalysedTile.of(latents, side, model.log_scales(side))
    return encode_tile(model.entropy, tile, GOLDEN_QUALITY)
