"""Picture of the ground track on a world map, with targets and stations."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from . import targets
from . import wording as w
from .data import ReportData, Track, names, numbers
from .style import (
    DASHES,
    FAINT,
    HALO,
    INK,
    LAND,
    MUTED,
    PAPER,
    SEA,
    SERIES,
    DataTable,
    Picture,
    Sheet,
    draw,
)

_SOUTH, _NORTH = -80.0, 85.0
_MOST_LABELS = 40
MOST_TRACKS: Final = 12
"""Ground tracks that are drawn; of other satellites, the place at the start."""

Lines = list[NDArray[np.float64]]


@cache
def land() -> tuple[NDArray[np.float64], ...]:
    """Return outlines of land, each n × 2 of longitude and latitude in degrees (SOURCES.md)."""
    text = resources.files(__package__).joinpath("land.json").read_text(encoding="utf-8")
    return tuple(
        np.array(ring, dtype=float).reshape(-1, 2) / 10 for ring in json.loads(text)["rings"]
    )


def wrapped(longitude_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes in −180…180."""
    return (longitude_deg + 180) % 360 - 180


def segments(longitude_deg: NDArray[np.float64], latitude_deg: NDArray[np.float64]) -> Lines:
    """Return a track as lines on the map, cut at the antimeridian.

    Each line is extended to the map's edge, so that there is no gap.
    """
    if longitude_deg.size == 0:
        return []
    x, y = wrapped(longitude_deg), latitude_deg
    lines: Lines = []
    begin = 0
    lead: list[tuple[float, float]] = []
    for cut in np.flatnonzero(np.abs(np.diff(x)) > 180):
        side = 180.0 if x[cut] > 0 else -180.0
        span = (x[cut + 1] + 2 * side) - x[cut]
        part = (side - x[cut]) / span if span else 0.0
        edge = float(y[cut] + part * (y[cut + 1] - y[cut]))
        lines.append(
            np.array(
                [*lead, *zip(x[begin : cut + 1], y[begin : cut + 1], strict=True), (side, edge)]
            )
        )
        lead = [(-side, edge)]
        begin = int(cut) + 1
    lines.append(np.array([*lead, *zip(x[begin:], y[begin:], strict=True)]))
    return [line for line in lines if len(line) > 1]


def part(track: Track, start_s: float, end_s: float) -> Lines:
    """Return the lines of the track between two times, with interpolated ends."""
    time = track.time_s
    if time.size < 2 or end_s <= time[0] or start_s >= time[-1]:
        return []
    start_s, end_s = max(start_s, float(time[0])), min(end_s, float(time[-1]))
    inner = time[(time > start_s) & (time < end_s)]
    when = np.concatenate(([start_s], inner, [end_s]))
    longitude = np.unwrap(track.longitude_deg, period=360.0)
    return segments(np.interp(when, time, longitude), np.interp(when, time, track.latitude_deg))


def drawn_seconds(data: ReportData) -> float:
    """Return how many seconds of the tracks are drawn: a day of two satellites, less of more."""
    day = 86_400.0
    return min(data.duration_s, 2 * day / max(len(data.satellites), 2))


def picture(data: ReportData) -> Picture | None:
    """Return the map; None if there is nothing to show on it."""
    if not (data.tracks or data.targets or data.stations):
        return None
    wide, narrow = draw(
        "map",
        lambda narrow: _map_height(narrow) + _legend_height(data, narrow),
        lambda sheet: _paint(sheet, data),
    )
    outcome = targets.outcomes(data)
    whole = drawn_seconds(data) >= data.duration_s
    caption = "Ground track"
    caption += "" if whole else f" of the first {w.duration(drawn_seconds(data))}"
    caption += (
        ", faint in eclipse and thick where frames were taken. Triangles: stations. Discs: "
        "targets, full if at least one of their frames was delivered (whole or damaged), hollow if "
        "frames were taken but none delivered, a cross if none was taken. Land: Natural Earth."
    )
    if missed := targets.sentence(data):
        caption += f" {missed}"
    if len(data.tracks) > MOST_TRACKS:
        caption += (
            f" The tracks of {MOST_TRACKS} of {len(data.tracks):,} satellites are drawn; dots: "
            "where all satellites are at the start."
        )
    return Picture(
        key="map",
        alt=alt(data, outcome),
        caption=caption,
        wide=wide,
        narrow=narrow,
        table=_table(data, outcome),
    )


