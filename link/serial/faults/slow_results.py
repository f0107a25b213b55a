"""Holds results back, as a board with a slower encoder would send them.

One encoder codes one tile after the other. So a tile is finished `factor` times as long after its
beginning as it really was, and its beginning waits for the tile before it:

    real board    |--1--|--2--|              result 1 at the end of 1
    slower board  |-----1-----|-----2-----|  result 1 held back until here
"""

from __future__ import annotations

from dataclasses import replace

from ..constants import Stage
from ..messages import Data, Result, State
from .board_faults import LONGEST_S

_MOST_TICKS = (1 << 64) - 1


class SlowResults:
    """Holds back the results of a board's tiles.

    Args:
        factor: How many times longer an encode takes; 1 changes nothing.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._began: dict[int, float] = {}
        """When the unfinished tiles were complete on the board."""
        self._due: dict[int, float] = {}
        """When the slower board would have finished the tiles that the real one has finished."""
        self._real_free_at = 0.0
        self._slow_free_at = 0.0

    def begin(self, tile: int, now: float) -> None:
        """Note that a tile is complete on the board, with the command to encode it."""
        self._began.setdefault(tile, now)

    def forget(self, tile: int) -> None:
        """Forget a tile that the host has released."""
        self._began.pop(tile, None)
        self._due.pop(tile, None)

    def restart(self) -> None:
        """Forget all tiles: the board has none of them any more."""
        self._began.clear()
        self._due.clear()

    def pass_on(
        self, tile: int, message: State | Data | Result, now: float
    ) -> tuple[State | Data | Result, float]:
        """Return what a slower board sends in place of a frame, and seconds to hold it back.

        Args:
            tile: The frame's tile.
            message: A frame about it from the board.
            now: The time in seconds.
        """
        is_done = not isinstance(message, State) or message.stage == Stage.DONE
        if self._factor == 1 or not is_done:
            return message, 0.0
        if tile not in self._due:
            began = max(self._began.get(tile, now), self._real_free_at)
            took = max(0.0, now - began)
            self._real_free_at = now
            due = max(began, self._slow_free_at) + took * self._factor
            self._due[tile] = self._slow_free_at = min(due, now + LONGEST_S)
        held = max(0.0, self._due[tile] - now)
        if isinstance(message, State):
            # A board that still encodes says so at once.
            return (replace(message, stage=Stage.RUNNING) if held else message), 0.0
        if isinstance(message, Result):
            ticks = min(_MOST_TICKS, round(message.encode_ticks * self._factor))
            message = replace(message, encode_ticks=ticks)
        return message, held
