"""The paragraph at the top of a report, which says in words what became of the frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model.ledger import CUT_OFF
from . import targets
from . import wording as w
from .data import ReportData, names
from .keyfigures import similarity
from .summary_blocks import mean_backlog, part, psnr, whole


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
    all_of = "it" if captured == 1 else "all of them"
    opening = (
        f"In {span}, {who} took {w.plural(captured, 'frame')} "
        f"({w.size(whole(sizes.get('captured')))} raw) and encoded "
        f"{all_of if encoded == captured else w.count(encoded)} to "
        f"{w.size(whole(sizes.get('encoded')))} with {w.some(codecs, 3)}."
    )
    sentences = [opening]
    if about := w.explained(data.codecs.values()):
        sentences.append(about)
    if delivered:
        sentences.append(
            f"{_reached(frames, captured)}: {w.pixels(total.get('delivered_px'))} over "
            f"{_area(total.get('delivered_km2'))}, "
            f"{_latency(part(total, 'latency_s'), delivered)}."
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
            f"The backlog peaked at {w.size(backlog.get('peak'))} and was {mean_backlog(total)} "
            "on average."
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
        return f"{'It' if captured == 1 else 'All of them'} reached the ground whole"
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


def _latency(latency: Mapping[str, Any], delivered: int) -> str:
    if not w.present(latency.get("median")):
        return "at a latency that is not known"
    if delivered == 1:
        return f"{w.duration(latency.get('median'))} after its capture"
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
        subject = "frames that could be decoded" if broken else _frames(delivered)
        sentences.append(
            f"The delivered {subject} {'are' if broken else _is(delivered)} exact: every pixel is "
            "as it was captured."
        )
    else:
        words = (
            f"The delivered {_frames(delivered)} {'has' if delivered == 1 else 'have'} a PSNR of "
            f"{w.decibels(pooled)} over all {'its' if delivered == 1 else 'their'} pixels"
        )
        if delivered > 1 and low is not None and math.isfinite(low):
            words += f", 95{w.NBSP}% of the frames above {w.decibels(low)}"
        if w.present(part(total, "ms_ssim").get("mean")):
            mean = "an" if delivered == 1 else "a mean"
            words += f", and {mean} MS-SSIM of {similarity(total)}"
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


def _frames(number: int) -> str:
    return "frame" if number == 1 else "frames"


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
