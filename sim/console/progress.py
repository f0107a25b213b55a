"""Report the progress of a run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run, one after the other."""

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage.

        Args:
            what: Name of the stage.
            total: Number of its steps; None if they cannot be counted.
        """

    def step(self, done: int) -> None:
        """Report how many steps of the stage are done."""


class Silent:
    """Shows no progress."""

    def stage(self, what: str, total: int | None = None) -> None:
        """Ignore it."""

    def step(self, done: int) -> None:
        """Ignore it."""
