"""Writes the student's integers as C, for the firmware's encoder under firmware/nn.

    python -m downpass.payload.board.firmware.weights --out DIR

writes DIR/dp_shape.h (sizes) and DIR/dp_model.c (weights in the kernels' order, tables, the
fingerprint, the golden tile and the CRC-32 of its codestream). Shapes, shifts and groups come from
the model's arrays and its card. A model that the kernels do not support is refused in one line.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student import shared_model
from ....link.student.codestream import AnalysedTile, encode_tile
from ....link.student.entropy_model import MANTISSAS, SCALES, SIDE_CONTEXTS, TABLES, EntropyModel
from ....link.student.frame_layout import BLOCK
from ....link.student.rotation import Quaternion, rotation_matrix
from ....link.student.shared_model import load_integers
from ...encoders.student.pixel_blocks import CELL
from ...encoders.student.student_model import FOLDER, StudentModel, load

Integers = NDArray[np.int64]

BAD_INPUT: Final = 2
PLANE_LARGEST: Final = 512
VECTOR: Final = 8
"""Inputs are padded to multiples of this, outputs to multiples of half of it."""
GOLDEN_ROWS, GOLDEN_COLUMNS, GOLDEN_QUALITY = 40, 56, 210
GOLDEN_ROTATION: Final[Quaternion] = (120, -20, 30, 12)


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


class Networks:
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


def layers(folder: Path, arrays: dict[str, NDArray[Any]]) -> tuple[dict[str, Layer], int, int]:
    """Return the firmware's layers by their names in C, and the channels of latents and side."""
    read = Networks(folder, arrays)
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


def check_entropy(folder: Path, model: EntropyModel, latents: int, side: int) -> None:
    """Refuse an entropy model that does not fit the networks or the firmware's loops.

    Raises:
        InputError: Something does not fit; the message says what.
    """
    arrays, groups = model.arrays, model.groups
    starts = arrays["tables.latents_start"].astype(int)
    firsts = [0, *(group.last for group in groups)]
    sums = [int(arrays["tables.latents"][a:b].sum()) for a, b in pairwise(starts)]
    faults = {
        f"{model.latents} gains for {latents} latents": model.latents != latents,
        f"{latents} latents, allowed are multiples of 4": latents % 4 != 0,
        f"{model.side} side tables for {side} channels": model.side != side,
        f"side tables {arrays['tables.side'].shape}": arrays["tables.side"].shape[1:]
        != (SIDE_CONTEXTS, 64),
        "frequencies that do not sum to 2^16": any(total != 1 << 16 for total in sums)
        or bool((arrays["tables.side"].sum(axis=2) != 1 << 16).any()),
        f"{len(sums)} tables of latents, allowed are {TABLES}": len(sums) != TABLES,
        f"{arrays['context.expected'].size} scales": arrays["context.expected"].size != SCALES,
        "a silent scale that expects magnitudes": int(arrays["context.expected"][0]) != 0,
        f"means of {model.predicted} channels, allowed is the end of a group": model.predicted
        not in firsts,
        "channel groups that do not follow each other": any(
            group.first != first or group.window > first
            for group, first in zip(groups, firsts, strict=False)
        ),
    }
    for fault, found in faults.items():
        if found:
            raise InputError(f"{folder}: {fault}")


def gains(folder: Path, gain: NDArray[np.int16]) -> tuple[Integers, Integers, Integers]:
    """Split log₂-gains into a part per row, a part per channel and a rest of 8 bits.

    Raises:
        InputError: The rest does not fit into 8 bits.
    """
    whole = gain.astype(np.int64)
    channel = np.median(whole, axis=0).astype(np.int64)
    rest = whole - channel
    row = (rest.max(axis=1) + rest.min(axis=1)) // 2
    rest -= row[:, None]
    if rest.min() < -128 or rest.max() > 127:
        raise InputError(
            f"{folder}: gain: {rest.min()} to {rest.max()} about its quality and its channel, "
            f"allowed are -128 to 127"
        )
    return row, channel, rest


