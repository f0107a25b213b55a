"""The points of a sweep in the terminal, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..console.terminal import plain_table, print_rows, print_table
from ..report import wording as w
from ..report.sweep_data import (
    AGAIN,
    BOARD_TIME,
    DROPPED,
    FIGURES,
    LATENCY,
    PIXELS,
    PSNR,
    SESSIONS,
    WRONG,
    SweepData,
    SweepPoint,
)
from ..report.sweep_front import fronts
from ..sweep.intervals import Interval

_MOST: Final = 20
"""With more points than this, only those on a Pareto front are printed."""
_SHOWN: Final = (PIXELS, DROPPED, LATENCY, PSNR)
_SHOWN_OF_BOARDS: Final = (WRONG, AGAIN, SESSIONS, BOARD_TIME)
"""With boards, a sweep varies mostly what happens on their lines."""
_SHORT: Final = {AGAIN: "Sent again"}
"""Shorter titles, so that the values of the axes keep their room."""


def print_points(data: SweepData) -> None:
    """Print all points, or those on a Pareto front if there are many."""
    points: Sequence[SweepPoint] = data.points
    title = f"{w.plain(data.scenario_name)}: {w.plural(len(points), 'point')}"
    if len(points) > _MOST:
        if on_front := front_points(data):
            title += f", of which {len(on_front)} on a Pareto front"
            points = on_front
        if len(points) > _MOST:
            title += f"; the first {_MOST}"
            points = points[:_MOST]
    if data.seeds > 1:
        title += f"; medians over {data.seeds} seeds"
    has_boards = data.known(BOARD_TIME)
    shown = [f for f in (_SHOWN_OF_BOARDS if has_boards else _SHOWN) if data.known(f)]
    table = plain_table(
        title.replace(w.NBSP, " "),
        [
            ("point", True),
            *((head, False) for head in _heads(data)),
            *((_SHORT.get(figure, figure.title).replace(" ", "\n"), True) for figure in shown),
        ],
        whole=_heads(data),
    )
    for point in points:
        texts = [figure.write(point.median(figure)).replace(w.NBSP, " ") for figure in shown]
        if point.failed == point.runs:
            texts = ["failed", *[""] * len(shown)][: len(shown)]
        table.add_row(str(point.number), *map(w.plain, point.values), *texts)
    print_table(table)
    # An error is far longer than a figure: in the table it would take the room of the others.
    print_rows(_failures(points))


def _failures(points: Sequence[SweepPoint]) -> list[tuple[str, str]]:
    """Return the points that have failed, those with the same error in one row, and why."""
    numbers: dict[str, list[str]] = {}
    for point in points:
        if point.failed == point.runs:
            numbers.setdefault(w.plain(point.error), []).append(str(point.number))
    return [
        (f"point{'s' if len(those) > 1 else ''} {', '.join(those)} failed", error)
        for error, those in numbers.items()
    ]


def _heads(data: SweepData) -> list[str]:
    """Return the last step of each field, or more of it if two have the same."""
    last = [a.field.rpartition(".")[2] for a in data.axes]
    fields = [a.field.removeprefix("satellites.") for a in data.axes]
    return [
        w.short(step if last.count(step) == 1 else field, 24)
        for step, field in zip(last, fields, strict=True)
    ]


def front_points(data: SweepData) -> list[SweepPoint]:
    """Return all points on any front, by number."""
    numbers = {point.number: point for front in fronts(data) for point in front}
    return [numbers[number] for number in sorted(numbers)]


def points_json(data: SweepData) -> dict[str, Any]:
    """Return the points as JSON has them: values, medians, intervals and errors."""
    on_front = {point.number for point in front_points(data)}
    return {
        "scenario": data.scenario_name,
        "seeds": data.seeds,
        "points": [
            {
                "point": point.number,
                "set": dict(zip((a.field for a in data.axes), point.values, strict=True)),
                "runs": point.runs,
                "failed": point.failed,
                "error": point.error or None,
                "front": point.number in on_front,
                "figures": {f.column: _interval_json(point.figures[f.key]) for f in FIGURES},
            }
            for point in data.points
        ],
    }


def _interval_json(found: Interval | None) -> dict[str, float] | None:
    """Return an interval; None if there is none, or its figure is infinite."""
    if found is None or not w.present(found.median):
        return None
    return {"median": found.median, "p5": found.low, "p95": found.high}
