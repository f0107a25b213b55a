"""A few delivered frames beside their originals, as people look at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..payload.encoders.base import Frame
from .grade import Grade
from .grading import Grader
from .model.journal import FrameRecord, FrameState
from .model.simulation import Outcome
from .report.data import Crop

SIDE = 320


def choose(outcome: Outcome, graded: dict[int, Grade], count: int) -> list[FrameRecord]:
    """Choose delivered frames to show: of different targets first, spread over the run."""
    delivered = [
        record
        for satellite in outcome.satellites
        for record in satellite.frames.values()
        if record.state is FrameState.DELIVERED and record.capture.number in graded
    ]
    delivered.sort(key=lambda record: record.capture.number)
    by_target: dict[int, list[FrameRecord]] = {}
    for record in delivered:
        by_target.setdefault(record.capture.target, []).append(record)
    firsts = [records[0] for records in by_target.values()]
    if len(firsts) >= count:
        return [firsts[i * len(firsts) // count] for i in range(count)]
    rest = [record for record in delivered if record not in firsts]
    return firsts + rest[: count - len(firsts)]


def crops(
    grader: Grader, records: Sequence[FrameRecord], graded: dict[int, Grade], names: Sequence[str]
) -> list[Crop]:
    """Decode the chosen frames again and cut out the middle of each."""
    made = []
    for record in records:
        original, decoded = grader.delivered(record)
        if decoded is None:
            continue
        before, after = _shown(original, decoded.frame)
        number = record.capture.number
        psnr = graded[number].psnr_db
        made.append(
            Crop(
                frame=number,
                target=names[record.capture.target],
                bpp=record.encoded_bytes * 8 / (record.capture.width * record.capture.height),
                psnr_db=psnr if np.isfinite(psnr) else None,
                original=before,
                delivered=after,
                note="Bands as the imager takes them, each stretched from its 1st to its 99th "
                "percentile; both sides alike.",
            )
        )
    return made


def _shown(original: Frame, delivered: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut the middle out of both and stretch both as the original asks for."""
    top = max(0, (original.height - SIDE) // 2)
    left = max(0, (original.width - SIDE) // 2)
    window = np.s_[top : top + SIDE, left : left + SIDE]
    bands = [0, 1, 2] if original.bands >= 3 else [0, 0, 0]
    before = original.pixels[window][..., bands].astype(np.float64)
    after = delivered.pixels[window][..., bands].astype(np.float64)
    low, high = np.percentile(before, [1, 99], axis=(0, 1))
    span = np.maximum(high - low, 1.0)

    def stretch(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
        grey: NDArray[np.uint8] = np.clip((pixels - low) / span * 255, 0, 255).astype(np.uint8)
        return grey

    return stretch(before), stretch(after)
