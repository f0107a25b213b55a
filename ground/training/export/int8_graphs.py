"""The onboard networks as ONNX graphs of 8-bit kernels: the same integers, twice as fast.

Activations are unsigned bytes, channels last. Most layers are one `QLinearConv`, which rounds
float(sum) · scale to the nearest byte, ties to even, and saturates. The codec rounds ties up:

    out = clip((sum + 2^(s-1)) >> s, 0, 255)

The scale is therefore 2^-s · (1 + 2^-22). At a tie (sum · 2^-s = k + 1/2) the product is two units
in its last place larger, is not rounded back, and goes up. The largest number below a tie,
k + 1/2 - 2^-s, gains less than 2^-14 and stays below it for s up to 13. Negative sums give 0 in
both cases. Where sums are needed before rounding (residuals, latents), `MatMulIntegerToFloat` gives
float(sum) · 2^-s + bias, which is exact below 2^24.

The planes have ten bits. They enter as two bytes, 4 · high + low, with the zero point 128; the
split is made outside the graph.

Processors without VNNI or dot-product instructions run these kernels with sums of two products in
16 bits, which saturate. The encoder therefore runs `probe_graph` first, and uses the graphs of
`float32_graphs` if a sum is wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ....payload.encoders.student.int8_graphs import LIMITS, LINEAR_LIMITS
from ....payload.encoders.student.pixel_blocks import CELL_BYTES
from ..networks.shape import BLOCK
from .extract import LARGEST_SHIFT
from .graph_builder import GraphBuilder
from .integer_networks import Arrays

LIFT = 1.0 + 2.0**-22
"""Factor on the scale, by which ties are rounded up."""
_DOMAIN = "com.microsoft"


class Int8GraphBuilder(GraphBuilder):
    """Adds layers of 8-bit kernels, channels last."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self.domains.append(helper.make_opsetid(_DOMAIN, 1))

    def layer(self, name: str, value: str, **options: Any) -> str:
        """Add a whole layer from bytes to bytes.

        Raises:
            ValueError: Its outputs are not bytes, or the shift is too large for `LIFT`.
        """
        weight, shift = self.weight(name), self.shift(name)
        low, high = self.arrays[f"{name}.clip"]
        if (low, high) != (0, 255) or int(shift.max()) > LARGEST_SHIFT:
            raise ValueError(f"{name}: clipped to {low}…{high} after shifts up to {shift.max()}")
        stride = int(options.get("stride", 1))
        if stride > 1:
            weight = weight.reshape(weight.shape[0], -1, stride, stride)
        weight = options.get("weight", weight)
        rows, columns = weight.shape[2:]
        depthwise = weight.shape[1] == 1 and weight.shape[0] > 1 and rows == 3
        scale = (np.exp2(-shift) * LIFT).astype(np.float32)
        return self.node(
            "QLinearConv", value, self.unit_scale(), options.get("zero", self.zero_point()),
            self.constant(weight, f"{name}.weight"), self.constant(scale, f"{name}.scale"),
            self.constant(np.zeros(shift.size, np.int8), f"{name}.zeros"),
            self.unit_scale(), self.zero_point(),
            self.constant(self.arrays[f"{name}.bias"].astype(np.int32), f"{name}.bias"),
            domain=_DOMAIN, channels_last=1, kernel_shape=[rows, columns],
            pads=[rows // 2] * 4 if stride == 1 else [0] * 4,
            strides=[stride, stride], group=weight.shape[0] if depthwise else 1,
        )  # fmt: skip

    def sums(
        self,
        name: str,
        value: str,
        *,
        matrix: NDArray[Any] | None = None,
        times: float = 1.0,
        added: float | None = 0.5,
        zero: str | None = None,
    ) -> str:
        """Add a 1 x 1 layer's sums in float: sum · times · 2^-s + bias.

        Args:
            name: Name of the layer in the arrays.
            value: Name of its input, bytes (…, channels).
            matrix: Weights (in, out), if their order differs from that of the arrays.
            times: A power of two.
            added: What is added to the bias if there is a shift: 1/2 for sums that are floored
                later; 0 for sums that are rounded to nearest later (half a last place is added, so
                that there are no ties). None for no bias.
            zero: Name of the input's zero point.
        """
        shift = self.shift(name)
        matrix = self.weight(name)[:, :, 0, 0].T if matrix is None else matrix
        inputs = [
            value,
            self.constant(matrix, f"{name}.matrix"),
            self.unit_scale(),
            self.constant((np.exp2(-shift) * times).astype(np.float32), f"{name}.scale_{times}"),
            zero or self.zero_point(),
            self.constant(np.zeros(shift.size, np.int8), f"{name}.zeros"),
        ]
        if added is not None:
            bias = self.arrays[f"{name}.bias"] * np.exp2(-shift)
            bias = bias + (np.where(shift > 0, 0.5, 0.0) if added else np.exp2(-shift - 1.0))
            inputs.append(self.constant(bias.astype(np.float32), f"{name}.bias"))
        return self.node("MatMulIntegerToFloat", *inputs, domain=_DOMAIN)

    def block(self, name: str, value: str) -> str:
        """Add a separable block: depthwise, 1 x 1, the input added."""
        if tuple(self.arrays[f"{name}.pointwise.clip"]) != (0, 255):
            raise ValueError(f"{name}: not clipped to bytes")
        inner = self.layer(f"{name}.depthwise", value)
        added = self.sums(f"{name}.pointwise", inner, added=0.0)
        return self.bytes(self.node("Add", added, self.node("Cast", value, to=TensorProto.FLOAT)))

    def bytes(self, value: str) -> str:
        """Add rounding to the nearest byte, of values without ties."""
        return self.node("QuantizeLinear", value, self.unit_scale(), self.zero_point())

    def check_limits(self, name: str, largest: int) -> None:
        """Check that the sums of a 1 x 1 layer cannot leave its limits.

        Args:
            name: Name of the layer in the arrays.
            largest: Largest magnitude of its inputs.

        Raises:
            ValueError: They can.
        """
        weight, bias = self.weight(name).astype(np.int64), self.arrays[f"{name}.bias"]
        total = np.abs(weight).reshape(weight.shape[0], -1).sum(axis=1)
        worst = ((largest * total + np.abs(bias)) * np.exp2(-self.shift(name))).max()
        low, high = self.arrays[f"{name}.clip"]
        if worst > min(-low, high):
            raise ValueError(f"{name}: sums may reach {worst:.0f}, limits are {low}…{high}")

    def weight(self, name: str) -> NDArray[np.int8]:
        """Return a layer's weights."""
        return self.arrays[f"{name}.weight"]

    def shift(self, name: str) -> NDArray[np.int64]:
        """Return a layer's shifts."""
        return self.arrays[f"{name}.shift"].astype(np.int64)

    def unit_scale(self) -> str:
        """Return the name of the scale 1."""
        return self.constant(1.0, "one")

    def zero_point(self) -> str:
        """Return the name of the zero point 0."""
        return self.constant(np.array(0, np.uint8), "zero")

    def planes_zero_point(self) -> str:
        """Return the name of the zero point 128, that of the planes' bytes."""
        return self.constant(np.array(128, np.uint8), "middle")


def encoder_graph(arrays: Arrays) -> bytes:
    """Return the graph of g_a: from 16 × 16 blocks of planes to sums, which are joined outside.

    `pixel_blocks` and `int8_graphs` in `payload.encoders.student` do what comes before and after.

    Raises:
        ValueError: The limits of the linear analysis are not those that are applied there, or the
            branch may reach its limits, which nothing applies.
    """
    if tuple(arrays["analysis.linear.clip"]) != LINEAR_LIMITS:
        raise ValueError(f"linear analysis clipped to {arrays['analysis.linear.clip']}")
    g = Int8GraphBuilder(arrays)
    g.check_limits("analysis.leave", 255)
    # Pixels are laid out as (row, column, plane), the stored weights as (plane, row, column).
    order = np.arange(CELL_BYTES).reshape(3, -1).T.reshape(-1)
    entering = g.weight("analysis.enter")[:, order]
    # Four times a weight exceeds a byte. The high bytes are therefore repeated, and each copy has a
    # share of the weight.
    copies = -(-4 * int(np.abs(entering.astype(int)).max()) // 127)
    shares = [(4 * entering.astype(int) + i) // copies for i in range(copies)]
    weight = np.concatenate([*shares, entering], axis=1).astype(np.int8)
    shapes: dict[str, list[int | str]] = {
        "entering": [1, "rows4", "columns4", (copies + 1) * CELL_BYTES],
        "high": ["rows", "columns", 3 * BLOCK**2],
        "low": ["rows", "columns", 3 * BLOCK**2],
    }
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in shapes.items()
    ]
    value = g.layer("analysis.enter", "entering", weight=weight, zero=g.planes_zero_point())
    value = g.block("analysis.block_fine", value)
    value = g.layer("analysis.down_middle", value, stride=2)
    value = g.block("analysis.block_middle", value)
    value = g.layer("analysis.down_coarse", value, stride=2)
    value = g.block("analysis.block_coarse", value)
    outputs = {"branch": g.sums("analysis.leave", value)} | _linear(g, "high", "low")
    infos = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [*size, "rows", "columns", "latents"]
        )
        for name, size in (("branch", [1]), ("high_sums", []), ("low_sums", []))
    ]
    return g.model("encoder", inputs, outputs, infos)


