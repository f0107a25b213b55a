"""How much an agent may take on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent may take on.

    Attributes:
        side: Columns and rows of the largest tile.
        tile_bytes: Bytes of the largest tile's samples.
        slots: Jobs at once.
        window: Chunks that may be on the way to it.
    """

    side: int = 1024
    tile_bytes: int = 8 << 20
    slots: int = 4
    window: int = 32
