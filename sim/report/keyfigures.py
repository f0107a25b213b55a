"""The top of a report: one paragraph, six key figures, and the table of satellites."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.ledger import CUT_OFF
from . import targets
from . import wording as w
from .data import ReportData, names
from .style import DataTable


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


def part(block: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a summary block; empty if there is none."""
    found = block.get(name)
    return found if isinstance(found, Mapping) else {}


def psnr(block: Mapping[str, Any], figure: str) -> float | None:
    """Return a PSNR of a summary block (`pooled`, `undamaged` or `p5`) in dB.

    It is infinite if all frames are exact, which JSON cannot write; None if nothing was measured.
    """
    found = part(block, "psnr_db")
    value = found.get(figure)
    if w.present(value):
        return float(value)
    return math.inf if whole(found.get("exact")) else None


def whole(value: Any) -> int:
    """Return a count from the summary; 0 if there is none."""
    return int(value) if w.present(value) else 0


def summed(block: Mapping[str, Any], name: str) -> int | None:
    """Return the sum of a part's counts by cause; None if the block has no such part."""
    found = block.get(name)
    return sum(whole(n) for n in found.values()) if isinstance(found, Mapping) else None


def paragraph(data: ReportData) -> list[str]:
    """Return the run in sentences: frames taken, encoded, delivered and dropped, and quality."""
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
    if about := w.explained(data.codecs.values()):
        sentences.append(about)
    if delivered:
        sentences.append(
            f"{_reached(frames, captured)}: {w.pixels(total.get('delivered_px'))} over "
            f"{_area(total.get('delivered_km2'))}, {_latency(part(total, 'latency_s'))}."
        )
        sentences += _quality(total, delivered)
    elif begun := whole(frames.get("in_part")):
        sentences.append(f"None reached the ground but {w.count(begun)} in part.")
    else:
        sentences.append(f"None reached the ground: {_nothing(data)}.")
    if wrong := whole(frames.get("encoded_wrong")):
        sentences.append(
            f"{w.plural(wrong, 'frame')} {_was(wrong)} encoded wrongly by a board: what arrives of "
            f"{'it' if wrong == 1 else 'them'} is not what was captured."
        )
    sentences += _repeated(total)
    sentences += _lost(total)
    if smaller := whole(frames.get("requantised")):
        sentences.append(
            f"{w.plural(smaller, 'frame')} {_was(smaller)} requantised on board to make room, "
            f"which saved {w.size(whole(sizes.get('requantised')))}."
        )
    dropped = {str(name): whole(n) for name, n in part(frames, "dropped").items()}
    lost = sum(dropped.values())
    if lost:
        sentences.append(f"{w.plural(lost, 'frame')} {_was(lost)} dropped: {w.tally(dropped)}.")
    missed = {str(name): whole(n) for name, n in part(frames, "missed").items()}
    if untaken := sum(missed.values()):
        sentences.append(f"{w.plural(untaken, 'frame')} could not be taken: {w.tally(missed)}.")
    if unimaged := targets.sentence(data):
        sentences.append(unimaged)
    if sent := whole(frames.get("sent")):
        sentences.append(
            f"{w.plural(sent, 'frame')} {_was(sent)} sent to the end, which the ground had not "
            "received at the end of the run."
        )
    left = captured - delivered - lost - sent
    if left > 0:
        waiting = f", {w.count(stored)} of them encoded" if stored not in (0, left) else ""
        sentences.append(f"{w.count(left)} {_was(left)} still on board at the end{waiting}.")
    sentences += _transfers(total)
    backlog = part(total, "backlog_bytes")
    if w.present(backlog.get("peak")):
        sentences.append(
            f"The backlog peaked at {w.size(backlog.get('peak'))} and was "
            f"{w.size(backlog.get('mean'))} on average."
        )
    return sentences


def _lost(total: Mapping[str, Any]) -> list[str]:
    """Return a sentence on bytes lost on the way, unless only the ends of contacts took some."""
    found = part(total, "bytes")
    lost = {str(name): whole(n) for name, n in part(found, "lost").items()}
    if not any(amount for cause, amount in lost.items() if cause != CUT_OFF):
        return []
    sent, taken = whole(found.get("sent")), sum(lost.values())
    return [f"Of {w.size(sent)} sent, {w.share(taken, sent)} was lost on the way: {w.sizes(lost)}."]


def _reached(frames: Mapping[str, Any], captured: int) -> str:
    """Return a phrase on how many frames reached the ground whole, damaged and in part."""
    intact, damaged = whole(frames.get("delivered_whole")), whole(frames.get("delivered_damaged"))
    begun, wrong = whole(frames.get("in_part")), whole(frames.get("delivered_wrong"))
    if intact == captured:
        return "All of them reached the ground whole"
    if intact:
        words = f"{w.count(intact)} ({w.share(intact, captured)}) reached the ground whole"
        words += f", {w.count(damaged)} damaged" if damaged else ""
    else:
        words = "None reached the ground whole"
        words += f", {w.count(damaged)} damaged" if damaged or not wrong else ""
    words += f", {w.count(wrong)} wrong" if wrong else ""
    return f"{words}, {w.count(begun)} in part" if begun else words


