"""Compute something for each of many items, on several processes of this computer.

The results do not depend on the number of processes: each item is computed alone, and results come
back in the order of the items. Processes are spawned, because a fork would copy locks that other
threads hold; each ends with this one, however that ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_PIECES: Final = 4
"""Pieces of work for each process, at least, so that all end at about the same time."""

_LARGEST_PIECE: Final = 32
"""Items of one piece of work, at most, so that little is in memory twice."""

_work: Callable[[int], Any] | None = None
"""What this process does, if it is a worker."""


def in_order(work: Callable[[int], Result], count: int, workers: int) -> Iterator[Result]:
    """Yield `work(0)` to `work(count - 1)`.

    If a process dies, this process does what is left. A worker starts no workers of its own.

    Args:
        work: What to do for each item. With several workers, it and its results are pickled.
        count: Number of items.
        workers: Number of processes; with one, everything is done in this process.
    """
    done = 0
    if workers > 1 and count > 1 and parent_process() is None:
        piece = max(1, min(_LARGEST_PIECE, count // (workers * _PIECES)))
        with suppress(BrokenExecutor), _processes(work, min(workers, count)) as executor:
            for result in executor.map(_of_item, range(count), chunksize=piece):
                yield result
                done += 1
    for index in range(done, count):
        yield work(index)


@contextmanager
def _processes(work: Callable[[int], Any], count: int) -> Iterator[Executor]:
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with TemporaryDirectory(prefix="downpass-") as folder:
        # In a file: a large work written to a process that dies as it starts would block for ever.
        file = Path(folder) / "work"
        file.write_bytes(pickle.dumps(work))
        executor = ProcessPoolExecutor(
            count, mp_context=context, initializer=_begin, initargs=(file, reader)
        )
        try:
            yield executor
        finally:
            writer.close()  # ends the processes, whatever they are doing
            executor.shutdown(wait=False, cancel_futures=True)
            reader.close()


def _begin(file: Path, alive: Connection) -> None:
    """Make a process end with the one that started it, and leave Ctrl-C to that one."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), name="workers", daemon=True).start()
    _work = pickle.loads(file.read_bytes())  # noqa: S301 - this process's parent wrote it


def _end_with(alive: Connection) -> None:
    with suppress(EOFError, OSError):
        alive.recv_bytes()  # nobody writes: it returns when the other end closes
    os._exit(0)


def _of_item(index: int) -> Any:
    if _work is None:
        raise ValueError("this process is not a worker")
    return _work(index)
