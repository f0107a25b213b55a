"""The page of a mission's coverage: a map of each area and a table of all targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from ..coverage.coverage import Coverage, Figures, TargetCoverage
from . import wording as w
from .groundtrack import land
from .page import filled
from .style import FAINT, INK, LAND, MUTED, SEA, SERIES, DataTable, Picture, Sheet, draw

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_MOST_MAPS: Final = 12
_MOST_ROWS: Final = 300
_GAP, _TITLE, _LEGEND = 14.0, 22.0, 30.0
_PIXELS: Final = 2.0  # least side of a square on a map
_NOT_SEEN, _SEEN, _DELIVERED = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class CoverageData:
    """What the page shows.

    Attributes:
        scenario_name: The scenario's name.
        description: Its description.
        version: Version of downpass.
        command: The command line that made it.
        start: Start of the run.
        duration_s: Its length in seconds.
        coverage: The coverage.
    """

    scenario_name: str
    description: str
    version: str
    command: str
    start: datetime
    duration_s: float
    coverage: Coverage


def render_coverage(data: CoverageData) -> str:
    """Return the page as HTML; the same data gives the same text."""
    return filled(
        "coverage.html.jinja",
        data=data,
        start=f"{w.date(data.start)}{w.NBSP}{data.start:%H:%M:%S} UTC",
        duration=w.duration(data.duration_s),
        sentences=sentences(data.coverage),
        map=picture(data.coverage),
        table=table(data.coverage),
    )


def sentences(coverage: Coverage) -> list[str]:
    """Return the outcome in a few sentences."""
    found = [f"{w.plural(coverage.frames, 'frame')} planned."]
    if coverage.delivered_frames is not None:
        found[0] = (
            f"{w.plural(coverage.frames, 'frame')} planned, {w.count(coverage.delivered_frames)} "
            "delivered."
        )
    for figures, what in ((coverage.areas, "the areas"), (coverage.points, "the points")):
        if figures is None:
            continue
        size = f" ({area(figures.area_m2)})" if figures.area_m2 else ""
        line = f"{percent(figures.seen)} of {what}{size} seen"
        if figures.delivered is not None:
            line += f", {percent(figures.delivered)} delivered"
        if figures.revisit_mean_s is not None:
            line += (
                f"; {percent(figures.seen_twice)} seen twice or more, every "
                f"{w.duration(figures.revisit_mean_s)} on average"
            )
        found.append(f"{line}.")
    return found


def percent(share: float | None) -> str:
    """Format a share with two significant digits or a tenth of a percent: 0.013 %, 12.3 %."""
    if share is None:
        return w.DASH
    value = 100.0 * share
    if value in (0.0, 100.0):
        return f"{value:.0f}{w.NBSP}%"
    if value > 99.95:
        return f">{w.NBSP}99.9{w.NBSP}%"
    digits = 1 if value >= 1.0 else min(6, 1 - math.floor(math.log10(value)))
    return f"{value:.{digits}f}{w.NBSP}%"


def area(square_metres: float) -> str:
    """Format an area: 12 km², 34,500 km², 1.2 million km²."""
    value = square_metres / 1e6
    if not value:
        return w.DASH
    if value >= 999_500:
        return f"{value / 1e6:,.3g} million{w.NBSP}km²"
    digits = 3 - 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(digits, 0)}f}{w.NBSP}km²"


HEADS: Final = (
    ("Target", False),
    ("Area", True),
    ("Seen", True),
    ("Delivered", True),
    ("Whole", True),
    ("Looks", True),
    ("Seen twice", True),
    ("Revisit", True),
    ("Longest", True),
)
"""Heads of the table, and whether their cells are numbers."""


def cells(name: str, figures: Figures) -> tuple[str, ...]:
    """Return a row of the table, in the order of `HEADS`."""
    return (
        w.plain(name),
        area(figures.area_m2),
        percent(figures.seen),
        percent(figures.delivered),
        percent(figures.delivered_whole),
        f"{figures.looks:.3g}",
        percent(figures.seen_twice),
        w.duration(figures.revisit_mean_s),
        w.duration(figures.revisit_max_s),
    )


def rows(coverage: Coverage, most: int) -> list[tuple[str, ...]]:
    """Return the rows of the table: all together first, then at most `most` targets."""
    found = [cells(name, figures) for name, figures in totals(coverage)]
    return found + [cells(target.name, target.figures) for target in coverage.targets[:most]]


def totals(coverage: Coverage) -> list[tuple[str, Figures]]:
    """Return all areas, and all points, each with a name, where there are several of them."""
    areas = sum(target.is_area for target in coverage.targets)
    points = len(coverage.targets) - areas
    found = []
    if coverage.areas is not None and areas > 1:
        found.append(("all areas", coverage.areas))
    if coverage.points is not None and points > 1:
        found.append(("all points", coverage.points))
    return found


def table(coverage: Coverage) -> DataTable:
    """Return the figures of all targets."""
    left_out = len(coverage.targets) - _MOST_ROWS
    return DataTable(
        caption="Coverage of each target",
        columns=HEADS,
        rows=tuple(rows(coverage, _MOST_ROWS)),
        note=f"{w.plural(left_out, 'further target')} in the JSON output." if left_out > 0 else "",
    )


def picture(coverage: Coverage) -> Picture | None:
    """Return a map of each of the largest areas; None if there are no areas."""
    areas = [target for target in coverage.targets if target.is_area]
    shown = sorted(areas, key=lambda t: -t.figures.area_m2)[:_MOST_MAPS]
    if not shown:
        return None
    wide, narrow = draw(
        "coverage",
        lambda narrow: _LEGEND + sum(_row_heights(shown, narrow)),
        lambda sheet: _paint(sheet, shown),
    )
    states = "seen by a frame in the timetable"
    if coverage.delivered_frames is not None:
        states += ", or shown by a delivered frame"
    note = f" The {len(shown)} largest of {len(areas)} areas." if len(shown) < len(areas) else ""
    listed = [
        f"{w.plain(t.name)}: {percent(t.figures.seen)} seen"
        + ("" if t.delivered is None else f", {percent(t.figures.delivered)} delivered")
        for t in shown
    ]
    return Picture(
        key="coverage",
        alt=f"Maps of {w.plural(len(shown), 'area')}. {'; '.join(listed)}.",
        caption=(
            f"Ground that is {states}. Where a square holds several cells, it has the best state "
            f"of them. Land: Natural Earth.{note}"
        ),
        wide=wide,
        narrow=narrow,
    )


def _columns(shown: Sequence[TargetCoverage], narrow: bool) -> int:
    if len(shown) == 1 or (narrow and len(shown) == 2):
        return 1
    return 2 if narrow or len(shown) in (2, 4) else 3


def _width(shown: Sequence[TargetCoverage], narrow: bool) -> float:
    columns = _columns(shown, narrow)
    return ((358.0 if narrow else 860.0) - 2 - (columns - 1) * _GAP) / columns


def _row_heights(shown: Sequence[TargetCoverage], narrow: bool) -> list[float]:
    columns, width = _columns(shown, narrow), _width(shown, narrow)
    tall = [_TITLE + _Frame.of(target, width).height + _GAP for target in shown]
    return [max(tall[n : n + columns]) for n in range(0, len(tall), columns)]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The limits of one map, in degrees, and its height in pixels."""

    west: float
    east: float
    south: float
    north: float
    height: float

    @classmethod
    def of(cls, target: TargetCoverage, width: float) -> _Frame:
        """Fit a map to an area; a degree of latitude is as long as one of longitude is there."""
        east_deg, north_deg = _eastward(target.cells.longitude_deg), target.cells.latitude_deg
        west, east = float(east_deg.min()), float(east_deg.max())
        south, north = float(north_deg.min()), float(north_deg.max())
        side = math.degrees(math.sqrt(max(target.cells.cell_m2, 1.0)) / 6.371e6)
        room = 0.06 * max(east - west, north - south) + side
        west, east, south, north = west - room, east + room, south - room, north + room
        south, north = max(south, -90.0), min(north, 90.0)
        if east - west > 360.0:
            west, east = (west + east) / 2 - 180.0, (west + east) / 2 + 180.0
        stretch = max(math.cos(math.radians((south + north) / 2)), 0.2) if north - south < 60 else 1
        # Between half and one and a half times as high as wide: the map shows more where needed.
        ratio = (north - south) / ((east - west) * stretch)
        if ratio > 1.0:
            grow = (ratio - 1.0) * (east - west) / 2
            west, east = west - grow, east + grow
        elif ratio < 0.4:
            grow = (0.4 / ratio - 1.0) * (north - south) / 2
            south, north = south - grow, north + grow
        ratio = (north - south) / ((east - west) * stretch)
        return cls(west, east, south, north, round(width * ratio, 1))


