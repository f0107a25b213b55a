"""Cells survive their workers: each gives one result, whoever dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import load_scenario
from downpass.sim.sweep.cell import CellResult, CellTask
from downpass.sim.sweep.drive import DIED, run_cells
from downpass.sim.sweep.workers import local_workers
from hypothesis import given
from hypothesis import strategies as st
from small_scenarios import scenario, write

BPP = "satellites.0.codec.bpp"


class Mortal(Executor):
    """Runs nothing; some tasks kill it, and everything that it has with them."""

    def __init__(self, poison: set[str], pick: Callable[[int], int]) -> None:
        self.poison, self.pick = poison, pick
        self.waiting: list[tuple[Future[CellResult], CellTask]] = []
        self.dead = False

    def submit(self, _: Any, task: CellTask) -> Future[CellResult]:  # type: ignore[override]
        if self.dead:
            raise BrokenExecutor("dead")
        future: Future[CellResult] = Future()
        self.waiting.append((future, task))
        self.step()
        return future

    def step(self) -> None:
        """Finish one of the tasks, or die of it."""
        future, task = self.waiting.pop(self.pick(len(self.waiting)))
        if task.key in self.poison:
            self.dead = True
            for other, _ in [(future, task), *self.waiting]:
                other.set_exception(BrokenExecutor("dead"))
            self.waiting.clear()
        else:
            future.set_result(CellResult(task.key, {"a": 1}))


class Place:
    """Workers that are replaced when they die."""

    def __init__(self, count: int, poison: set[str], pick: Callable[[int], int]) -> None:
        self.count, self.poison, self.pick = count, poison, pick
        self.executor: Executor = Mortal(poison, pick)

    def renew(self, count: int) -> None:
        self.executor = Mortal(self.poison, self.pick)


@given(st.integers(1, 20), st.sets(st.integers(0, 19)), st.integers(1, 4), st.data())
def test_every_cell_has_one_result_and_only_killers_fail(
    number: int, killers: set[int], count: int, data: st.DataObject
) -> None:
    poison = {f"k{n}" for n in killers if n < number}
    tasks = [CellTask(f"k{n}", Path("x"), "", ()) for n in range(number)]
    place = Place(count, poison, lambda n: data.draw(st.integers(0, n - 1)))
    found = list(run_cells(tasks, place))
    assert sorted(r.key for r in found) == sorted(task.key for task in tasks)
    assert {r.key for r in found if r.error} == poison
    assert all(r.fault and r.error == DIED for r in found if r.error)


def test_a_lost_connection_ends_the_sweep_in_one_line() -> None:
    class Gone(Executor):
        def submit(self, *_: Any) -> Future[CellResult]:  # type: ignore[override]
            future: Future[CellResult] = Future()
            future.set_exception(CancelledError())
            return future

    place = Place(1, set(), lambda n: 0)
    place.executor = Gone()
    with pytest.raises(InputError, match="the connection is lost; finished cells are kept"):
        list(run_cells([CellTask("k", Path("x"), "", ())], place))


def tasks_of(file: Path, count: int) -> list[CellTask]:
    text = file.read_text()
    return [
        CellTask(f"k{n}", file, text, (f"{BPP}={1 + n / 4}",), file.parent / "cache")
        for n in range(count)
    ]


def test_a_killed_process_costs_no_cell(tmp_path: Path) -> None:
    file = write(tmp_path, scenario(None, duration="24 h"))
    tasks = tasks_of(file, 10)
    killed = 0
    found = []
    with local_workers(2) as place:
        for result in run_cells(tasks, place):
            found.append(result)
            if not killed:
                killed = own_children()[-1]
                os.kill(killed, signal.SIGKILL)
    assert killed
    assert sorted(r.key for r in found) == sorted(task.key for task in tasks)
    assert not any(r.error for r in found)
    for result in found:
        n = int(result.key[1:])
        assert result.row == evaluate(load_scenario(file, tasks[n].overrides))


def own_children() -> list[int]:
    """The spawned workers, without Python's resource tracker."""
    parent = os.getpid()
    text = "".join(path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children"))
    pids = [int(word) for word in text.split()]
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_fault_within_a_cell_is_its_result(tmp_path: Path, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("\x1b[31mone\ntwo")

    monkeypatch.setattr("downpass.sim.sweep.cell.evaluate", broken)
    from downpass.sim.sweep.workers import this_process

    file = write(tmp_path, scenario(None, duration="1 h"))
    with this_process() as place:
        (found,) = run_cells(tasks_of(file, 1), place)
    assert found.fault
    assert found.error == "ZeroDivisionError: \\x1b[31mone two"
    assert threading.active_count() < 50


def test_a_worker_with_another_downpass_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from downpass.sim.sweep.cell import run_cell

    file = write(tmp_path, scenario(None, duration="1 h"))
    found = run_cell(replace(tasks_of(file, 1)[0], revision="9.9.9"))
    assert found.fault  # another worker may run it
    assert "allowed: 9.9.9, which began the sweep" in found.error
