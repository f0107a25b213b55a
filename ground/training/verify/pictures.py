"""Pictures for the exactness check: synthetic extremes, and crops of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....payload.encoders.student.student_model import BLOCK
from ....payload.imager.scenes import FrameWindow, Scene

_ENDINGS = (".png", ".tif", ".tiff", ".jpg", ".webp")


def synthetic_pictures(side: int = 48, seed: int = 7) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield pictures made to saturate, to tie, to be blank and to be nothing but noise."""
    rng = np.random.default_rng(seed)
    shape = (side, side, 3)
    yield "noise", rng.integers(0, 256, shape).astype(np.uint8)
    yield "extremes", (rng.integers(0, 2, shape) * 255).astype(np.uint8)
    checks = (np.indices(shape[:2]).sum(axis=0) % 2 * 255).astype(np.uint8)
    yield "checks", np.repeat(checks[..., None], 3, axis=2)
    # Blocks of one level, the levels a step apart: sums in steps of a layer's whole weight.
    levels = (np.arange(side // BLOCK * (side // BLOCK)) * 29 % 256).astype(np.uint8)
    blocks = levels.reshape(side // BLOCK, -1).repeat(BLOCK, 0).repeat(BLOCK, 1)
    yield "blocks", np.repeat(blocks[..., None], 3, axis=2)
    yield "near grey", (128 + rng.integers(-1, 2, shape)).astype(np.uint8)
    for level in (0, 128, 255):
        yield f"level {level}", np.full(shape, level, np.uint8)


def pictures(paths: Sequence[Path], crop: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the middle of every picture in 8 bits and three bands, its sides multiples of 16.

    Raises:
        InputError: No pictures, or one that cannot be read.
    """
    files = [
        file
        for path in paths
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file.suffix.lower() in _ENDINGS
    ]
    if not files:
        raise InputError(f"{', '.join(map(str, paths))}: no pictures")
    for file in files:
        with Scene(file) as scene:
            high, wide = (min(crop, n) // BLOCK * BLOCK for n in (scene.height, scene.width))
            if not high or not wide:
                raise InputError(f"{file}: smaller than {BLOCK} x {BLOCK} pixels")
            place = FrameWindow((scene.width - wide) // 2, (scene.height - high) // 2, wide, high)
            frame = scene.read(place, bands=min(3, scene.bands))
        bands = [min(band, frame.bands - 1) for band in range(3)]
        values = frame.pixels[..., bands].astype(np.int64)
        if frame.bit_depth > 8:
            low, high_value = int(values.min()), max(int(values.max()), int(values.min()) + 1)
            values = (values - low) * 255 // (high_value - low)
        yield file.name, np.ascontiguousarray(values.astype(np.uint8))