def alt(data: ReportData, outcome: dict[str, tuple[int, int]]) -> str:
    """Return the map in words: stations, and how many targets' frames were delivered."""
    reached = sum(delivered > 0 for _, delivered in outcome.values())
    stations = [
        f"{w.plain(s.name)} ({position(s.latitude_deg, s.longitude_deg)})" for s in data.stations
    ]
    words = [f"World map with {w.plural(len(data.satellites), 'ground track')}."]
    if stations:
        words.append(f"{w.plural(len(stations), 'station')}: {w.some(stations, 6)}.")
    if data.targets:
        words.append(
            f"Frames of {reached} of {w.plural(len(data.targets), 'target')} reached the ground"
            f": the table lists them."
        )
        if missed := targets.sentence(data):
            words.append(missed)
    return " ".join(words)


def position(latitude_deg: float, longitude_deg: float) -> str:
    """Format a place: 38.7° N, 9.1° W."""
    longitude = float(wrapped(np.array([longitude_deg]))[0])
    north = "N" if latitude_deg >= 0 else "S"
    east = "E" if longitude >= 0 else "W"
    return f"{abs(latitude_deg):.1f}°{w.NBSP}{north}, {abs(longitude):.1f}°{w.NBSP}{east}"


def _table(data: ReportData, outcome: dict[str, tuple[int, int]]) -> DataTable:
    shown = list(data.targets)[:200]
    return DataTable(
        caption="Targets and what became of their frames",
        columns=(
            ("Target", False),
            ("Place", False),
            ("Priority", True),
            ("Frames taken", True),
            ("Delivered", True),
        ),
        rows=tuple(
            (
                w.plain(site.name),
                position(site.latitude_deg, site.longitude_deg),
                w.count(site.priority),
                *(w.count(number) for number in outcome[site.name]),
            )
            for site in shown
        ),
        note=f"The first 200 of {len(data.targets):,} targets." if len(data.targets) > 200 else "",
    )


def _map_height(narrow: bool) -> float:
    width = (358.0 - 2) if narrow else (860.0 - 2)
    return width * (_NORTH - _SOUTH) / 360 + 2


def _legend_height(data: ReportData, narrow: bool) -> float:
    tracks = min(len(data.tracks), MOST_TRACKS)
    return 8.0 + 20.0 * -(-tracks // (2 if narrow else 4)) if tracks > 1 else 0.0


def _paint(sheet: Sheet, data: ReportData) -> None:
    height = _map_height(sheet.narrow) - 2
    axes = sheet.axes(1, 1, sheet.width - 2, height)
    axes.set_xlim(-180, 180)
    axes.set_ylim(_SOUTH, _NORTH)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(SEA)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _draw_land(axes, sheet.narrow)
    for longitude in range(-150, 180, 60 if sheet.narrow else 30):
        axes.axvline(longitude, color=FAINT, lw=0.6)
    for latitude in range(-60, 90, 30):
        axes.axhline(latitude, color=FAINT, lw=1.0 if latitude == 0 else 0.6)
    _draw_tracks(axes, data, sheet.narrow)
    _draw_starts(axes, data, sheet.narrow)
    _draw_outlines(axes, data)
    marks = _draw_sites(axes, data, sheet.narrow)
    _label(axes, marks, sheet)
    if len(data.tracks) > 1:
        handles, labels = axes.get_legend_handles_labels()
        sheet.figure.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0, 0),
            ncols=2 if sheet.narrow else 4,
            fontsize=11 if sheet.narrow else 12,
            handlelength=3,
            borderaxespad=0,
        )


