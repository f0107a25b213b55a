"""Cuts crops from a few delivered frames and their originals, as pictures for the report."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...link.container.frame import Frame
from ...link.errors import reason
from ...payload.imager.display import Shown
from ...payload.imager.frames import SceneFit
from ..mission.preparation import Mission
from ..mission.views import View
from ..model.records import FrameRecord, FrameState
from ..model.simulation import Outcome
from ..report.data import Crop
from ..results.grade import Grade
from .grading import Grader
from .scenes import Scenes

SIDE = 320


def choose(
    outcome: Outcome, graded: Mapping[int, Grade], views: Sequence[View], count: int
) -> list[FrameRecord]:
    """Choose delivered frames to show: different scenes first, then different pictures."""
    delivered = [
        record
        for satellite in outcome.satellites
        for record in satellite.frames.values()
        if record.state is FrameState.DELIVERED and record.capture.number in graded
    ]
    delivered.sort(key=lambda record: record.capture.number)
    shown: dict[Path | None, int] = {}
    seen: dict[View, int] = {}

    def novelty(record: FrameRecord) -> tuple[int, int, int]:
        view = views[record.capture.number]
        return seen.get(view, 0), shown.get(view.scene, 0), record.capture.number

    chosen: list[FrameRecord] = []
    while delivered and len(chosen) < count:
        best = min(delivered, key=novelty)
        delivered.remove(best)
        chosen.append(best)
        view = views[best.capture.number]
        shown[view.scene] = shown.get(view.scene, 0) + 1
        seen[view] = seen.get(view, 0) + 1
    return sorted(chosen, key=lambda record: record.capture.number)


def crops(
    grader: Grader,
    scenes: Scenes,
    records: Sequence[FrameRecord],
    graded: Mapping[int, Grade],
    mission: Mission,
) -> tuple[list[Crop], list[str]]:
    """Decode the chosen frames again and cut out the middle of each.

    Returns:
        The crops, and a line with the reason for each that could not be made.
    """
    made, left_out = [], []
    for record in records:
        try:
            crop = _crop(grader, scenes, record, graded, mission)
        except Exception as error:  # the results do not depend on a picture
            left_out.append(f"picture of frame {record.capture.number}: {reason(error)}")
            continue
        if crop is not None:
            made.append(crop)
    return made, left_out


def _crop(
    grader: Grader,
    scenes: Scenes,
    record: FrameRecord,
    graded: Mapping[int, Grade],
    mission: Mission,
) -> Crop | None:
    """Return the middle of a frame; None where its header was lost."""
    original, decoded = grader.delivered(record)
    if decoded is None:
        return None
    number = record.capture.number
    bands = mission.flight.scenario.satellites[record.satellite].imager.bands
    view = mission.views[number]
    shown = scenes[view.scene].shown(bands) if view.scene else Shown((0, 0, 0), "")
    before, after = _stretched(original, decoded.frame, shown.order, shown.inverse)
    psnr = graded[number].psnr_db
    return Crop(
        frame=number,
        target=mission.setup.targets[record.capture.target],
        bpp=record.encoded_bytes * 8 / (record.capture.width * record.capture.height),
        psnr_db=None if np.isnan(psnr) else psnr,
        original=before,
        delivered=after,
        note=f"{shown.words[:1].upper()}{shown.words[1:]}, stretched from the 1st to the 99th "
        f"percentile of the original.{_beyond(view)}{concealed(graded[number])}",
    )


def concealed(grade: Grade) -> str:
    """Say how many of a frame's tiles the ground had to make up; empty if none."""
    count = grade.concealed_tiles
    if not count:
        return ""
    why = []
    if grade.lost_tiles:
        why.append(f"{'was' if count == 1 else 'were'} lost")
    if grade.undecodable_tiles:
        why.append("cannot be decoded")
    stands = "is" if count == 1 else "are"
    return f" {count} of its {grade.tiles} tiles {' or '.join(why)} and {stands} concealed."


def _beyond(view: View) -> str:
    """Describe what a frame larger than its scene shows beyond the scene's edges."""
    if not view.repeats:
        return ""
    how = "mirrored" if view.fit is SceneFit.MIRROR else "again"
    return (
        f" Beyond its upper left {view.own_width} x {view.own_height} pixels the frame shows the "
        f"scene {how}."
    )


def _stretched(
    original: Frame, delivered: Frame, bands: tuple[int, int, int], inverse: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut the middle out of both frames and stretch both by the original's valid samples.

    Samples without data in the original are black in both.
    """
    top = max(0, (original.height - SIDE) // 2)
    left = max(0, (original.width - SIDE) // 2)
    window = np.s_[top : top + SIDE, left : left + SIDE]
    before = original.pixels[window][..., list(bands)].astype(np.float64)
    after = delivered.pixels[window][..., list(bands)].astype(np.float64)
    holes = original.holes()
    empty = np.zeros(before.shape, np.bool_)
    if holes is not None:
        empty = np.broadcast_to(holes, original.pixels.shape)[window][..., list(bands)]
    seen = np.where(empty, np.nan, before)
    if empty.all():
        seen = np.zeros_like(before)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a band without data in the crop gives NaN
        low, high = np.nan_to_num(np.nanpercentile(seen, [1, 99], axis=(0, 1)))
    span = np.maximum(high - low, 1.0)

    def stretch(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
        grey = np.clip((pixels - low) / span * 255, 0, 255)
        if inverse:
            grey = 255 - grey
        grey[empty] = 0
        out: NDArray[np.uint8] = grey.astype(np.uint8)
        return out

    return stretch(before), stretch(after)
