"""Writes the student's integers as C, for the firmware's encoder under firmware/nn.

    python -m downpass.payload.board.firmware.weights --out DIR

writes DIR/dp_shape.h (sizes) and DIR/dp_model.c (weights in the kernels' order, tables, the
fingerprint, the golden tile and the CRC-32 of its codestream). Shapes, shifts and groups come from
the model's arrays and its card. If the model has a prefilter, dp_shape.h defines DP_LAPPED; without
it, the prefilter's code is not compiled. A model that the kernels do not support is refused in one
line.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student import lapped, shared_model
from ....link.student.entropy_model import EntropyModel
from ....link.student.shared_model import load_integers
from ...encoders.student.student_model import FOLDER, StudentModel, load
from .c_arrays import Integers, c_array, numbers
from .entropy_tables import check_entropy, entropy_sources
from .golden_tile import (
    GOLDEN_COLUMNS,
    GOLDEN_QUALITY,
    GOLDEN_ROTATION,
    GOLDEN_ROWS,
    golden_codestream,
    golden_pixels,
)
from .kernel_layers import Layer, kernel_layers, layer_sources, padded, spread_shifts

BAD_INPUT: Final = 2


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
        layers, latents, side = kernel_layers(folder, arrays)
        prefilter = lapped.weights_of(arrays, lapped.PREFILTER)
        model = load(exported)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{folder}: integers.npz has no array {error}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: {error}") from None
    check_entropy(folder, model.entropy, latents, side)
    spread = spread_shifts(folder, arrays, latents)
    golden = golden_codestream(model)
    texts = {
        "dp_shape.h": shape_header(model.entropy, layers, prefilter is not None, golden),
        "dp_model.c": model_source(folder, model, layers, spread, prefilter, golden),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text)


def shape_header(
    model: EntropyModel, layers: dict[str, Layer], is_lapped: bool, golden: bytes
) -> str:
    """Return the text of dp_shape.h."""
    fine, middle, coarse = (
        int(layers[f"{stage}_mix"].weight.shape[0]) for stage in ("fine", "middle", "coarse")
    )
    hyper = int(layers["side_in"].weight.shape[0])
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
            *(["#define DP_LAPPED"] if is_lapped else []),
            f"#define DP_GOLDEN_ROTATION {{{rotation}}}",
            "#endif",
            "",
        ]
    )


def model_source(
    folder: Path,
    model: StudentModel,
    layers: dict[str, Layer],
    spread: Integers,
    prefilter: NDArray[np.int16] | None,
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
            *layer_sources(layers),
            *([] if prefilter is None else [prefilter_source(prefilter)]),
            c_array("uint8_t dp_side_spread[DP_LATENTS]", spread),
            *entropy_sources(folder, model.entropy),
            c_array("uint8_t dp_golden_pixels[]", golden_pixels().astype(np.int64)),
            c_array("uint8_t dp_nn_fingerprint[8]", list(model.fingerprint)),
            f"const uint32_t dp_nn_golden_crc = {zlib.crc32(golden)}u;",
            "",
        ]
    )


def prefilter_source(weights: NDArray[np.int16]) -> str:
    """Return the C of a prefilter's weights (8, 8)."""
    rows = ",\n".join(f"{{{numbers(row)}}}" for row in weights.astype(np.int64))
    return f"const int16_t dp_prefilter[DP_REACH][DP_REACH] DP_ALIGNED = {{\n{rows}}};"


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
