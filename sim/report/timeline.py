"""Picture of the timeline: a Gantt chart of passes, imaging and eclipse per satellite."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
from matplotlib.axes import Axes

from . import hover
from . import wording as w
from .backlog import is_long
from .data import ReportData, names, numbers
from .style import FAINT, MUTED, NIGHT, SERIES, Picture, Sheet, bars, draw, merged
from .timeaxis import axis_name, time_axis

_MOST_ROWS = 36
_MOST_SATELLITES = 16
# More letters in a row would run together.
_MOST_LETTERS = 25
# More eclipses would run together.
_MOST_ECLIPSES = 180

Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the chart: its label, and its spans drawn solid and pale."""

    label: str
    colour: str
    solid: Spans
    pale: Spans
    # Letters of pale spans' causes: (middle of the span in seconds, letter).
    letters: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class TimelineGroup:
    """The rows of one satellite."""

    satellite: str
    rows: list[Row]


def unused_causes(data: ReportData) -> dict[str, int]:
    """Return the causes of unused passes with their numbers, the most frequent first."""
    causes = names(data.passes, "cause_unused")
    idle = ~_used(data)
    counted = Counter(str(cause) for cause in causes[idle])
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def has_letters(data: ReportData) -> bool:
    """Whether the unused passes are few enough in each row to carry their cause's letter."""
    idle = ~_used(data)
    pairs = zip(names(data.passes, "satellite"), names(data.passes, "station"), strict=True)
    rows = Counter(pair for pair, unused in zip(pairs, idle, strict=True) if unused)
    return max(rows.values(), default=0) <= _MOST_LETTERS


def _used(data: ReportData) -> np.ndarray:
    """Which passes carried bytes or held an antenna for a while."""
    spent = np.nan_to_num(numbers(data.passes, "used_s"))
    sent = np.nan_to_num(numbers(data.passes, "sent_bytes"))
    used: np.ndarray = (spent > 0) | (sent > 0)
    return used


def groups(data: ReportData) -> list[TimelineGroup]:
    """The chart's rows; stations share one row a satellite where there would be too many."""
    satellite, station = names(data.passes, "satellite"), names(data.passes, "station")
    aos, los = numbers(data.passes, "aos_s"), numbers(data.passes, "los_s")
    cause, used = names(data.passes, "cause_unused"), _used(data)
    letter = dict(zip(unused_causes(data), ascii_lowercase, strict=False))
    seen_by = {
        name: [s.name for s in data.stations if s.name in set(station[satellite == name])]
        + sorted(set(station[satellite == name]) - {s.name for s in data.stations})
        for name in data.satellites[:_MOST_SATELLITES]
    }
    together = sum(len(found) + 2 for found in seen_by.values()) > _MOST_ROWS
    lettered = has_letters(data)
    taken = _imaging(data)
    result = []
    for name, found in seen_by.items():
        mine = satellite == name
        rows = [Row("imaging", SERIES[2], *taken[name], [])]
        for place in [""] if together and found else found:
            here = mine & (station == place) if place else mine
            pale = np.flatnonzero(here & ~used)
            rows.append(
                Row(
                    place or "all stations",
                    SERIES[0],
                    _spans(aos, los, np.flatnonzero(here & used)),
                    _spans(aos, los, pale),
                    [
                        (float(aos[i] + los[i]) / 2, letter.get(str(cause[i]), "…"))
                        for i in pale
                        if lettered
                    ],
                )
            )
        eclipses = list(data.eclipses.get(name, ()))
        if len(eclipses) <= _MOST_ECLIPSES or is_long(data.duration_s):
            rows.append(Row("eclipse", NIGHT, eclipses, [], []))
        result.append(TimelineGroup(name, rows))
    return result


def _imaging(data: ReportData) -> dict[str, tuple[Spans, Spans]]:
    """Return each satellite's imaging opportunities, used and unused."""
    satellite = names(data.accesses, "satellite")
    start, end = numbers(data.accesses, "start_s"), numbers(data.accesses, "end_s")
    taken = np.nan_to_num(numbers(data.accesses, "frames")) > 0
    return {
        name: (
            _spans(start, end, np.flatnonzero((satellite == name) & taken)),
            _spans(start, end, np.flatnonzero((satellite == name) & ~taken)),
        )
        for name in data.satellites[:_MOST_SATELLITES]
    }


def _spans(start: np.ndarray, end: np.ndarray, index: np.ndarray) -> Spans:
    return [(float(start[i]), float(end[i])) for i in index]


def picture(data: ReportData) -> Picture | None:
    """Return the chart; None without any pass, imaging opportunity or eclipse."""
    charted = groups(data)
    if not any(row.solid or row.pale for group in charted for row in group.rows):
        return None
    alone = len(charted) == 1
    row_height = 28.0
    tall = sum(len(group.rows) * row_height + (0 if alone else 30) for group in charted) + 56
    wide, narrow = draw(
        "timeline", lambda _narrow: tall, lambda sheet: _paint(sheet, data, charted, row_height)
    )
    causes = unused_causes(data)
    long = is_long(data.duration_s)
    caption = (
        "Columns: share of the time, against the row's highest. Solid: passes in which a satellite "
        "sent, and imaging opportunities in which it took frames. Pale: not used."
        if long
        else "Solid: passes in which a satellite sent, and imaging opportunities in which it took "
        "frames. Pale and low: not used."
    )
    if causes:
        keyed = zip(causes.items(), ascii_lowercase, strict=False)
        lettered = has_letters(data) and not long
        caption += " Passes went unused because of: " + "; ".join(
            f"{f'({key}) ' if lettered else ''}{w.cause(cause)}, {n:,}×"
            for (cause, n), key in keyed
        )
        caption += "."
    if not long and any(len(spans) > _MOST_ECLIPSES for spans in data.eclipses.values()):
        caption += " There are too many eclipses to draw."
    if len(data.satellites) > len(charted):
        caption += f" The first {len(charted)} of {len(data.satellites)} satellites are drawn."
    return Picture(
        key="timeline",
        alt=alt(data),
        caption=caption,
        wide=wide,
        narrow=narrow,
        hover=hover.spans(
            data,
            (150.0, 14.0),
            (104.0, 10.0),
            [
                (row.label if alone else f"{group.satellite}, {row.label}", row.solid)
                for group in charted
                for row in group.rows
            ],
        ),
    )


