"""Picture of the batteries: state of charge and depth of discharge over time, eclipses shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from . import wording as w
from .data import BatteryView, ReportData
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

_MOST_SATELLITES = 8
# With more eclipses, every pixel would be shaded.
_MOST_SHADED = 180
_MOST_ROWS = 200


def binned(battery: BatteryView, bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lowest and highest charge in at most `bins` bins, each of as many of the meter's."""
    step = -(-battery.lowest.size // bins)
    starts = np.arange(0, battery.lowest.size, step)
    return (
        np.minimum.reduceat(battery.lowest, starts),
        np.maximum.reduceat(battery.highest, starts),
    )


def shown(data: ReportData) -> list[str]:
    """Return the satellites that are drawn, in the scenario's order: the deepest discharged."""
    known = [name for name in data.satellites if name in data.batteries]
    deepest = sorted(known, key=lambda name: data.batteries[name].minimum)
    return sorted(deepest[:_MOST_SATELLITES], key=known.index)


def picture(data: ReportData) -> Picture | None:
    """Return the charge of the batteries, a panel for each; None if power is not modelled."""
    if not data.batteries:
        return None
    drawn = shown(data)
    panel = 230.0 if len(drawn) == 1 else 130.0
    wide, narrow = draw(
        "battery",
        lambda _narrow: len(drawn) * panel + 26,
        lambda sheet: _paint(sheet, data, drawn, panel),
    )
    many = any(len(data.eclipses.get(name, ())) > _MOST_SHADED for name in drawn)
    caption = (
        "State of charge, from its lowest to its highest value at each time; depth of discharge "
        "is what is missing to 100 %. "
    )
    caption += "There are too many eclipses to shade." if many else "Shaded: eclipse."
    caption += " Dashed: the charge at which imaging, encoding and sending stop."
    if len(drawn) < len(data.batteries):
        caption += (
            f" The {len(drawn)} satellites with the deepest discharge are drawn, "
            f"of {len(data.batteries):,}."
        )
    if without := len(data.satellites) - len(data.batteries):
        caption += (
            f" Of {w.plural(without, 'satellite')} no power budget is described, so the charge is "
            "unknown."
        )
    return Picture(
        key="battery",
        alt=alt(data),
        caption=caption,
        wide=wide,
        narrow=narrow,
        table=table(data),
    )


def alt(data: ReportData) -> str:
    """Return the charge in words: the lowest point, the waiting, and the charge at the end."""
    sentences = []
    for name, battery in list(_deepest_first(data.batteries))[:4]:
        sentences.append(
            f"The battery of {w.plain(name)} falls to {percent(battery.minimum)} (depth of "
            f"discharge {percent(1 - battery.minimum)}) {w.duration(battery.minimum_s)} after the "
            f"start and holds {percent(battery.end)} at the end."
        )
        if battery.low_s:
            sentences.append(f"Work waits for charge for {w.duration(battery.low_s)}.")
    if len(data.batteries) > 4:
        low = sum(battery.low_s > 0 for battery in data.batteries.values())
        sentences.append(
            f"Of {len(data.batteries):,} satellites, these four are discharged most; on {low:,} "
            "of all, work waits for charge."
        )
    return " ".join(sentences)


def table(data: ReportData) -> DataTable:
    """Return each battery's figures; "unknown" for satellites without a power budget."""
    known = [name for name, _ in _deepest_first(data.batteries)]
    order = [*known, *(name for name in data.satellites if name not in data.batteries)]
    rows = []
    for name in order[:_MOST_ROWS]:
        battery = data.batteries.get(name)
        if battery is None:
            rows.append((w.plain(name), *[w.UNKNOWN] * 6))
            continue
        rows.append(
            (
                w.plain(name),
                w.watt_hours(battery.capacity_j),
                percent(battery.minimum),
                percent(1 - battery.minimum),
                w.instant(data.start, battery.minimum_s),
                percent(battery.end),
                w.duration(battery.low_s),
            )
        )
    return DataTable(
        caption="Batteries, the deepest discharged first",
        columns=(
            ("Satellite", False),
            ("Full", True),
            ("Lowest charge", True),
            ("Depth of discharge", True),
            ("Reached at (UTC)", False),
            ("At the end", True),
            ("Work waited", True),
        ),
        rows=tuple(rows),
        note=f"The first {_MOST_ROWS} of {len(order):,} satellites."
        if len(order) > _MOST_ROWS
        else "",
    )


def percent(share: float) -> str:
    """Format a state of charge: 63.4 %."""
    return f"{100 * share:.1f}{w.NBSP}%"


def _deepest_first(batteries: Mapping[str, BatteryView]) -> Sequence[tuple[str, BatteryView]]:
    return sorted(batteries.items(), key=lambda item: item[1].minimum)


def _paint(sheet: Sheet, data: ReportData, drawn: Sequence[str], panel: float) -> None:
    left, right = (46.0 if sheet.narrow else 58.0), (8.0 if sheet.narrow else 14.0)
    wide = sheet.width - left - right
    small = 11 if sheet.narrow else 12
    for index, name in enumerate(drawn):
        battery = data.batteries[name]
        top = index * panel
        axes = sheet.axes(left, top + 24, wide, panel - 48)
        eclipses = list(data.eclipses.get(name, ()))
        if len(eclipses) <= _MOST_SHADED:
            least = data.duration_s / wide
            spans = merged(eclipses, least / 2, least)
            bars(axes, spans, 0, 1, fc=SHADE, transform=axes.get_xaxis_transform())
        # Fewer points for each of many panels, so that the page stays small.
        bins = (300 if sheet.narrow else 600) // (1 if len(drawn) <= 2 else 3)
        lowest, highest = (100 * part for part in binned(battery, bins))
        step = -(-battery.lowest.size // bins)
        time = np.minimum(np.arange(lowest.size + 1) * battery.bin_s * step, data.duration_s)
        # The band from lowest to highest; its edges are lines, so that a thin band shows.
        axes.fill_between(
            time,
            np.append(lowest, lowest[-1]),
            np.append(highest, highest[-1]),
            step="post",
            color=SERIES[2],
            alpha=0.35,
            lw=0,
        )
        for edge in (lowest, highest):
            axes.step(time, np.append(edge, edge[-1]), where="post", color=SERIES[2], lw=1.3)
        stop = 100 * battery.min_charge
        axes.axhline(stop, color=INK, lw=1.2, dashes=(5, 3))
        if not index:
            axes.annotate(
                f"work stops: {battery.min_charge:.0%}".replace("%", " %"),
                (0, stop),
                xytext=(4, 4),
                va="bottom",
                gid=HALO,
                textcoords="offset points",
                fontsize=small,
                color=INK,
            )
        axes.set_ylim(0, 104)
        axes.set_yticks([0, 50, 100] if panel < 200 else [0, 25, 50, 75, 100])
        axes.grid(axis="y")
        axes.axhline(0, color=FAINT, lw=1)
        axes.tick_params(axis="y", labelsize=small)
        time_axis(axes, data.start, data.duration_s, sheet.narrow)
        if index < len(drawn) - 1:
            axes.tick_params(axis="x", labelbottom=False)
        title = (
            f"{w.short(name, 16 if sheet.narrow else 60)}: lowest {percent(battery.minimum)}, "
            f"depth of discharge {percent(1 - battery.minimum)}"
        )
        sheet.text(left, top + 10, title, fontsize=small)
        sheet.text(left - 6, top + 10, "%", fontsize=small, ha="right", color=MUTED)
    sheet.text(left, len(drawn) * panel + 12, axis_name(data.start), fontsize=small, color=MUTED)