def _eastward(longitude_deg: Array) -> Array:
    """Return longitudes unwrapped at the widest gap, so that an area is in one piece."""
    ordered = np.unique(longitude_deg)
    gap = np.diff(np.append(ordered, ordered[0] + 360.0))
    widest = int(np.argmax(np.round(gap, 9)))
    if widest == len(ordered) - 1 or gap[widest] < 20.0:
        return longitude_deg
    first = ordered[widest + 1]
    return np.asarray(np.where(longitude_deg < first, longitude_deg + 360.0, longitude_deg))


def _paint(sheet: Sheet, shown: Sequence[TargetCoverage]) -> None:
    columns, width = _columns(shown, sheet.narrow), _width(shown, sheet.narrow)
    _legend(sheet, shown[0].delivered is not None)
    top = _LEGEND
    for row, height in enumerate(_row_heights(shown, sheet.narrow)):
        for column, target in enumerate(shown[row * columns : (row + 1) * columns]):
            left = 1 + column * (width + _GAP)
            frame = _Frame.of(target, width)
            room = int(width / 7.5) - 12  # letters beside the share
            words = f"{w.short(target.name, max(room, 8))}, {percent(target.figures.seen)} seen"
            sheet.text(left, top + 9, words, fontsize=11.5, color=INK)
            axes = sheet.axes(left, top + _TITLE, width, frame.height)
            _map(axes, frame, target, width)
        top += height


