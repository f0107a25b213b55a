"""The trained networks as integers, and how to compute them with numpy alone.

`extract` reads the integers off a codec that is on its grids (see `quantise`); `IntegerNetworks`
computes analysis, hyper networks and synthesis from them, plainly and exactly, in int64. It is
the reference that ONNX Runtime, torch and the firmware are compared with, bit for bit, and the
form that the exported graphs and the firmware's tables are made from.

A layer `name` has the arrays
  name.weight  int8  (out, in / groups, rows, columns)
  name.bias    int32 (out), at the scale of the sums
  name.shift   int8  (out): out = clip((sum + bias + 2^(shift-1)) >> shift, low, high)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.codec import (
    BLOCK,
    LATENT_FRACTION,
    LOG2_FRACTION,
    PIXEL_FRACTION,
    QUALITY_STEPS,
    SYNTHESIS_FRACTION,
    Codec,
)
from ..networks.quantise import EXACT, Grid, GridConv

Integers = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]

MEAN_FRACTION = 14
"""Weights of the mean's prediction are in units of 2^-14."""


class NotExactError(Exception):
    """A layer's sums may leave the range in which float32 adds integers without error."""


@torch.no_grad()
def extract(codec: Codec) -> Arrays:
    """Return every integer of a codec that is on its grids, by name.

    Raises:
        NotExactError: a channel breaks the exactness bound (see `quantise`).
        ValueError: the codec is not on its grids, or a layer would need a left shift.
    """
    if not codec.on_grids:
        raise ValueError("the codec is not on its grids: calibrate it first")
    arrays: Arrays = {}
    analysis, hyper, synthesis = codec.analysis, codec.hyper, codec.synthesis

    def put(name: str, layer: GridConv, out: Grid) -> None:
        _put_layer(arrays, name, layer, out)

    put("analysis.linear", analysis.linear, analysis.linear_out)
    put("analysis.enter", analysis.enter, analysis.grid_fine)
    for stage in ("fine", "middle", "coarse"):
        block = getattr(analysis, f"block_{stage}")
        put(f"analysis.block_{stage}.depthwise", block.depthwise, block.inner)
        put(
            f"analysis.block_{stage}.pointwise", block.pointwise, getattr(analysis, f"grid_{stage}")
        )
    put("analysis.down_middle", analysis.down_middle, analysis.grid_middle)
    put("analysis.down_coarse", analysis.down_coarse, analysis.grid_coarse)
    put("analysis.leave", analysis.leave, analysis.branch_out)
    arrays["hyper.spread_shift"] = _powers_of_two(hyper.spread)
    put("hyper.analysis_in", hyper.analysis_in, hyper.grid_in)
    put("hyper.analysis_out", hyper.analysis_out, hyper.grid_mid)
    put("hyper.analysis_end", hyper.analysis_end, hyper.side)
    put("hyper.synthesis_in", hyper.synthesis_in, hyper.grid_side)
    put("hyper.synthesis_mix", hyper.synthesis_mix, hyper.grid_side)
    put("hyper.synthesis_up", hyper.synthesis_up, hyper.grid_up)
    put("hyper.synthesis_out", hyper.synthesis_out, hyper.scales)

    weight = synthesis.linear.weight.double() * 2**SYNTHESIS_FRACTION
    arrays["synthesis.linear.weight"] = _floor_half(weight)[:, :, 0, 0].astype(np.int32)
    if synthesis.linear.bias is None:
        raise ValueError("the linear synthesis needs a bias")
    offset = synthesis.linear.bias.double() * 2**SYNTHESIS_FRACTION
    arrays["synthesis.linear.bias"] = _floor_half(offset).astype(np.int64) << LATENT_FRACTION
    arrays["synthesis.spread_shift"] = _powers_of_two(synthesis.spread)
    put("synthesis.latent_in", synthesis.latent_in, synthesis.stream_coarse)
    put("synthesis.enter", synthesis.enter, synthesis.stream_fine)
    put("synthesis.down", synthesis.down, synthesis.stream_coarse)
    put("synthesis.up", synthesis.up, synthesis.stream_fine)
    put("synthesis.leave", synthesis.leave, synthesis.correction)
    quality = torch.arange(QUALITY_STEPS + 1) / QUALITY_STEPS
    for part in ("before", "below", "after"):
        stream = synthesis.stream_coarse if part == "below" else synthesis.stream_fine
        for i, block in enumerate(getattr(synthesis, part)):
            name = f"synthesis.{part}.{i}"
            put(f"{name}.first", block.first, block.inner)
            put(f"{name}.second", block.second, stream)
            table = _floor_half(block.bias(quality) / block.first.bias_step())
            arrays[f"{name}.bias"] = table.astype(np.int32)
            _put_shift(arrays, f"{name}.entering", stream, block.entering)
            _check_exact(
                name, block.first, np.abs(table).max(axis=0), arrays[f"{name}.first.shift"]
            )
    for name, source, target in (
        ("to_down", synthesis.stream_fine, synthesis.to_down),
        ("to_up", synthesis.stream_coarse, synthesis.to_up),
        ("to_leave", synthesis.stream_fine, synthesis.to_leave),
    ):
        _put_shift(arrays, f"synthesis.{name}", source, target)

    gain = codec.gain(quality) * 2**LOG2_FRACTION
    arrays["gain"] = _floor_half(gain).astype(np.int16)
    means = codec.neighbours.weight * codec.neighbours.masks * 2**MEAN_FRACTION
    arrays["means"] = (
        _floor_half(means)
        .clip(-32768, 32767)
        .astype(np.int16)
        .reshape(4, codec.shape.predicted, codec.shape.predicted, 3, 3)
    )
    return arrays


