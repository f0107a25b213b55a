"""Small ONNX graphs, made by the package onnx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 8
Shape = Sequence[int | str | None]


def value(name: str, kind: int, shape: Shape) -> Any:
    """Return the description of an input or an output."""
    return helper.make_tensor_value_info(name, kind, shape)


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    """Return a node; inputs are separated by spaces."""
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def model(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: dict[str, NDArray[Any]] | None = None,
) -> Any:
    """Return a model that the package onnx accepts."""
    held = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def save(path: Path, made: Any) -> Path:
    """Write a model without further files."""
    path.write_bytes(made.SerializeToString())
    return path


def cosine_pair(folder: Path, bands: int = 3, quality: bool = True) -> tuple[Path, Path]:
    """Write a transform coder: 8 x 8 cosine transform of each band, steps that follow the quality.

    The quality is 0 to 1, and the quantiser's step exp(-6 · quality) of the range of samples.
    """
    at = np.arange(SIDE)
    waves = np.sqrt(2 / SIDE) * np.cos(np.outer(at, 2 * at + 1) * np.pi / (2 * SIDE))
    waves[0] /= np.sqrt(2)
    kernel = np.einsum("ui,vk->uvik", waves, waves).reshape(SIDE * SIDE, 1, SIDE, SIDE)
    weights = {
        "kernel": np.tile(kernel, (bands, 1, 1, 1)).astype(np.float32),
        "half": np.float32(0.5).reshape(()),
        "six": np.float32(6.0).reshape(()),
    }
    coefficients = bands * SIDE * SIDE
    tile = ("tile", TensorProto.FLOAT, [1, bands, "rows", "columns"])
    latents = ("latents", TensorProto.INT16, [1, coefficients, "down", "across"])
    gain = [
        *([] if quality else [node("Constant", "", "quality", value_float=0.8)]),
        node("Mul", "quality six", "log_gain"),
        node("Exp", "log_gain", "gain"),
    ]
    given = [value("quality", TensorProto.FLOAT, [])] if quality else []
    encoder = model(
        [
            *gain,
            node("Sub", "tile half", "centred"),
            node("Conv", "centred kernel", "waves", strides=[SIDE, SIDE], group=bands),
            node("Mul", "waves gain", "scaled"),
            node("Round", "scaled", "rounded"),
            node("Cast", "rounded", "latents", to=TensorProto.INT16),
        ],
        [value(*tile), *given],
        [value(*latents)],
        weights,
    )
    decoder = model(
        [
            *gain,
            node("Cast", "latents", "scaled", to=TensorProto.FLOAT),
            node("Div", "scaled gain", "waves"),
            node("ConvTranspose", "waves kernel", "centred", strides=[SIDE, SIDE], group=bands),
            node("Add", "centred half", "tile"),
        ],
        [value(*latents), *given],
        [value(*tile)],
        weights,
    )
    return save(folder / "encoder.onnx", encoder), save(folder / "decoder.onnx", decoder)
