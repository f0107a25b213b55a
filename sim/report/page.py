"""Render the pages: `report.html` of one run and `comparison.html` of several, each one file.

A page needs no network: pictures are inline SVG or data URIs, style and script are in the page,
and fonts are the reader's own. The content security policy forbids everything else, so a browser
would not run a script from a scenario's text even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from ...link.errors import reason
from ...link.files import whole_file
from ...link.text import defused
from . import (
    backlog,
    battery,
    board_verdict,
    boards,
    bytes_flow,
    comparison,
    crops,
    downloads,
    groundtrack,
    keyfigures,
    latency,
    link,
    outcome,
    passes,
    repeatability,
    summary_blocks,
    timeline,
    tradeoff,
)
from . import wording as w
from .data import ReportData, names


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_asset),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = w.plain
    return environment


def filled(template: str, **values: object) -> str:
    """Return a page: a template filled with values, with style and script in it."""
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    page = (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_asset("page.css")),  # noqa: S704
            script=Markup(script),  # noqa: S704
            script_digest=digest,
            **values,
        )
    )
    return defused(page)


@dataclass(frozen=True, slots=True)
class Absent:
    """Takes the place of a picture that could not be drawn.

    Attributes:
        missing: The reason, in one line.
    """

    missing: str


def _drawn(picture: Callable[..., Any], *arguments: object) -> Any:
    """Return a picture, or `Absent` if it fails, so that the other pictures are still shown."""
    try:
        return picture(*arguments)
    except Exception as error:
        return Absent(reason(error))


def render(data: ReportData, left_out: list[str] | None = None) -> str:
    """Return the report of one run as HTML.

    The same data gives the same text. If a run has nothing to show in a part (no pass, no pixels),
    or a picture cannot be drawn, a sentence in its place says so.

    Args:
        data: The run.
        left_out: Gets a line for each picture that could not be drawn.
    """
    pictures = {
        "tradeoff": _drawn(tradeoff.picture, data.tradeoff, data.duration_s, data.tradeoff_note),
        "backlog": _drawn(backlog.picture, data),
        "battery": _drawn(battery.picture, data),
        "timeline": _drawn(timeline.picture, data),
        "map": _drawn(groundtrack.picture, data),
        "latency": _drawn(latency.picture, data),
        "bytes": _drawn(bytes_flow.picture, data),
        "link": _drawn(link.picture, data),
    }
    pairs = [_drawn(crops.pair, crop, f"pair{n}") for n, crop in enumerate(data.crops, 1)]
    failed = [
        f"{name} picture: {picture.missing}"
        for name, picture in (*pictures.items(), *(("crop", pair) for pair in pairs))
        if isinstance(picture, Absent)
    ]
    if left_out is not None:
        left_out += failed
    return filled(
        "report.html.jinja",
        data=data,
        left_out=[w.plain(line) for line in (*data.left_out, *failed)],
        start=f"{w.date(data.start)}{w.NBSP}{data.start:%H:%M:%S} UTC",
        duration=w.duration(data.duration_s),
        sentences=outcome.paragraph(data),
        tiles=keyfigures.tiles(data),
        codecs=codecs(data),
        inside=downloads.downloads(data),
        beside=downloads.beside(data),
        explained=w.explained(data.codecs.values()),
        **pictures,
        pairs=[pair for pair in pairs if not isinstance(pair, Absent)],
        satellites=keyfigures.satellites(data),
        passes=passes.passes(data),
        accesses=passes.accesses(data),
        times=encode_times(data),
        verdicts=board_verdict.verdicts(data.summary),
        failed=board_verdict.any_failed([data]),
        repeatability=repeatability.sentence(data),
        boards=boards.parts(data),
        rain=link.rain(data),
        budgets=link.budgets(data),
    )


def render_comparison(runs: Sequence[ReportData], labels: Sequence[str] | None = None) -> str:
    """Return the comparison of runs of one scenario that differ in codec or setting, as HTML.

    Args:
        runs: The runs, in the order in which they are shown.
        labels: A label for each, such as "jpeg2000:0.5bpp"; by default the runs' codecs.

    Raises:
        ValueError: There is no run, or not one label a run.
    """
    if not runs:
        raise ValueError("a comparison needs at least one run")
    if labels is None:
        labels = [" + ".join(dict.fromkeys(run.codecs.values())) for run in runs]
    if len(labels) != len(runs):
        raise ValueError(f"{len(runs)} runs but {len(labels)} labels")
    first = runs[0]
    points = [comparison.point(run, label) for run, label in zip(runs, labels, strict=True)]
    curves = tradeoff.picture(points, first.duration_s)
    return filled(
        "comparison.html.jinja",
        data=first,
        start=f"{w.date(first.start)}{w.NBSP}{first.start:%H:%M:%S} UTC",
        duration=w.duration(first.duration_s),
        sentences=comparison.paragraph(runs, labels),
        # The table of choices below the picture has the same figures and more.
        tradeoff=curves and replace(curves, table=None),
        choices=comparison.choices(runs, labels),
        backlog=comparison.backlogs(runs, labels),
        contests=comparison.contests(runs, labels),
        times=list(dict.fromkeys(sentence for run in runs for sentence in encode_times(run))),
        verdicts=[
            (w.codec_label(label), board_verdict.verdicts(run.summary))
            for run, label in zip(runs, labels, strict=True)
        ],
        failed=board_verdict.any_failed(runs),
        repeatability=list(dict.fromkeys(map(repeatability.sentence, runs))),
    )


def codecs(data: ReportData) -> list[str]:
    """Return each codec with the satellites that use it."""
    users: dict[str, list[str]] = {}
    for name, label in data.codecs.items():
        users.setdefault(w.codec_label(label), []).append(w.plain(name))
    if len(users) == 1 and len(data.codecs) > 1:
        return [f"{next(iter(users))} on all {len(data.codecs)} satellites"]
    return [f"{label} on {w.some(found, 6)}" for label, found in users.items()]


def encode_times(data: ReportData) -> list[str]:
    """Return a sentence for each way in which the run obtained encoding times."""
    kinds = names(data.frames, "encode_time_kind")
    on_board = boards.modelled_satellites(data)
    emulated = np.isin(names(data.frames, "satellite").astype(str), sorted(on_board))
    sentences = [w.encode_time(str(kind)) for kind in np.unique(kinds[(kinds != "") & ~emulated])]
    if emulated.any():
        sentences.append(w.encode_time("modelled on board"))
    return [*(sentences or [w.encode_time(None)]), *_pace(data)]


def _pace(data: ReportData) -> list[str]:
    pace = summary_blocks.part(data.summary, "realtime")
    if not pace:
        return []
    behind, first = pace.get("behind_s"), pace.get("first_behind_s")
    sentence = f"The run was paced by wall-clock time, at a factor of {pace.get('factor'):g}"
    if w.present(first):
        sentence += (
            f", and fell behind by up to {w.duration(behind)}, first {w.duration(first)} after "
            "the start"
        )
    return [f"{sentence}."]


def write_report(path: Path, html: str) -> None:
    """Write a page so that a reader sees either the old file or the whole new one.

    Raises:
        InputError: The file cannot be written there.
    """
    with whole_file(path) as file:
        file.write(html.encode())
        file.flush()
        os.fsync(file.fileno())
