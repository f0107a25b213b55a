"""Run the onboard networks in ONNX Runtime's 8-bit kernels, where `compiled` cannot run them.

There are three graphs, and numpy computes the integers between them:

    planes ── cells ──► encoder ──► sums ── floors ──► y ── sizes ──► side ──► ẑ ──► hyper ──► L

They are faster than the float graphs, but usable only if the processor's kernels add exactly
(`is_exact`). `ground.training.export.int8_graphs` makes the graphs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.inference import session
from .pixel_blocks import CELL_BYTES, Cells

LIMITS: Final = (-2048, 2047)
"""Lowest and highest log-scale L."""
LINEAR_LIMITS: Final = (-(1 << 17), (1 << 17) - 1)
"""Lowest and highest output of the linear analysis."""
_LARGEST_SIZE: Final = 255


def analyse(
    folder: Path,
    planes: NDArray[np.int32],
    spread: NDArray[np.float32],
    threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return latents y and side information ẑ of a tile's planes.

    Args:
        folder: The model folder.
        planes: Planes (3, 16 · rows, 16 · columns), see `pixel_blocks`.
        spread: Factor of |y| for the hyper analysis, by channel.
        threads: Threads of ONNX Runtime.
    """
    encoder = session(folder / "encoder_int8.onnx", threads)
    copies = encoder.get_inputs()[0].shape[-1] // CELL_BYTES - 1
    cells = Cells.of(planes, copies)
    branch, high, low = encoder.run(
        ["branch", "high_sums", "low_sums"],
        {"entering": cells.entering, "high": cells.high, "low": cells.low},
    )
    latents, sizes = _join(branch, high, low, spread)
    side: NDArray[np.int32] = session(folder / "side_int8.onnx", threads).run(
        ["side"], {"sizes": sizes}
    )[0]
    return latents, side


def log_scales(folder: Path, side: NDArray[np.int32], threads: int) -> NDArray[np.int16]:
    """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns)."""
    found = session(folder / "hyper_int8.onnx", threads).run(["log_scales"], {"side": side})[0]
    value = np.floor(np.clip(found, *LIMITS)).astype(np.int16)
    return np.ascontiguousarray(np.moveaxis(value, 2, 0))


def _join(
    branch: NDArray[np.float32],
    high: NDArray[np.float32],
    low: NDArray[np.float32],
    spread: NDArray[np.float32],
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return y (N, rows, columns) from sums (rows, columns, N), and the hyper analysis's input.

    The input has the shape (1, even rows, even columns, N) and is zero beyond the tile.
    """
    rows, columns, channels = high.shape
    sizes = np.empty((1, rows + rows % 2, columns + columns % 2, channels), np.uint8)
    linear = np.clip(np.floor(high + low), *LINEAR_LIMITS)
    found = (np.floor(branch) + linear).reshape(high.shape)
    sizes[0, rows:], sizes[0, :, columns:] = 0, 0
    size = np.floor(np.abs(found) * spread + np.float32(0.5))
    sizes[0, :rows, :columns] = np.minimum(size, _LARGEST_SIZE)
    return np.ascontiguousarray(np.moveaxis(found, 2, 0), np.int32), sizes


@cache
def is_exact(folder: Path) -> bool:
    """Return whether 8-bit kernels add exactly on this processor.

    Processors without VNNI or dot products add two products of bytes in 16 bits, which saturate.
    The probe's weights are all 127 and its inputs are large bytes. This function computes the
    right outputs in 64 bits and compares.
    """
    given = np.random.default_rng(0).integers(192, 256, (1, 8, 8, 64)).astype(np.uint8)
    given[0, 0] = 255
    product, convolved, depthwise = session(folder / "probe.onnx", 1).run(
        ["product", "convolved", "depthwise"], {"bytes": given}
    )
    wide = np.pad(given.astype(np.int64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    around = sum(wide[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3))
    total = 127 * given.sum(axis=3, keepdims=True, dtype=np.int64)
    return bool(
        (product == total).all()
        and (convolved == np.clip((total + (1 << 12)) >> 13, 0, 255)).all()
        and (depthwise == np.clip((127 * around + (1 << 12)) >> 13, 0, 255)).all()
    )
