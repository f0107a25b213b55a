"""The limits that an agent announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...link.serial.constants import LARGEST_CHUNK, MOST_CHUNKS

LARGEST_SIDE: Final = 16384
"""Side of the largest tile of any scenario, in pixels."""
_BANDS: Final = 8
"""Bands of the largest tile, for multiband imagers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the tiles and jobs that an agent accepts.

    Attributes:
        side: Most columns and most rows of a tile.
        tile_bytes: Most bytes of a tile's samples.
        slots: Most jobs at once.
        window: Most chunks in flight to the agent.
    """

    side: int = 1024
    tile_bytes: int = 8 << 20
    slots: int = 4
    window: int = 32

    @classmethod
    def of_tiles(cls, side: int, slots: int, most_bands: int, bit_depth: int) -> Limits:
        """Return the limits for square tiles of a codec, which are at most what a line can carry.

        Args:
            side: Side of the largest tile in pixels.
            slots: Most jobs at once.
            most_bands: Most bands that the codec takes.
            bit_depth: Most bits of a sample that it takes.
        """
        samples = side * side * min(most_bands, _BANDS)
        needed = samples * (1 if bit_depth <= 8 else 2)
        return cls(side, min(needed, MOST_CHUNKS * LARGEST_CHUNK), slots)
