"""The run in one paragraph and a few figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import wording as w
from .data import ReportData, names
from .style import DataTable


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure to read from afar."""

    value: str
    label: str
    detail: str


def part(block: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a summary block; empty where there is none."""
    found = block.get(name)
    return found if isinstance(found, Mapping) else {}


def exact(block: Mapping[str, Any]) -> bool:
    """Whether all delivered frames are as they were captured, so that their PSNR is infinite."""
    graded = part(block, "graded")
    return whole(graded.get("lossless")) == whole(graded.get("frames")) > 0


def whole(value: Any) -> int:
    """A count from the summary; 0 where there is none."""
    return int(value) if w.present(value) else 0


def paragraph(data: ReportData) -> list[str]:
    """What happened, sentence by sentence: taken, encoded, delivered, how good, dropped."""
    total = data.total
    frames, sizes = part(total, "frames"), part(total, "bytes")
    captured, encoded = whole(frames.get("captured")), whole(frames.get("encoded"))
    delivered, stored = whole(frames.get("delivered")), whole(frames.get("stored"))
    who = (
        w.plain(data.satellites[0])
        if len(data.satellites) == 1
        else w.plural(len(data.satellites), "satellite")
    )
    span = w.duration(data.duration_s)
    if not captured:
        why = _skipped(data)
        return [
            f"In {span}, {who} took no frame: "
            + (f"{why}." if why else "no target came into view of the imager.")
        ]
    codecs = list(dict.fromkeys(w.codec_label(label) for label in data.codecs.values()))
    opening = (
        f"In {span}, {who} took {w.plural(captured, 'frame')} "
        f"({w.size(whole(sizes.get('captured')))} raw) and encoded "
        f"{'all of them' if encoded == captured else w.count(encoded)} to "
        f"{w.size(whole(sizes.get('encoded')))} with {w.some(codecs, 3)}."
    )
    sentences = [opening]
    if delivered:
        reached = (
            "All of them"
            if delivered == captured
            else f"{w.count(delivered)} ({w.share(delivered, captured)})"
        )
        sentences.append(
            f"{reached} reached the ground, {w.pixels(total.get('delivered_px'))} over "
            f"{_area(total.get('delivered_km2'))}, {_latency(part(total, 'latency_s'))}."
        )
        sentences += _quality(total, delivered)
    else:
        sentences.append(f"None reached the ground: {_nothing(data)}.")
    dropped = {str(name): whole(n) for name, n in part(frames, "dropped").items()}
    lost = sum(dropped.values())
    if lost:
        sentences.append(f"{w.plural(lost, 'frame')} {_was(lost)} dropped: {w.tally(dropped)}.")
    missed = {str(name): whole(n) for name, n in part(frames, "missed").items()}
    if untaken := sum(missed.values()):
        sentences.append(f"{w.plural(untaken, 'frame')} could not be taken: {w.tally(missed)}.")
    left = captured - delivered - lost
    if left > 0:
        waiting = f", {w.count(stored)} of them encoded" if stored not in (0, left) else ""
        sentences.append(f"{w.count(left)} {_was(left)} still on board at the end{waiting}.")
    backlog = part(total, "backlog_bytes")
    if w.present(backlog.get("peak")):
        sentences.append(
            f"The backlog peaked at {w.size(backlog.get('peak'))} and was "
            f"{w.size(backlog.get('mean'))} on average."
        )
    return sentences


def _latency(latency: Mapping[str, Any]) -> str:
    if not w.present(latency.get("median")):
        return "at a latency that is not known"
    return (
        f"half of them within {w.duration(latency.get('median'))} of their capture and "
        f"95{w.NBSP}% within {w.duration(latency.get('p95'))}"
    )


def _area(square_km: Any) -> str:
    return f"{square_km:,.0f}{w.NBSP}km²" if w.present(square_km) else "an unknown area"


def _quality(total: Mapping[str, Any], delivered: int) -> list[str]:
    psnr, similarity = part(total, "psnr_db"), part(total, "ms_ssim")
    graded = part(total, "graded")
    if exact(total):
        return ["The delivered frames are exact: every pixel is as it was captured."]
    if not w.present(psnr.get("mean")):
        no_pixels = "The targets have no scenes, so there are no pixels and no PSNR: "
        return [no_pixels + "frame sizes come from the codec's setting."]
    words = f"The delivered frames have a PSNR of {w.decibels(psnr['mean'])} on average"
    if delivered > 1 and w.present(psnr.get("p5")):
        words += f", 95{w.NBSP}% of them above {w.decibels(psnr['p5'])}"
    if w.present(similarity.get("mean")):
        words += f", and an MS-SSIM of {w.similarity(similarity['mean'])}"
    sentences = [f"{words}."]
    if lossless := whole(graded.get("lossless")):
        sentences.append(f"{w.count(lossless)} are exact and not in that mean.")
    if lost := whole(graded.get("lost_tiles")):
        sentences.append(
            f"{w.count(lost)} of their {w.plural(whole(graded.get('tiles')), 'tile')} "
            f"{_was(lost)} lost on the way and {_is(lost)} concealed."
        )
    if broken := whole(graded.get("undecodable")):
        sentences.append(f"{w.plural(broken, 'frame')} could not be decoded.")
    return sentences


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _nothing(data: ReportData) -> str:
    if data.passes.num_rows == 0:
        return "no satellite came into view of a station"
    causes = {name for name in names(data.passes, "cause_unused") if name}
    return w.listing(w.cause(str(name)) for name in sorted(causes)) or "no pass was long enough"


def _skipped(data: ReportData) -> str:
    causes = names(data.accesses, "cause_skipped")
    found, number = np.unique(causes[causes != ""], return_counts=True)
    counted = {str(name): int(n) for name, n in zip(found, number, strict=True)}
    if not counted:
        return ""
    return f"{w.plural(data.accesses.num_rows, 'opportunity')} skipped, {w.tally(counted)}"


def tiles(data: ReportData) -> list[Tile]:
    """Six figures: frames, pixels, latency, PSNR, backlog, use of the passes."""
    total = data.total
    frames, sizes = part(total, "frames"), part(total, "bytes")
    latency, psnr = part(total, "latency_s"), part(total, "psnr_db")
    similarity, backlog = part(total, "ms_ssim"), part(total, "backlog_bytes")
    captured, delivered = whole(frames.get("captured")), whole(frames.get("delivered"))
    measured = exact(total) or w.present(psnr.get("mean"))
    return [
        Tile(
            w.count(delivered),
            "Frames delivered",
            f"of {w.count(captured)} taken ({w.share(delivered, captured)})",
        ),
        Tile(
            w.pixels(total.get("delivered_px") or 0),
            "Pixels delivered",
            f"in {w.size(whole(sizes.get('delivered')))}",
        ),
        Tile(
            w.duration(latency.get("median")),
            "Median latency",
            f"95{w.NBSP}% within {w.duration(latency.get('p95'))}"
            if w.present(latency.get("p95"))
            else "nothing was delivered",
        ),
        Tile(
            "exact" if exact(total) else w.decibels(psnr.get("mean")),
            "Mean PSNR",
            f"MS-SSIM {w.similarity(similarity.get('mean'))}"
            if measured and w.present(similarity.get("mean"))
            else "no pixels to measure",
        ),
        Tile(
            w.size(backlog.get("peak")),
            "Peak backlog",
            f"{w.size(backlog.get('mean'))} on average",
        ),
        Tile(
            w.share(total.get("pass_time_used")),
            "Pass time used",
            f"{w.plural(data.passes.num_rows, 'pass')}, "
            f"{w.energy(total.get('encode_energy_j'))} to encode",
        ),
    ]


# The columns of the table of satellites; a name in front, then what its block says.
_COLUMNS = (
    "Codec",
    "Frames taken",
    "Frames encoded",
    "Frames delivered",
    "Frames dropped",
    "Bytes delivered",
    "Pixels delivered",
    "Median latency",
    "p95 latency",
    "Mean PSNR",
    "p5 PSNR",
    "Mean MS-SSIM",
    "Peak backlog",
    "Pass time used",
    "Encoding energy",
)
_MOST_COLUMNS = 3


def satellites(data: ReportData) -> DataTable:
    """What each satellite did, and all together where there are several.

    Few satellites stand side by side, so that the table fits a phone; many below one another.
    """
    blocks = part(data.summary, "satellites")
    rows = [
        (w.plain(name), w.codec_label(label), *_figures(part(blocks, name)))
        for name, label in data.codecs.items()
    ]
    if len(rows) > 1:
        rows.append(("all", "", *_figures(data.total)))
    caption = "What each satellite took and delivered"
    if len(rows) > _MOST_COLUMNS:
        heads = ("Satellite", *_COLUMNS)
        return DataTable(
            caption, tuple((head, place > 1) for place, head in enumerate(heads)), tuple(rows)
        )
    return DataTable(
        caption,
        (("Figure", False), *((row[0], True) for row in rows)),
        tuple(
            (head, *(row[place] for row in rows)) for place, head in enumerate(_COLUMNS, start=1)
        ),
    )


def _figures(block: Mapping[str, Any]) -> tuple[str, ...]:
    frames, sizes = part(block, "frames"), part(block, "bytes")
    latency, psnr = part(block, "latency_s"), part(block, "psnr_db")
    return (
        w.count(frames.get("captured")),
        w.count(frames.get("encoded")),
        w.count(frames.get("delivered")),
        w.count(sum(whole(n) for n in part(frames, "dropped").values())),
        w.size(sizes.get("delivered")),
        w.pixels(block.get("delivered_px")),
        w.duration(latency.get("median")),
        w.duration(latency.get("p95")),
        "exact" if exact(block) else w.decibels(psnr.get("mean")),
        w.decibels(psnr.get("p5")),
        w.similarity(part(block, "ms_ssim").get("mean")),
        w.size(part(block, "backlog_bytes").get("peak")),
        w.share(block.get("pass_time_used")),
        w.energy(block.get("encode_energy_j")),
    )
