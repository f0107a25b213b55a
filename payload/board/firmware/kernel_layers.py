"""The student's convolutions in the layout of the firmware's kernels (nn/model.h).

Channels are padded to whole vectors, and the channels and pixels that a layer folds into one
position are read where they lie in memory. A layer that the kernels do not support, or whose sums
might not fit into 32 bits, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student.frame_layout import BLOCK
from ...encoders.student.pixel_blocks import CELL
from .c_arrays import Integers, c_array, numbers

PLANE_LARGEST: Final = 512
"""Largest magnitude of a sample of the rotated planes."""
VECTOR: Final = 8
"""Inputs are padded to multiples of this, outputs to multiples of half of it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution in the layout of the kernels.

    Attributes:
        name: Its name in the model.
        weight: Weights (outputs, inputs) of a 1x1 convolution, or (9, channels) of a depthwise 3x3.
        bias: Biases (outputs), with the rounding half added.
        shift: Right shifts (outputs).
        low: The smallest output.
        high: The largest output.
    """

    name: str
    weight: Integers
    bias: Integers
    shift: Integers
    low: int
    high: int


def padded(count: int, unit: int = VECTOR) -> int:
    """Return a count rounded up to whole vectors."""
    return -(-count // unit) * unit


def folded(channels: int) -> Integers:
    """Return the memory offsets of the channels of four positions that are folded into one.

    Channel (c · 2 + row) · 2 + column of the fold is channel c of position row · 2 + column.
    """
    channel, position = np.divmod(np.arange(4 * channels), 4)
    return np.asarray(position * padded(channels) + channel)


def pixels_of_block() -> Integers:
    """Return the memory offsets of a 16 x 16 block's pixels: 4 x 4 cells, grouped 2 x 2, twice."""
    plane, row, column = np.unravel_index(np.arange(3 * BLOCK**2), (3, BLOCK, BLOCK))
    high, low = row // 8 * 2 + column // 8, row // 4 % 2 * 2 + column // 4 % 2
    inside = (plane * CELL + row % CELL) * CELL + column % CELL
    return np.asarray((high * 4 + low) * 3 * CELL**2 + inside)


