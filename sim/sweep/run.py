"""Run a sweep: find out which cells are missing, run them, and write tables and report data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ...link.errors import InputError
from ...link.files import whole_file
from ...link.text import json_text
from ..console.progress import Progress, Silent
from ..scenario.yamltree import parse
from .axes import written
from .cell import CellResult, CellTask
from .drive import run_cells
from .intervals import POINTS, write_points
from .log import NAME, CellLog
from .plan import Plan
from .revision import revision
from .table import TABLE, ResultSource, write_table
from .workers import Workers

DESCRIPTION: Final = "sweep.json"
PAGE: Final = "sweep.html"
_OURS: Final = {NAME, TABLE, POINTS, DESCRIPTION, PAGE}


@dataclass(frozen=True, slots=True)
class SweepJob:
    """What a sweep runs.

    Attributes:
        path: The scenario's file.
        text: Its content.
        plan: The cells.
        cache: Folder of encoded frames; None for the user's own.
        measured: Whether delivered frames are decoded and measured.
        scenes: Scenes of all cells, as `check_plan` returns them.
    """

    path: Path
    text: str
    plan: Plan
    cache: Path | None = None
    measured: bool = True
    scenes: Collection[Path] = ()


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """How a sweep ended.

    Attributes:
        cells: Number of cells.
        reused: Number of cells that had been run before.
        errors: Number of cells that cannot be run, and the first reason.
        faults: Number of cells that ended by a fault, and the first reason.
    """

    cells: int
    reused: int
    errors: tuple[int, str]
    faults: tuple[int, str]


def run_sweep(
    job: SweepJob,
    out: Path,
    workers: Callable[[int], AbstractContextManager[Workers]],
    progress: Progress | None = None,
) -> SweepOutcome:
    """Run the cells that the output folder lacks, and write the tables.

    Args:
        job: What to run.
        out: The output folder: empty, new, or of an earlier sweep, whose finished cells are kept.
        workers: Opens the place where cells run, given the number of cells to run.
        progress: Receives the progress.

    Raises:
        InputError: The folder holds other files or cannot be written, or a cluster is lost.
    """
    progress = progress or Silent()
    _open_folder(out)
    plan = job.plan
    keys = cell_keys(job)
    faults: dict[str, CellResult] = {}
    with CellLog(out / NAME) as log:
        order = [index for index in plan.in_running_order() if keys[index] not in log]
        # A sample of few values has points that are alike: their cells are run once.
        missing = list({keys[index]: index for index in reversed(order)}.values())[::-1]
        reused = len(plan) - len(missing)
        if missing:
            with workers(len(missing)) as place:
                progress.stage("cells", len(plan))
                progress.step(reused)
                threads = max(1, (os.cpu_count() or 1) // place.count)
                tasks = _tasks(job, keys, missing, threads)
                for number, result in enumerate(run_cells(tasks, place), 1):
                    if result.fault:
                        faults[result.key] = result
                    log.append(result)
                    progress.step(reused + number)
        progress.stage("tables")
        source = ResultSource(plan, keys, log.result, faults)
        write_table(out / TABLE, source)
        write_points(out / POINTS, out / TABLE)
        _write_description(out / DESCRIPTION, job)
        return _outcome(plan, keys, log.errors, faults, reused)


def cell_keys(job: SweepJob) -> list[str]:
    """Return for each cell a digest of everything that its result depends on.

    That is downpass itself, the scenario's text, the overrides, and size and time of change of all
    files that the scenario or a value names, or a file of targets.
    """
    common = [
        revision(),
        job.measured,
        str(job.path),
        job.text,
        list(_named_files(job)),
    ]
    base = hashlib.sha256(json.dumps(common, ensure_ascii=True).encode())
    keys = []
    for cell in job.plan.cells():
        own = base.copy()
        own.update(json.dumps(cell.overrides).encode())
        keys.append(own.hexdigest()[:32])
    return keys


def _named_files(job: SweepJob) -> Iterator[tuple[str, int, int]]:
    """Yield each file that a cell may read, with its size and time of change."""
    seen = {os.path.relpath(scene, job.path.parent) for scene in job.scenes}
    values = [value for a in job.plan.axes for value in a.values]
    base = [parse(change.partition("=")[2]).value for change in job.plan.base]
    pending: list[Any] = [parse(job.text).value, values, base]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list | tuple):
            pending += item
        elif isinstance(item, str) and item not in seen and 0 < len(item) < 1024:
            seen.add(item.removeprefix("{folder}/"))  # so a command names a file beside it
    for name in sorted(seen):
        try:
            path = job.path.parent / name
            if path.is_file():
                state = path.stat()
                yield name, state.st_size, state.st_mtime_ns
        except (OSError, ValueError):
            continue  # no name of a file: it holds a NUL, or is too long


def _tasks(
    job: SweepJob, keys: Sequence[str], indices: Sequence[int], threads: int
) -> Iterator[CellTask]:
    for index in indices:
        cell = job.plan.cell(index)
        yield CellTask(
            keys[index],
            job.path,
            job.text,
            cell.overrides,
            job.cache,
            threads,
            job.measured,
        )


def _open_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in out.iterdir())
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); choose another --out"
        ) from None
    foreign = next((name for name in names if not _is_ours(name)), None)
    if foreign is not None:
        raise InputError(
            f"{out}: holds {foreign}, which no sweep has written; choose another --out"
        )


def _is_ours(name: str) -> bool:
    return name in _OURS or any(
        name.startswith(f".{ours}-") and name.endswith(".part") for ours in _OURS
    )


def _write_description(path: Path, job: SweepJob) -> None:
    plan = job.plan
    content = {
        "version": version("downpass"),
        "file": str(job.path),
        "set": list(plan.base),
        "axes": [{"field": a.field, "values": [written(v) for v in a.values]} for a in plan.axes],
        "seeds": list(plan.seeds),
        "points": len(plan.points),
        "cells": len(plan),
        "sampled": plan.sampled,
        "measured": job.measured,
    }
    with whole_file(path) as file:
        file.write(f"{json_text(content)}\n".encode())


def _outcome(
    plan: Plan,
    keys: Sequence[str],
    refused: Mapping[str, str],
    failed: Mapping[str, CellResult],
    reused: int,
) -> SweepOutcome:
    errors = [index for index, key in enumerate(keys) if key in refused]
    faults = [index for index, key in enumerate(keys) if key in failed]
    return SweepOutcome(
        len(plan),
        reused,
        (
            len(errors),
            _place(plan, errors[0]) + refused[keys[errors[0]]] if errors else "",
        ),
        (
            len(faults),
            _place(plan, faults[0]) + failed[keys[faults[0]]].error if faults else "",
        ),
    )


def _place(plan: Plan, index: int) -> str:
    """Return how a message on a cell begins: the values that make it."""
    cell = plan.cell(index)
    pairs = zip(plan.axes, cell.values, strict=True)
    values = [f"{a.field}={written(value)}" for a, value in pairs]
    return f"cell {index} ({', '.join([*values, f'seed={cell.seed}'])}): "
