"""Picture of latency: the cumulative distribution of times from capture to the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import wording as w
from .data import ReportData, codes, names, numbers, rows_by
from .style import (
    DASHES,
    FAINT,
    HALO,
    INK,
    MUTED,
    SERIES,
    DataTable,
    Picture,
    Sheet,
    draw,
)

_MOST_CURVES = 5
_NOT_WHOLE = ("damaged", "wrong")
_STEPS_S = (
    *(0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600 * hours for hours in (1, 2, 3, 6, 12, 24, 48, 72, 120, 240)),
)


def latencies(data: ReportData) -> dict[str, NDArray[np.float64]]:
    """Return each satellite's latencies of delivered frames in seconds, ascending."""
    rows = rows_by(data.frames, "satellite")
    nothing = np.zeros(0, dtype=np.intp)
    delivered = names(data.frames, "state") == "delivered"
    latency = numbers(data.frames, "latency_s")
    known = delivered & np.isfinite(latency)
    return {
        name: np.sort(latency[mine[known[mine]]])
        for name, mine in ((name, rows.get(name, nothing)) for name in data.satellites)
    }


def _not_whole(data: ReportData) -> dict[str, tuple[int, ...]]:
    """Return the numbers of each satellite's frames that were delivered damaged and wrong."""
    satellite, words = codes(data.frames, "satellite")
    known = np.isfinite(numbers(data.frames, "latency_s"))
    kind = names(data.frames, "delivery")
    counts = [
        np.bincount(satellite[(kind == name) & known], minlength=len(words)).tolist()
        for name in _NOT_WHOLE
    ]
    found = dict(zip(words, zip(*counts, strict=True), strict=True))
    return {name: found.get(name, (0,) * len(_NOT_WHOLE)) for name in data.satellites}


def _in_words(total: int, others: tuple[int, ...]) -> str:
    words = [f"{w.count(total - sum(others))} whole", f"{w.count(others[0])} damaged"]
    return ", ".join(words + [f"{w.count(others[1])} wrong"] * bool(others[1]))


def _percentile(values: NDArray[np.float64], percent: float) -> float:
    """Return a percentile by nearest rank, as summary.json defines it (Hyndman and Fan, type 1)."""
    return float(np.percentile(values, percent, method="inverted_cdf"))


def picture(data: ReportData) -> Picture | None:
    """Return the distribution of latencies; None if no frame was delivered."""
    not_whole = _not_whole(data)
    by_satellite = {name: values for name, values in latencies(data).items() if values.size}
    if not by_satellite:
        return None
    everything = np.sort(np.concatenate(list(by_satellite.values())))
    curves = (
        by_satellite
        if len(by_satellite) <= _MOST_CURVES
        else {f"all {len(by_satellite)} satellites": everything}
    )
    median, p95 = (_percentile(everything, q) for q in (50, 95))
    total: tuple[int, ...] = tuple(map(sum, zip(*not_whole.values(), strict=True)))
    # A board's wrong payloads are rare, and have a column only if there are some.
    shown = 1 + bool(total[1])

    def paint(sheet: Sheet) -> None:
        _paint(sheet, curves, everything, median, p95)

    wide, narrow = draw("latency", lambda narrow: 260 if narrow else 290, paint)
    return Picture(
        key="latency",
        alt=(
            f"Of {w.plural(everything.size, 'delivered frame')} "
            f"({_in_words(everything.size, total)}) half arrive within "
            f"{w.duration(median)} of their capture and 95{w.NBSP}% within {w.duration(p95)}; "
            f"the fastest takes {w.duration(float(everything[0]))}, the slowest "
            f"{w.duration(float(everything[-1]))}."
        ),
        caption="Share of the delivered frames whose transfer had ended by a time after their "
        "capture, whole or not. Frames that are in part on the ground, were dropped or are "
        "still on board do not count here.",
        wide=wide,
        narrow=narrow,
        table=DataTable(
            caption="Latency from capture to delivery",
            columns=(
                ("Satellite", False),
                ("Whole", True),
                *((name.capitalize(), True) for name in _NOT_WHOLE[:shown]),
                ("Least", True),
                ("Median", True),
                ("p95", True),
                ("Most", True),
            ),
            rows=tuple(
                (
                    w.plain(name),
                    w.count(values.size - sum(not_whole.get(name, total))),
                    *(w.count(number) for number in not_whole.get(name, total)[:shown]),
                    *(w.duration(_percentile(values, q)) for q in (0, 50, 95, 100)),
                )
                for name, values in curves.items()
            ),
        ),
    )


def _paint(
    sheet: Sheet,
    curves: dict[str, NDArray[np.float64]],
    everything: NDArray[np.float64],
    median: float,
    p95: float,
) -> None:
    left, right = (46.0 if sheet.narrow else 58.0), (14.0 if sheet.narrow else 24.0)
    small = 11 if sheet.narrow else 12
    legend = 22.0 if len(curves) > 1 else 0.0
    axes = sheet.axes(left, 14 + legend, sheet.width - left - right, sheet.height - 66 - legend)
    end = max(float(everything[-1]) * 1.04, 1.0)
    for index, (name, values) in enumerate(curves.items()):
        level = np.arange(1, values.size + 1) / values.size * 100
        if values.size > 600:
            chosen = np.unique(np.linspace(0, values.size - 1, 600).astype(int))
            values, level = values[chosen], level[chosen]
        axes.step(
            np.concatenate(([0.0], values, [end])),
            np.concatenate(([0.0], level, [100.0])),
            where="post",
            color=SERIES[index],
            linestyle=DASHES[index],
            label=w.short(name, 16 if sheet.narrow else 30),
        )
    for guide, share, foot, label in ((median, 50, 8, "half"), (p95, 95, 19, "95 %")):
        axes.plot([0, guide], [share, share], color=MUTED, lw=1, ls=(0, (2, 2)))
        axes.plot([guide, guide], [0, share], color=MUTED, lw=1, ls=(0, (2, 2)))
        # To the right of the guide the curve is above its level, so there is room at its foot.
        crowded = guide > end * 0.62
        axes.annotate(
            f"{label} within {w.duration(guide)}",
            (guide, foot),
            xytext=(-6 if crowded else 6, 0),
            textcoords="offset points",
            ha="right" if crowded else "left",
            va="center",
            fontsize=small,
            color=INK,
            gid=HALO,
        )
    step = next((s for s in _STEPS_S if end / s <= (5 if sheet.narrow else 9)), end / 5)
    marks = np.arange(0, end, step)
    axes.set_xticks(marks, [w.duration(float(mark)) if mark else "0" for mark in marks])
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(labelsize=small)
    axes.set_xlim(0, end)
    axes.set_ylim(0, 104)
    axes.grid(axis="y")
    axes.axhline(0, color=FAINT)
    if legend:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=2 if sheet.narrow else 5,
            fontsize=small,
            handlelength=2.6,
            columnspacing=1.4,
        )
    sheet.text(
        sheet.width - right,
        sheet.height - 10,
        "time after capture",
        fontsize=small,
        color=MUTED,
        ha="right",
    )
