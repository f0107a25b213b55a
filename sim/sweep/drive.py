"""Gives cells to workers, a few at a time, and yields results as they come.

If a worker dies, nobody knows which of the cells then running was the cause. They are all run
again, each alone; one that kills its worker again is a result with an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Final

from ...link.errors import InputError, reason
from ...link.text import printable
from .cell import CellResult, CellTask, run_cell
from .workers import Workers, is_death

_AHEAD: Final = 2
"""Cells given to each worker at a time, so that none waits for the next."""
DIED: Final = "the process that ran it ended: it was killed, or memory ran out"


def run_cells(tasks: Iterable[CellTask], workers: Workers) -> Iterator[CellResult]:
    """Run all tasks and yield each result once, in the order in which they end.

    Raises:
        InputError: The connection to a cluster is lost.
    """
    remaining = iter(tasks)
    running: dict[Future[CellResult], CellTask] = {}
    while True:
        suspects: list[CellTask] = []
        while not suspects and len(running) < _AHEAD * workers.count:
            task = next(remaining, None)
            if task is None:
                break
            try:
                running[workers.executor.submit(run_cell, task)] = task
            except BrokenExecutor:
                suspects.append(task)
        if not running and not suspects:
            return
        done = wait(running, return_when=FIRST_COMPLETED).done if not suspects else set(running)
        while done:
            for future in done:
                task = running.pop(future)
                result = _result(future, task)
                if result is None:
                    suspects.append(task)
                else:
                    yield result
            # After a death the others end the same way, or have just finished.
            done = set(running) if suspects else set()
        if suspects:
            yield from _each_alone(suspects, workers)


def _each_alone(tasks: Iterable[CellTask], workers: Workers) -> Iterator[CellResult]:
    workers.renew(1)
    for task in tasks:
        result = _result(workers.executor.submit(run_cell, task), task)
        if result is None:
            yield CellResult(task.key, {}, DIED, fault=True)
            workers.renew(1)
        else:
            yield result
    workers.renew(workers.count)


def _result(future: Future[CellResult], task: CellTask) -> CellResult | None:
    """Wait for a cell; None if its worker died."""
    try:
        return future.result()
    except CancelledError:
        raise InputError(
            "--scheduler: the connection is lost; finished cells are kept, and the same command "
            "goes on with the others"
        ) from None
    except Exception as error:
        if is_death(error):
            return None
        return CellResult(task.key, {}, printable(reason(error), 500), fault=True)
