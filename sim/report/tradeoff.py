"""Picture of throughput against PSNR, the trade-off between codecs and settings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from . import wording as w
from .data import TradeoffPoint
from .style import (
    DASHES,
    FAINT,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    DataTable,
    Picture,
    Sheet,
    draw,
)


def pixel_scale(most: float) -> tuple[float, str]:
    """Return the unit, as pixels and by name, for an axis up to `most` pixels."""
    for factor, unit in ((1e12, "Tpx"), (1e9, "Gpx"), (1e6, "Mpx"), (1e3, "kpx")):
        if most >= factor:
            return factor, unit
    return 1.0, "px"


def picture(points: Sequence[TradeoffPoint], duration_s: float, note: str = "") -> Picture | None:
    """Return delivered pixels against PSNR, a curve for each codec; None without any PSNR."""
    usable = [p for p in points if w.present(p.psnr_db)]
    if not usable:
        return None
    curves: dict[str, list[TradeoffPoint]] = {}
    for point in usable:
        curves.setdefault(point.codec, []).append(point)
    for curve in curves.values():
        curve.sort(key=lambda p: (p.bpp, p.setting))
    wide, narrow = draw(
        "tradeoff",
        lambda narrow: 330 if narrow else 400,
        lambda sheet: _paint(sheet, curves, duration_s),
    )
    without = len(points) - len(usable)
    return Picture(
        key="tradeoff",
        alt=alt(curves, duration_s),
        caption=f"Pixels that reach the ground in {w.duration(duration_s)} against their "
        "quality (PSNR over all pixels of the delivered frames). Up and to the right is better."
        + (" Each point is one setting." if len(usable) > 1 else "")
        + (" The ring marks this run's setting." if any(p.is_this_run for p in usable) else "")
        + (
            f" {w.plural(without, 'setting')} left out: exact, or without pixels to measure."
            if without
            else ""
        )
        + (f" {about}" if (about := w.explained(curves)) else "")
        + (f" {w.plain(note)}" if note else ""),
        wide=wide,
        narrow=narrow,
        table=table(points),
    )


def alt(curves: dict[str, list[TradeoffPoint]], duration_s: float) -> str:
    """Return each curve from its lowest to its highest rate, and this run's point, in words."""
    sentences = []
    for codec, curve in curves.items():
        first, last = curve[0], curve[-1]
        if len(curve) == 1:
            sentences.append(
                f"{w.choice(codec, first.setting)} delivers "
                f"{w.pixels(first.delivered_px)} at {w.decibels(first.psnr_db)}."
            )
            continue
        sentences.append(
            f"{w.codec_name(codec)} goes from {w.pixels(first.delivered_px)} at "
            f"{w.decibels(first.psnr_db)} ({w.setting(first.setting)}) to "
            f"{w.pixels(last.delivered_px)} at {w.decibels(last.psnr_db)} "
            f"({w.setting(last.setting)})."
        )
    sentences += [
        f"This run's setting, {w.choice(point.codec, point.setting)}, delivers "
        f"{w.pixels(point.delivered_px)} in {w.duration(duration_s)} at "
        f"{w.decibels(point.psnr_db)}."
        for curve in curves.values()
        for point in curve
        if point.is_this_run
    ]
    return " ".join(sentences)


def table(points: Sequence[TradeoffPoint]) -> DataTable:
    """Return a table of what each setting delivers."""
    return DataTable(
        caption="What each setting delivers",
        columns=(
            ("Codec", False),
            ("Setting", False),
            ("Rate", True),
            ("Delivered whole", True),
            ("Damaged", True),
            ("In part", True),
            ("Pixels", True),
            ("PSNR", True),
            ("MS-SSIM", True),
        ),
        rows=tuple(
            (
                w.codec_name(p.codec),
                w.setting(p.setting) + (" (this run)" if p.is_this_run else ""),
                w.bits_per_pixel(p.bpp),
                w.count(p.delivered_whole),
                w.count(p.delivered_damaged),
                w.count(p.in_part),
                w.pixels(p.delivered_px),
                w.decibels(p.psnr_db),
                w.similarity(p.ms_ssim),
            )
            for p in points
        ),
    )


