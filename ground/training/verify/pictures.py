"""Pictures for the exactness check: synthetic extremes, and crops of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student.frame_layout import BLOCK
from ....payload.imager.scenes import FrameWindow, Scene

_ENDINGS = (".png", ".tif", ".tiff", ".jpg", ".webp")


def synthetic_pictures(side: int = 48, seed: int = 7) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield names and pictures that saturate, tie, are blank, or hold nothing but noise.

    Args:
        side: Side of the pictures, pixels; a multiple of 16.
        seed: Seed of the noise.
    """
    rng = np.random.default_rng(seed)
    shape = (side, side, 3)
    yield "noise", rng.integers(0, 256, shape).astype(np.uint8)
    yield "extremes", (rng.integers(0, 2, shape) * 255).astype(np.uint8)
    checks = (np.indices(shape[:2]).sum(axis=0) % 2 * 255).astype(np.uint8)
    yield "checks", np.repeat(checks[..., None], 3, axis=2)
    # Constant blocks of different levels: sums in steps of the sum of a layer's weights.
    levels = (np.arange(side // BLOCK * (side // BLOCK)) * 29 % 256).astype(np.uint8)
    blocks = levels.reshape(side // BLOCK, -1).repeat(BLOCK, 0).repeat(BLOCK, 1)
    yield "blocks", np.repeat(blocks[..., None], 3, axis=2)
    yield "near grey", (128 + rng.integers(-1, 2, shape)).astype(np.uint8)
    for level in (0, 128, 255):
        yield f"level {level}", np.full(shape, level, np.uint8)


def pictures(paths: Sequence[Path], crop: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield names and centres of pictures in 8 bits and three bands, with sides multiples of 16.

    Args:
        paths: Files, or folders of them.
        crop: Longest side, pixels.

    Raises:
        InputError: There are no pictures, or one is too small or cannot be read.
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
            height, width = (min(crop, n) // BLOCK * BLOCK for n in (scene.height, scene.width))
            if not height or not width:
                raise InputError(f"{file}: smaller than {BLOCK} x {BLOCK} pixels")
            left, top = (scene.width - width) // 2, (scene.height - height) // 2
            frame = scene.read(FrameWindow(left, top, width, height), bands=min(3, scene.bands))
        bands = [min(band, frame.bands - 1) for band in range(3)]
        values = frame.pixels[..., bands].astype(np.int64)
        if frame.bit_depth > 8:
            low, high = int(values.min()), max(int(values.max()), int(values.min()) + 1)
            values = (values - low) * 255 // (high - low)
        yield file.name, np.ascontiguousarray(values.astype(np.uint8))