def side_graph(arrays: Arrays) -> bytes:
    """Return the graph of h_a: from magnitudes in bytes, with even sides, to ẑ."""
    g = Int8GraphBuilder(arrays)
    latents = arrays["hyper.spread_shift"].size
    sizes = helper.make_tensor_value_info(
        "sizes", TensorProto.UINT8, [1, "rows", "columns", latents]
    )
    side = g.layer("hyper.analysis_in", "sizes")
    side = g.layer("hyper.analysis_out", side, stride=2)
    side = g.node("Floor", g.sums("hyper.analysis_end", side))
    side = g.clip(side, *arrays["hyper.analysis_end.clip"])
    side = g.node("Transpose", g.squeeze(side), perm=[2, 0, 1])
    outputs = {"side": g.node("Cast", side, to=TensorProto.INT32)}
    info = helper.make_tensor_value_info("side", TensorProto.INT32, ["side", "rows2", "columns2"])
    return g.model("side", [sizes], outputs, [info])


def _sides(g: GraphBuilder, value: str, size: int) -> tuple[str, str]:
    """Return the names of rows and columns of (rows, columns, channels), in units of `size`."""
    counts = g.node(
        "Div", g.node("Shape", value), g.constant(np.array([size, size, 1]), f"sides_{size}")
    )
    first, second = (
        g.node("Slice", counts, *(g.constant(np.array([n]), f"slice_{n}") for n in (i, i + 1)))
        for i in (0, 1)
    )
    return first, second


