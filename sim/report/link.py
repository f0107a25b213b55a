"""The report's part on links with a budget: modes over passes, rain, and the budget's lines."""

from __future__ import annotations

from typing import Final

import numpy as np

from . import wording as w
from .data import LinkPassView, LinkView, ReportData
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
)

_COLUMNS: Final = 3
_MOST_DRAWN: Final = 9


def picture(data: ReportData) -> Picture | None:
    """Return Es/N0 and mode over some passes, a panel for each; None without a link."""
    shown = [view for link in data.links for view in link.drawn][:_MOST_DRAWN]
    if not shown:
        return None
    low, high = _limits(shown)

    def rows(narrow: bool) -> int:
        return len(shown) if narrow else -(-len(shown) // _COLUMNS)

    def height(narrow: bool) -> float:
        return rows(narrow) * (190.0 if narrow else 200.0) + 22.0

    def paint(sheet: Sheet) -> None:
        columns = 1 if sheet.narrow else _COLUMNS
        wide = sheet.width / columns
        for index, view in enumerate(shown):
            left, top = index % columns * wide, index // columns * (190 if sheet.narrow else 200)
            _panel(sheet, data, view, (left, float(top), wide), (low, high))
        sheet.text(
            sheet.width - 8,
            sheet.height - 8,
            "minutes since AOS",
            ha="right",
            color=MUTED,
            fontsize=11,
        )

    wide, narrow = draw("link", height, paint)
    left_out = len([v for link in data.links for v in link.drawn]) - len(shown)
    return Picture(
        key="link",
        alt=_alt(shown),
        caption=_caption(data, left_out),
        wide=wide,
        narrow=narrow,
        table=_passes_table(data, shown),
    )


def rain(data: ReportData) -> DataTable | None:
    """Return how much the weather took from each link; None without a link."""
    if not data.links:
        return None
    return DataTable(
        caption="Links and their weather",
        columns=(
            ("Satellite", False),
            ("Station", False),
            ("Passes", True),
            ("Time in view", True),
            ("… with more than 1 dB of rain and clouds", True),
            ("Largest fade", True),
            ("Carried in modes that are received", True),
            ("… that are not", True),
            ("No contact because of", False),
        ),
        rows=tuple(_rain_row(link) for link in data.links),
        note=f"{w.plural(data.links_left_out, 'more link')} with fewer passes."
        if data.links_left_out
        else "",
    )


def budgets(data: ReportData) -> list[DataTable]:
    """Return the link budget of each link at its best and its worst moment."""
    return [
        DataTable(
            caption=f"{w.plain(link.satellite)} to {w.plain(link.station)}",
            columns=(
                ("Line", False),
                ("Best", True),
                ("Worst", True),
                ("Unit", False),
                ("How, with the figures of the best moment", False),
            ),
            rows=tuple(
                (row.name, _figure(row.best), _figure(row.worst), row.unit, w.plain(row.how))
                for row in link.budget
            ),
            note=f"Best moment: {link.best}. Worst moment: {link.worst}.",
        )
        for link in data.links
        if link.budget
    ]


def _rain_row(link: LinkView) -> tuple[str, ...]:
    if link.no_contact:
        figures = (w.DASH,) * 5
    else:
        figures = (
            w.duration(link.time_s),
            w.duration(link.faded_s),
            f"{link.largest_fade_db:.1f}{w.NBSP}dB",
            w.size(link.received_bytes),
            w.size(link.lost_bytes),
        )
    return (
        w.plain(link.satellite),
        w.plain(link.station),
        w.count(link.passes),
        *figures,
        w.cause(link.no_contact) if link.no_contact else "",
    )


def _figure(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _limits(shown: list[LinkPassView]) -> tuple[float, float]:
    """Return the vertical range that all panels share, in dB."""
    values = np.concatenate([view.es_n0_db for view in shown])
    required = [
        span.required_db for view in shown for span in view.spans if np.isfinite(span.required_db)
    ]
    lowest = min([float(values.min()), *required])
    highest = max([float(values.max()), *(float(view.clear_db.max()) for view in shown)])
    # A deep fade would flatten all other panels.
    lowest = max(lowest, min([highest, *required]) - 12.0)
    return float(np.floor(lowest - 1.0)), float(np.ceil(highest + 1.0))


def _panel(
    sheet: Sheet,
    data: ReportData,
    view: LinkPassView,
    place: tuple[float, float, float],
    limits: tuple[float, float],
) -> None:
    left, top, wide = place
    axes = sheet.axes(left + 34, top + 40, wide - 46, 118)
    start = float(view.time_s[0])
    minutes = (view.time_s - start) / 60
    lost = [((s.start_s - start) / 60, (s.end_s - start) / 60) for s in view.spans if s.lost]
    bars(axes, lost, 0, 1, fc=SHADE, transform=axes.get_xaxis_transform())
    if np.any(view.clear_db - view.es_n0_db > 0.05):
        axes.plot(minutes, view.clear_db, color=MUTED, lw=1.2, dashes=(3, 2))
    axes.plot(minutes, view.es_n0_db, color=SERIES[0], lw=1.8)
    for span in view.spans:
        if span.mode:
            ends = ((span.start_s - start) / 60, (span.end_s - start) / 60)
            axes.fill_between(
                ends, [limits[0]] * 2, [span.required_db] * 2, color=SERIES[1], alpha=0.22, lw=0
            )
    edges = [(s.start_s - start) / 60 for s in view.spans]
    edges.append((view.spans[-1].end_s - start) / 60)
    axes.stairs([s.required_db for s in view.spans], edges, color=SERIES[1], lw=1.4, baseline=None)
    fastest = max((s for s in view.spans if s.mode), key=lambda s: s.required_db, default=None)
    axes.annotate(
        fastest.mode if fastest else "no mode closes",
        (0.5, 0.06),
        xycoords="axes fraction",
        ha="center",
        gid=HALO,
        fontsize=11,
        color=INK,
    )
    axes.set_ylim(*limits)
    axes.set_xlim(0, float(minutes[-1]))
    axes.grid(axis="y")
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(labelsize=11)
    axes.axhline(limits[0], color=FAINT, lw=1)
    title = f"{view.station}, {w.instant(data.start, start)}"
    if len(data.satellites) > 1:
        title = f"{view.satellite} to {title}"
    sheet.text(left + 8, top + 10, w.short(title, 40), fontsize=12)
    sheet.text(
        left + 8,
        top + 26,
        w.short(
            f"{view.which}, {w.degrees(view.max_elevation_deg)}, {w.size(view.received_bytes)}", 48
        ),
        fontsize=11,
        color=MUTED,
    )
    sheet.text(left + 28, top + 40, "dB", fontsize=11, color=MUTED, ha="right")


def _caption(data: ReportData, left_out: int) -> str:
    sentences = [
        (
            "Line: Es/N0 as it is; dashed: under a clear sky. Steps: what the mode that is sent "
            "needs; the gap between is the margin. The fastest mode of the pass is named. Shaded: "
            "what is sent is lost."
        )
    ]
    drawn = sum(len(link.drawn) for link in data.links) - left_out
    total = sum(link.passes for link in data.links if not link.no_contact)
    if drawn < total:
        how = "best, median and worst" if drawn > len(data.links) else "the median"
        sentences.append(
            f"Of {total:,} passes {drawn} are drawn: for each link {how} by bytes received."
        )
    return " ".join(sentences)


def _alt(shown: list[LinkPassView]) -> str:
    return " ".join(
        f"{w.plain(view.station)}, {view.which}: Es/N0 from {view.es_n0_db.min():.1f} to "
        f"{view.es_n0_db.max():.1f} dB, {_modes(view)}."
        for view in shown
    )


def _modes(view: LinkPassView) -> str:
    sent = sorted({(s.required_db, s.mode) for s in view.spans if s.mode})
    if not sent:
        return "no mode closes"
    return sent[0][1] if len(sent) == 1 else f"{sent[0][1]} to {sent[-1][1]}"


def _passes_table(data: ReportData, shown: list[LinkPassView]) -> DataTable:
    return DataTable(
        caption="The passes drawn",
        columns=(
            ("AOS (UTC)", False),
            ("Satellite", False),
            ("Station", False),
            ("Which", False),
            ("Highest", True),
            ("Es/N0, least", True),
            ("Es/N0, most", True),
            ("Modes", False),
            ("Received", True),
            ("Lost", True),
        ),
        rows=tuple(
            (
                w.instant(data.start, float(view.time_s[0])),
                w.plain(view.satellite),
                w.plain(view.station),
                view.which,
                w.degrees(view.max_elevation_deg),
                f"{view.es_n0_db.min():.1f}{w.NBSP}dB",
                f"{view.es_n0_db.max():.1f}{w.NBSP}dB",
                _modes(view),
                w.size(view.received_bytes),
                w.size(view.lost_bytes),
            )
            for view in shown
        ),
    )
