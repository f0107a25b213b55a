"""Integer reference of the networks: g_a, h_a, h_s and g_s in numpy's int64.

It is computed from the arrays that `extract` describes, plainly and exactly. ONNX Runtime, torch
and the firmware are compared with it bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....link.student import lapped
from ..networks.shape import BLOCK, LATENT_FRACTION, PIXEL_FRACTION, SYNTHESIS_FRACTION

Integers = NDArray[np.int64]

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class IntegerNetworks:
    """Computes g_a, h_a, h_s and g_s in int64.

    Attributes:
        arrays: The codec's integers, as `extract` gives them.
    """

    arrays: Arrays

    def analyse(self, planes: Integers) -> Integers:
        """Return g_a: latents (N, rows, columns) of a tile's planes (3, h, w) in half grey levels.

        The sides are multiples of 16.
        """
        weights = lapped.weights_of(self.arrays, lapped.PREFILTER)
        if weights is not None:
            planes = lapped.prefilter(planes, weights).astype(np.int64)
        linear = self._layer("analysis.linear", _fold(planes, BLOCK))
        value = self._layer("analysis.enter", _fold(planes, 4))
        value = self._block("analysis.block_fine", value)
        value = self._layer("analysis.down_middle", _fold(value, 2))
        value = self._block("analysis.block_middle", value)
        value = self._layer("analysis.down_coarse", _fold(value, 2))
        value = self._block("analysis.block_coarse", value)
        return np.asarray(linear + self._layer("analysis.leave", value))

    def side(self, latents: Integers) -> Integers:
        """Return h_a: ẑ (side channels, ⌈rows/2⌉, ⌈columns/2⌉) of latents."""
        shift = self.arrays["hyper.spread_shift"][:, None, None]
        value = np.clip(shift_round(np.abs(latents), shift), 0, 255)
        value = np.pad(value, ((0, 0), (0, value.shape[1] % 2), (0, value.shape[2] % 2)))
        value = self._layer("hyper.analysis_in", value)
        value = self._layer("hyper.analysis_out", _fold(value, 2))
        return self._layer("hyper.analysis_end", value)

    def log_scales(self, side: Integers, rows: int, columns: int) -> Integers:
        """Return h_s: log₂ scales (N, rows, columns) in 1/32 octave, of ẑ."""
        value = self._layer("hyper.synthesis_in", side)
        mixed = value + self._sum("hyper.synthesis_mix", value)
        value = np.clip(mixed, *self.arrays["hyper.synthesis_mix.clip"])
        value = _unfold(self._layer("hyper.synthesis_up", value), 2)
        return self._layer("hyper.synthesis_out", value[:, :rows, :columns])

    def synthesise(self, latents: Integers, quality: int) -> Integers:
        """Return g_s: planes (3, h, w) in 1/16 grey level of decoded latents, at quality 0…256.

        The latents are those of one tile.
        """
        a = self.arrays
        weight = a["synthesis.linear.weight"].astype(np.int64)
        wide = np.tensordot(weight, latents, axes=1) + a["synthesis.linear.bias"][:, None, None]
        wide = shift_round(wide, LATENT_FRACTION + SYNTHESIS_FRACTION - PIXEL_FRACTION)
        linear = self._joined(_unfold(np.clip(wide, -8192, 8191), BLOCK))
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

    def _joined(self, planes: Integers) -> Integers:
        """Return linear planes after the postfilter of all block boundaries."""
        weights = lapped.weights_of(self.arrays, lapped.POSTFILTER)
        if weights is None:
            return planes
        rows, columns = (np.ones(side // BLOCK - 1, np.bool_) for side in planes.shape[1:])
        return lapped.postfilter(planes, weights, rows, columns).astype(np.int64)

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


def shift_round(value: Integers, shift: NDArray[Any] | int) -> Integers:
    """Return (value + 2^(shift-1)) >> shift; a negative shift multiplies."""
    amount = np.asarray(shift, np.int64)
    right = np.maximum(amount, 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return ((value << np.maximum(-amount, 0)) + half) >> right


def _convolve(value: Integers, weight: Integers) -> Integers:
    """Return the convolution of (c, h, w) with 1x1 or 3x3 weights, dense or depthwise."""
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
