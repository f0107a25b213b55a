"""The memory layout of a tile's latents, which makes sums over neighbours fast.

Positions are split by phase. A phase of a channel is a *plane* of ⌈rows/2⌉ + 1 rows and
⌈columns/2⌉ + 1 columns. The last row and column are always zero, and planes follow one another in
memory. So a neighbour is at a fixed distance, whichever plane a position is in, and positions
outside the tile read as zero. Every sum over neighbours is a few additions of long arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entropy_model import INDEX_OFFSET, OUTSIDE
from .phases import PHASES

Integers = NDArray[Any]


@dataclass(frozen=True)
class TileShape:
    """The size of a tile in latents, and the layout of its planes.

    Attributes:
        rows: Rows of latents.
        columns: Columns of latents.
    """

    rows: int
    columns: int

    @property
    def halves(self) -> tuple[int, int]:
        """Rows and columns of the side information ẑ."""
        return -(-self.rows // 2), -(-self.columns // 2)

    @cached_property
    def height(self) -> int:
        """Rows of a plane without the zero row."""
        return -(-self.rows // 2)

    @cached_property
    def stride(self) -> int:
        """Columns of a plane, including the zero column."""
        return -(-self.columns // 2) + 1

    @cached_property
    def plane(self) -> int:
        """Positions of a plane."""
        return (self.height + 1) * self.stride

    def inside(self, phase: int) -> tuple[int, int]:
        """Return the rows and columns of a phase that lie inside the tile."""
        row, column = PHASES[phase]
        return (self.rows - row + 1) // 2, (self.columns - column + 1) // 2

    @cached_property
    def mask(self) -> Integers:
        """Mask (4, plane): 1 at the positions of a plane that lie inside the tile, else 0."""
        out = np.zeros((4, self.height + 1, self.stride))
        for phase in range(4):
            rows, columns = self.inside(phase)
            out[phase, :rows, :columns] = 1
        return out.reshape(4, self.plane)

    def split(self, value: Integers, kind: Any, outside: int = 0) -> Integers:
        """Return an array (channels, rows, columns) as planes (4, channels, plane)."""
        channels = value.shape[0]
        out = np.full((4, channels, self.height + 1, self.stride), outside, kind)
        for phase, (row, column) in enumerate(PHASES):
            rows, columns = self.inside(phase)
            out[phase, :, :rows, :columns] = value[
                :, row : self.rows : 2, column : self.columns : 2
            ]
        return out.reshape(4, channels, self.plane)

    def join(self, planes: Integers) -> Integers:
        """Undo `split`."""
        channels = planes.shape[1]
        wide = planes.reshape(4, channels, self.height + 1, self.stride)
        out = np.empty((channels, self.rows, self.columns), planes.dtype)
        for phase, (row, column) in enumerate(PHASES):
            rows, columns = self.inside(phase)
            out[:, row::2, column::2] = wide[phase, :, :rows, :columns]
        return out


@dataclass(frozen=True, eq=False)
class LogScales:
    """A tile's log₂-scales L, which do not depend on the quality.

    Attributes:
        shape: Shape of the tile.
        planes: L + 130 (4, channels, plane); `OUTSIDE` at positions outside the tile.
    """

    shape: TileShape
    planes: Integers

    @classmethod
    def of(cls, shape: TileShape, log_scales: Integers) -> LogScales:
        """Return the log-scales from the hyper synthesis's output.

        Its shape is (channels, rows or more, columns or more). Log-scales beyond ±8192 are limited,
        so that sums fit 16 bits; all of them have the first or the last scale index.
        """
        inside = log_scales[:, : shape.rows, : shape.columns].clip(OUTSIDE, -OUTSIDE)
        planes = shape.split(inside, np.int16, OUTSIDE - INDEX_OFFSET)
        planes += np.int16(INDEX_OFFSET)
        return cls(shape, planes)
