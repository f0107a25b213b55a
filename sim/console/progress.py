"""How far a run has come, told to whoever wants to know."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of the stages of a run, one after the other."""

    def stage(self, what: str, total: int | None = None) -> None:
        """A new stage begins, of `total` steps if they can be counted."""

    def step(self, done: int) -> None:
        """So many steps of the stage are done."""


class Silent:
    """Hears and says nothing."""

    def stage(self, what: str, total: int | None = None) -> None:
        """Ignore it."""

    def step(self, done: int) -> None:
        """Ignore it."""
