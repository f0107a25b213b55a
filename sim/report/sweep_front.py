"""The picture of a sweep's Pareto fronts, each point a link to its settings."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from ..sweep.front import pareto_front
from . import wording as w
from .style import FAINT, MUTED, PAPER, SERIES, Sheet, draw
from .sweep_data import DROPPED, LATENCY, PIXELS, PSNR, Figure, SweepData, SweepPoint

_MOST_LINKS: Final = 300
"""With more points than this, only those on a front are links."""
_MOST_DOTS: Final = 1000
_ROOM: Final = 0.6
"""Room beside a point if all are at 0: too little for a second whole number."""
_MOST_BARS: Final = 40
"""With more points than this on a front, intervals are not drawn."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that lies over a picture.

    Attributes:
        target: The id that it leads to.
        label: Its words, for screen readers and as a hint.
        left: Distance from the picture's left edge, as a share of its width.
        top: Distance from its upper edge, as a share of its height.
    """

    target: str
    label: str
    left: float
    top: float


@dataclass(frozen=True, slots=True)
class FrontPicture:
    """The fronts as a picture, wide and narrow, with links over it.

    Attributes:
        alt: The picture in words.
        caption: How to read it.
        wide, narrow: SVG.
        wide_links, narrow_links: The links of each.
    """

    alt: str
    caption: str
    wide: Markup
    narrow: Markup
    wide_links: tuple[Link, ...]
    narrow_links: tuple[Link, ...]


def panels(data: SweepData) -> list[tuple[Figure, Figure]]:
    """Return the figures (across, up) of each front: quality where any point has a finite one."""
    up = PSNR if any(_has(point, PSNR) for point in data.points) else PIXELS
    across = [f for f in (LATENCY, DROPPED, PIXELS) if f is not up and data.known(f)]
    return [(figure, up) for figure in across] if data.known(up) else []


def fronts(data: SweepData) -> list[list[SweepPoint]]:
    """Return the points of each panel's front, by rising first figure."""
    return [
        [
            data.points[n]
            for n in pareto_front(
                [p.median(across) for p in data.points],
                [p.median(up) for p in data.points],
                less_x=across.less,
                less_y=up.less,
            )
        ]
        for across, up in panels(data)
    ]


def settings_label(data: SweepData, point: SweepPoint) -> str:
    """Return a point's settings in a few words: `codec.bpp 0.5, recorder.capacity 4 MB`."""
    pairs = zip(data.axes, point.values, strict=True)
    return w.plain(", ".join(f"{a.label} {value}" for a, value in pairs) or "as it is")


def picture(data: SweepData, linked: Collection[int]) -> FrontPicture | None:
    """Return the picture of the fronts; None if no point has the figures for one.

    Args:
        data: The sweep.
        linked: Numbers of the points that links may lead to.
    """
    shown = panels(data)
    on_front = fronts(data)
    if not shown:
        return None
    links: dict[bool, list[Link]] = {False: [], True: []}

    def paint(sheet: Sheet) -> None:
        links[sheet.narrow].clear()
        for number, ((across, up), front) in enumerate(zip(shown, on_front, strict=True)):
            drawn = [p for p in front if _has(p, across) and _has(p, up)]
            found = _panel(sheet, data, across, up, drawn, number, len(shown))
            links[sheet.narrow] += [link for link in found if int(link.target[1:]) in linked]

    wide, narrow = draw("front", lambda narrow: 300.0 * len(shown) if narrow else 320.0, paint)
    return FrontPicture(
        _words(data, shown, on_front), _caption(data), wide, narrow,
        tuple(links[False]), tuple(links[True]),
    )  # fmt: skip