def _draw_land(axes: Axes, narrow: bool) -> None:
    corners: list[NDArray[np.float64]] = []
    codes: list[np.uint8] = []
    for ring in land():
        # On the small map, an island of one pixel would look like dirt.
        if narrow and np.ptp(ring, axis=0).max() < 2:
            continue
        corners += [ring, ring[:1]]
        codes += [Path.MOVETO, *[Path.LINETO] * (len(ring) - 1), Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(np.concatenate(corners), codes), fc=LAND, lw=0))


def _draw_tracks(axes: Axes, data: ReportData, narrow: bool) -> None:
    until = drawn_seconds(data)
    satellite = names(data.accesses, "satellite")
    start, end = numbers(data.accesses, "start_s"), numbers(data.accesses, "end_s")
    taken = np.nan_to_num(numbers(data.accesses, "frames")) > 0
    for index, (name, track) in enumerate(list(data.tracks.items())[:MOST_TRACKS]):
        colour = SERIES[index % len(SERIES)]
        dashes = DASHES[index // len(SERIES) % len(DASHES)]
        lit: Lines = []
        dark: Lines = []
        edges = [0.0]
        for night_start, night_end in data.eclipses.get(name, ()):
            edges += [min(night_start, until), min(night_end, until)]
        edges.append(until)
        for number, (begin, finish) in enumerate(pairwise(edges)):
            if finish > begin:
                (dark if number % 2 else lit).extend(part(_thinned(track), begin, finish))
        label = w.short(name, 18 if narrow else 26)
        style = {"color": colour, "lw": 0.8 if narrow else 1.2, "ls": dashes}
        _stroke(axes, dark, alpha=0.3, **style)
        _stroke(axes, lit, alpha=0.75, label=label, **style)
        imaged: Lines = []
        for i in np.flatnonzero((satellite == name) & taken):
            if end[i] <= until:
                # A frame of ten kilometres is a third of a pixel: it is drawn longer to be visible.
                room = 60.0 if narrow else 30.0
                imaged += part(track, start[i] - room, end[i] + room)
        _stroke(axes, imaged, color=INK, lw=3.2, solid_capstyle="round")


def _draw_starts(axes: Axes, data: ReportData, narrow: bool) -> None:
    """Draw where the satellites of a large constellation are at the start."""
    if len(data.tracks) <= MOST_TRACKS:
        return
    placed = [track for track in data.tracks.values() if track.time_s.size]
    x = wrapped(np.array([track.longitude_deg[0] for track in placed]))
    y = np.array([track.latitude_deg[0] for track in placed])
    # To a tenth of a degree: ten thousand dots cost a third of a megabyte otherwise.
    places = np.unique(np.round(np.column_stack((x, y)), 1), axis=0)
    size = (1.6 if narrow else 2.4) if len(places) > 300 else (2.4 if narrow else 3.6)
    axes.plot(places[:, 0], places[:, 1], ls="none", marker=".", ms=2 * size, color=INK, alpha=0.6)


def _thinned(track: Track) -> Track:
    """Return at most a sample every 50 s; the error is less than a pixel."""
    if track.time_s.size < 3:
        return track
    step = max(1, int(50 / max(float(np.median(np.diff(track.time_s))), 1e-6)))
    return Track(track.time_s[::step], track.latitude_deg[::step], track.longitude_deg[::step])


def _stroke(axes: Axes, lines: Lines, **how: Any) -> None:
    if not lines:
        return
    corners = np.concatenate([[*line, (np.nan, np.nan)] for line in lines])
    axes.plot(corners[:, 0], corners[:, 1], scalex=False, scaley=False, **how)


def _draw_outlines(axes: Axes, data: ReportData) -> None:
    for site in data.targets:
        if len(site.outline) > 2:
            eastward = np.unwrap([longitude for _, longitude in site.outline], period=360.0)
            corners = np.column_stack((eastward, [latitude for latitude, _ in site.outline]))
            for shift in (-360.0, 0.0, 360.0):
                axes.add_patch(
                    PathPatch(
                        Path(np.vstack((corners, corners[:1])) + np.array((shift, 0.0))),
                        fc="none",
                        ec=SERIES[1],
                        lw=1.2,
                    )
                )


def _draw_sites(axes: Axes, data: ReportData, narrow: bool) -> list[tuple[float, float, str, bool]]:
    """Draw stations and targets; return each as (longitude, latitude, name, is a station)."""
    outcome = targets.outcomes(data)
    marks: list[tuple[float, float, str, bool]] = []
    size = 7 if narrow else 8
    kinds: dict[str, tuple[list[float], list[float]]] = {
        kind: ([], []) for kind in ("delivered", "taken", "none", "station")
    }
    for site in data.targets:
        taken, delivered = outcome[site.name]
        kind = "delivered" if delivered else "taken" if taken else "none"
        x = float(wrapped(np.array([site.longitude_deg]))[0])
        kinds[kind][0].append(x)
        kinds[kind][1].append(site.latitude_deg)
        marks.append((x, site.latitude_deg, site.name, False))
    for station in data.stations:
        x = float(wrapped(np.array([station.longitude_deg]))[0])
        kinds["station"][0].append(x)
        kinds["station"][1].append(station.latitude_deg)
        marks.append((x, station.latitude_deg, station.name, True))
    looks: dict[str, dict[str, Any]] = {
        "delivered": {"marker": "o", "mfc": SERIES[1], "mec": PAPER, "mew": 1.2},
        "taken": {"marker": "o", "mfc": PAPER, "mec": SERIES[1], "mew": 2.0},
        "none": {"marker": "x", "mec": SERIES[1], "mew": 2.0},
        "station": {"marker": "^", "mfc": INK, "mec": PAPER, "mew": 1.2},
    }
    for kind, (x_deg, y_deg) in kinds.items():
        if x_deg:
            grown = size + 2 if kind == "station" else size
            axes.plot(x_deg, y_deg, ls="none", ms=grown, zorder=5, **looks[kind])
    # Stations first: if there is room for few names, theirs are the most useful.
    return sorted(marks, key=lambda mark: not mark[3])


def _label(axes: Axes, marks: list[tuple[float, float, str, bool]], sheet: Sheet) -> None:
    """Write names beside their marks, where they cover no mark and no other name."""
    size = 10.5 if sheet.narrow else 12.0
    place = axes.transData.transform
    spots = [place((x, y)) for x, y, _, _ in marks]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    low, high = place((-180, _SOUTH)), place((180, _NORTH))
    written = 0
    for (x, y, name, is_station), spot in zip(marks, spots, strict=True):
        if written >= _MOST_LABELS or not _SOUTH <= y <= _NORTH:
            continue
        words = w.short(name, 12 if sheet.narrow else 22)
        wide, tall = len(words) * size * 0.58, size * 1.15
        for dx, dy, ha in (
            (8, 0, "left"),
            (-8, 0, "right"),
            (0, 13, "center"),
            (0, -13, "center"),
            (7, 9, "left"),
            (-7, 9, "right"),
            (7, -9, "left"),
            (-7, -9, "right"),
        ):
            start = spot[0] + dx - {"left": 0.0, "right": wide, "center": wide / 2}[ha]
            box = (start, spot[1] + dy - tall / 2, start + wide, spot[1] + dy + tall / 2)
            inside = box[0] > low[0] and box[2] < high[0] and box[1] > low[1] and box[3] < high[1]
            free = all(
                box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in taken
            )
            if inside and free:
                taken.append(box)
                written += 1
                axes.annotate(
                    words,
                    (x, y),
                    xytext=(dx, dy),
                    textcoords="offset points",
                    ha=ha,
                    va="center",
                    fontsize=size,
                    fontweight="bold" if is_station else "normal",
                    color=INK if is_station else MUTED,
                    gid=HALO,
                    zorder=6,
                )
                break
