"""Which faults a board is to show, and at which tiles.

A sound board shows none of them by itself: `injector` changes, holds or withholds its frames.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

MOST_FACTOR: Final = 1000.0
LONGEST_S: Final = 3600.0
"""Longest stall, cut or reboot, and longest time that a slower board's result is held back."""


@dataclass(frozen=True, slots=True)
class Strikes:
    """The tiles that a fault strikes: one of every `every`, those listed, and a random share.

    Attributes:
        every: The fault strikes tiles `every`, 2 × `every`, …; None means none of them.
        tiles: Numbers of tiles from 1.
        share: Probability that a tile is struck.

    Raises:
        ValueError: A value is outside its range.
    """

    every: int | None = None
    tiles: frozenset[int] = frozenset()
    share: float = 0.0

    def __post_init__(self) -> None:
        if self.every is not None and self.every < 1:
            raise ValueError(f"every {self.every}: allowed are whole numbers from 1")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share:g}: allowed are 0 to 1")
        if any(tile < 1 for tile in self.tiles):
            raise ValueError(f"tile {min(self.tiles)}: allowed are whole numbers from 1")

    def strikes(self, tile: int, key: str) -> bool:
        """Whether a tile is struck.

        Args:
            tile: The tile's number.
            key: The seed and the fault's name, which decide together with the number.
        """
        if self.every is not None and tile % self.every == 0:
            return True
        if tile in self.tiles:
            return True
        if not self.share:
            return False
        draw = random.Random(f"{key}/{tile}")  # noqa: S311  (repeatable, not secret)
        return draw.random() < self.share


NEVER: Final = Strikes()


@dataclass(frozen=True, slots=True)
class Interruption:
    """A fault that lasts.

    Attributes:
        strikes: The tiles before whose result it begins.
        seconds: How long it lasts.
        at_s: Further moments at which it begins, in seconds since the first tile.

    Raises:
        ValueError: It lasts too long or less than nothing.
    """

    strikes: Strikes = NEVER
    seconds: float = 0.0
    at_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= LONGEST_S:
            raise ValueError(f"{self.seconds:g} s: allowed are 0 to {LONGEST_S:g} s")


NO_INTERRUPTION: Final = Interruption()


@dataclass(frozen=True, slots=True)
class BoardFaults:
    """The faults of a board, and interruptions of its line.

    Attributes:
        cut: Both directions lose every frame for a time.
        stall: The board sends nothing for a time; what it would have sent comes afterwards.
        reboot: The board starts anew: its session and its tiles are lost, and it answers nothing
            while it boots.
        wrong: A result has a wrong byte, and the CRC-32 of its wrong bytes.
        refuse: The board says that it cannot encode a tile.
        slow: Factor by which the board encodes more slowly.

    Raises:
        ValueError: The factor is outside its range.
    """

    cut: Interruption = NO_INTERRUPTION
    stall: Interruption = NO_INTERRUPTION
    reboot: Interruption = NO_INTERRUPTION
    wrong: Strikes = NEVER
    refuse: Strikes = NEVER
    slow: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.slow <= MOST_FACTOR:
            raise ValueError(f"slow {self.slow:g}: allowed are 1 to {MOST_FACTOR:g}")


SOUND: Final = BoardFaults()


@dataclass(slots=True)
class BoardFaultCounts:
    """The faults that a board was made to show so far.

    Attributes:
        cuts: Cuts of the line at tiles.
        timed_cuts: Cuts of the line at moments.
        stalls: Stalls.
        reboots: Reboots.
        wrong: Numbers of the tiles whose result was made wrong.
        refused: Numbers of the tiles that were refused.
    """

    cuts: int = 0
    timed_cuts: int = 0
    stalls: int = 0
    reboots: int = 0
    wrong: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
