"""Parts of the comparison page: the same scenario with several codecs or settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import wording as w
from .backlog import all_pass_spans, binning, even_times, fleet_curve, paint_panels, shading
from .crops import Contest, contest
from .data import Crop, ReportData, TradeoffPoint, numbers
from .keyfigures import exact_frames, similarity
from .style import DataTable, Picture, draw
from .summary_blocks import part, psnr, summed, whole

_MOST_CONTESTS = 3
# Peaks that differ by no more than this factor share an axis.
_ALIKE = 4.0
# All crops of a comparison together: about a megabyte as lossless WebP.
_MOST_PIXELS = 500_000


def _number(block: str, figure: str) -> Callable[[Mapping[str, Any]], float | None]:
    def read(total: Mapping[str, Any]) -> float | None:
        value = part(total, block).get(figure)
        return value if w.present(value) else None

    return read


_CONTESTED: tuple[
    tuple[str, Callable[[Mapping[str, Any]], float | None], Callable[[float], str], bool], ...
] = (
    ("number of frames delivered whole", _number("frames", "delivered_whole"), w.count, True),
    ("PSNR", lambda total: psnr(total, "pooled"), w.decibels, True),
    ("median latency", _number("latency_s", "median"), w.duration, False),
    ("peak backlog", _number("backlog_bytes", "peak"), w.size, False),
)


def point(run: ReportData, label: str) -> TradeoffPoint:
    """Return the run's own point of throughput against PSNR."""
    codec, _, setting = label.partition(":")
    bpp = numbers(run.frames, "bpp")
    pixels = numbers(run.frames, "width") * numbers(run.frames, "height")
    encoded = np.isfinite(bpp)
    total, frames = run.total, part(run.total, "frames")
    return TradeoffPoint(
        codec=codec,
        setting=setting or "own setting",
        bpp=float(np.average(bpp[encoded], weights=pixels[encoded]))
        if encoded.any()
        else float("nan"),
        psnr_db=psnr(total, "pooled"),
        ms_ssim=part(total, "ms_ssim").get("mean"),
        delivered_px=float(total.get("delivered_px") or 0),
        delivered_whole=whole(frames.get("delivered_whole")),
        delivered_damaged=whole(frames.get("delivered_damaged")),
        in_part=whole(frames.get("in_part")),
    )


def paragraph(runs: Sequence[ReportData], labels: Sequence[str]) -> list[str]:
    """Return sentences on which choice is best in which figure."""
    called = [w.codec_label(label) for label in labels]
    captured = [whole(part(run.total, "frames").get("captured")) for run in runs]
    taken = (
        w.plural(captured[0], "frame")
        if len(set(captured)) == 1
        else f"between {w.count(min(captured))} and {w.plural(max(captured), 'frame')}"
    )
    opening = (
        f"{w.counted(len(runs), 'choice')} of compression in the same "
        f"{w.duration(runs[0].duration_s)} of the same scenario, in which the imagers took {taken}."
    )
    equal: list[str] = []
    # Figures by winner, so that each name is written once.
    merits: dict[tuple[str, ...], list[str]] = {}
    for what, read, write, high in _CONTESTED:
        known = [
            (value, name)
            for run, name in zip(runs, called, strict=True)
            if (value := read(run.total)) is not None
        ]
        if len(known) < 2:
            continue
        top = (max if high else min)(value for value, _ in known)
        winners = tuple(name for value, name in known if value == top)
        if len(winners) == len(known):
            equal.append(f"the same {what}, {write(top)}")
        else:
            order = "highest" if high else "lowest"
            merits.setdefault(winners, []).append(f"the {order} {what}, {write(top)}")
    sentences = [opening]
    if about := w.explained(labels):
        sentences.append(about)
    if equal:
        sentences.append(f"All have {'; '.join(equal)}.")
    for winners, phrases in merits.items():
        verb = "has" if len(winners) == 1 else "have"
        joined = ", and ".join(phrases) if len(phrases) == 2 else "; ".join(phrases)
        sentences.append(f"{w.listing(winners)} {verb} {joined}.")
    return sentences