def _transfers(total: Mapping[str, Any]) -> list[str]:
    """Return sentences on transfers by CFDP: their overhead, and those that have not ended."""
    found, sent = part(total, "transfer"), whole(part(total, "bytes").get("sent"))
    if not found or not sent:
        return []
    overhead, again = whole(found.get("overhead_bytes")), whole(found.get("duplicate_bytes"))
    words = f"File transfer added {w.size(overhead)} of headers and directives"
    words += f" ({w.share(overhead, sent)} of what was sent)"
    if again:
        words += f" and {w.size(again)} that arrived twice"
    uplink = whole(part(found, "uplink_bytes").get("sent"))
    sentences = [f"{words}{f'; {w.size(uplink)} went up' if uplink else ''}."]
    waits = part(found, "open_on_board") or part(found, "open_on_ground")
    if waits:
        number = sum(whole(n) for n in waits.values())
        sentences.append(
            f"{w.plural(number, 'transfer')} had not ended: "
            + w.listing(f"{w.count(n)} {w.plain(str(state))}" for state, n in waits.items())
            + "."
        )
    return sentences


def _repeated(total: Mapping[str, Any]) -> list[str]:
    """Return a sentence on frames that are larger than their scene, with the scenes' names."""
    found = part(total, "repeated")
    frames = whole(found.get("frames"))
    if not frames:
        return []
    scenes = [w.plain(str(name)) for name in part(found, "scenes")]
    noun = "scene" if len(scenes) == 1 else "scenes"
    return [
        (
            f"{w.plural(frames, 'frame')} {_is(frames)} larger than the {noun} that "
            f"{'stands' if len(scenes) == 1 else 'stand'} in for the ground and "
            f"{'shows' if frames == 1 else 'show'} repeated content: {w.some(scenes, 4)}."
        )
    ]


def _latency(latency: Mapping[str, Any]) -> str:
    if not w.present(latency.get("median")):
        return "at a latency that is not known"
    return (
        f"half of them within {w.duration(latency.get('median'))} of their capture and "
        f"95{w.NBSP}% within {w.duration(latency.get('p95'))}"
    )


def _area(square_km: Any) -> str:
    return w.area(square_km) if w.present(square_km) else "an unknown area"


def _quality(total: Mapping[str, Any], delivered: int) -> list[str]:
    graded = part(total, "graded")
    pooled, low = psnr(total, "pooled"), psnr(total, "p5")
    broken = whole(graded.get("undecodable"))
    sentences = []
    if not whole(graded.get("frames")):
        no_pixels = "The targets have no scenes, so there are no pixels and no PSNR: "
        return [no_pixels + "frame sizes come from the codec's setting."]
    if pooled is None:
        sentences.append("No delivered frame has a PSNR.")
    elif math.isinf(pooled):
        subject = "The delivered frames that could be decoded" if broken else "The delivered frames"
        sentences.append(f"{subject} are exact: every pixel is as it was captured.")
    else:
        words = f"The delivered frames have a PSNR of {w.decibels(pooled)} over all their pixels"
        if delivered > 1 and low is not None and math.isfinite(low):
            words += f", 95{w.NBSP}% of the frames above {w.decibels(low)}"
        if w.present(part(total, "ms_ssim").get("mean")):
            words += f", and a mean MS-SSIM of {similarity(total)}"
        sentences.append(f"{words}.")
        if exact := whole(part(total, "psnr_db").get("exact")):
            sentences.append(f"{w.plural(exact, 'frame')} {_is(exact)} exact.")
    sentences += _concealed(total, graded)
    if broken:
        sentences.append(
            f"{w.plural(broken, 'frame')} could not be decoded, because the header was lost on the "
            "way."
        )
    return sentences


def _concealed(total: Mapping[str, Any], graded: Mapping[str, Any]) -> list[str]:
    """Return sentences on tiles that were lost, and on tiles that arrived and are not decodable."""
    lost, unreadable = (whole(graded.get(name)) for name in ("lost_tiles", "undecodable_tiles"))
    tiles, sentences = w.plural(whole(graded.get("tiles")), "tile"), []
    if lost:
        # Without its header, a frame is not decoded, and so none of its tiles is concealed.
        headless = whole(graded.get("undecodable"))
        end = "; where the header arrived, they" if headless else " and"
        sentences.append(
            f"{w.count(lost)} of their {tiles} {_was(lost)} lost on the way{end} "
            f"{'are' if headless else _is(lost)} concealed."
        )
    if unreadable:
        sentences.append(
            f"{w.count(unreadable)} of their {tiles} arrived whole, cannot be decoded and "
            f"{_is(unreadable)} concealed."
        )
    undamaged = psnr(total, "undamaged")
    if (lost or unreadable) and undamaged is not None and math.isfinite(undamaged):
        sentences.append(f"Undamaged frames have a PSNR of {w.decibels(undamaged)}.")
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
            f"{w.known(backlog.get('mean'), w.size)} on average",
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
    words = [f"{exact_frames(block)} frames exact"]
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