def _panel(
    sheet: Sheet,
    data: SweepData,
    across: Figure,
    up: Figure,
    front: Sequence[SweepPoint],
    number: int,
    count: int,
) -> list[Link]:
    small = 11
    if sheet.narrow:
        left, top, width, height = 46.0, 300.0 * number + 34, sheet.width - 66, 210.0
    else:
        slot = sheet.width / count
        left, top, width, height = slot * number + 46, 34.0, slot - 66, 230.0
    axes = sheet.axes(left, top, width, height)
    points = [p for p in data.points if _has(p, across) and _has(p, up)]
    x_factor, x_unit = _unit(across, points)
    y_factor, y_unit = _unit(up, points)

    def place(point: SweepPoint) -> tuple[float, float]:
        return (
            float(point.median(across) or 0) / x_factor,
            float(point.median(up) or 0) / y_factor,
        )

    spots = list(dict.fromkeys(place(p) for p in points))
    step = -(-len(spots) // _MOST_DOTS)
    axes.plot(
        [x for x, _ in spots[::step]], [y for _, y in spots[::step]],
        linestyle="none", marker="o", markersize=5 if len(spots) < 400 else 3,
        color=MUTED, alpha=0.55, markeredgewidth=0, zorder=2,
    )  # fmt: skip
    for point in front:
        x, y = place(point)
        wide, tall = point.figures[across.key], point.figures[up.key]
        if wide is not None and tall is not None and len(front) <= _MOST_BARS:
            bar: dict[str, Any] = {
                "color": SERIES[number],
                "linewidth": 1.2,
                "alpha": 0.6,
                "zorder": 3,
            }
            axes.plot([wide.low / x_factor, wide.high / x_factor], [y, y], **bar)
            axes.plot([x, x], [tall.low / y_factor, tall.high / y_factor], **bar)
    axes.plot(
        [place(p)[0] for p in front], [place(p)[1] for p in front],
        color=SERIES[number], marker="o", markersize=8, markeredgecolor=PAPER,
        markeredgewidth=1.2, linewidth=1.5, zorder=4,
    )  # fmt: skip
    ends = [
        (x / x_factor, y / y_factor)
        for point in (front if len(front) <= _MOST_BARS else ())
        if (wide := point.figures[across.key]) and (tall := point.figures[up.key])
        for x, y in ((wide.low, tall.low), (wide.high, tall.high))
    ]
    _limits(axes, [*(place(p) for p in points), *ends] or [(0.0, 0.0)])
    axes.grid(axis="both")
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(labelsize=small)
    axes.locator_params(axis="x", nbins=4, integer=across is DROPPED)
    axes.locator_params(axis="y", nbins=5)
    axes.ticklabel_format(useOffset=False, style="plain")
    sheet.text(left - 44, top - 18, up.title + y_unit, fontsize=small, color=MUTED)
    sheet.text(
        left + width, top + height + 36, across.title + x_unit, fontsize=small, color=MUTED,
        ha="right",
    )  # fmt: skip
    linked = points if len(data.points) <= _MOST_LINKS else front
    links = []
    for point in linked:
        x, y = axes.transData.transform(place(point))
        links.append(
            Link(
                f"p{point.number}",
                f"{settings_label(data, point)}: {across.write(point.median(across))}, "
                f"{up.write(point.median(up))}",
                float(x) / sheet.width,
                1 - float(y) / sheet.height,
            )
        )
    return links


def _has(point: SweepPoint, figure: Figure) -> bool:
    return w.present(point.median(figure))


def _unit(figure: Figure, points: Sequence[SweepPoint]) -> tuple[float, str]:
    """Return the number by which a figure is divided in a picture, and its unit."""
    largest = max((abs(p.median(figure) or 0) for p in points), default=0.0)
    if figure is PSNR:
        return 1.0, ", dB"
    if figure is LATENCY:
        return next(
            (factor, f", {unit}")
            for factor, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
            if largest >= 2 * factor or factor == 1
        )
    if figure is PIXELS:
        return next(
            (factor, f", {unit}")
            for factor, unit in ((1e12, "Tpx"), (1e9, "Gpx"), (1e6, "Mpx"), (1.0, "px"))
            if largest >= 2 * factor or factor == 1
        )
    return 1.0, ""


def _limits(axes: object, spots: Sequence[tuple[float, float]]) -> None:
    for side, values in (("set_xlim", [x for x, _ in spots]), ("set_ylim", [y for _, y in spots])):
        low, high = min(values), max(values)
        room = max((high - low) * 0.12, abs(high) * 0.02) or _ROOM
        getattr(axes, side)(low - room, high + room)


def _words(
    data: SweepData,
    shown: Sequence[tuple[Figure, Figure]],
    on_front: Sequence[Sequence[SweepPoint]],
) -> str:
    sentences = []
    for (across, up), front in zip(shown, on_front, strict=True):
        if not front:
            continue
        ends = [front[0]] if len(front) == 1 else [front[0], front[-1]]
        listed = " to ".join(
            f"{across.write(p.median(across))} at {up.write(p.median(up))} "
            f"({settings_label(data, p)})"
            for p in ends
        )
        sentences.append(
            f"{up.title} against {across.title.lower()}: {w.plural(len(front), 'point')} on the "
            f"front, from {listed}."
        )
    return " ".join(sentences)


def _caption(data: SweepData) -> str:
    linked = "Each point" if len(data.points) <= _MOST_LINKS else "Each point on a front"
    seeds = " Bars show the interval over the seeds." if data.seeds > 1 else ""
    if any(p.median(PSNR) == math.inf for p in data.points):
        seeds += " Points whose frames are all exact have no PSNR that could be drawn."
    return (
        "Each dot is a point of the sweep, at its medians. The coloured line joins the Pareto "
        "front: the points that no other one beats in both figures. "
        f"{linked} is a link to its settings.{seeds}"
    )