def _floor_half(value: torch.Tensor) -> NDArray[np.float64]:
    """Round as the networks do: half up, in the value's own precision."""
    return torch.floor(value.detach() + 0.5).cpu().double().numpy()


def _powers_of_two(spread: torch.Tensor) -> NDArray[np.int8]:
    shift = torch.log2(spread).cpu().numpy()
    if np.any(shift != np.round(shift)) or np.any(shift < 0):
        raise ValueError("input scales must be powers of two, at least one")
    return shift.astype(np.int8)


def _put_layer(arrays: Arrays, name: str, layer: GridConv, out: Grid) -> None:
    step = torch.exp2(-layer.weight_fraction).view(-1, 1, 1, 1)
    weight = _floor_half(layer.weight / step).clip(-127, 127)
    bias = layer.bias if layer.bias is not None else torch.zeros(layer.out_channels)
    whole_bias = _floor_half(bias.to(step.device) / layer.bias_step())
    reads = layer.reads
    if reads is None or float(reads.fraction) != float(layer.input_fraction):
        raise ValueError(f"{name} was put on its grid for another input than it reads")
    shift = (layer.weight_fraction + layer.input_fraction - out.fraction).cpu().numpy()
    if np.any(shift < 0):
        raise ValueError(f"{name} would need a left shift")
    arrays[f"{name}.weight"] = weight.astype(np.int8)
    arrays[f"{name}.bias"] = whole_bias.astype(np.int32)
    arrays[f"{name}.shift"] = shift.astype(np.int8)
    arrays[f"{name}.clip"] = np.array([out.low, out.high], np.int32)
    _check_exact(name, layer, np.abs(whole_bias), shift)


def _check_exact(
    name: str, layer: GridConv, bias: NDArray[np.float64], shift: NDArray[Any]
) -> None:
    step = torch.exp2(-layer.weight_fraction).view(-1, 1, 1, 1)
    weight = _floor_half(layer.weight / step).clip(-127, 127)
    total = np.abs(weight).reshape(weight.shape[0], -1).sum(axis=1)
    half = np.exp2(np.maximum(shift.astype(np.float64), 1) - 1)
    worst = layer.input_largest * total + bias + half
    if np.any(worst >= EXACT):
        channel = int(np.argmax(worst))
        raise NotExactError(
            f"{name}: channel {channel} may sum to {worst[channel]:.0f}, "
            f"float32 is exact below {EXACT}"
        )


