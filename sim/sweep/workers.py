"""Where cells run: this process, others of this computer, or the workers of a Dask cluster.

Each is a `concurrent.futures.Executor`. Local workers end when the sweep does, however it ends:
they hold the reading end of a pipe, and nobody else has the writing end but the sweep.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol

from ...link.errors import InputError, reason
from ...link.files import remove_leavings
from ...link.text import printable
from .revision import revision

CONNECT_S = 10
"""Seconds to wait for the scheduler of a cluster, and for its first worker."""
MOST_WORKERS: Final = 1024


class Workers(Protocol):
    """A place where cells run.

    Attributes:
        count: Number of cells that run at once.
        executor: Runs them.
    """

    count: int
    executor: Executor

    def renew(self, count: int) -> None:
        """Begin anew after a worker died, with at most `count` workers."""


@contextlib.contextmanager
def local_workers(count: int) -> Iterator[LocalWorkers]:
    """Start processes on this computer, and end them at once when the context ends."""
    workers = LocalWorkers(count)
    try:
        yield workers
    finally:
        workers.stop()


@contextlib.contextmanager
def this_process() -> Iterator[ThisProcess]:
    """Run one cell after the other in a thread of this process, which needs no start."""
    worker = ThisProcess()
    try:
        yield worker
    finally:
        worker.executor.shutdown(wait=False, cancel_futures=True)


class ThisProcess:
    """One thread of this process."""

    def __init__(self) -> None:
        self.count = 1
        self.executor: Executor = ThreadPoolExecutor(1, thread_name_prefix="sweep")

    def renew(self, count: int) -> None:
        """Do nothing: a thread does not die without its process."""


class LocalWorkers:
    """Processes of this computer.

    They are spawned instead of forked: a fork would copy locks that other threads hold.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._start(count)

    def renew(self, count: int) -> None:
        """Replace the processes, after one of them died."""
        self.stop()
        self._start(min(count, self.count))

    def stop(self) -> None:
        """End all processes, whatever they are doing."""
        self._alive.close()
        self.executor.shutdown(wait=False, cancel_futures=True)

    def _start(self, count: int) -> None:
        context = get_context("spawn")
        _start_resource_tracker()
        reader, self._alive = context.Pipe(duplex=False)
        self.executor: Executor = ProcessPoolExecutor(
            count, mp_context=context, initializer=_prepare_worker, initargs=(reader,)
        )
        self._reader = reader  # kept open until the last process has been started


def _start_resource_tracker() -> None:
    """Start Python's process that removes semaphores, so that it says nothing when it has to.

    After Ctrl-C the sweep ends without taking leave of its queues; removing what they leave is
    that process's purpose.
    """
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _prepare_worker(alive: Connection) -> None:
    """Make a process end with the sweep, and leave Ctrl-C to the sweep."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), name="sweep", daemon=True).start()


def _end_with(alive: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        alive.recv_bytes()  # nobody writes: it returns when the other end closes
    remove_leavings()
    os._exit(0)


def check_address(address: str) -> None:
    """Refuse the address of a scheduler that cannot be one.

    Raises:
        InputError: It is not allowed.
    """
    if not re.fullmatch(r"(tcp|tls)://[^\s/]{1,300}:\d{1,5}", address):
        raise InputError(
            f"--scheduler {printable(address, 100)}: allowed: tcp://HOST:PORT or tls://HOST:PORT"
        )


@contextlib.contextmanager
def cluster(address: str) -> Iterator[ClusterWorkers]:
    """Connect to the scheduler of a Dask cluster, such as `tcp://10.0.0.1:8786`.

    Raises:
        InputError: The address is not allowed, the extra `cluster` is not installed, there is no
            scheduler, it has no workers, or these have another version of downpass.
    """
    check_address(address)
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--scheduler: Dask is not installed; allowed with pip install 'downpass[cluster]'"
        ) from None
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--scheduler {printable(address, 100)}: no scheduler answers "
            f"({printable(reason(error), 200)})"
        ) from None
    try:
        yield ClusterWorkers(client, address)
    finally:
        client.close(timeout=1)


class ClusterWorkers:
    """The workers of a Dask cluster. Dask itself runs the cells of a dead worker again."""

    def __init__(self, client: Any, address: str) -> None:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
            found = set(client.run(revision).values())
        except TimeoutError:
            raise InputError(f"--scheduler {address}: it has no workers") from None
        except Exception as error:
            raise InputError(
                f"--scheduler {address}: its workers cannot run downpass "
                f"({printable(reason(error), 200)})"
            ) from None
        if found != {revision()}:
            raise InputError(
                f"--scheduler {address}: its workers have downpass {', '.join(sorted(found))}; "
                f"allowed: {revision()}, as here"
            )
        threads = client.nthreads()
        self.count = max(1, min(MOST_WORKERS, sum(threads.values())))
        # Not pure: Dask would otherwise answer equal tasks with one result.
        self.executor: Executor = client.get_executor(pure=False, retries=1)

    def renew(self, count: int) -> None:
        """Do nothing: the scheduler replaces workers."""


def is_death(error: BaseException) -> bool:
    """Return whether an exception says that a worker died with its cell."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"
