"""Which boundaries between a window's blocks the decoder filters: those inside a tile.

    blocks      0   1   2 │ 3   4   5 │ 6
    boundaries    ×   ×   │   ×   ×   │        × filtered, │ between tiles of 48 pixels

The encoder filters each tile alone (`link.student.lapped`), so the decoder leaves the boundaries
between tiles as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.student.frame_layout import BLOCK


@dataclass(frozen=True, slots=True, eq=False)
class JoinedBlocks:
    """Which neighbouring rows and columns of a window's blocks are in one tile.

    Attributes:
        rows: Whether each boundary between two rows of blocks lies inside a tile (rows - 1,).
        columns: The same of columns of blocks (columns - 1,).
    """

    rows: NDArray[np.bool_]
    columns: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: range, columns: range, tile: int = 0) -> JoinedBlocks:
        """Return those of a window of a frame.

        Args:
            rows: Rows of blocks of the window, counted from the frame's top.
            columns: Its columns of blocks, counted from the frame's left.
            tile: Side of the frame's tiles in pixels, a multiple of 16; 0 for one tile.
        """
        return cls(_inside(rows, tile), _inside(columns, tile))

    @classmethod
    def one_tile(cls, latents: NDArray[np.int32]) -> JoinedBlocks:
        """Return those of latents (N, rows, columns) that all belong to one tile."""
        _, rows, columns = latents.shape
        return cls.of(range(rows), range(columns))


def _inside(blocks: range, tile: int) -> NDArray[np.bool_]:
    """Return which boundaries between neighbouring blocks lie inside a tile."""
    behind = np.arange(blocks.start + 1, blocks.stop)
    return behind % (tile // BLOCK) != 0 if tile else np.ones(behind.size, np.bool_)