def _legend(sheet: Sheet, with_run: bool) -> None:
    entries = [("not seen", MUTED, 0.3), ("seen", SERIES[0], 1.0)]
    if with_run:
        entries = [
            ("not seen", MUTED, 0.3),
            ("seen, not delivered", SERIES[1], 1.0),
            ("delivered", SERIES[0], 1.0),
        ]
    left = 1.0
    for words, colour, alpha in entries:
        box = Rectangle(
            (left / sheet.width, 1 - 15.0 / sheet.height),
            12.0 / sheet.width,
            12.0 / sheet.height,
            transform=sheet.figure.transFigure,
            fc=colour,
            alpha=alpha,
            lw=0,
        )
        sheet.figure.add_artist(box)
        sheet.text(left + 17, 9, words, fontsize=11.5, color=MUTED)
        left += 17 + 6.9 * len(words) + 16


def _map(axes: Axes, frame: _Frame, target: TargetCoverage, width: float) -> None:
    axes.set_xlim(frame.west, frame.east)
    axes.set_ylim(frame.south, frame.north)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(SEA)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(FAINT)
    _draw_land(axes, frame)
    state = np.where(target.looks > 0, _SEEN, _NOT_SEEN)
    if target.delivered is not None:
        state[target.delivered] = _DELIVERED
    colours = {
        _NOT_SEEN: (MUTED, 0.3),
        _SEEN: (SERIES[1] if target.delivered is not None else SERIES[0], 1.0),
        _DELIVERED: (SERIES[0], 1.0),
    }
    pixel_deg = (frame.east - frame.west) / width, (frame.north - frame.south) / frame.height
    boxes = _boxes(target, state, pixel_deg)
    for value, (colour, alpha) in colours.items():
        corners: list[tuple[float, float]] = []
        codes: list[np.uint8] = []
        for west, east, south, north, kind in boxes:
            if kind == value:
                corners += [
                    (west, south),
                    (west, north),
                    (east, north),
                    (east, south),
                    (west, south),
                ]
                codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        if corners:
            axes.add_patch(PathPatch(Path(corners, codes), fc=colour, alpha=alpha, lw=0))


def _boxes(
    target: TargetCoverage, state: NDArray[np.int64], pixel_deg: tuple[float, float]
) -> list[tuple[float, float, float, float, int]]:
    """Return boxes (west, east, south, north, state): cells of one ring and state, joined."""
    latitude = target.cells.latitude_deg
    longitude = _eastward(target.cells.longitude_deg)
    _, ring = np.unique(latitude, return_inverse=True)
    side = math.degrees(math.sqrt(max(target.cells.cell_m2, 1.0)) / 6.371e6)
    together = max(1, math.ceil(_PIXELS * pixel_deg[1] / side))
    boxes = []
    order = np.lexsort((longitude, ring // together))
    group = (ring // together)[order]
    for rows in np.split(order, np.flatnonzero(np.diff(group)) + 1):
        south, north = (
            float(latitude[rows].min()) - side / 2,
            float(latitude[rows].max()) + side / 2,
        )
        width = side / max(math.cos(math.radians((south + north) / 2)), 0.01)
        if together == 1 and len(rows) > 1:
            width = max(float(np.round(np.diff(longitude[rows]).min(), 9)), 1e-6)
        if together > 1:
            width = max(1.2 * width, _PIXELS * pixel_deg[0])
        start = float(longitude[rows].min()) - width / 2
        place = np.floor(np.round((longitude[rows] - start) / width, 6)).astype(np.int64)
        best = np.full(int(place.max()) + 1, -1, dtype=np.int64)
        np.maximum.at(best, place, state[rows])
        cut = np.flatnonzero(np.diff(best, prepend=-2, append=-2))
        for low, high in zip(cut[:-1].tolist(), cut[1:].tolist(), strict=True):
            if best[low] >= 0:
                boxes.append(
                    (start + low * width, start + high * width, south, north, int(best[low]))
                )
    return boxes


def _draw_land(axes: Axes, frame: _Frame) -> None:
    corners: list[Array] = []
    codes: list[np.uint8] = []
    for ring in land():
        for shift in (-360.0, 0.0, 360.0):
            moved = np.add(ring, (shift, 0.0))
            (west, south), (east, north) = moved.min(axis=0), moved.max(axis=0)
            if west > frame.east or east < frame.west:
                continue
            if south > frame.north or north < frame.south:
                continue
            corners += [moved, moved[:1]]
            codes += [Path.MOVETO, *[Path.LINETO] * (len(moved) - 1), Path.CLOSEPOLY]
    if corners:
        axes.add_patch(PathPatch(Path(np.concatenate(corners), codes), fc=LAND, lw=0))
