"""Builder of ONNX graphs of integer layers that run at the full speed of float32.

Each layer is `Conv → Clip → Floor`. Its int8 weights are cast and scaled by 2^-shift per output
channel when the graph is loaded, and its bias holds the half that rounds. Scaling by a power of two
changes no digit, so sums stay as exact as those of the integers (see `networks.quantise`), and
floor(clip(v)) = clip(floor(v)) between integer bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .integer_networks import Arrays

OPSET = 17

IR_VERSION = 8


class GraphBuilder:
    """Collects the nodes and constants of a graph, and names them.

    Args:
        arrays: The codec's integers, as `extract` gives them.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.count = 0
        self.domains: list[onnx.OperatorSetIdProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return its output's name."""
        self.count += 1
        name = f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: NDArray[Any] | float, name: str | None = None) -> str:
        """Add a constant (a number is float32) and return its name."""
        array = np.asarray(value, np.float32) if np.isscalar(value) else np.asarray(value)
        name = (
            name or f"constant_{array.dtype}_{array.ravel()[0]}_{array.size}_{len(self.constants)}"
        )
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def convolution(
        self,
        name: str,
        value: str,
        *,
        stride: int = 1,
        order: NDArray[np.int64] | None = None,
        bias: str | None = None,
    ) -> str:
        """Add a layer's sums, scaled and with the rounding half, not yet floored.

        Args:
            name: Name of the layer in the arrays.
            value: Name of its input.
            stride: If s > 1, the convolution includes the folding of s x s positions.
            order: Order of the input's channels, if they are folded in another order.
            bias: Name of a computed bias (float, scaled), in place of the stored one.
        """
        weight = self.arrays[f"{name}.weight"]
        shift = self.arrays[f"{name}.shift"].astype(np.int64)
        if stride > 1:
            out, taken = weight.shape[:2]
            weight = weight.reshape(out, taken // stride**2, stride, stride)
        if order is not None:
            weight = weight[:, order]
        scale = np.exp2(-shift).astype(np.float32).reshape(-1, 1, 1, 1)
        stored = self.constant(weight, f"{name}.weight")
        cast = self.node("Cast", stored, to=TensorProto.FLOAT)
        scaled = self.node("Mul", cast, self.constant(scale, f"{name}.scale"))
        half = np.where(shift > 0, 0.5, 0.0)
        if bias is None:
            whole = self.arrays[f"{name}.bias"].astype(np.float64) * np.exp2(-shift) + half
            bias = self.constant(whole.astype(np.float32), f"{name}.bias")
        rows = weight.shape[2]
        pads = [rows // 2] * 4 if stride == 1 else [0] * 4
        depthwise = weight.shape[1] == 1 and weight.shape[0] > 1 and rows == 3
        return self.node(
            "Conv", value, scaled, bias,
            kernel_shape=[rows, weight.shape[3]],
            pads=pads,
            strides=[stride, stride],
            group=weight.shape[0] if depthwise else 1,
        )  # fmt: skip

    def clip(self, value: str, low: float, high: float) -> str:
        """Add a clip to the range low…high."""
        return self.node("Clip", value, self.constant(float(low)), self.constant(float(high)))

    def layer(self, name: str, value: str, **options: Any) -> str:
        """Add a whole layer: sums, clip, floor."""
        low, high = self.arrays[f"{name}.clip"]
        return self.node("Floor", self.clip(self.convolution(name, value, **options), low, high))

    def residual(self, name: str, value: str, addend: str, **options: Any) -> str:
        """Add a layer whose floored sums are added to `addend` before the clip."""
        sums = self.node("Floor", self.convolution(name, value, **options))
        return self.clip(self.node("Add", addend, sums), *self.arrays[f"{name}.clip"])

    def move(self, value: str, shift: NDArray[Any] | int, low: int, high: int) -> str:
        """Add (value + 2^(shift-1)) >> shift, clipped (a negative shift multiplies)."""
        amount = np.asarray(shift, np.float64)
        if np.any(amount != 0):
            value = self.node("Mul", value, self.constant(np.exp2(-amount).astype(np.float32)))
        if np.any(amount > 0):
            half = np.where(amount > 0, 0.5, 0.0).astype(np.float32)
            value = self.node("Floor", self.node("Add", value, self.constant(half)))
        return self.clip(value, low, high)

    def fold(self, value: str, size: int) -> str:
        """Add space-to-depth; channels come in the order row, column, channel."""
        return self.node("SpaceToDepth", value, blocksize=size)

    def unfold(self, value: str, size: int) -> str:
        """Add depth-to-space of channels in the order channel, row, column."""
        return self.node("DepthToSpace", value, blocksize=size, mode="CRD")

    def squeeze(self, value: str) -> str:
        """Drop the batch axis."""
        return self.node("Squeeze", value, self.constant(np.array([0], np.int64), "axis_0"))

    def unsqueeze(self, value: str) -> str:
        """Add the batch axis."""
        return self.node("Unsqueeze", value, self.constant(np.array([0], np.int64), "axis_0"))

    def model(
        self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: dict[str, str],
        infos: Sequence[onnx.ValueInfoProto],
    ) -> bytes:  # fmt: skip
        """Return the serialised model; `outputs` maps public names to inner ones."""
        for public, inner in outputs.items():
            self.nodes.append(helper.make_node("Identity", [inner], [public]))
        graph = helper.make_graph(
            self.nodes, name, list(inputs), list(infos), list(self.constants.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET), *self.domains]
        )
        model.ir_version = IR_VERSION
        model.producer_name = "downpass"
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
