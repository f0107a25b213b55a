"""The subcommand `downpass sweep`: run a scenario at many settings."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...link.plurals import counted
from ..console.streams import complain
from .arguments import add_programs, add_scenario

if TYPE_CHECKING:
    from ..scenario.scenario import Scenario
    from ..sweep.plan import Plan
    from ..sweep.run import SweepOutcome
    from ..sweep.workers import Workers


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "sweep",
        help="run a scenario at many settings and compare",
        description="Run a scenario at every combination of some fields' values, or at a sample "
        "of them, and write a table with a row for each run, and a report. If it is interrupted, "
        "the same command goes on where it ended.",
    )
    add_scenario(parser)
    parser.add_argument(
        "--over",
        action="append",
        default=[],
        metavar="FIELD=VALUES",
        help="a field and its values, such as satellites.0.codec.bpp=0.5,1,2 or "
        "'satellites.0.recorder.capacity=1 MB..16 MB:5:log'; repeat it for each field",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="run each point with N seeds")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="draw N points instead of every combination"
    )
    add_workers(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (runs/NAME-sweep)")
    parser.add_argument(
        "--no-quality",
        action="store_true",
        help="do not decode delivered frames: several times as fast, and no PSNR",
    )
    add_programs(parser)
    parser.set_defaults(run=sweep)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the runs happen, and what is printed."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="processes of this computer (one for each core)"
    )
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run on a Dask cluster instead, such as tcp://10.0.0.1:8786",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of frames encoded before (~/.cache/downpass)",
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="print nothing but errors")
    loudness.add_argument("--json", action="store_true", help="print the results as JSON")


def sweep(arguments: argparse.Namespace) -> int:
    """Run a sweep."""
    from ...link.text import json_text
    from ..frames.content_cache import open_cache
    from ..report import write_report
    from ..report.sweep import render_sweep
    from ..report.sweep_data import read_points
    from ..sweep.run import PAGE, SweepJob, run_sweep
    from .progress import shown_progress
    from .sweep_table import points_json, print_points

    scenario, text, plan, scenes = _plan(arguments)
    open_cache(arguments.cache)  # refuses a folder that cannot be used
    out = arguments.out or Path("runs") / f"{scenario.name}-sweep"
    measured = not arguments.no_quality
    job = SweepJob(Path(arguments.file), text, plan, arguments.cache, measured, scenes)
    workers = open_workers(arguments, scenario, plan)
    try:
        with shown_progress(arguments) as progress:
            outcome = run_sweep(job, out, workers, progress)
            progress.stage("report")
            data = read_points(out, scenario, plan, command(arguments))
            write_report(out / PAGE, render_sweep(data))
    except KeyboardInterrupt:
        complain(f"finished cells are kept in {out}; the same command goes on with the others")
        raise
    if arguments.json:
        sys.stdout.write(json_text(points_json(data)) + "\n")
    elif not arguments.quiet:
        print_points(data)
        sys.stdout.write(f"{out / PAGE}\n")
    return _status(outcome)


def _plan(arguments: argparse.Namespace) -> tuple[Scenario, str, Plan, set[Path]]:
    """Return scenario, text, plan and scenes; every value of the plan has been checked."""
    from ..scenario.load import load_scenario, read_scenario
    from ..sweep.axes import parse_axis
    from ..sweep.plan import check_plan, make_plan

    text = read_scenario(arguments.file)
    scenario = load_scenario(arguments.file, arguments.overrides, text)
    plan = make_plan(
        scenario,
        [parse_axis(over) for over in arguments.over],
        seeds=arguments.seeds,
        sample=arguments.sample,
        base=arguments.overrides,
    )
    scenes = check_plan(plan, Path(arguments.file), text)
    return scenario, text, plan, scenes


def open_workers(
    arguments: argparse.Namespace, scenario: Scenario, plan: Plan | None = None
) -> Callable[[int], AbstractContextManager[Workers]]:
    """Return a function that opens the place where cells run, given their number.

    Raises:
        InputError: The number of workers is not allowed, or a board cannot be shared.
    """
    import os

    from ...link.errors import InputError
    from ..sweep.workers import (
        MOST_WORKERS,
        check_address,
        cluster,
        local_workers,
        this_process,
    )

    asked = arguments.workers
    if asked is not None and not 1 <= asked <= MOST_WORKERS:
        raise InputError(f"--workers: found {asked}; allowed: 1 to {MOST_WORKERS}")
    alone = _runs_alone(scenario, plan)
    if arguments.scheduler is not None:
        if alone:
            raise InputError(f"--scheduler: {alone}; allowed: local workers")
        address = arguments.scheduler
        check_address(address)
        return lambda _: cluster(address)
    if alone and (asked or 1) > 1:
        raise InputError(f"--workers: {alone}; allowed: one worker")
    cores = len(os.sched_getaffinity(0))
    most = 1 if alone else asked or min(cores, MOST_WORKERS)
    return lambda cells: local_workers(min(most, cells)) if min(most, cells) > 1 else this_process()


def _runs_alone(scenario: Scenario, plan: Plan | None) -> str:
    """Return why the scenario's runs must follow each other; empty if they need not."""
    fields = [] if plan is None else [a.field for a in plan.axes]
    if any(s.encoder.backend == "board" for s in scenario.satellites) or any(
        ".encoder" in field for field in fields
    ):
        return "a board encodes one run's frames at a time"
    if any(s.processor.encode_time == "host" for s in scenario.satellites):
        return "encode times measured on this computer need it for themselves"
    return ""


def command(arguments: argparse.Namespace) -> str:
    """Return the command line, without what only says where the work is done."""
    parts = ["downpass", "sweep", str(arguments.file)]
    for change in arguments.overrides:
        parts += ["--set", change]
    for over in arguments.over:
        parts += ["--over", over]
    for option in ("seeds", "sample"):
        if getattr(arguments, option) is not None:
            parts += [f"--{option}", str(getattr(arguments, option))]
    if arguments.no_quality:
        parts.append("--no-quality")
    return shlex.join(parts)


def _status(outcome: SweepOutcome) -> int:
    errors, faults = outcome.errors, outcome.faults
    if errors[0]:
        complain(f"{_share(errors[0], outcome)} cannot be run; the first: {errors[1]}")
    if faults[0]:
        complain(
            f"{_share(faults[0], outcome)} failed; the same command tries again; the first: "
            f"{faults[1]}"
        )
        return 1
    return 2 if errors[0] == outcome.cells else 0


def _share(number: int, outcome: SweepOutcome) -> str:
    return f"{number} of {counted(outcome.cells, 'cell')}"