def _paint(sheet: Sheet, curves: dict[str, list[TradeoffPoint]], duration_s: float) -> None:
    small = 11 if sheet.narrow else 12
    left, right = (40.0 if sheet.narrow else 52.0), (10.0 if sheet.narrow else 24.0)
    # Names are never cut where that would make two of them look the same.
    called = [w.codec_name(codec) for codec in curves]
    room, columns = (18, 2) if sheet.narrow else (28, 4)
    if max(map(len, called)) > room:
        room, columns = (2 * room, 1) if sheet.narrow else (2 * room, 2)
    several = len(curves) > 1
    legend = 20.0 * -(-len(curves) // columns) if several else 0.0
    top = 26 + legend
    axes = sheet.axes(left, top, sheet.width - left - right, sheet.height - top - 50)
    everything = [p for curve in curves.values() for p in curve]
    factor, unit = pixel_scale(max(p.delivered_px for p in everything))
    _limits(axes, [p.delivered_px / factor for p in everything], "x", floor=0.0)
    _limits(axes, [float(p.psnr_db or 0) for p in everything], "y")
    for index, curve in enumerate(curves.values()):
        look = index + index // len(SERIES)  # so that no two of many curves look the same
        axes.plot(
            [p.delivered_px / factor for p in curve],
            [float(p.psnr_db or 0) for p in curve],
            color=SERIES[index % len(SERIES)],
            linestyle=DASHES[look % len(DASHES)],
            marker=MARKERS[look % len(MARKERS)],
            markersize=7,
            markeredgecolor=PAPER,
            markeredgewidth=1.2,
            label=w.short(called[index], room),
            zorder=3,
        )
    for curve in curves.values():
        for point in curve:
            if point.is_this_run:
                axes.plot(
                    [point.delivered_px / factor],
                    [float(point.psnr_db or 0)],
                    linestyle="none",
                    marker="o",
                    markersize=17,
                    markerfacecolor="none",
                    markeredgecolor=INK,
                    markeredgewidth=1.8,
                    zorder=4,
                )
    _label(sheet, axes, curves, factor, small)
    axes.grid(axis="both")
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(labelsize=small)
    axes.locator_params(axis="x", nbins=5 if sheet.narrow else 8)
    axes.locator_params(axis="y", nbins=6)
    axes.ticklabel_format(useOffset=False, style="plain")
    if several:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.11 if sheet.narrow else -0.06, 1 + 24 / (sheet.height - top - 50)),
            ncols=columns,
            fontsize=small,
            handlelength=3.2,
            columnspacing=1.6,
            borderaxespad=0,
        )
    sheet.text(2, top - 14, "PSNR, dB", fontsize=small, color=MUTED)
    sheet.text(
        sheet.width - right,
        sheet.height - 10,
        f"{unit} delivered in {w.duration(duration_s)}",
        fontsize=small,
        color=MUTED,
        ha="right",
    )


def _limits(axes: Axes, values: Sequence[float], side: str, floor: float | None = None) -> None:
    """Leave room around the points, even if they all coincide."""
    low, high = min(values), max(values)
    room = max((high - low) * 0.16, abs(high) * 0.02, 0.5 if floor is None else 0.0) or 10.0
    low, high = low - room, high + room
    if floor is not None:
        low = max(low, floor)
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)


def _label(
    sheet: Sheet,
    axes: Axes,
    curves: dict[str, list[TradeoffPoint]],
    factor: float,
    fontsize: float,
) -> None:
    """Write the settings beside their points, where they cover no point and no other label."""

    def place(point: TradeoffPoint) -> tuple[float, float]:
        x, y = axes.transData.transform((point.delivered_px / factor, float(point.psnr_db or 0)))
        return float(x), float(y)

    points = np.array([place(p) for c in curves.values() for p in c])
    taken: list[tuple[float, float, float, float]] = [
        (x - 6, y - 6, x + 6, y + 6) for x, y in points
    ]
    # Labels must not cover lines either, which are taken as rows of small boxes.
    for curve in curves.values():
        ends = [place(p) for p in curve]
        for (x0, y0), (x1, y1) in pairwise(ends):
            steps = max(int(np.hypot(x1 - x0, y1 - y0) / 5), 1)
            for x, y in zip(
                np.linspace(x0, x1, steps + 1), np.linspace(y0, y1, steps + 1), strict=True
            ):
                taken.append((x - 2, y - 2, x + 2, y + 2))
    for curve in curves.values():
        for point in curve:
            x, y = place(point)
            words = w.setting(point.setting)
            if point.is_this_run and len(curves) == 1:
                words += ", this run"
            wide, tall = len(words) * fontsize * 0.56, fontsize * 1.2
            for dx, dy, ha in (
                (12, 0, "left"),
                (-12, 0, "right"),
                (10, 13, "left"),
                (-10, -13, "right"),
                (10, -13, "left"),
                (-10, 13, "right"),
                (0, 18, "center"),
                (0, -18, "center"),
                (-16, -20, "right"),
                (16, 20, "left"),
            ):
                start = x + dx - {"left": 0.0, "right": wide, "center": wide / 2}[ha]
                box = (start, y + dy - tall / 2, start + wide, y + dy + tall / 2)
                inside = box[0] >= axes.bbox.x0 and box[2] <= sheet.width
                free = all(
                    box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in taken
                )
                if inside and free:
                    taken.append(box)
                    axes.annotate(
                        words,
                        (point.delivered_px / factor, float(point.psnr_db or 0)),
                        xytext=(dx, dy),
                        textcoords="offset points",
                        ha=ha,
                        va="center",
                        fontsize=fontsize,
                        color=INK,
                        zorder=5,
                    )
                    break