def _put_shift(arrays: Arrays, name: str, source: Grid, target: Grid) -> None:
    """Record how far a value moves from one grid to a coarser (or finer) one."""
    shift = int(source.fraction) - int(target.fraction)
    arrays[f"{name}.shift"] = np.array(shift, np.int8)
    arrays[f"{name}.clip"] = np.array([target.low, target.high], np.int32)


def shift_round(value: Integers, shift: NDArray[Any] | int) -> Integers:
    """Return (value + 2^(shift-1)) >> shift; a negative shift multiplies."""
    amount = np.asarray(shift, np.int64)
    right = np.maximum(amount, 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return ((value << np.maximum(-amount, 0)) + half) >> right


@dataclass(frozen=True, slots=True)
class IntegerNetworks:
    """Analysis, hyper networks and synthesis in plain int64, from the extracted arrays."""

    arrays: Arrays

    def analyse(self, planes: Integers) -> Integers:
        """Return latents (N, rows, columns) of a tile's planes (3, h, w) in half grey levels.

        The sides are multiples of 16.
        """
        linear = self._layer("analysis.linear", _fold(planes, BLOCK))
        value = self._layer("analysis.enter", _fold(planes, 4))
        value = self._block("analysis.block_fine", value)
        value = self._layer("analysis.down_middle", _fold(value, 2))
        value = self._block("analysis.block_middle", value)
        value = self._layer("analysis.down_coarse", _fold(value, 2))
        value = self._block("analysis.block_coarse", value)
        return np.asarray(linear + self._layer("analysis.leave", value))

    def side(self, latents: Integers) -> Integers:
        """Return ẑ (side channels, ⌈rows/2⌉, ⌈columns/2⌉) of latents."""
        shift = self.arrays["hyper.spread_shift"][:, None, None]
        value = np.clip(shift_round(np.abs(latents), shift), 0, 255)
        value = np.pad(value, ((0, 0), (0, value.shape[1] % 2), (0, value.shape[2] % 2)))
        value = self._layer("hyper.analysis_in", value)
        value = self._layer("hyper.analysis_out", _fold(value, 2))
        return self._layer("hyper.analysis_end", value)

    def log_scales(self, side: Integers, rows: int, columns: int) -> Integers:
        """Return log₂-scales (N, rows, columns) in 1/32 octave, of ẑ."""
        value = self._layer("hyper.synthesis_in", side)
        mixed = value + self._sum("hyper.synthesis_mix", value)
        value = np.clip(mixed, *self.arrays["hyper.synthesis_mix.clip"])
        value = _unfold(self._layer("hyper.synthesis_up", value), 2)
        return self._layer("hyper.synthesis_out", value[:, :rows, :columns])

    def synthesise(self, latents: Integers, quality: int) -> Integers:
        """Return planes (3, h, w) in 1/16 grey level of decoded latents, at quality 0…256."""
        a = self.arrays
        weight = a["synthesis.linear.weight"].astype(np.int64)
        wide = np.tensordot(weight, latents, axes=1) + a["synthesis.linear.bias"][:, None, None]
        wide = shift_round(wide, LATENT_FRACTION + SYNTHESIS_FRACTION - PIXEL_FRACTION)
        linear = _unfold(np.clip(wide, -8192, 8191), BLOCK)
        seen = _fold(np.clip(shift_round(linear, 3), -512, 511), 4)
        value = self._layer("synthesis.enter", seen)
        for i in range(self._count("before")):
            value = self._residual(f"synthesis.before.{i}", value, quality)
        spread = a["synthesis.spread_shift"][:, None, None]
        hint = np.clip(shift_round(latents, spread), -128, 127)
        hint = _unfold(self._layer("synthesis.latent_in", hint), 2)
        inner = self._layer("synthesis.down", _fold(self._move("synthesis.to_down", value), 2))
        inner = inner + hint
        for i in range(self._count("below")):
            inner = self._residual(f"synthesis.below.{i}", inner, quality)
        up = _unfold(self._sum("synthesis.up", self._move("synthesis.to_up", inner)), 2)
        value = np.clip(value + up, *a["synthesis.up.clip"])
        for i in range(self._count("after")):
            value = self._residual(f"synthesis.after.{i}", value, quality)
        value = self._layer("synthesis.leave", self._move("synthesis.to_leave", value))
        return linear + _unfold(value, 4)

    def _count(self, part: str) -> int:
        return sum(k.endswith(".first.weight") and f".{part}." in k for k in self.arrays)

    def _sum(self, name: str, value: Integers, bias: NDArray[Any] | None = None) -> Integers:
        """Return the shifted sums of a layer, not yet clipped."""
        weight = self.arrays[f"{name}.weight"].astype(np.int64)
        out = _convolve(value, weight)
        bias = self.arrays[f"{name}.bias"] if bias is None else bias
        out = out + bias.astype(np.int64)[:, None, None]
        return shift_round(out, self.arrays[f"{name}.shift"][:, None, None])

    def _layer(self, name: str, value: Integers, bias: NDArray[Any] | None = None) -> Integers:
        low, high = self.arrays[f"{name}.clip"]
        return np.clip(self._sum(name, value, bias), low, high)

    def _block(self, name: str, value: Integers) -> Integers:
        inner = self._layer(f"{name}.depthwise", value)
        low, high = self.arrays[f"{name}.pointwise.clip"]
        return np.asarray(np.clip(value + self._sum(f"{name}.pointwise", inner), low, high))

    def _move(self, name: str, value: Integers) -> Integers:
        low, high = self.arrays[f"{name}.clip"]
        return np.clip(shift_round(value, int(self.arrays[f"{name}.shift"])), low, high)

    def _residual(self, name: str, value: Integers, quality: int) -> Integers:
        bias = self.arrays[f"{name}.bias"][quality]
        inner = self._layer(f"{name}.first", self._move(f"{name}.entering", value), bias)
        low, high = self.arrays[f"{name}.second.clip"]
        return np.asarray(np.clip(value + self._sum(f"{name}.second", inner), low, high))


def _convolve(value: Integers, weight: Integers) -> Integers:
    """Return sums of (c, h, w) with 1x1 or 3x3 weights, dense or one filter a channel."""
    out, taken, rows, columns = weight.shape
    if rows == 1:
        return np.asarray(np.tensordot(weight[:, :, 0, 0], value, axes=1))
    height, width = value.shape[1:]
    padded = np.pad(value, ((0, 0), (rows // 2, rows // 2), (columns // 2, columns // 2)))
    total = np.zeros((out, height, width), np.int64)
    for i in range(rows):
        for j in range(columns):
            part = padded[:, i : i + height, j : j + width]
            if taken == 1:
                total += weight[:, 0, i, j][:, None, None] * part
            else:
                total += np.tensordot(weight[:, :, i, j], part, axes=1)
    return total


def _fold(value: Integers, size: int) -> Integers:
    """Fold size x size positions into channels: channel = (c · size + row) · size + column."""
    channels, height, width = value.shape
    parts = value.reshape(channels, height // size, size, width // size, size)
    return parts.transpose(0, 2, 4, 1, 3).reshape(-1, height // size, width // size)


def _unfold(value: Integers, size: int) -> Integers:
    """Undo `_fold`."""
    channels, height, width = value.shape
    parts = value.reshape(channels // size**2, size, size, height, width)
    return parts.transpose(0, 3, 1, 4, 2).reshape(-1, height * size, width * size)
