"""One triple of a tile's bands, alone: what a board is given, and the codestream it returns.

    frame ── scales, nodata, rotation: of the whole frame ──► TileJob ──► codestream
             PreparedStudent.jobs                             in process, or on a board

Nothing here needs to know the frame, so whoever runs it makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....link.student.codestream import AnalysedTile
from ....link.student.frame_layout import BLOCK
from ....link.student.rotation import Quaternion, rotation_matrix
from .student_model import StudentModel


@dataclass(frozen=True, slots=True, eq=False)
class TileJob:
    """A tile's triple of bands.

    Attributes:
        pixels: (rows, columns, 3 or 1) 8-bit values; one band stands for three equal ones.
        rotation: Rotation of the frame's triple, see `link.student.rotation`.
    """

    pixels: NDArray[np.uint8]
    rotation: Quaternion


def analyse(model: StudentModel, job: TileJob, threads: int = 1) -> AnalysedTile:
    """Return what the networks make of a tile, whose sides are filled up to multiples of 16."""
    pixels = job.pixels
    down, right = (-side % BLOCK for side in pixels.shape[:2])
    if down or right:
        pixels = np.pad(pixels, ((0, down), (0, right), (0, 0)), mode="edge")
    latents, side = model.analyse(
        np.ascontiguousarray(pixels), rotation_matrix(job.rotation), threads
    )
    return AnalysedTile.of(latents, side, model.log_scales(side, threads))


def encode_job(model: StudentModel, job: TileJob, quality: int) -> bytes:
    """Return the codestream of a job at a quality, 0 to 256."""
    return model.writer.write(analyse(model, job), quality)
