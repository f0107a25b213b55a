"""How a frame falls into tiles: the one rule that both ends must share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile's place in its frame, in pixels."""

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
    """Return how many tiles a frame of `width` by `height` has; `tile` 0 is one for all."""
    if tile == 0:
        return 1
    return -(-width // tile) * -(-height // tile)


def grid(width: int, height: int, tile: int) -> list[Tile]:
    """Return the tiles of a frame, row by row from the top left; `tile` 0 is one for all.

    Tiles at the right and at the bottom are as small as the frame leaves them: no padding, so
    every pixel is in exactly one tile.
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