def golden_pixels() -> NDArray[np.uint8]:
    """Return the golden tile (rows, columns, 3): slopes, an edge, and stronger noise in a part."""
    row, column, band = np.indices((GOLDEN_ROWS, GOLDEN_COLUMNS, 3))
    value = 40 + 2 * row + band * column + np.where(3 * row > 2 * column + 20, 60, 0)
    noise = (row * 7919 + column * 104729 + band * 1299709) * 2654435761 % (1 << 32) >> 26
    value = value + np.where(row + column > 60, noise, noise // 16)
    return np.asarray(np.clip(value, 0, 255), np.uint8)


def encode(
    model: StudentModel, pixels: NDArray[np.uint8], rotation: Quaternion, quality: int
) -> bytes:
    """Return the Python encoder's codestream for a tile of three bands."""
    pad = [(0, -side % BLOCK) for side in pixels.shape[:2]]
    whole = np.pad(pixels, [*pad, (0, 0)], mode="edge")
    latents, side = model.analyse(whole, rotation_matrix(rotation))
    tile = AnalysedTile.of(latents, side, model.log_scales(side))
    return encode_tile(model.entropy, tile, quality)


def numbers(values: Integers | Sequence[int]) -> str:
    """Return integers as the contents of a C initialiser."""
    flat = np.asarray(values).reshape(-1).tolist()
    return ",\n".join(",".join(map(str, flat[at : at + 24])) for at in range(0, len(flat), 24))


def blocks(weight: Integers) -> str:
    """Return a 1x1 convolution's weights in the order of struct dp_layer, in groups of four."""
    outputs, inputs = weight.shape
    parts = weight.reshape(outputs // 4, 4, inputs // VECTOR, VECTOR).transpose(0, 2, 1, 3)
    quads = parts.reshape(-1, 4).tolist()
    return ",\n".join("DP_QUAD({},{},{},{})".format(*quad) for quad in quads)


def shape_header(model: EntropyModel, found: dict[str, Layer], golden: bytes) -> str:
    """Return the text of dp_shape.h."""
    fine, middle, coarse = (
        int(found[f"{stage}_mix"].weight.shape[0]) for stage in ("fine", "middle", "coarse")
    )
    hyper = int(found["side_in"].weight.shape[0])
    values = {
        "DP_LATENTS": model.latents,
        "DP_FINE": fine,
        "DP_MIDDLE": middle,
        "DP_COARSE": coarse,
        "DP_HYPER": hyper,
        "DP_SIDE": model.side,
        "DP_PREDICTED": model.predicted,
        "DP_GROUPS": len(model.groups),
        "DP_LARGEST_GROUP": max(group.last - group.first for group in model.groups),
        "DP_WIDEST_NEAR": padded(max(fine, middle, coarse, hyper)),
        "DP_GOLDEN_ROWS": GOLDEN_ROWS,
        "DP_GOLDEN_COLUMNS": GOLDEN_COLUMNS,
        "DP_GOLDEN_QUALITY": GOLDEN_QUALITY,
        "DP_GOLDEN_BYTES": len(golden),
    }
    rotation = ", ".join(map(str, GOLDEN_ROTATION))
    return "\n".join(
        [
            "/* Sizes of the model; written by downpass.payload.board.firmware.weights. */",
            "#ifndef DP_SHAPE_H",
            "#define DP_SHAPE_H",
            *(f"#define {name} {value}u" for name, value in values.items()),
            f"#define DP_GOLDEN_ROTATION {{{rotation}}}",
            "#endif",
            "",
        ]
    )


def model_source(
    folder: Path,
    model: StudentModel,
    found: dict[str, Layer],
    spread: Integers,
    golden: bytes,
) -> str:
    """Return the text of dp_model.c."""
    return "\n".join(
        [
            "/* The model's integers; written by downpass.payload.board.firmware.weights. */",
            '#include "model.h"',
            "",
            '#include "kernels.h"',
            '#include "student.h"',
            "",
            *_layers(found),
            _table("uint8_t dp_side_spread[DP_LATENTS]", spread),
            *_entropy(folder, model.entropy),
            _table("uint8_t dp_golden_pixels[]", golden_pixels().astype(np.int64)),
            _table("uint8_t dp_nn_fingerprint[8]", list(model.fingerprint)),
            f"const uint32_t dp_nn_golden_crc = {zlib.crc32(golden)}u;",
            "",
        ]
    )


def _table(name: str, values: Integers | Sequence[int]) -> str:
    return f"const {name} = {{\n{numbers(values)}}};"


def _layers(found: dict[str, Layer]) -> Iterator[str]:
    for name, layer in found.items():
        near = name.endswith("_near")
        inside = numbers(layer.weight) if near else blocks(layer.weight)
        kind = "dp_depthwise" if near else "dp_layer"
        outputs, inputs = layer.weight.shape
        sizes = f"{inputs}" if near else f"{outputs}, {inputs}"
        yield f"static const int8_t {name}_weights[] DP_ALIGNED = {{\n{inside}}};"
        yield f"static {_table(f'int32_t {name}_bias[] DP_ALIGNED', layer.bias)}"
        yield f"static {_table(f'uint8_t {name}_shift[] DP_ALIGNED', layer.shift)}"
        yield (
            f"const struct {kind} dp_{name} = {{{sizes}, {layer.low}, {layer.high}, "
            f"{name}_weights, {name}_bias, {name}_shift}};"
        )


def _entropy(folder: Path, model: EntropyModel) -> Iterator[str]:
    arrays = {name: array.astype(np.int64) for name, array in model.arrays.items()}
    groups = []
    for number, group in enumerate(model.groups):
        name = "0"
        if group.first < model.predicted:
            name = f"means_{number}"
            own = arrays["means"][:, group.first : group.last, : group.last]
            by_tap = own.reshape(*own.shape[:3], 9).transpose(0, 1, 3, 2)
            yield f"static {_table(f'int16_t {name}[]', by_tap)}"
        groups.append(f"{{{group.first}, {group.last}, {group.window}, {name}}}")
    yield f"const struct dp_group dp_groups[DP_GROUPS] = {{{', '.join(groups)}}};"
    row, channel, rest = gains(folder, model.gain)
    yield _table("int16_t dp_gain_row[257]", row)
    yield _table("int16_t dp_gain_channel[DP_LATENTS]", channel)
    lines = ",\n".join(f"{{{numbers(line)}}}" for line in rest)
    yield f"const int8_t dp_gain_rest[257][DP_LATENTS] = {{{lines}}};"
    cells = [
        "{"
        + ",".join(
            "{" + ",".join(f"{{{numbers(line)}}}" for line in phase) + "}" for phase in group
        )
        + "}"
        for group in arrays["context.correction"]
    ]
    yield f"const int8_t dp_correction[DP_GROUPS][4][32][32] = {{{','.join(cells)}}};"
    yield _table("uint16_t dp_expected[121]", arrays["context.expected"])
    yield _table("uint8_t dp_rounding[121]", arrays["rounding"])
    yield _table("uint16_t dp_mantissas[32]", MANTISSAS)
    starts = arrays["tables.latents_start"]
    tables = np.split(arrays["tables.latents"], starts[1:-1])
    yield _table("uint16_t dp_latent_tables[]", np.concatenate([_before(one) for one in tables]))
    yield _table("uint16_t dp_latent_start[66]", starts)
    sides = ",\n".join(
        "{" + ",".join(f"{{{numbers(_before(one))}}}" for one in channel) + "}"
        for channel in arrays["tables.side"]
    )
    yield f"const uint16_t dp_side_tables[DP_SIDE][6][64] = {{{sides}}};"


def _before(frequencies: Integers) -> Integers:
    """Return the cumulative frequency before each symbol."""
    return np.asarray(np.cumsum(frequencies) - frequencies)


def generate(out: Path, exported: Path | None = None) -> None:
    """Write a model's C.

    Args:
        out: Folder to write to.
        exported: A model folder with all parts; the model in the package by default.

    Raises:
        InputError: No model, or one that the firmware does not support.
    """
    folder = exported or FOLDER
    try:
        arrays = load_integers(exported or shared_model.FOLDER, folder)
        found, latents, side = layers(folder, arrays)
        model = load(exported)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{folder}: integers.npz has no array {error}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: {error}") from None
    check_entropy(folder, model.entropy, latents, side)
    spread = Networks(folder, arrays).array("hyper.spread_shift")
    if spread.size != latents or spread.min() < 0 or spread.max() > 16:
        raise InputError(
            f"{folder}: hyper.spread_shift: {spread.size} shifts of {spread.min()} to "
            f"{spread.max()}, allowed are {latents} of 0 to 16"
        )
    golden = encode(model, golden_pixels(), GOLDEN_ROTATION, GOLDEN_QUALITY)
    texts = {
        "dp_shape.h": shape_header(model.entropy, found, golden),
        "dp_model.c": model_source(folder, model, found, spread, golden),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m downpass.payload.board.firmware.weights",
        description="Write the student's integers as C, for the boards' firmware.",
    )
    parser.add_argument("--model", type=Path, help="a model folder that export wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parsed = parser.parse_args(arguments)
    try:
        generate(parsed.out, parsed.model)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
