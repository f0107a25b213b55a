"""The page of a sweep: one file, like the report of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import sweep_front, sweep_heat
from . import wording as w
from .page import filled
from .sweep_data import DROPPED, FIGURES, Figure, SweepData, SweepPoint

_MOST_ROWS: Final = 300
"""Most points in the page's table; those on a front come first."""


@dataclass(frozen=True, slots=True)
class PointRow:
    """A row of the table of points.

    Attributes:
        key: Id that links lead to.
        values: The value of each axis.
        figures: The text of each figure, with its interval.
        front: Whether the point is on a Pareto front.
        options: The command-line options that make it.
        error: Why its runs failed; empty if they did not.
    """

    key: str
    values: tuple[str, ...]
    figures: tuple[str, ...]
    front: bool
    options: str
    error: str


def render_sweep(data: SweepData) -> str:
    """Return the page of a sweep as HTML; the same data gives the same text."""
    on_front = {p.number for front in sweep_front.fronts(data) for p in front}
    ranked = sorted(data.points, key=lambda p: (p.number not in on_front, p.number))
    rows = ranked[:_MOST_ROWS]
    linked = frozenset(p.number for p in rows)
    shown = [f for f in FIGURES if data.known(f)]
    return filled(
        "sweep.html.jinja",
        data=data,
        start=f"{w.date(data.start)}{w.NBSP}{data.start:%H:%M:%S} UTC",
        duration=w.duration(data.duration_s),
        sentences=sentences(data),
        axes=[(w.plain(a.field), _values(a.values)) for a in data.axes],
        front=sweep_front.picture(data, linked),
        maps=sweep_heat.heat_maps(data, linked),
        map_note=sweep_heat.note(data),
        heads=[w.plain(a.label) for a in data.axes],
        figure_heads=[f.title for f in shown],
        rows=[
            PointRow(
                f"p{p.number}",
                tuple(map(w.plain, p.values)),
                tuple(with_interval(p, f) for f in shown),
                p.number in on_front,
                options(data, p),
                w.plain(p.error) if p.error else "",
            )
            for p in rows
        ],
        left_out=max(0, len(ranked) - _MOST_ROWS),
    )


def sentences(data: SweepData) -> list[str]:
    """Return the outcome in a few sentences."""
    how = "drawn points" if data.sampled else "points, every combination of the values"
    seeds = f", each with {w.plural(data.seeds, 'seed')}" if data.seeds > 1 else ""
    found = [f"{w.count(len(data.points))} {how}{seeds}."]
    failed = [p for p in data.points if p.failed == p.runs]
    if failed:
        found.append(f"{w.counted(len(failed), 'point')} could not be run.")
    dropless = [p for p in data.points if p.median(DROPPED) == 0]
    if len(dropless) == len(data.points) - len(failed):
        found.append("No point drops a frame.")
    else:
        found.append(
            f"{w.count(len(dropless))} of {w.count(len(data.points) - len(failed))} drop nothing."
        )
    for figure in FIGURES[:2]:
        known = [p for p in data.points if p.median(figure) is not None]
        if len(known) > 1:
            best = max(known, key=lambda p: (p.median(figure) or 0, -p.number))
            found.append(
                f"{figure.title}: at most {figure.write(best.median(figure))}, with "
                f"{sweep_front.settings_label(data, best)}."
            )
    return found


def with_interval(point: SweepPoint, figure: Figure) -> str:
    """Return a figure's median with its interval over the seeds, if it has one."""
    found = point.figures[figure.key]
    if found is None:
        return w.DASH
    texts = [figure.write(value) for value in (found.median, found.low, found.high)]
    if len(set(texts)) == 1:
        return texts[0]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def options(data: SweepData, point: SweepPoint) -> str:
    """Return the `--set` options that make a point."""
    pairs = zip(data.axes, point.values, strict=True)
    return w.plain(" ".join(f"--set '{a.field}={value}'" for a, value in pairs))


def _values(values: tuple[str, ...]) -> str:
    if len(values) <= 12:
        return w.plain(", ".join(values))
    return w.plain(f"{len(values)} values, {values[0]} to {values[-1]}")
