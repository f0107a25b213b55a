"""Picture of the backlog: encoded bytes that wait on board over time, with passes shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from . import hover
from . import wording as w
from .data import ReportData, numbers, of, rows_by
from .style import (
    FAINT,
    HALO,
    INK,
    MUTED,
    SERIES,
    SHADE,
    DataTable,
    Picture,
    Sheet,
    bars,
    draw,
    merged,
)
from .timeaxis import axis_name, time_axis

_MOST_SATELLITES = 12
# With more passes, every pixel would be shaded.
_MOST_SHADED = 300
# Beyond five days, single steps are closer than a pixel.
_LONG_S = 5 * 86_400.0


@dataclass(frozen=True, slots=True)
class BacklogCurve:
    """A step function: `level[i]` is valid from `time_s[i]` to the next time.

    Attributes:
        time_s: Seconds since the scenario's start, ascending.
        level: Bytes, as many as times.
    """

    time_s: NDArray[np.float64]
    level: NDArray[np.float64]

    @property
    def peak(self) -> float:
        """Return the highest level; 0 without events."""
        return float(self.level.max()) if self.level.size else 0.0

    @property
    def peak_s(self) -> float:
        """Return when the highest level was first reached; 0 without events."""
        return float(self.time_s[int(self.level.argmax())]) if self.level.size else 0.0


# A panel's title, its curve, its passes, and the recorder's capacity (0 for no line).
Panel = tuple[str, BacklogCurve, Sequence[tuple[float, float]], float]


def curve(data: ReportData, satellite: str, column: str = "backlog_bytes") -> BacklogCurve:
    """Return a satellite's level at every event, from zero at the start to the end of the run."""
    mine = of(data.events, satellite)
    return _curve(data, numbers(mine, "time_s"), numbers(mine, column))


def all_curves(data: ReportData, column: str = "backlog_bytes") -> dict[str, BacklogCurve]:
    """Return the curve of each satellite, in one pass over the events."""
    time, level = numbers(data.events, "time_s"), numbers(data.events, column)
    rows = rows_by(data.events, "satellite")
    nothing = np.zeros(0, dtype=np.intp)
    return {
        name: _curve(data, time[mine], level[mine])
        for name, mine in ((name, rows.get(name, nothing)) for name in data.satellites)
    }


def fleet_curve(data: ReportData) -> BacklogCurve:
    """Return the total backlog of all satellites."""
    curves = list(all_curves(data).values())
    if len(curves) == 1:
        return curves[0]
    times = np.unique(np.concatenate([found.time_s for found in curves] or [np.zeros(1)]))
    change = np.zeros(len(times))
    for found in curves:
        # Of several events at one time, the last one counts.
        np.add.at(change, np.searchsorted(times, found.time_s), np.diff(found.level, prepend=0.0))
    return BacklogCurve(times, np.cumsum(change))


def _curve(data: ReportData, time: NDArray[np.float64], level: NDArray[np.float64]) -> BacklogCurve:
    known = np.isfinite(time) & np.isfinite(level)
    time, level = time[known], level[known]
    last = level[-1] if level.size else 0.0
    return BacklogCurve(
        np.concatenate(([0.0], time, [max(data.duration_s, time[-1] if time.size else 0.0)])),
        np.concatenate(([0.0], level, [last])),
    )


def decimated(steps: BacklogCurve, bins: int) -> BacklogCurve:
    """Return the curve with at most four points per bin, among them its lowest and highest level.

    It covers the same pixels as the whole curve, so a month's picture is no larger than a day's.
    """
    if steps.time_s.size <= 4 * bins:
        return steps
    span = max(float(steps.time_s[-1]), 1e-9)
    edge = np.minimum((steps.time_s / span * bins).astype(int), bins - 1)
    chosen: set[int] = set()
    first = np.searchsorted(edge, np.arange(bins), side="left")
    last = np.searchsorted(edge, np.arange(bins), side="right")
    for low, high in zip(first, last, strict=True):
        if low < high:
            part = steps.level[low:high]
            chosen |= {low, low + int(part.argmin()), low + int(part.argmax()), high - 1}
    index = np.array(sorted(chosen))
    return BacklogCurve(steps.time_s[index], steps.level[index])


@dataclass(frozen=True, slots=True)
class BacklogBins:
    """A step function in even bins, for runs in which single steps cannot be told apart.

    Attributes:
        edge_s: The bins' edges in seconds, one more than bins.
        lowest: Lowest level in each bin.
        mean: Mean level over the time of each bin.
        highest: Highest level in each bin.
    """

    edge_s: NDArray[np.float64]
    lowest: NDArray[np.float64]
    mean: NDArray[np.float64]
    highest: NDArray[np.float64]


def is_long(duration_s: float) -> bool:
    """Whether a run is so long that its pictures show bins instead of every step."""
    return duration_s > _LONG_S


