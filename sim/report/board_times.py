"""Picture of a board's times: histograms over its tiles, with p50, p95 and p99."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import wording as w
from .data import ReportData, numbers
from .style import FAINT, HALO, INK, MUTED, SERIES, DataTable, Picture, Sheet, bars, draw
from .summary_blocks import part

_SHARES: Final = (("p50", 50), ("p95", 95), ("p99", 99))
_BINS: Final = 33
_ROOM: Final = 0.15
"""The axis ends this share of its length beyond p99; higher values are counted, not drawn."""
_PANEL: Final = 206.0
_TIMES: Final = (
    ("queue_s", "Waiting for the line"),
    ("upload_s", "To the board"),
    ("on_board_s", "On the board, until its first answer"),
    ("download_s", "Back to this computer"),
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often times occur.

    Attributes:
        title: What the times are.
        edges_s: Edges of the bins, ascending.
        counts: Number of values in each bin.
        beyond: Number of values above the last edge.
        marks_s: The percentiles by name.
        most_s: The highest value.
    """

    title: str
    edges_s: NDArray[np.float64]
    counts: NDArray[np.int64]
    beyond: int
    marks_s: Mapping[str, float]
    most_s: float


def histogram(title: str, values_s: NDArray[np.float64]) -> Histogram | None:
    """Return the histogram of times in seconds; None if there are none.

    Percentiles are by nearest rank (Hyndman and Fan 1996, type 1), as in summary.json.
    """
    values_s = values_s[np.isfinite(values_s)]
    if not values_s.size:
        return None
    marks = {
        name: float(np.percentile(values_s, share, method="inverted_cdf"))
        for name, share in _SHARES
    }
    low, most = float(values_s.min()), float(values_s.max())
    high = min(most, marks["p99"] + _ROOM * (marks["p99"] - low))
    if high - low <= 1e-6 * max(most, 1e-9):  # all but alike, as an emulator counts
        low, high = 0.9 * low, max(1.1 * high, low + 1e-9)
    counts, edges = np.histogram(values_s, _BINS, (low, high))
    return Histogram(title, edges, counts, int((values_s > high).sum()), marks, most)


def picture(data: ReportData, block: Mapping[str, Any], key: str) -> Picture | None:
    """Return histograms of one board's times; None if it finished no tile.

    Args:
        data: The run.
        block: The board's block of the summary.
        key: A word for ids, unique in the page.
    """
    if data.board_tiles is None:
        return None
    ports = data.board_tiles.column("port").cast(pa.string())
    rows = data.board_tiles.filter(pc.equal(ports, str(block.get("port"))))
    kind = "modelled" if block.get("time_kind") == "modelled" else "measured by the board's clock"
    moved = numbers(rows, "upload_s") + numbers(rows, "download_s")
    panels = [
        found
        for found in (
            histogram(f"Encoding, {kind}", numbers(rows, "encode_s")),
            histogram("To the board and back, by this computer's clock", moved),
        )
        if found is not None
    ]
    if not panels:
        return None
    wide, narrow = draw(key, lambda _: len(panels) * _PANEL, lambda sheet: _paint(sheet, panels))
    name = w.plain(str(block.get("name")))
    return Picture(
        key="times",
        alt="; ".join(_words(panel) for panel in panels) + ".",
        caption=f"How many of the {w.plural(rows.num_rows, 'job')} of board {name} took how long. "
        "A job is a tile, or with the learned codec a triple of its bands. Percentiles are the "
        "smallest value that so many do not exceed. Tiles share the line, so a transfer takes the "
        "longer the more of them are on their way.",
        wide=wide,
        narrow=narrow,
        table=_table(block, name),
    )


def _words(panel: Histogram) -> str:
    marks = ", ".join(f"{name} {w.seconds(value)}" for name, value in panel.marks_s.items())
    return f"{panel.title}: {marks}, at most {w.seconds(panel.most_s)}"


def _table(block: Mapping[str, Any], name: str) -> DataTable:
    """Return the percentiles of every time, from the summary."""
    measured = part(block, "measured")
    rows = [("Encoding", part(block, "tile_encode_s"))]
    rows += [(title, part(measured, f"tile_{column}")) for column, title in _TIMES]
    heads = (*(head for head, _ in _SHARES), "max")
    return DataTable(
        caption=f"Times of a job of board {name}",
        columns=(("Time", False), *((head, True) for head in heads)),
        rows=tuple(
            (title, *(w.seconds(found.get(head)) for head in heads)) for title, found in rows
        ),
    )


def _paint(sheet: Sheet, panels: list[Histogram]) -> None:
    left, right = (40.0 if sheet.narrow else 52.0), (14.0 if sheet.narrow else 24.0)
    small = 11 if sheet.narrow else 12
    for index, panel in enumerate(panels):
        top = index * _PANEL
        sheet.text(0, top + 10, panel.title, fontsize=small + 1, color=INK)
        axes = sheet.axes(left, top + 78, sheet.width - left - right, _PANEL - 110)
        low, high = float(panel.edges_s[0]), float(panel.edges_s[-1])
        peak = max(int(panel.counts.max()), 1)
        for start, end, count in zip(
            panel.edges_s[:-1], panel.edges_s[1:], panel.counts, strict=True
        ):
            gap = 0.06 * (end - start)
            if count:
                bars(axes, [(start + gap, end - gap)], 0, float(count), color=SERIES[0])
        for place, (name, value) in enumerate(panel.marks_s.items()):
            # Each label has a line of its own, so that equal percentiles stay legible.
            height = peak * (1.06 + 0.19 * (len(panel.marks_s) - 1 - place))
            axes.plot([value, value], [0, height], color=MUTED, lw=1, ls=(0, (2, 2)), clip_on=False)
            late = value > low + 0.6 * (high - low)
            axes.annotate(
                f"{name} {w.seconds(value)}",
                (value, height),
                xytext=(-5 if late else 5, 0),
                textcoords="offset points",
                ha="right" if late else "left",
                va="center",
                fontsize=small,
                color=INK,
                gid=HALO,
                annotation_clip=False,
            )
        if panel.beyond:
            sheet.text(
                sheet.width - right,
                top + 10,
                f"{w.count(panel.beyond)} longer, up to {w.seconds(panel.most_s)} →",
                fontsize=small,
                color=MUTED,
                ha="right",
            )
        _scale(axes, low, high, peak, small, sheet.narrow)


def _scale(axes: Any, low: float, high: float, peak: int, small: int, narrow: bool) -> None:
    """Label the axes: time in one unit, and whole numbers of jobs."""
    units = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))
    unit, name = next((one for one in units if high < 1000 * one[0]), units[-1])
    step = _round_step((high - low) / (4.5 if narrow else 7))
    marks = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    digits = max(0, -math.floor(math.log10(step / unit) + 1e-9))
    axes.set_xticks(marks, [f"{mark / unit:.{digits}f}{w.NBSP}{name}" for mark in marks])
    rise = max(1, round(_round_step(peak / 3)))
    levels = np.arange(0, peak + 1, rise)
    axes.set_yticks(levels, [w.count(float(level)) for level in levels])
    axes.tick_params(labelsize=small)
    axes.set_xlim(low, high)
    axes.set_ylim(0, peak)
    axes.grid(axis="y")
    axes.axhline(0, color=FAINT)


def _round_step(rough: float) -> float:
    """Return the step 1, 2 or 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * (1 - 1e-9))
