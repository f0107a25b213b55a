"""What both ends must know of the student's frames beside its codestreams."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 16
"""Pixels a side of one latent position; sides of tiles are multiples of it."""
FINER_TILES: Final = 512
"""parameter = quality (0 to 256) + 512 · n: the first n tiles have the next finer quality."""


def qualities(parameter: int, tiles: int, most: int) -> list[int]:
    """Return the quality of each tile.

    Args:
        parameter: The header's.
        tiles: Number of tiles of the frame.
        most: The finest quality.

    Raises:
        ValueError: No encoder writes this parameter.
    """
    finer, quality = divmod(parameter, FINER_TILES)
    if finer >= tiles or quality + (finer > 0) > most:
        raise ValueError(f"parameter {parameter} of a frame of {tiles} tiles")
    return [quality + 1] * finer + [quality] * (tiles - finer)