def bins_of(steps: BacklogCurve, bins: int) -> BacklogBins:
    """Return the curve in even bins, each with its lowest, mean and highest level."""
    end = max(float(steps.time_s[-1]), 1e-9)
    edge = np.linspace(0.0, end, bins + 1)
    # The level at each edge becomes a step of its own, so that no step crosses an edge.
    time = np.sort(np.concatenate((edge, steps.time_s)))
    place = np.searchsorted(steps.time_s, time, side="right") - 1
    level = steps.level[np.maximum(place, 0)]
    length = np.diff(time)
    start = np.searchsorted(time, edge[:-1], side="left")
    level = level[:-1]
    return BacklogBins(
        edge,
        np.minimum.reduceat(level, start),
        np.add.reduceat(level * length, start) / (end / bins),
        np.maximum.reduceat(level, start),
    )


def _paint_bins(axes: Axes, bins: BacklogBins, factor: float) -> None:
    """Draw the range of each bin as a band and its mean as a line."""
    low, mean, high = (
        np.append(part, part[-1]) / factor for part in (bins.lowest, bins.mean, bins.highest)
    )
    axes.fill_between(bins.edge_s, low, high, step="post", color=SERIES[0], alpha=0.32, lw=0)
    axes.step(bins.edge_s, mean, where="post", color=SERIES[0], lw=1.6)


def scale(peak: float) -> tuple[float, str]:
    """Return the decimal unit, as bytes and by name, for an axis up to `peak` bytes."""
    for factor, unit in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if peak >= factor:
            return factor, unit
    return 1.0, "B"


def pass_spans(data: ReportData, satellite: str) -> list[tuple[float, float]]:
    """Return all passes of a satellite over any station, as (AOS, LOS) in seconds."""
    mine = of(data.passes, satellite)
    aos, los = numbers(mine, "aos_s"), numbers(mine, "los_s")
    return list(zip(aos.tolist(), los.tolist(), strict=True))


def all_pass_spans(data: ReportData) -> list[tuple[float, float]]:
    """Return the passes of all satellites, one satellite after the other."""
    aos, los = numbers(data.passes, "aos_s"), numbers(data.passes, "los_s")
    rows = rows_by(data.passes, "satellite")
    mine = [rows[name] for name in data.satellites if name in rows]
    order = np.concatenate(mine) if mine else np.zeros(0, dtype=np.intp)
    return list(zip(aos[order].tolist(), los[order].tolist(), strict=True))


def paint_panels(
    sheet: Sheet,
    data: ReportData,
    panels: Sequence[Panel],
    top: float,
    panel_height: float,
    ceiling: float | None = None,
) -> None:
    """Draw backlog curves below one another on one time axis.

    Args:
        sheet: Where to draw.
        data: The run, for its times.
        panels: What each shows.
        top: Top of the first panel in CSS pixels.
        panel_height: Height of each in CSS pixels, with its title.
        ceiling: Upper end of all vertical axes in bytes; if None, each has its own.
    """
    left, right = (46.0 if sheet.narrow else 58.0), (8.0 if sheet.narrow else 14.0)
    wide = sheet.width - left - right
    labelled: set[float] = set()
    small = 11 if sheet.narrow else 12
    for index, (title, steps, passes, capacity) in enumerate(panels):
        peak = steps.peak if ceiling is None else ceiling
        factor, unit = scale(peak)
        y = top + index * panel_height
        axes = sheet.axes(left, y + 24, wide, panel_height - 48)
        # A pass of ten minutes must not vanish in a picture of a month.
        least = data.duration_s / wide * 1.5
        if len(passes) <= _MOST_SHADED:
            bars(
                axes,
                merged(passes, least / 2, least),
                0,
                1,
                fc=SHADE,
                transform=axes.get_xaxis_transform(),
            )
        if is_long(data.duration_s):
            _paint_bins(axes, bins_of(steps, 120 if sheet.narrow else 240), factor)
        else:
            bins = (300 if sheet.narrow else 600) // (1 if len(panels) < 4 else 2)
            thin = decimated(steps, bins)
            axes.step(thin.time_s, thin.level / factor, where="post", color=SERIES[0], lw=1.8)
            axes.fill_between(
                thin.time_s, thin.level / factor, step="post", color=SERIES[0], alpha=0.16, lw=0
            )
        upper = max(peak / factor * 1.12, 1e-9) if peak else 1.0
        if capacity and capacity / factor <= upper * 1.6:
            upper = max(upper, capacity / factor * 1.1)
            axes.axhline(capacity / factor, color=INK, lw=1.2, dashes=(5, 3))
            # One panel has the label; the others need not repeat it.
            axes.annotate(
                "" if capacity in labelled else f"recorder full: {w.size(capacity)}",
                (0, capacity / factor),
                xytext=(4, -4),
                va="top",
                gid=HALO,
                textcoords="offset points",
                fontsize=small,
                color=INK,
            )
            labelled.add(capacity)
        axes.set_ylim(0, upper)
        axes.locator_params(axis="y", nbins=3 if panel_height < 150 else 5)
        axes.grid(axis="y")
        axes.tick_params(axis="y", labelsize=small)
        time_axis(axes, data.start, data.duration_s, sheet.narrow)
        if index < len(panels) - 1:
            axes.tick_params(axis="x", labelbottom=False)
        sheet.text(left, y + 10, f"{w.short(title, 34 if sheet.narrow else 80)}", fontsize=small)
        sheet.text(left - 6, y + 10, unit, fontsize=small, ha="right", color=MUTED)
        axes.axhline(0, color=FAINT, lw=1)
    sheet.text(
        left,
        top + len(panels) * panel_height + 12,
        axis_name(data.start),
        fontsize=small,
        color=MUTED,
    )