def _linear(g: Int8GraphBuilder, high: str, low: str) -> dict[str, str]:
    """Add the linear analysis: sums of the high and of the low bytes, to be added and floored."""
    weight = g.weight("analysis.linear").reshape(-1, 3, 4, 4, 4, 4)
    # From (plane, row of the 4 × 4 square, row in it, column of the square, column in it) to the
    # order of the blocks' bytes.
    matrix = weight.transpose(2, 4, 3, 5, 1, 0).reshape(3 * BLOCK**2, -1)
    return {
        f"{value}_sums": g.sums(
            "analysis.linear",
            value,
            matrix=matrix,
            times=times,
            added=added,
            zero=g.planes_zero_point(),
        )
        for value, times, added in ((high, 4.0, 0.5), (low, 1.0, None))
    }


def hyper_graph(arrays: Arrays) -> bytes:
    """Return the graph of h_s, with the input of `float32_graphs.hyper_graph`.

    Its first layers are small and stay in float, because their inputs are signed. Its output is
    neither clipped nor floored; `payload.encoders.student.int8_graphs` does that.

    Raises:
        ValueError: The limits of the log₂ scales are not those that are applied there.
    """
    if tuple(arrays["hyper.synthesis_out.clip"]) != LIMITS:
        raise ValueError(f"log-scales clipped to {arrays['hyper.synthesis_out.clip']}")
    g = Int8GraphBuilder(arrays)
    side = helper.make_tensor_value_info("side", TensorProto.INT32, ["channels", "rows", "columns"])
    value = g.unsqueeze(g.node("Cast", "side", to=TensorProto.FLOAT))
    value = GraphBuilder.layer(g, "hyper.synthesis_in", value)
    value = g.bytes(g.residual("hyper.synthesis_mix", value, value))
    value = g.node("Transpose", value, perm=[0, 2, 3, 1])
    value = g.layer("hyper.synthesis_up", value)
    # Channels are laid out as (channel, row, column) of four positions, which are unfolded here.
    rows, columns = _sides(g, g.squeeze(value), 1)
    count = arrays["hyper.synthesis_up.weight"].shape[0] // 4
    two, channels = (g.constant(np.array([n]), f"split_{n}") for n in (2, count))
    split = g.node("Concat", rows, columns, channels, two, two, axis=0)
    value = g.node("Transpose", g.node("Reshape", value, split), perm=[0, 3, 1, 4, 2])
    value = g.node("Reshape", value, g.constant(np.array([-1, count]), "positions"))
    value = g.sums("hyper.synthesis_out", value)
    minus = g.constant(np.array([-1]), "minus")
    whole = g.node("Concat", g.node("Mul", rows, two), g.node("Mul", columns, two), minus, axis=0)
    outputs = {"log_scales": g.node("Reshape", value, whole)}
    info = helper.make_tensor_value_info(
        "log_scales", TensorProto.FLOAT, ["rows2", "columns2", "latents"]
    )
    return g.model("hyper", [side], outputs, [info])


