"""Entropy models and tiles at random, for tests of what reads codestreams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from downpass.link.student.codestream import AnalysedTile, read_tile
from downpass.link.student.entropy_model import (
    BINS,
    LARGEST_MAGNITUDE,
    SCALES,
    TABLES,
    EntropyModel,
)
from downpass.link.student.planes import TileShape
from downpass.link.student.range_coder import CodeError
from downpass.link.student.side_contexts import LARGEST_SUM, SIDE_CONTEXTS

SHAPES: Final = (
    ([(0, 1, 0)], 1),
    ([(0, 3, 0), (3, 5, 2), (5, 12, 4)], 5),
    ([(0, 4, 0), (4, 12, 4), (12, 28, 8), (28, 40, 16)], 28),
    ([(0, 6, 0), (6, 9, 1)], 0),
    ([(0, 2, 0), (2, 33, 2), (33, 66, 32)], 33),
)
"""Channel groups and the number of predicted channels."""

Outcome = tuple[np.ndarray, np.ndarray] | str


def random_model(seed: int) -> EntropyModel:
    """Return a model of one of `SHAPES` with random tables."""
    rng = np.random.default_rng(seed)
    groups, predicted = SHAPES[seed % len(SHAPES)]
    latents, side = groups[-1][1], int(rng.integers(1, 4))
    sizes = 2 * rng.integers(1, rng.choice([3, 40]), TABLES)
    qualities = np.linspace(rng.integers(-448, -100), rng.integers(-99, 129), 257)
    gains = qualities[:, None] + rng.normal(0, 30, latents)
    spread = rng.choice([20, 2000, 2**15 - 1])
    arrays = {
        "gain": np.clip(gains, -448, 128).astype(np.int16),
        "means": rng.integers(-spread, spread, (4, predicted, predicted, 3, 3)).astype(np.int16),
        "context.correction": rng.integers(-128, 128, (len(groups), 4, BINS, BINS)).astype(np.int8),
        "context.expected": rng.integers(0, 16 * LARGEST_MAGNITUDE + 1, SCALES),
        "rounding": rng.integers(0, 129, SCALES).astype(np.uint8),
        "tables.latents": np.concatenate([frequencies(rng, size) for size in sizes]),
        "tables.latents_start": np.concatenate(([0], np.cumsum(sizes))),
        "tables.side": np.stack(
            [frequencies(rng, 64) for _ in range(side * SIDE_CONTEXTS)]
        ).reshape(side, SIDE_CONTEXTS, 64),
        **random_side_contexts(rng, side),
    }
    return EntropyModel.load(arrays, groups)


def random_side_contexts(rng: np.random.Generator, side: int) -> dict[str, np.ndarray]:
    """Return weights of what is coded before a value, and sums about as large as they give."""
    weights = rng.integers(-128, 128, (side, 4, 2, side)).astype(np.int8)
    for channel in range(side):
        weights[channel, :, 0, channel + 1 :] = 0
        weights[channel, :, 1, channel:] = 0
    width = rng.choice([100, 30_000, LARGEST_SUM])
    shapes = {"bias": (side, 4), "thresholds": (side, SIDE_CONTEXTS - 1)}
    sums = {name: rng.integers(-width, width + 1, shape) for name, shape in shapes.items()}
    return {
        "side.weights": weights,
        **{f"side.{name}": array.astype(np.int32) for name, array in sums.items()},
    }


def frequencies(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return frequencies of at least 1 that sum to 2^16, often very uneven ones."""
    share = rng.random(count) ** rng.choice([1, 8, 30])
    out = 1 + (share / share.sum() * ((1 << 16) - count)).astype(np.int64)
    out[share.argmax()] += (1 << 16) - out.sum()
    return out.astype(np.uint32)


def random_tile(
    model: EntropyModel, seed: int, rows: int, columns: int, width: float
) -> AnalysedTile:
    """Return a tile of noise about `width` times as wide as its log-scales say.

    Its log-scales are as those of pictures, or go far beyond.
    """
    rng = np.random.default_rng(seed)
    level = rng.integers(-700, 500) + rng.normal(0, 150, (model.latents, 1, 1))
    scales = np.floor(level + rng.normal(0, 60, (model.latents, rows, columns)))
    scales = np.clip(scales, -2048, 2047)
    if seed % 3 == 0:
        wild = rng.random(scales.shape) < rng.choice([0.02, 0.5])
        scales[wild] = rng.choice([-(1 << 15), -8192, 0, 479, 2047, (1 << 15) - 1], wild.sum())
    sizes = width * 16 * np.exp2(np.clip(scales, -2048, 2047) / 32)
    latents = np.clip(rng.laplace(0, 1, sizes.shape) * sizes, -(1 << 17), (1 << 17) - 1)
    # As far as anything that was taken from a picture: means of such would leave any picture's.
    latents[: model.predicted] = np.clip(latents[: model.predicted], -5e4, 5e4)
    side = rng.integers(-32, 32, (model.side, -(-rows // 2), -(-columns // 2)))
    return AnalysedTile.of(latents.astype(np.int32), side, scales.astype(np.int32))


def read(
    model: EntropyModel, log_scales: np.ndarray, data: bytes, shape: TileShape, quality: int
) -> Outcome:
    """Return the latents and the side information, or why no encoder writes these bytes."""
    try:
        tile = read_tile(model, lambda _side: log_scales, data, shape, quality)
    except CodeError as error:
        return str(error)
    return tile.latents, tile.side


def mutated(rng: np.random.Generator, sound: bytes) -> bytes:
    """Return the bytes flipped, truncated, lengthened, or overwritten."""
    out = bytearray(sound or b"\0")
    at = int(rng.integers(len(out)))
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: bytes([*out[:at], out[at] ^ 1 << int(rng.integers(8)), *out[at + 1 :]]),
        lambda: bytes(out[:at]),
        lambda: bytes(out) + rng.bytes(int(rng.integers(1, 9))),
        lambda: bytes(out) + bytes(int(rng.integers(1, 9))),
        lambda: bytes(out[:at]) + bytes([rng.choice([0, 85, 170, 255])]) * int(rng.integers(400)),
        lambda: bytes(out[:at]) + rng.bytes(int(rng.integers(400))),
        lambda: rng.bytes(int(rng.integers(400))),
    )
    return kinds[int(rng.integers(len(kinds)))]()
