"""The limits that an agent announces."""

from __future__ import annotations

from dataclasses import dataclass


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