def probe_graph() -> bytes:
    """Return a graph whose outputs show whether a processor's 8-bit kernels add exactly.

    bytes (1, 8, 8, 64) → product float (1, 8, 8, 32), convolved and depthwise bytes. All weights
    are 127. `product` holds the sums themselves, the others the sums times 2^-13.
    """
    channels, out, shift = 64, 32, 13
    arrays: Arrays = {}
    shapes = {"product": (out, 1, 1), "convolved": (out, 1, 1), "depthwise": (channels, 3, 3)}
    for name, (count, rows, columns) in shapes.items():
        taken = 1 if name == "depthwise" else channels
        arrays[f"{name}.weight"] = np.full((count, taken, rows, columns), 127, np.int8)
        arrays[f"{name}.bias"] = np.zeros(count, np.int32)
        arrays[f"{name}.shift"] = np.full(count, 0 if name == "product" else shift, np.int8)
        arrays[f"{name}.clip"] = np.array([0, 255], np.int32)
    g = Int8GraphBuilder(arrays)
    size = [1, 8, 8]
    taken_info = helper.make_tensor_value_info("bytes", TensorProto.UINT8, [*size, channels])
    outputs = {
        "product": g.sums("product", "bytes"),
        "convolved": g.layer("convolved", "bytes"),
        "depthwise": g.layer("depthwise", "bytes"),
    }
    infos = [
        helper.make_tensor_value_info("product", TensorProto.FLOAT, [*size, out]),
        helper.make_tensor_value_info("convolved", TensorProto.UINT8, [*size, out]),
        helper.make_tensor_value_info("depthwise", TensorProto.UINT8, [*size, channels]),
    ]
    return g.model("probe", [taken_info], outputs, infos)
