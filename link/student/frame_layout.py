"""Rules for the student's frames that both ends share: tile sizes and each tile's quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import BitstreamError

if TYPE_CHECKING:  # the command line's help needs BLOCK, and must not wait for numpy
    from ..container.header import FrameHeader

BLOCK: Final = 16
"""Side, in pixels, of the block of one latent position; the sides of tiles are multiples of it."""
LARGEST_TILE: Final = 1 << 16
"""Latent positions of the largest tile: 4096 x 4096 pixels, for which either end needs 2 GB."""
LARGEST_STRIP: Final = 1 << 19
"""Most latent positions of a frame that a decoder holds at once: 1.3 GB."""
_WINDOWS: Final = 80
"""Rows of latents that a row of the decoder's windows needs, with a margin."""
FINER_TILES: Final = 512
"""parameter = quality (0 to 256) + 512 · n: the first n tiles have the next finer quality."""


def qualities(parameter: int, tiles: int, most: int) -> list[int]:
    """Return the quality of each tile.

    Args:
        parameter: Parameter in the frame's header.
        tiles: Number of tiles of the frame.
        most: Number of the finest quality.

    Raises:
        ValueError: No encoder writes this parameter.
    """
    finer, quality = divmod(parameter, FINER_TILES)
    if finer >= tiles or quality + (finer > 0) > most:
        raise ValueError(f"parameter {parameter} of a frame of {tiles} tiles")
    return [quality + 1] * finer + [quality] * (tiles - finer)


def check_header(header: FrameHeader, fingerprint: bytes, most: int) -> list[int]:
    """Return the quality of each tile of a frame, after a check of its header.

    Args:
        header: Header of the frame, which may be hostile.
        fingerprint: Fingerprint of the model that is here.
        most: Number of the model's finest quality.

    Raises:
        BitstreamError: Another model coded the frame, or no encoder writes such a header.
    """
    if header.fingerprint != fingerprint:
        raise BitstreamError(
            f"model {header.fingerprint.hex()} in a student frame: "
            f"this downpass has model {fingerprint.hex()}"
        )
    if header.tile % BLOCK:
        raise BitstreamError(
            f"tile {header.tile} in a student frame: allowed are multiples of {BLOCK}"
        )
    if header.groups is not None:
        raise BitstreamError("band groups in a student frame: it has a rule of its own")
    try:
        check_size(header.width, header.height, header.tile)
        return qualities(header.parameter, header.tile_count, most)
    except ValueError as error:
        raise BitstreamError(f"student frame: {error}") from None


def check_size(width: int, height: int, tile: int) -> None:
    """Refuse a frame for which a decoder would need too much memory.

    A decoder holds a few rows of tiles and one row of windows, over the frame's whole width.

    Args:
        width: Width of the frame, in pixels.
        height: Height of the frame, in pixels.
        tile: Side of a tile in pixels; 0 for one tile a frame.

    Raises:
        ValueError: The frame's tiles are too large, or the frame is too wide.
    """
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    side = -(-tile // BLOCK) or max(rows, columns)
    own = min(side, rows) * min(side, columns)
    if own > LARGEST_TILE:
        raise ValueError(
            f"a tile of {min(side, columns) * BLOCK} x {min(side, rows) * BLOCK} pixels: "
            "allowed are 4096 x 4096, or as many otherwise"
        )
    held = columns * min(rows, 3 * side + _WINDOWS)
    if held > LARGEST_STRIP:
        raise ValueError(
            f"{width} columns of pixels in tiles of {side * BLOCK}: "
            f"allowed are {LARGEST_STRIP * columns // held * BLOCK} columns"
        )
