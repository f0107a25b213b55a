"""Whose fault it is that something went wrong between a host and a board."""

from __future__ import annotations

from enum import Enum


class Blame(Enum):
    """Whose fault a lost session, a tile that is refused or a check that fails is."""

    BOARD = "board"
    """The board answered wrongly, or did not answer although the line carries frames."""
    LINE = "line"
    """The line is gone, or loses so much that nothing can be said about the board."""
    REBOOTED = "rebooted"
    """The board started anew: power, watchdog, a crash."""
