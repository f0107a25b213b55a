"""Processes that train the same networks, each on crops of its own.

On a processor, one step of many crops gains little from more threads, and nearly all from more
processes: each makes the gradient of its own crops, and all make the same step with the mean. The
first process decides, logs, evaluates and saves.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing, nn

from ....link.errors import InputError

LONGEST_WAIT = timedelta(hours=2)
"""How long a process waits for the others, while the first evaluates for example."""


class Processes:
    """One of the processes of a run; by default the only one.

    Args:
        rank: Number of this process, 0 for the first.
        count: Number of processes.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def is_first(self) -> bool:
        """Whether this is the process that decides, logs, evaluates and saves."""
        return self.rank == 0

    def number_of(self, step: int) -> int:
        """Return the number of the batch that this process draws for a step."""
        return step * self.count + self.rank

    def agree(self, value: float) -> float:
        """Return the first process's value, in all of them."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return float(shared[0])

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their means over the processes."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(mean)
        mean /= self.count
        first = 0
        for gradient in gradients:
            size = gradient.numel()
            gradient.copy_(mean[first : first + size].view(gradient.shape))
            first += size

    def share(self, *modules: nn.Module) -> None:
        """Give all processes the first one's weights and buffers."""
        if self.count == 1:
            return
        for module in modules:
            for value in module.state_dict().values():
                received: Tensor = value.detach().clone(memory_format=torch.contiguous_format)
                distributed.broadcast(received, 0)
                value.copy_(received)


@contextmanager
def started(
    count: int, work: Callable[[Processes, Any], None], argument: Any
) -> Iterator[Processes]:
    """Start the processes of a run, and yield what the first one, this one, is among them.

    Args:
        count: Number of processes.
        work: What each of the others does, with `argument`; a function of a module.
        argument: For example the options of the run.

    Raises:
        InputError: One of them ended before its work began; it has printed why.
    """
    if count == 1:
        yield Processes()
        return
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // count))
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        others = {}
        for rank in range(1, count):
            ready = spawning.Event()
            arguments = (work, argument, rank, count, meeting, ready)
            other = spawning.Process(target=_other, args=arguments, daemon=True)
            other.start()
            others[other] = ready
        for other, ready in others.items():
            while not ready.wait(0.2):
                if not other.is_alive():
                    raise InputError(
                        f"--processes {count}: one of them ended with {other.exitcode} "
                        "before it began"
                    )
        _join(0, count, meeting)
        try:
            yield Processes(0, count)
        finally:
            distributed.destroy_process_group()
            for other in others:
                other.join(timeout=10)


def _other(
    work: Callable[[Processes, Any], None],
    argument: Any,
    rank: int,
    count: int,
    meeting: Path,
    ready: Event,
) -> None:
    """Be one of the other processes, whose end the first one decides."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // count))
    ready.set()
    _join(rank, count, meeting)
    work(Processes(rank, count), argument)
    distributed.destroy_process_group()


def _join(rank: int, count: int, meeting: Path) -> None:
    """Meet the other processes of this machine, over its loopback interface alone."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=count, timeout=LONGEST_WAIT
    )
