"""Draws the results of a board's benchmark."""

from __future__ import annotations

import statistics
from typing import IO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...link.text import printable
from .bench import Bench

_LONGEST_NAME = 80
_BLUE, _ORANGE, _GREY = "#0072b2", "#c44e00", "#59636e"


def draw(bench: Bench, file: IO[bytes]) -> None:
    """Write a PNG: encode time of each tile, and times of encoder and line by the wall clock.

    Raises:
        OSError: The file cannot be written.
    """
    figure = Figure(figsize=(9.5, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    each, shares = figure.subplots(1, 2, width_ratios=(3, 2))
    kind = "measured" if bench.measured else "modelled"
    figures = bench.figures()

    milliseconds = [1e3 * tile.encode_s for tile in bench.tiles]
    each.plot(range(1, len(milliseconds) + 1), milliseconds, ".", color=_BLUE)
    middle = statistics.median(milliseconds)
    each.axhline(middle, color=_GREY, linewidth=0.8)
    each.annotate(
        f"median {middle:.3g} ms",
        (1, middle),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color=_GREY,
    )
    each.set_ylim(0, 1.15 * max(milliseconds))
    each.set_xlabel(f"tile of {bench.side} × {bench.side} pixels")
    each.set_ylabel(f"encode time, ms ({kind})")

    rows = {
        "one at a time": bench.alone_s * len(bench.tiles),
        "streamed": bench.wall_s,
        f"encoder ({kind})": bench.encode_s,
    }
    colours = [_GREY, _BLUE, _ORANGE]
    if bench.line_s is not None:
        rows[f"line at {bench.baud:,} baud"] = bench.line_s
        colours.append(_ORANGE)
    bars = shares.barh(list(rows), list(rows.values()), color=colours, height=0.6)
    shares.bar_label(bars, [f"{seconds:.3g} s" for seconds in rows.values()], padding=4)
    shares.set_xlim(0, 1.2 * max(rows.values()))
    shares.invert_yaxis()
    shares.set_xlabel(f"seconds for {len(bench.tiles)} tiles")
    for axes in (each, shares):
        axes.spines[["top", "right"]].set_visible(False)
    goodput = figures["goodput_bytes_per_s"] / 1e3
    who = printable(f"{bench.own.name}, {bench.own.software}", _LONGEST_NAME)
    # The board's own words may contain dollar signs: they are no formulas.
    figure.suptitle(f"{who}: {goodput:.3g} kB/s of pixels", parse_math=False)
    figure.savefig(file, format="png")
