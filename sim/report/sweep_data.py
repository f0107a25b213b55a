"""What the page of a sweep shows, read from the sweep's table of points."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from ..scenario.scenario import Scenario
from ..scenario.yamltree import YamlError, parse
from ..sweep.axes import override, written
from ..sweep.intervals import HIGH, LOW, POINTS, Interval
from ..sweep.plan import Plan
from . import wording as w

_EXACT: Final = "total.psnr_db.exact"
_NUMBER_WITH_UNIT: Final = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s]*)", re.A
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that sweeps are judged by.

    Attributes:
        key: A word for ids.
        column: Its column in the tables.
        title: What it is, for people.
        write: Formats a value.
        less: Whether less is better.
    """

    key: str
    column: str
    title: str
    write: Callable[[float | None], str]
    less: bool


PSNR: Final = Figure("psnr", "total.psnr_db.pooled", "PSNR", w.decibels, False)
UNDAMAGED: Final = Figure(
    "undamaged", "total.psnr_db.undamaged", "PSNR of undamaged frames", w.decibels, False
)
PIXELS: Final = Figure("pixels", "total.delivered_px", "Pixels delivered", w.pixels, False)
WHOLE: Final = Figure(
    "whole", "total.frames.delivered_whole", "Frames delivered whole", w.count, False
)
DROPPED: Final = Figure("dropped", "total.frames.dropped", "Frames dropped", w.count, True)
LATENCY: Final = Figure("latency", "total.latency_s.median", "Median latency", w.duration, True)
BACKLOG: Final = Figure("backlog", "total.backlog_bytes.peak", "Peak backlog", w.size, True)
WRONG: Final = Figure("wrong", "boards.wrong_tiles", "Wrong tiles", w.count, True)
UNFINISHED: Final = Figure(
    "unfinished", "boards.unfinished_frames", "Unfinished frames", w.count, True
)
AGAIN: Final = Figure("again", "boards.chunks_sent_again", "Chunks sent again", w.count, True)
SESSIONS: Final = Figure("sessions", "boards.sessions_lost", "Sessions lost", w.count, True)
BOARD_TIME: Final = Figure("board", "boards.wall_s", "Board time", w.duration, True)
OF_BOARDS: Final = (WRONG, UNFINISHED, AGAIN, SESSIONS, BOARD_TIME)
"""Figures of boards, which few scenarios have."""
FIGURES: Final = (PIXELS, PSNR, UNDAMAGED, WHOLE, DROPPED, LATENCY, BACKLOG, *OF_BOARDS)


@dataclass(frozen=True, slots=True)
class SweepAxis:
    """A field that varies.

    Attributes:
        field: The field, as for `--set`.
        values: Its values as text, each once, in the order in which they are shown.
    """

    field: str
    values: tuple[str, ...]

    @classmethod
    def of(cls, field: str, values: Sequence[Any]) -> SweepAxis:
        """Return an axis of values: numbers of one unit by size, others as they are given."""
        texts = [written(value) for value in values]
        found = [_NUMBER_WITH_UNIT.fullmatch(text) for text in texts]
        sizes = {text: float(m[1]) for text, m in zip(texts, found, strict=True) if m}
        if None not in found and len({m[2] for m in found if m}) == 1:
            texts.sort(key=sizes.__getitem__)
        return cls(field, tuple(texts))

    @property
    def label(self) -> str:
        """Name of the field without what all fields share: `codec.bpp`."""
        return re.sub(r"^satellites\.(0|\*)\.", "", self.field)


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One point of a sweep over its seeds.

    Attributes:
        number: Its number, from 0.
        values: The text of each axis's value.
        runs: Number of its runs.
        failed: Number of runs that cannot be run or ended by a fault.
        error: The first reason.
        figures: Median and interval of each figure, by the figure's key; None if no run has it.
        options: The command-line options that make it.
    """

    number: int
    values: tuple[str, ...]
    runs: int
    failed: int
    error: str
    figures: Mapping[str, Interval | None]
    options: str = ""

    def median(self, figure: Figure) -> float | None:
        """Return a figure's median; None if it is unknown."""
        found = self.figures[figure.key]
        return None if found is None else found.median


@dataclass(frozen=True, slots=True)
class SweepData:
    """A sweep, for its page and for the terminal.

    Attributes:
        scenario_name, description, start, duration_s: Of the scenario.
        version: Version of downpass.
        command: The command line that made it.
        axes: What varies.
        seeds: Number of seeds of each point.
        points: All points.
        sampled: Whether points were drawn instead of every combination.
    """

    scenario_name: str
    description: str
    start: datetime
    duration_s: float
    version: str
    command: str
    axes: tuple[SweepAxis, ...]
    seeds: int
    points: tuple[SweepPoint, ...]
    sampled: bool

    def known(self, figure: Figure) -> bool:
        """Return whether any point has a figure."""
        return any(point.figures[figure.key] is not None for point in self.points)


def read_points(folder: Path, scenario: Scenario, plan: Plan, command: str) -> SweepData:
    """Read a sweep's points from its folder.

    Args:
        folder: The sweep's output.
        scenario: The scenario, without the sweep's changes.
        plan: The sweep's plan.
        command: The command line that made it.
    """
    source = pq.ParquetFile(folder / POINTS)
    names = set(source.schema_arrow.names)
    figures = [figure for figure in FIGURES if figure.column in names]
    columns = ["point", "runs", "failed", "error", *(name for name in (_EXACT,) if name in names)]
    columns += [f.column + ending for f in figures for ending in ("", LOW, HIGH)]
    points = [
        _point(row, plan, figures)
        for batch in source.iter_batches(columns=columns)
        for row in batch.to_pylist()
    ]
    return SweepData(
        scenario.name,
        scenario.description,
        scenario.start,
        scenario.duration,
        version("downpass"),
        command,
        tuple(SweepAxis.of(a.field, a.values) for a in plan.axes),
        len(plan.seeds),
        tuple(points),
        plan.sampled,
    )


def _point(row: Mapping[str, Any], plan: Plan, figures: Sequence[Figure]) -> SweepPoint:
    runs = row["runs"] - row["failed"]
    values = plan.points[row["point"]]
    found: dict[str, Interval | None] = dict.fromkeys((figure.key for figure in FIGURES), None)
    for figure in figures:
        median = row[figure.column]
        if median is not None:
            low, high = row[figure.column + LOW], row[figure.column + HIGH]
            found[figure.key] = Interval(median, low, high, runs)
    if found[PSNR.key] is None and row.get(_EXACT):
        # summary.json has no PSNR if all frames are exact: JSON cannot write infinity.
        exact = Interval(math.inf, math.inf, math.inf, runs)
        found |= {PSNR.key: exact, UNDAMAGED.key: exact}
    return SweepPoint(
        row["point"],
        tuple(map(written, values)),
        row["runs"],
        row["failed"],
        row["error"] or "",
        found,
        _options(plan, values),
    )


def _options(plan: Plan, values: Sequence[Any]) -> str:
    """Return the options that make a point: those of all cells, then its own."""
    own = (_option(a.field, value) for a, value in zip(plan.axes, values, strict=True))
    return " ".join((*(f"--set {shlex.quote(change)}" for change in plan.base), *own))


def _option(field: str, value: Any) -> str:
    """Return the option of a command line that sets a field to a value."""
    text = written(value)
    try:
        is_same = parse(text).value == value
    except YamlError:
        is_same = False
    return f"--set {shlex.quote(f'{field}={text}' if is_same else override(field, value))}"
