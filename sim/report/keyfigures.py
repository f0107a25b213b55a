"""The key figures of a report, and its table of satellites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import wording as w
from .data import ReportData
from .style import DataTable
from .summary_blocks import mean_backlog, part, psnr, summed, whole


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One key figure, shown large.

    Attributes:
        value: The figure with its unit.
        label: What it is.
        detail: A line of context below it.
    """

    value: str
    label: str
    detail: str


def tiles(data: ReportData) -> list[KeyFigure]:
    """Return six key figures: frames, pixels, latency, PSNR, backlog, use of the passes."""
    total = data.total
    frames, sizes = part(total, "frames"), part(total, "bytes")
    latency, backlog = part(total, "latency_s"), part(total, "backlog_bytes")
    captured, intact = frames.get("captured"), frames.get("delivered_whole")
    wrong = whole(frames.get("delivered_wrong"))
    return [
        KeyFigure(
            w.known(intact, w.count),
            "Frames delivered whole",
            f"of {w.known(captured, w.count)} taken ({w.share(intact, captured)}), "
            f"{w.known(frames.get('delivered_damaged'), w.count)} damaged, "
            + (f"{w.count(wrong)} wrong, " if wrong else "")
            + f"{w.known(frames.get('in_part'), w.count)} in part",
        ),
        KeyFigure(
            w.known(total.get("delivered_px"), w.pixels),
            "Pixels delivered",
            _beside_pixels(total, sizes),
        ),
        KeyFigure(
            w.duration(latency.get("median")),
            "Median latency",
            f"95{w.NBSP}% within {w.duration(latency.get('p95'))}"
            if w.present(latency.get("p95"))
            else "nothing was delivered"
            if frames.get("delivered") == 0
            else w.UNKNOWN,
        ),
        KeyFigure(w.decibels(psnr(total, "pooled")), "PSNR over all pixels", _beside_psnr(total)),
        KeyFigure(
            w.known(backlog.get("peak"), w.size),
            "Peak backlog",
            f"{mean_backlog(total)} on average",
        ),
        KeyFigure(
            w.share(total.get("pass_time_used")),
            "Pass time used",
            f"{w.plural(data.passes.num_rows, 'pass')}, "
            f"energy to encode {w.energy(total.get('encode_energy_j'))}",
        ),
    ]


def _beside_pixels(total: Mapping[str, Any], sizes: Mapping[str, Any]) -> str:
    """Return what is shown below the delivered pixels: their bytes, and those of whole frames."""
    words = f"in {w.known(sizes.get('delivered'), w.size)}"
    intact, all_px = total.get("delivered_whole_px"), total.get("delivered_px")
    if w.present(intact) and intact != all_px:
        words += f", {w.pixels(intact)} of them in whole frames"
    return words


def _beside_psnr(block: Mapping[str, Any]) -> str:
    """Return what is shown below a pooled PSNR: the exact frames and the MS-SSIM."""
    measured = whole(part(block, "graded").get("frames"))
    if not measured:
        return "no pixels to measure"
    words = [f"{exact_frames(block)} {'frame' if measured == 1 else 'frames'} exact"]
    undamaged = psnr(block, "undamaged")
    graded = part(block, "graded")
    concealed = whole(graded.get("lost_tiles")) + whole(graded.get("undecodable_tiles"))
    if (concealed or whole(part(block, "frames").get("delivered_wrong"))) and undamaged is not None:
        words.insert(0, f"{w.decibels(undamaged)} in undamaged frames")
    if w.present(part(block, "ms_ssim").get("mean")):
        words.append(f"MS-SSIM {similarity(block)}")
    return ", ".join(words)


def similarity(block: Mapping[str, Any]) -> str:
    """Format the mean MS-SSIM and how many measured frames have none: "0.987 (2 left out)"."""
    found = part(block, "ms_ssim")
    left = whole(found.get("left_out"))
    words = w.similarity(found.get("mean"))
    return f"{words} ({w.count(left)} left out)" if left and w.present(found.get("mean")) else words


def exact_frames(block: Mapping[str, Any]) -> str:
    """Format how many of the measured frames are exact: "3 of 20"."""
    measured = whole(part(block, "graded").get("frames"))
    exact = whole(part(block, "psnr_db").get("exact"))
    return f"{w.count(exact)} of {w.count(measured)}" if measured else w.DASH


# The columns of the table of satellites, after the satellite's name.
_COLUMNS = (
    "Codec",
    "Frames taken",
    "Frames encoded",
    "Delivered whole",
    "Delivered damaged",
    "Sent in part",
    "Frames dropped",
    "Bytes delivered",
    "Pixels delivered",
    "Median latency",
    "p95 latency",
    "PSNR, all pixels",
    "PSNR, p5 of frames",
    "Exact frames",
    "Mean MS-SSIM",
    "Peak backlog",
    "Pass time used",
    "Encoding energy",
)
_MOST_COLUMNS = 3
# With more satellites, the best and the worst are listed.
_MOST_ROWS = 40
_BEST = 10


def satellites(data: ReportData) -> DataTable:
    """Return a table of what each satellite took and delivered, with a total of several.

    A few satellites are columns, so that the table fits a phone; many are rows.
    """
    blocks = part(data.summary, "satellites")
    listed, note = list(data.codecs), ""
    if len(listed) > _MOST_ROWS:
        # The order of the terminal's table.
        ranked = sorted(listed, key=lambda name: (-_intact(part(blocks, name)), name))
        listed = [*ranked[:_BEST], *ranked[-_BEST:]]
        note = (
            f"The {_BEST} satellites that delivered most frames whole, and the {_BEST} that "
            f"delivered fewest. All {len(ranked):,} are in summary.json."
        )
    rows = [
        (w.plain(name), w.codec_label(data.codecs[name]), *_figures(part(blocks, name)))
        for name in listed
    ]
    if len(data.codecs) > 1:
        rows.append(("all", "", *_figures(data.total)))
    caption = "What each satellite took and delivered"
    if len(rows) > _MOST_COLUMNS:
        heads = ("Satellite", *_COLUMNS)
        return DataTable(
            caption,
            tuple((head, place > 1) for place, head in enumerate(heads)),
            tuple(rows),
            note,
        )
    return DataTable(
        caption,
        (("Figure", False), *((row[0], True) for row in rows)),
        tuple(
            (head, *(row[place] for row in rows)) for place, head in enumerate(_COLUMNS, start=1)
        ),
    )


def _intact(block: Mapping[str, Any]) -> int:
    return whole(part(block, "frames").get("delivered_whole"))


def _figures(block: Mapping[str, Any]) -> tuple[str, ...]:
    frames, sizes = part(block, "frames"), part(block, "bytes")
    latency = part(block, "latency_s")
    return (
        w.known(frames.get("captured"), w.count),
        w.known(frames.get("encoded"), w.count),
        w.known(frames.get("delivered_whole"), w.count),
        w.known(frames.get("delivered_damaged"), w.count),
        w.known(frames.get("in_part"), w.count),
        w.known(summed(frames, "dropped"), w.count),
        w.known(sizes.get("delivered"), w.size),
        w.known(block.get("delivered_px"), w.pixels),
        w.duration(latency.get("median")),
        w.duration(latency.get("p95")),
        w.decibels(psnr(block, "pooled")),
        w.decibels(psnr(block, "p5")),
        exact_frames(block),
        similarity(block),
        w.known(part(block, "backlog_bytes").get("peak"), w.size),
        w.share(block.get("pass_time_used")),
        w.energy(block.get("encode_energy_j")),
    )