class LayerReader:
    """Reads a model's layers and refuses those that the kernels do not support."""

    def __init__(self, folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
        self._folder, self._arrays = folder, arrays

    def array(self, name: str) -> Integers:
        """Return an array of the model."""
        if name not in self._arrays:
            raise InputError(f"{self._folder}: integers.npz has no array {name!r}")
        return self._arrays[name].astype(np.int64)

    def pointwise(
        self,
        name: str,
        largest: int,
        inputs: Integers | None = None,
        outputs: Integers | None = None,
    ) -> Layer:
        """Return a 1x1 convolution.

        Args:
            name: Its name in the model.
            largest: Largest magnitude of an input.
            inputs: Memory offsets of the inputs; consecutive by default.
            outputs: Memory offsets of the outputs; consecutive by default.
        """
        weight = self.array(f"{name}.weight")
        if weight.shape[2:] != (1, 1):
            self._refuse(name, f"weights {weight.shape[2:]}, allowed are (1, 1)")
        weight = weight[:, :, 0, 0]
        taken, given = np.arange(weight.shape[1]), np.arange(weight.shape[0])
        taken = taken if inputs is None else inputs
        given = given if outputs is None else outputs
        if taken.size != weight.shape[1] or given.size != weight.shape[0]:
            expected = (given.size, taken.size)
            self._refuse(name, f"weights {weight.shape}, the layers around it need {expected}")
        rows = padded(int(given.max()) + 1, VECTOR // 2)
        wide = np.zeros((rows, padded(int(taken.max()) + 1)), np.int64)
        wide[np.ix_(given, taken)] = weight
        return self._layer(name, wide, np.abs(weight).sum(axis=1), largest, given, rows)

    def depthwise(self, name: str, largest: int) -> Layer:
        """Return a depthwise 3x3 convolution; arguments as in `pointwise`."""
        weight = self.array(f"{name}.weight")
        if weight.shape[1:] != (1, 3, 3):
            self._refuse(name, f"weights {weight.shape[1:]}, allowed are (1, 3, 3)")
        count = weight.shape[0]
        wide = np.zeros((9, padded(count)), np.int64)
        wide[:, :count] = weight.reshape(count, 9).T
        total = np.abs(weight).reshape(count, 9).sum(axis=1)
        return self._layer(name, wide, total, largest, np.arange(count), padded(count))

    def _layer(
        self,
        name: str,
        weight: Integers,
        total: Integers,
        largest: int,
        given: Integers,
        outputs: int,
    ) -> Layer:
        bias, shift = self.array(f"{name}.bias"), self.array(f"{name}.shift")
        low, high = (int(limit) for limit in self.array(f"{name}.clip"))
        if bias.shape != given.shape or shift.shape != given.shape:
            self._refuse(name, f"{bias.size} biases and {shift.size} shifts for {given.size} sums")
        if np.abs(weight).max() > 127:
            self._refuse(name, "weights beyond 8 bits")
        if shift.min() < 0 or shift.max() > 30:
            self._refuse(name, f"shifts {shift.min()} to {shift.max()}, allowed are 0 to 30")
        bias = bias + (np.left_shift(1, shift) >> 1)
        worst = int((largest * total + np.abs(bias)).max())
        if worst >= 1 << 31:
            self._refuse(name, f"sums may reach {worst}, allowed are less than 2^31")
        wide_bias, wide_shift = np.zeros(outputs, np.int64), np.zeros(outputs, np.int64)
        wide_bias[given], wide_shift[given] = bias, shift
        return Layer(name, weight, wide_bias, wide_shift, low, high)

    def _refuse(self, name: str, why: str) -> None:
        raise InputError(f"{self._folder}: {name}: {why}")


def kernel_layers(
    folder: Path, arrays: dict[str, NDArray[Any]]
) -> tuple[dict[str, Layer], int, int]:
    """Return the firmware's layers by their names in C, and the channels of latents and side."""
    read = LayerReader(folder, arrays)
    found: dict[str, Layer] = {}

    def small(layer: Layer, low: int = 0, high: int = 32767) -> int:
        if layer.low < low or layer.high > high:
            raise InputError(
                f"{folder}: {layer.name}: gives out {layer.low} to {layer.high}, "
                f"allowed are {low} to {high}"
            )
        return max(-layer.low, layer.high)

    def outputs(name: str) -> int:
        return int(read.array(f"{name}.weight").shape[0])

    found["linear"] = read.pointwise("analysis.linear", PLANE_LARGEST, pixels_of_block())
    cell = np.arange(3 * CELL**2)
    found["enter"] = read.pointwise("analysis.enter", PLANE_LARGEST, cell)
    largest, width = small(found["enter"]), outputs("analysis.enter")
    for stage, down in (("fine", "down_middle"), ("middle", "down_coarse"), ("coarse", "")):
        near = read.depthwise(f"analysis.block_{stage}.depthwise", largest)
        inner = small(near)
        every = np.arange(width)
        mix = read.pointwise(f"analysis.block_{stage}.pointwise", inner, every, every)
        found |= {f"{stage}_near": near, f"{stage}_mix": mix}
        largest = small(mix)
        if down:
            found[down] = read.pointwise(f"analysis.{down}", largest, folded(width))
            largest, width = small(found[down]), outputs(f"analysis.{down}")
    latents = outputs("analysis.linear")
    found["leave"] = read.pointwise("analysis.leave", largest, np.arange(width), np.arange(latents))
    for name in ("linear", "leave"):
        small(found[name], -(1 << 17), (1 << 17) - 1)
    found["side_in"] = read.pointwise("hyper.analysis_in", 255, np.arange(latents))
    hyper = outputs("hyper.analysis_in")
    found["side_out"] = read.pointwise(
        "hyper.analysis_out", small(found["side_in"]), folded(hyper), np.arange(hyper)
    )
    found["side_end"] = read.pointwise(
        "hyper.analysis_end", small(found["side_out"]), np.arange(hyper)
    )
    side = outputs("hyper.analysis_end")
    largest = small(found["side_end"], -32, 31)
    found["scales_in"] = read.pointwise(
        "hyper.synthesis_in", largest, np.arange(side), np.arange(hyper)
    )
    largest = small(found["scales_in"])
    found["scales_near"] = read.depthwise("hyper.synthesis_mix", largest)
    largest = small(found["scales_near"])
    found["scales_up"] = read.pointwise(
        "hyper.synthesis_up", largest, np.arange(hyper), folded(hyper)
    )
    found["scales_out"] = read.pointwise(
        "hyper.synthesis_out", small(found["scales_up"]), np.arange(hyper), np.arange(latents)
    )
    small(found["scales_out"], -2048, 2047)
    return found, latents, side


def spread_shifts(folder: Path, arrays: dict[str, NDArray[Any]], latents: int) -> Integers:
    """Return the right shifts of the latents that enter the hyper analysis (latents).

    Raises:
        InputError: The model has none, or some that the firmware does not support.
    """
    spread = LayerReader(folder, arrays).array("hyper.spread_shift")
    if spread.size != latents or spread.min() < 0 or spread.max() > 16:
        raise InputError(
            f"{folder}: hyper.spread_shift: {spread.size} shifts of {spread.min()} to "
            f"{spread.max()}, allowed are {latents} of 0 to 16"
        )
    return spread


def layer_sources(layers: dict[str, Layer]) -> Iterator[str]:
    """Yield the C of each layer, by its name in C: arrays, and the struct that points to them."""
    for name, layer in layers.items():
        near = name.endswith("_near")
        inside = numbers(layer.weight) if near else _blocks(layer.weight)
        kind = "dp_depthwise" if near else "dp_layer"
        outputs, inputs = layer.weight.shape
        sizes = f"{inputs}" if near else f"{outputs}, {inputs}"
        yield f"static const int8_t {name}_weights[] DP_ALIGNED = {{\n{inside}}};"
        yield f"static {c_array(f'int32_t {name}_bias[] DP_ALIGNED', layer.bias)}"
        yield f"static {c_array(f'uint8_t {name}_shift[] DP_ALIGNED', layer.shift)}"
        yield (
            f"const struct {kind} dp_{name} = {{{sizes}, {layer.low}, {layer.high}, "
            f"{name}_weights, {name}_bias, {name}_shift}};"
        )


def _blocks(weight: Integers) -> str:
    """Return a 1x1 convolution's weights in the order of struct dp_layer, in groups of four."""
    outputs, inputs = weight.shape
    parts = weight.reshape(outputs // 4, 4, inputs // VECTOR, VECTOR).transpose(0, 2, 1, 3)
    quads = parts.reshape(-1, 4).tolist()
    return ",\n".join("DP_QUAD({},{},{},{})".format(*quad) for quad in quads)
