"""The rule by which encoder and decoder divide a frame into tiles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """Position and size of a tile in its frame.

    Attributes:
        index: Number of the tile, from 0, row by row from the top left.
        row: First row, in pixels.
        column: First column, in pixels.
        rows: Height, in pixels.
        columns: Width, in pixels.
    """

    index: int
    row: int
    column: int
    rows: int
    columns: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The tile's rows and columns, to index a frame's pixels with."""
        return (
            slice(self.row, self.row + self.rows),
            slice(self.column, self.column + self.columns),
        )


def count(width: int, height: int, tile: int) -> int:
    """Return the number of tiles of a frame of `width` x `height` pixels; `tile` 0 means one."""
    if tile == 0:
        return 1
    return -(-width // tile) * -(-height // tile)


def grid(width: int, height: int, tile: int) -> list[Tile]:
    """Return the tiles of a frame, row by row from the top left; `tile` 0 means one.

    Tiles at the right and at the bottom end with the frame. There is no padding, so every pixel
    is in exactly one tile.
    """
    side = tile or max(width, height)
    across = -(-width // side)
    return [
        Tile(
            index=index,
            row=(row := index // across * side),
            column=(column := index % across * side),
            rows=min(side, height - row),
            columns=min(side, width - column),
        )
        for index in range(count(width, height, tile))
    ]
