"""The page of a sweep: one file, like the report of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from . import sweep_front, sweep_heat
from . import wording as w
from .page import filled
from .sweep_data import DROPPED, FIGURES, Figure, SweepData, SweepPoint

_LEFT_OUT: Final = 20
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
        points=w.plural(len(data.points), "point"),
        start=f"{w.date(data.start)}{w.NBSP}{data.start:%H:%M:%S} UTC",
        duration=w.duration(data.duration_s),
        sentences=sentences(data),
        axes=[(_breakable(a.field), _values(a.values)) for a in data.axes],
        front=sweep_front.picture(data, linked),
        maps=sweep_heat.heat_maps(data, linked),
        map_note=sweep_heat.note(data),
        heads=[_breakable(a.label) for a in data.axes],
        figure_heads=[f.title for f in shown],
        rows=[
            PointRow(
                f"p{p.number}",
                tuple(map(w.plain, p.values)),
                tuple(with_interval(p, f) for f in shown),
                p.number in on_front,
                w.plain(p.options) if p.options else "",
                w.plain(p.error) if p.error else "",
            )
            for p in rows
        ],
        left_out=_left_out(len(ranked) - _MOST_ROWS),
    )


def sentences(data: SweepData) -> list[str]:
    """Return the outcome in a few sentences."""
    number = len(data.points)
    text = w.plural(number, "drawn point" if data.sampled else "point")
    if not data.sampled and number > 1:
        text += ", every combination of the values"
    if data.seeds > 1:
        text += f", {'each ' * (number > 1)}with {w.plural(data.seeds, 'seed')}"
    found = [f"{text}."]
    failed = [p for p in data.points if p.failed == p.runs]
    if failed:
        found.append(f"{w.counted(len(failed), 'point')} could not be run.")
    if number > len(failed):
        found.append(_dropless(data, number - len(failed)))
    for figure in FIGURES[:2]:
        known = [p for p in data.points if p.median(figure) is not None]
        if len(known) > 1:
            best = max(known, key=lambda p: (p.median(figure) or 0, -p.number))
            most = figure.write(best.median(figure))
            found.append(
                f"{figure.title}: {'at most ' * w.present(best.median(figure))}{most}, with "
                f"{sweep_front.settings_label(data, best)}."
            )
    return found


def _dropless(data: SweepData, number: int) -> str:
    """Return a sentence on the points of which no run drops a frame.

    Args:
        data: The sweep.
        number: Number of points that were run.
    """
    intervals = (p.figures[DROPPED.key] for p in data.points)
    dropless = sum(1 for found in intervals if found is not None and found.high == 0)
    # From 20 seeds on, an interval leaves the extremes out.
    of = "its" if dropless in (1, number) else "their"
    most = f" in at least 95{w.NBSP}% of {of} runs" if data.seeds >= _LEFT_OUT else ""
    if dropless == number:
        return f"Every point drops nothing{most}." if most else "No point drops a frame."
    verb = "drops" if dropless == 1 else "drop"
    return f"{w.count(dropless)} of {w.count(number)} {verb} nothing{most}."


def with_interval(point: SweepPoint, figure: Figure) -> str:
    """Return a figure's median with its interval over the seeds, if it has one."""
    found = point.figures[figure.key]
    if found is None:
        return w.DASH
    texts = [figure.write(value) for value in (found.median, found.low, found.high)]
    if len(set(texts)) == 1:
        return texts[0]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _breakable(field: str) -> Markup:
    """Return a field's path that may be broken after its dots."""
    return Markup(".<wbr>").join(w.plain(field).split("."))


def _left_out(number: int) -> str:
    """Return how many points the table lacks, for a sentence; empty if it has all."""
    if number < 1:
        return ""
    return f"{w.plural(number, 'further point')} {'is' if number == 1 else 'are'}"


def _values(values: tuple[str, ...]) -> str:
    if len(values) <= 12:
        return w.plain(", ".join(values))
    return w.plain(f"{len(values)} values, {values[0]} to {values[-1]}")
