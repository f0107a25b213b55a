"""Code one band triple of one tile alone, in this process or on a board.

    frame ── scales, nodata, rotation: of the whole frame ──► TileJob ──► codestream
             PreparedStudent.jobs                             in process, or on a board

A job needs nothing else of its frame, so every machine that runs it makes the same bytes.
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
    """A band triple of a tile, to be coded alone.

    Attributes:
        pixels: Values of 8 bits (rows, columns, 3 or 1); one band stands for three equal ones.
        rotation: Rotation of the frame's triple, see `link.student.rotation`.
    """

    pixels: NDArray[np.uint8]
    rotation: Quaternion


def analyse(model: StudentModel, job: TileJob, threads: int = 1) -> AnalysedTile:
    """Return the networks' outputs for a tile, padded at its edges to multiples of 16 pixels."""
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
