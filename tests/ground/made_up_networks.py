"""Integers of decoder networks that no training has made, and what they give in int64."""

from __future__ import annotations

from typing import Any

import numpy as np
from downpass.ground.decoders.block_boundaries import JoinedBlocks
from downpass.ground.training.data.colour import to_pixels
from downpass.ground.training.export.integer_networks import IntegerNetworks, shift_round
from downpass.ground.training.networks.shape import PIXEL_FRACTION
from downpass.link.student.lapped import LARGEST_SUM, LARGEST_WEIGHT, POSTFILTER, postfilter

Arrays = dict[str, np.ndarray[Any, Any]]
Integers = np.ndarray[Any, Any]

QUALITIES = 3
FILTERS = ("none", "near", "extreme")


def made_up(
    seed: int,
    latents: int = 37,
    widths: tuple[int, int] = (16, 32),
    depth: tuple[int, int, int] = (1, 1, 1),
    boundaries: str = "near",
) -> Arrays:
    """Integers of a synthesis whose values vary, saturate and tie."""
    rng, arrays = np.random.default_rng(seed), {}
    fine, coarse = widths

    def layer(
        name: str, outputs: int, inputs: int, size: int, reads: int, clip: tuple[int, int], to: int
    ) -> None:
        """Put a layer of inputs up to `reads` whose sums after the shift are about `to`."""
        shape = (outputs, inputs, size, size)
        extreme = rng.choice(np.array([-128, -127, 0, 1, 127]), shape)
        small = rng.integers(-20, 21, shape)
        weight = np.where(rng.random(shape) < 0.3, extreme, small).astype(np.int8)
        spread = 60 * reads * np.sqrt(weight[0].size) / to
        shift = np.maximum(np.log2(spread) + rng.integers(-2, 3, outputs), 0)
        bias = rng.normal(0, 0.3 * to, outputs) * np.exp2(shift)
        arrays[f"synthesis.{name}.weight"] = weight
        arrays[f"synthesis.{name}.bias"] = bias.astype(np.int32)
        arrays[f"synthesis.{name}.shift"] = shift.astype(np.int8)
        arrays[f"synthesis.{name}.clip"] = np.array(clip, np.int32)

    def move(name: str, shift: int, low: int, high: int) -> None:
        arrays[f"synthesis.{name}.shift"] = np.array(shift, np.int8)
        arrays[f"synthesis.{name}.clip"] = np.array((low, high), np.int32)

    stream = (-4096, 4095)
    weight = rng.integers(-9000, 9000, (768, latents)) * rng.choice((0, 1), (768, latents))
    arrays["synthesis.linear.weight"] = weight.astype(np.int32)
    arrays["synthesis.linear.bias"] = rng.integers(-(1 << 26), 1 << 26, 768).astype(np.int64)
    arrays["synthesis.spread_shift"] = rng.integers(0, 11, latents).astype(np.int8)
    layer("latent_in", 4 * coarse, latents, 1, 100, stream, 2000)
    layer("enter", fine, 48, 3, 300, stream, 2000)
    layer("down", coarse, 4 * fine, 1, 150, stream, 2000)
    layer("up", 4 * fine, coarse, 1, 150, stream, 2000)
    layer("leave", 48, fine, 3, 200, (-8192, 8191), 4000)
    move("to_down", 2, -256, 255)
    move("to_up", 3, -256, 255)
    move("to_leave", 2, 0, 511)
    for part, channels, high, count in zip(
        ("before", "below", "after"), (fine, coarse, fine), (511, 255, 511), depth, strict=True
    ):
        for i in range(count):
            name = f"{part}.{i}"
            move(f"{name}.entering", int(rng.integers(-1, 4)), 0, high)
            layer(f"{name}.first", channels, channels, 3, high // 2, (0, high), high)
            layer(f"{name}.second", channels, channels, 3, high // 3, stream, 2000)
            # Some blocks' inner values are nearly all zero.
            bias = rng.normal(rng.choice((0, -4)), 1, (QUALITIES, channels))
            bias *= np.exp2(arrays[f"synthesis.{name}.first.shift"].astype(float)) * high / 2
            arrays[f"synthesis.{name}.bias"] = bias.astype(np.int32)
    if boundaries != "none":
        arrays[POSTFILTER] = made_up_filter(boundaries, seed)
    return arrays


def made_up_filter(kind: str, seed: int) -> Integers:
    """Weights of a filter: near the identity, as a trained one's, or as large as any may be."""
    rng = np.random.default_rng(seed)
    if kind == "near":
        weights = 4096 * np.eye(8, dtype=int) + rng.integers(-800, 801, (8, 8))
    else:
        sizes = np.array([LARGEST_WEIGHT, LARGEST_WEIGHT - 9, 5, 3, 2, 1, 0, 0])
        assert sizes.sum() == LARGEST_SUM
        weights = rng.permuted(sizes * rng.choice((-1, 1), (8, 8)), axis=1)
    return weights.astype(np.int16)


def made_up_latents(kind: str, channels: int, rows: int, columns: int, seed: int) -> Integers:
    rng = np.random.default_rng(seed)
    shape = (channels, rows, columns)
    if kind == "usual":  # most are zero
        found = rng.laplace(0, 300, shape) * (rng.random(shape) < 0.15)
    elif kind == "dense":
        found = rng.normal(0, 4000, shape)
    elif kind == "wide":  # beyond 16 bits
        found = rng.normal(0, 40000, shape)
    elif kind == "extreme":
        found = rng.choice(np.array([-(1 << 28) + 1, -32769, -32768, 0, 32767, 1 << 20]), shape)
    else:
        assert kind == "zero"
        found = np.zeros(shape)
    return found.astype(np.int32)


KINDS = ("usual", "dense", "wide", "extreme", "zero")


def some_joined(latents: Integers, seed: int) -> JoinedBlocks:
    """Boundaries of which some lie inside a tile."""
    rng, (_, rows, columns) = np.random.default_rng(seed), latents.shape
    return JoinedBlocks(rng.random(rows - 1) < 0.7, rng.random(columns - 1) < 0.7)


def plain(
    arrays: Arrays,
    latents: Integers,
    quality: int,
    matrix: Integers,
    joined: JoinedBlocks | None = None,
) -> Integers:
    """What the network makes of latents, in int64."""
    planes = plain_planes(arrays, latents.astype(np.int64), quality, joined)
    return to_pixels(planes, matrix.astype(np.int64), PIXEL_FRACTION)


def plain_planes(
    arrays: Arrays, latents: Integers, quality: int, joined: JoinedBlocks | None
) -> Integers:
    """The network's planes: those of the integer networks, with a filter in the middle."""
    separate = {name: array for name, array in arrays.items() if name != POSTFILTER}
    if POSTFILTER not in arrays:
        return IntegerNetworks(separate).synthesise(latents, quality)
    linear = linear_planes(arrays, latents)
    joined = joined or JoinedBlocks.one_tile(latents)
    lapped = postfilter(linear, arrays[POSTFILTER], joined.rows, joined.columns).astype(np.int64)

    class Lapped(IntegerNetworks):
        def _layer(self, name: str, value: Integers, bias: Integers | None = None) -> Integers:
            if name == "synthesis.enter":
                value = cells(np.clip(shift_round(lapped, 3), -512, 511))
            return super()._layer(name, value, bias)

    return Lapped(separate).synthesise(latents, quality) + lapped - linear


def linear_planes(arrays: Arrays, latents: Integers) -> Integers:
    """The linear planes (3, h, w) of separate blocks."""
    weight, bias = arrays["synthesis.linear.weight"], arrays["synthesis.linear.bias"]
    sums = np.tensordot(weight.astype(np.int64), latents, axes=1) + bias[:, None, None]
    rows, columns = latents.shape[1:]
    blocks = np.clip(shift_round(sums, 17), -8192, 8191).reshape(3, 16, 16, rows, columns)
    return blocks.transpose(0, 3, 1, 4, 2).reshape(3, 16 * rows, 16 * columns)


def cells(planes: Integers) -> Integers:
    """Planes (3, h, w) as cells of 4 x 4 pixels (48, h/4, w/4)."""
    _, height, width = planes.shape
    parts = planes.reshape(3, height // 4, 4, width // 4, 4)
    return parts.transpose(0, 2, 4, 1, 3).reshape(48, height // 4, width // 4)
