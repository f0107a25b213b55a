"""Heat maps of a sweep: how each figure depends on two of the fields that vary.

They are HTML tables instead of pictures, so that every value can be read, and most are links. Many
values of a field are joined to a few levels; further fields are summed up by the median.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ..results.statistics import percentile
from . import wording as w
from .sweep_data import FIGURES, Figure, SweepAxis, SweepData, SweepPoint

_MOST_ROWS: Final = 16
_MOST_COLUMNS: Final = 8


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of a heat map.

    Attributes:
        text: The figure; a dash if no run has it.
        share: How good it is among all cells, 0 (worst) to 1 (best); None if it is unknown.
        link: Id of its point; empty if the cell stands for several points.
        best: Whether no cell is better.
    """

    text: str
    share: float | None
    link: str
    best: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One figure over one or two fields.

    Attributes:
        key: A word for ids.
        title: The figure.
        rows_label, columns_label: The fields; the second is empty if only one varies.
        columns: Heads of the columns.
        rows: Head and cells of each row.
    """

    key: str
    title: str
    rows_label: str
    columns_label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Levels:
    """The values of an axis as a few levels: their labels, and the level of each value."""

    labels: tuple[str, ...]
    of: dict[str, int]


def heat_maps(data: SweepData, linked: Collection[int]) -> list[HeatMap]:
    """Return a heat map for each figure that any point has; none if no field varies.

    Args:
        data: The sweep.
        linked: Numbers of the points that links may lead to.
    """
    ranked = sorted(range(len(data.axes)), key=lambda n: (-len(data.axes[n].values), n))
    chosen = [n for n in ranked if len(data.axes[n].values) > 1][:2]
    if not chosen:
        return []
    return [_map(data, figure, chosen, linked) for figure in FIGURES if data.known(figure)]


def note(data: SweepData) -> str:
    """Return a sentence on what the heat maps sum up; empty if every cell is one point."""
    parts = []
    varying = [a for a in data.axes if len(a.values) > 1]
    ranked = sorted(varying, key=lambda a: -len(a.values))
    if len(varying) > 2:
        rest = [w.plain(a.label) for a in varying if a not in ranked[:2]]
        parts.append(f"Each cell is the median over all values of {w.listing(rest)}.")
    if any(
        len(a.values) > most for a, most in zip(ranked, (_MOST_ROWS, _MOST_COLUMNS), strict=False)
    ):
        parts.append("Values of a field that has many are joined to levels.")
    return " ".join(parts)


def _map(
    data: SweepData, figure: Figure, chosen: Sequence[int], linked: Collection[int]
) -> HeatMap:
    row_axis = data.axes[chosen[0]]
    column_axis = data.axes[chosen[1]] if len(chosen) > 1 else None
    rows = _levels(row_axis, _MOST_ROWS)
    columns = _levels(column_axis, _MOST_COLUMNS) if column_axis else _Levels(("",), {})
    grid: dict[tuple[int, int], list[SweepPoint]] = {}
    for point in data.points:
        row = rows.of[point.values[chosen[0]]]
        column = columns.of[point.values[chosen[1]]] if column_axis else 0
        grid.setdefault((row, column), []).append(point)
    medians = {
        place: percentile((v for p in members if (v := p.median(figure)) is not None), 0.5)
        for place, members in grid.items()
    }
    known = [value for value in medians.values() if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    # An exact frame's PSNR is infinite.
    top = max((value for value in medians.values() if value is not None), default=high)

    def cell(row: int, column: int) -> HeatCell:
        value = medians.get((row, column))
        members = grid.get((row, column), [])
        single = len(members) == 1 and members[0].number in linked
        link = f"p{members[0].number}" if single else ""
        if value is None:
            return HeatCell("failed" if members else w.DASH, None, link, False)
        share = 1.0 if value > high else (value - low) / (high - low) if high > low else 0.5
        share = 1 - share if figure.less else share
        best = top > low and value == (low if figure.less else top)
        return HeatCell(figure.write(value), share, link, best)

    return HeatMap(
        figure.key,
        figure.title,
        w.plain(row_axis.label),
        w.plain(column_axis.label) if column_axis else "",
        tuple(w.plain(label) for label in columns.labels) if column_axis else (figure.title,),
        tuple(
            (w.plain(label), tuple(cell(row, column) for column in range(len(columns.labels))))
            for row, label in enumerate(rows.labels)
        ),
    )


def _levels(axis: SweepAxis, most: int) -> _Levels:
    values = axis.values
    if len(values) <= most:
        return _Levels(values, {value: place for place, value in enumerate(values)})
    labels = []
    of: dict[str, int] = {}
    for level in range(most):
        members = values[level * len(values) // most : (level + 1) * len(values) // most]
        labels.append(f"{members[0]} … {members[-1]}" if len(members) > 1 else members[0])
        of |= dict.fromkeys(members, level)
    return _Levels(tuple(labels), of)
