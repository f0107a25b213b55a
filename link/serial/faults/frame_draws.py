"""Gives each frame on a line random numbers of its own, whatever the time and the other frames.

With one sequence of random numbers for a whole line, a frame that comes a moment earlier or once
more would change the fate of all that follow, and time-outs depend on real time. Here the numbers
of a frame follow from a seed and from what the frame is: its direction, its kind, its tile, its
chunk, and whether it is the first, second or a later copy. So the first copy of a chunk is lost in
every run or in none.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Final, TypeAlias

from ..constants import MOST_CHUNKS
from ..messages import Data, Load, Message

MOST_PARTS: Final = 4 * MOST_CHUNKS
"""Most parts whose copies are counted, of all unfinished tiles together."""
_Part: TypeAlias = tuple[bool, int, int]
"""Direction, kind and chunk."""


class FrameDraws:
    """The random numbers of each frame; its memory is bounded.

    Args:
        seed: Seed of all numbers.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._copies: dict[int, dict[_Part, int]] = defaultdict(dict)
        """How many copies of each part of each unfinished tile there were; 0 is no tile."""
        self._parts = 0

    def draws(self, outbound: bool, message: Message, tile: int | None) -> random.Random | None:
        """Return the random numbers of the next copy of a frame; None if there are too many parts.

        Args:
            outbound: Whether the host sends it.
            message: What it carries.
            tile: The number of its tile; None if it concerns no tile.
        """
        index = message.index if isinstance(message, Load | Data) else 0
        part = outbound, int(message.kind), index
        copies = self._copies[tile or 0]
        if part not in copies:
            if self._parts >= MOST_PARTS:
                return None
            self._parts += 1
        copy = copies[part] = copies.get(part, 0) + 1
        key = f"{self._seed}/{'down' if outbound else 'up'}/{message.kind}/{tile}/{index}/{copy}"
        return random.Random(key)  # noqa: S311  (repeatable, not secret)

    def forget(self, tile: int) -> None:
        """Forget a tile that is finished."""
        self._parts -= len(self._copies.pop(tile, ()))
