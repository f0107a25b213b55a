"""Progress bars in a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ...link.text import printable
from ..console.terminal import console


class Bars:
    """One bar for each stage, on standard error, so that standard output can be piped."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=console(error=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finish()
        self._bars.stop()

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a new bar; the previous one is complete."""
        self._finish()
        self._task = self._bars.add_task(printable(what, 200), total=total)

    def step(self, done: int) -> None:
        """Set the bar's progress."""
        if self._task is not None:
            self._bars.update(self._task, completed=done)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(printable(text))

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            total = task.total or 1
            self._bars.update(self._task, total=total, completed=total)
            self._bars.stop_task(self._task)