def alt(data: ReportData) -> str:
    """Return the chart in words: how many passes and opportunities, and how many were used."""
    used = int(_used(data).sum())
    taken = int((np.nan_to_num(numbers(data.accesses, "frames")) > 0).sum())
    dark = sum(end - start for spans in data.eclipses.values() for start, end in spans)
    whole = data.duration_s * max(len(data.satellites), 1)
    passes = w.plural(data.passes.num_rows, "pass")
    chances = w.plural(data.accesses.num_rows, "imaging opportunity")
    return (
        f"{passes} over {w.plural(len(data.stations), 'station')}, of which {used} carried data; "
        f"frames were taken in {taken} of {chances}; {w.share(dark, whole)} of the time is spent "
        "in eclipse. Every pass is in the table of passes below."
    )


def shares(spans: Spans, duration_s: float, bins: int) -> np.ndarray:
    """Return the share of each even bin that the spans cover; they may overlap (above 1)."""
    width = duration_s / bins
    covered = np.zeros(bins)
    for start, end in spans:
        first = max(int(start // width), 0)
        for place in range(first, min(int(end // width) + 1, bins)):
            covered[place] += max(0.0, min(end, (place + 1) * width) - max(start, place * width))
    return covered / width


def _paint_shares(
    axes: Axes, row: Row, duration_s: float, bins: int, low: float, high: float
) -> None:
    """Draw how much of each bin the spans cover, as columns: used ones below, unused ones above.

    The highest column of the row fills its height.
    """
    edge = np.linspace(0.0, duration_s, bins + 1)
    solid = shares(row.solid, duration_s, bins)
    whole = solid + shares(row.pale, duration_s, bins)
    most = float(whole.max())
    if not most:
        return
    for level, alpha in ((whole, 0.4), (solid, 1.0)):
        top = high - np.append(level, level[-1]) / most * (high - low)
        axes.fill_between(
            edge, np.full(bins + 1, high), top, step="post", color=row.colour, alpha=alpha, lw=0
        )


def _paint(sheet: Sheet, data: ReportData, charted: list[TimelineGroup], row_height: float) -> None:
    small = 11 if sheet.narrow else 12
    left, right = (104.0 if sheet.narrow else 150.0), (10.0 if sheet.narrow else 14.0)
    width = sheet.width - left - right
    pixel = data.duration_s / width
    y = 4.0
    for place, group in enumerate(charted):
        if len(charted) > 1:
            name = w.short(group.satellite, 40 if sheet.narrow else 90)
            sheet.text(2, y + 14, name, fontsize=small, fontweight="bold")
            y += 30
        tall = len(group.rows) * row_height
        axes = sheet.axes(left, y, width, tall)
        time_axis(axes, data.start, data.duration_s, sheet.narrow)
        axes.set_ylim(tall, 0)
        axes.set_yticks([])
        axes.grid(axis="x")
        if place < len(charted) - 1:
            axes.tick_params(axis="x", labelbottom=False)
        for number, row in enumerate(group.rows):
            top = number * row_height
            axes.axhline(top, color=FAINT, lw=0.6)
            low, middle, high = top + 5, top + row_height / 2 + 1, top + row_height - 5
            if is_long(data.duration_s):
                bins = (60 if sheet.narrow else 120) // (1 if len(charted) <= 4 else 2)
                _paint_shares(axes, row, data.duration_s, bins, low, high)
                words = w.short(row.label, 14 if sheet.narrow else 20)
                sheet.text(left - 8, y + top + row_height / 2, words, fontsize=small, ha="right")
                continue
            # Unused spans are pale and half as high, with the letter of their cause above.
            # Hundreds of spans are merged at larger gaps, since each costs bytes.
            gap = pixel / 2 if len(row.pale) + len(row.solid) < 300 else 2 * pixel
            pale = merged(row.pale, gap, 2.5 * pixel)
            bars(axes, pale, middle, high, fc=row.colour, alpha=0.45)
            bars(axes, merged(row.solid, gap, 2 * pixel), low, high, fc=row.colour)
            last = -np.inf
            for time, letter in row.letters:
                # Letters closer than their width would overlap.
                if time - last > 9 * pixel:
                    axes.text(
                        time, middle - 3, letter, fontsize=11, color=MUTED, ha="center",
                        va="baseline",
                    )  # fmt: skip
                    last = time
            words = w.short(row.label, 14 if sheet.narrow else 20)
            sheet.text(left - 8, y + top + row_height / 2, words, fontsize=small, ha="right")
        y += tall
    sheet.text(left, sheet.height - 10, axis_name(data.start), fontsize=small, color=MUTED)