def picture(data: ReportData) -> Picture:
    """Return the backlog of the satellites, a panel for each, on one time axis."""
    curves = all_curves(data)
    shown = list(data.satellites)
    if len(shown) > _MOST_SATELLITES:
        fullest = sorted(shown, key=lambda name: (-curves[name].peak, shown.index(name)))
        shown = sorted(fullest[:_MOST_SATELLITES], key=shown.index)
    alone = len(shown) <= 1
    panel = 250.0 if alone else 150.0 if len(shown) <= 4 else 104.0
    panels = [
        (
            "Encoded bytes in the recorder" if alone else w.plain(name),
            curves[name],
            pass_spans(data, name),
            float(data.recorder_bytes.get(name, 0)),
        )
        for name in shown
    ]
    columns = list(curves.items())
    if len(shown) < len(curves):
        # Columns for a thousand satellites are of no use to anybody.
        fleet = fleet_curve(data)
        title = f"All {len(curves)} satellites"
        panels.insert(0, (title, fleet, [], float(sum(data.recorder_bytes.values()))))
        columns = [(title, fleet), *((name, curves[name]) for name in shown)]
    wide, narrow = draw(
        "backlog",
        lambda _narrow: len(panels) * panel + 26,
        lambda sheet: paint_panels(sheet, data, panels, 0, panel),
    )
    table = _table(data, dict(columns))
    left_out = len(curves) - len(shown)
    return Picture(
        key="backlog",
        alt=alt(data, curves),
        caption=f"Encoded bytes that wait in the recorder. {binning(data)}{shading(panels)}"
        + (
            f" Above, all {len(curves)} satellites together; below, the {len(shown)} with the "
            "largest backlog."
            if left_out
            else ""
        ),
        wide=wide,
        narrow=narrow,
        table=table,
        hover=hover.curves(
            data,
            (58.0, 14.0),
            (46.0, 8.0),
            [(name, thin.time_s, thin.level) for name, thin in _thin(curves, shown)],
        ),
    )


def _thin(
    curves: Mapping[str, BacklogCurve], shown: Sequence[str]
) -> list[tuple[str, BacklogCurve]]:
    return [(name, decimated(curves[name], 600 // max(len(shown), 1))) for name in shown]


def binning(data: ReportData) -> str:
    """Return a sentence on the bins of a long run, with a space after it; empty for a short one."""
    if not is_long(data.duration_s):
        return ""
    return "The line is the mean over even times, the band its lowest and highest value. "


def shading(panels: Sequence[Panel]) -> str:
    """Return a sentence on what the shaded bands mean, or why there are none."""
    if all(len(passes) > _MOST_SHADED for _, _, passes, _ in panels):
        return "There are too many passes to shade." if panels else ""
    return "Shaded: a station is in view, whether or not the satellite sends."


def alt(data: ReportData, curves: Mapping[str, BacklogCurve]) -> str:
    """Return the curves in words: peak, its time, and the backlog at the end."""
    if not curves:
        return "There is no satellite, so there is no backlog."
    sentences = []
    for name, steps in list(curves.items())[:4]:
        if steps.peak == 0:
            sentences.append(f"The backlog of {w.plain(name)} stays at zero.")
            continue
        sentences.append(
            f"The backlog of {w.plain(name)} peaks at {w.size(steps.peak)} "
            f"{w.duration(steps.peak_s)} after the start and is {w.size(float(steps.level[-1]))} "
            f"at the end."
        )
    if len(curves) > 4:
        most = max(curves, key=lambda name: curves[name].peak)
        sentences.append(
            f"Of all {len(curves)} satellites {w.plain(most)} has the largest peak, "
            f"{w.size(curves[most].peak)}."
        )
    sentences.append(f"There are {w.plural(data.passes.num_rows, 'pass')} over stations.")
    return " ".join(sentences)


def even_times(duration_s: float) -> list[float]:
    """Return evenly spaced times of a run for a table: 25, and no two in one second."""
    steps = max(1, min(24, int(duration_s)))
    return [duration_s * index / steps for index in range(steps + 1)]


def _table(data: ReportData, curves: Mapping[str, BacklogCurve]) -> DataTable:
    """Return levels at even times, for screen readers."""
    rows = []
    for moment in even_times(data.duration_s):
        cells = [w.instant(data.start, moment)]
        for found in curves.values():
            place = int(np.searchsorted(found.time_s, moment, side="right")) - 1
            cells.append(w.size(float(found.level[max(place, 0)])))
        rows.append(tuple(cells))
    return DataTable(
        caption="Backlog at even times",
        columns=(("Time (UTC)", False), *((w.plain(name), True) for name in curves)),
        rows=tuple(rows),
    )