def choices(runs: Sequence[ReportData], labels: Sequence[str]) -> DataTable:
    """Return a table with a row for each choice."""
    rows = []
    for run, label in zip(runs, labels, strict=True):
        total, own = run.total, point(run, label)
        frames, latency = part(total, "frames"), part(total, "latency_s")
        rows.append(
            (
                w.codec_label(label),
                w.bits_per_pixel(own.bpp),
                " of ".join(
                    w.known(frames.get(key), w.count) for key in ("delivered_whole", "captured")
                ),
                w.known(frames.get("delivered_damaged"), w.count),
                w.known(frames.get("in_part"), w.count),
                w.known(summed(frames, "dropped"), w.count),
                w.known(summed(part(total, "bytes"), "lost"), w.size),
                w.known(total.get("delivered_px"), w.pixels),
                w.duration(latency.get("median")),
                w.duration(latency.get("p95")),
                w.decibels(own.psnr_db),
                w.decibels(psnr(total, "p5")),
                exact_frames(total),
                similarity(total),
                w.known(part(total, "backlog_bytes").get("peak"), w.size),
                w.energy(total.get("encode_energy_j")),
            )
        )
    return DataTable(
        caption="What each choice delivers",
        columns=(
            ("Choice", False),
            ("Rate", True),
            ("Delivered whole", True),
            ("Damaged", True),
            ("In part", True),
            ("Dropped", True),
            ("Lost on the way", True),
            ("Pixels", True),
            ("Median latency", True),
            ("p95 latency", True),
            ("PSNR, all pixels", True),
            ("PSNR, p5 of frames", True),
            ("Exact", True),
            ("MS-SSIM", True),
            ("Peak backlog", True),
            ("Encoding energy", True),
        ),
        rows=tuple(rows),
    )


def backlogs(runs: Sequence[ReportData], labels: Sequence[str]) -> Picture:
    """Return the runs' backlog curves below one another, all on the same axes."""
    called = [w.codec_label(label) for label in labels]
    curves = [fleet_curve(run) for run in runs]
    peaks = [found.peak for found in curves]
    # A small backlog would be a flat line on the axis of one that is much larger.
    alike = max(peaks) <= _ALIKE * min(peaks)
    ceiling = max(peaks) if alike else None
    panels = [
        (
            f"{name}: peak {w.size(found.peak)}",
            found,
            all_pass_spans(run),
            float(sum(run.recorder_bytes.values())),
        )
        for run, name, found in zip(runs, called, curves, strict=True)
    ]
    wide, narrow = draw(
        "backlogs",
        lambda _narrow: len(panels) * 140.0 + 26,
        lambda sheet: paint_panels(sheet, runs[0], panels, 0, 140.0, ceiling),
    )
    duration = runs[0].duration_s
    moments = even_times(duration)
    return Picture(
        key="backlogs",
        alt=f"Backlog over time, {'the same axes for all' if alike else 'each on its own axis'}. "
        + " ".join(
            f"{name} peaks at {w.size(found.peak)} and ends at {w.size(float(found.level[-1]))}."
            for name, found in zip(called, curves, strict=True)
        ),
        caption="Encoded bytes that wait in the recorders"
        + (" of all satellites" if len(runs[0].satellites) > 1 else "")
        + (
            ", on the same axes for every choice. "
            if alike
            else ". The peaks differ much, so every choice has an axis of its own: compare the "
            "figures, not the heights. "
        )
        + binning(runs[0])
        + shading(panels),
        wide=wide,
        narrow=narrow,
        table=DataTable(
            caption="Backlog at even times",
            columns=(("Time (UTC)", False), *((name, True) for name in called)),
            rows=tuple(
                (
                    w.instant(runs[0].start, moment),
                    *(
                        w.size(
                            float(
                                found.level[
                                    max(int(np.searchsorted(found.time_s, moment, "right")) - 1, 0)
                                ]
                            )
                        )
                        for found in curves
                    ),
                )
                for moment in moments
            ),
        ),
    )


def contests(runs: Sequence[ReportData], labels: Sequence[str]) -> list[Contest]:
    """Return frames by each codec, beginning with those that most choices delivered."""
    by_frame: dict[int, list[tuple[str, Crop]]] = {}
    for run, label in zip(runs, labels, strict=True):
        for crop in run.crops:
            by_frame.setdefault(crop.frame, []).append((w.codec_label(label), crop))
    ranked = sorted(by_frame.items(), key=lambda item: (-len(item[1]), item[0]))
    ranked = [item for item in ranked if len(item[1]) > 1 or len(runs) == 1][:_MOST_CONTESTS]
    stills = sum(len(shown) + 1 for _, shown in ranked)
    largest = int(min(256, max(64, (_MOST_PIXELS / max(stills, 1)) ** 0.5)))
    return [
        contest(shown, f"contest{number}", largest) for number, (_, shown) in enumerate(ranked, 1)
    ]
