"""The networks as ONNX graphs in float32, exact on integers.

Graphs (of one tile or one frame, without a batch axis):
  encoder  planes int32 (3, 16·R, 16·C), in half grey levels, after the prefilter
           →  latents int32 (N, R, C), side int32 (S, ⌈R/2⌉, ⌈C/2⌉)
  hyper    side int32 (S, r, c)          →  log_scales int32 (N, 2·r, 2·c)
  decoder  latents int32 (N, R, C), quality int64 (), rotation int32 (3, 3),
           joined_rows uint8 (R - 1), joined_columns uint8 (C - 1)
           →  pixels uint8 (16·R, 16·C, 3)

`joined_rows` and `joined_columns` are 1 where a boundary between blocks lies inside a tile, else 0.
A decoder without a postfilter has these inputs, too, and does not read them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ....link.student.lapped import FRACTION, POSTFILTER, REACH, weights_of
from ..data.colour import MATRIX_FRACTION
from ..networks.shape import BLOCK, LATENT_FRACTION, PIXEL_FRACTION, SYNTHESIS_FRACTION
from .graph_builder import GraphBuilder
from .integer_networks import Arrays


def encoder_graph(arrays: Arrays) -> bytes:
    """Return the graph of g_a and h_a.

    `payload.encoders.student.pixel_blocks` computes its input: rotation and prefilter.
    """
    g = GraphBuilder(arrays)
    info = helper.make_tensor_value_info("planes", TensorProto.INT32, [3, "height", "width"])
    planes = g.node("Cast", "planes", to=TensorProto.FLOAT)
    linear = _linear_analysis(g, planes)
    value = g.layer("analysis.enter", g.unsqueeze(planes), stride=4)
    value = _separable(g, "analysis.block_fine", value)
    value = g.layer("analysis.down_middle", value, stride=2)
    value = _separable(g, "analysis.block_middle", value)
    value = g.layer("analysis.down_coarse", value, stride=2)
    value = _separable(g, "analysis.block_coarse", value)
    latents = g.node("Add", linear, g.layer("analysis.leave", value))
    spread = arrays["hyper.spread_shift"].astype(np.int64).reshape(1, -1, 1, 1)
    side = g.move(g.node("Abs", latents), spread, 0, 255)
    side = g.node("Pad", side, _odd_padding(g, side))
    side = g.layer("hyper.analysis_in", side)
    side = g.layer("hyper.analysis_out", side, stride=2)
    side = g.layer("hyper.analysis_end", side)
    outputs = {
        "latents": g.squeeze(g.node("Cast", latents, to=TensorProto.INT32)),
        "side": g.squeeze(g.node("Cast", side, to=TensorProto.INT32)),
    }
    infos = [
        helper.make_tensor_value_info("latents", TensorProto.INT32, ["latents", "rows", "columns"]),
        helper.make_tensor_value_info("side", TensorProto.INT32, ["side", "rows2", "columns2"]),
    ]
    return g.model("encoder", [info], outputs, infos)


def _linear_analysis(g: GraphBuilder, planes: str) -> str:
    """Add the linear analysis as one matrix product, which runs faster than a convolution."""
    counts = g.node(
        "Div", g.node("Shape", planes), g.constant(np.array([3, BLOCK, BLOCK]), "block_sides")
    )
    rows, columns = (
        g.node("Slice", counts, *(g.constant(np.array([n]), f"index_{n}") for n in (i, i + 1)))
        for i in (1, 2)
    )
    side = g.constant(np.array([BLOCK]), "block")
    split = g.node("Concat", g.constant(np.array([3]), "bands"), rows, side, columns, side, axis=0)
    # From (plane, row of blocks, row, column of blocks, column); weights are (plane, row, column).
    blocks = g.node("Transpose", g.node("Reshape", planes, split), perm=[1, 3, 0, 2, 4])
    flat = g.constant(np.array([3 * BLOCK**2]), "block_size")
    blocks = g.node("Reshape", blocks, g.node("Concat", rows, columns, flat, axis=0))
    matrix = g.arrays["analysis.linear.weight"].reshape(-1, 3 * BLOCK**2).T
    shift = g.arrays["analysis.linear.shift"].astype(np.int64)
    stored = g.node("Cast", g.constant(matrix, "analysis.linear.weight"), to=TensorProto.FLOAT)
    scale = g.constant(np.exp2(-shift).astype(np.float32), "analysis.linear.scale")
    half = np.where(shift > 0, 0.5, 0.0)
    bias = (g.arrays["analysis.linear.bias"] * np.exp2(-shift) + half).astype(np.float32)
    value = g.node("MatMul", blocks, g.node("Mul", stored, scale))
    value = g.node("Floor", g.node("Add", value, g.constant(bias, "analysis.linear.bias")))
    value = g.clip(value, *g.arrays["analysis.linear.clip"])
    return g.unsqueeze(g.node("Transpose", value, perm=[2, 0, 1]))


def _odd_padding(g: GraphBuilder, value: str) -> str:
    """Return the pads that make both sides even, from the value's shape."""
    shape = g.node("Slice", g.node("Shape", value), *(
        g.constant(np.array([n], np.int64), f"index_{n}") for n in (2, 4)
    ))  # fmt: skip
    odd = g.node("Mod", shape, g.constant(np.array([2], np.int64), "two"))
    zeros = g.constant(np.zeros(6, np.int64), "zeros_6")
    return g.node("Concat", zeros, odd, axis=0)


def _separable(g: GraphBuilder, name: str, value: str) -> str:
    """Add a separable block: depthwise, 1 x 1, the input added."""
    inner = g.layer(f"{name}.depthwise", value)
    return g.residual(f"{name}.pointwise", inner, value)


def hyper_graph(arrays: Arrays) -> bytes:
    """Return the graph of h_s."""
    g = GraphBuilder(arrays)
    side = helper.make_tensor_value_info("side", TensorProto.INT32, ["channels", "rows", "columns"])
    value = g.unsqueeze(g.node("Cast", "side", to=TensorProto.FLOAT))
    value = g.layer("hyper.synthesis_in", value)
    value = g.residual("hyper.synthesis_mix", value, value)
    value = g.unfold(g.layer("hyper.synthesis_up", value), 2)
    value = g.layer("hyper.synthesis_out", value)
    outputs = {"log_scales": g.squeeze(g.node("Cast", value, to=TensorProto.INT32))}
    info = helper.make_tensor_value_info(
        "log_scales", TensorProto.INT32, ["latents", "rows2", "columns2"]
    )
    return g.model("hyper", [side], outputs, [info])


def decoder_graph(arrays: Arrays) -> bytes:
    """Return the graph of g_s, the rotation back included."""
    g = GraphBuilder(arrays)
    latents = helper.make_tensor_value_info(
        "latents", TensorProto.INT32, ["latents", "rows", "columns"]
    )
    quality = helper.make_tensor_value_info("quality", TensorProto.INT64, [])
    linear = _postfilter(g, _linear_synthesis(g))
    seen = g.move(linear, 3, -512, 511)
    taken = arrays["synthesis.enter.weight"].shape[1]
    # SpaceToDepth gives (row, column, channel); the weights are laid out as (channel, row, column).
    order = np.arange(taken).reshape(taken // 16, 16).T.reshape(-1)
    value = g.layer("synthesis.enter", g.fold(seen, 4), order=order)
    value = _stack(g, "before", value)
    single = g.unsqueeze(g.node("Cast", "latents", to=TensorProto.FLOAT))
    spread = arrays["synthesis.spread_shift"].astype(np.int64).reshape(1, -1, 1, 1)
    hint = g.unfold(g.layer("synthesis.latent_in", g.move(single, spread, -128, 127)), 2)
    inner = g.layer("synthesis.down", _move(g, "synthesis.to_down", value), stride=2)
    inner = _stack(g, "below", g.node("Add", inner, hint))
    up = g.node("Floor", g.convolution("synthesis.up", _move(g, "synthesis.to_up", inner)))
    value = g.node("Add", value, g.unfold(up, 2))
    value = _stack(g, "after", g.clip(value, *arrays["synthesis.up.clip"]))
    value = g.layer("synthesis.leave", _move(g, "synthesis.to_leave", value))
    planes = g.node("Add", linear, g.unfold(value, 4))
    planes = g.node("Transpose", g.squeeze(planes), perm=[1, 2, 0])
    # Planes of 14 bits times a matrix of 15 bits need float64, for nine multiplications per pixel.
    wide = g.node("Cast", planes, to=TensorProto.DOUBLE)
    levels = g.node("MatMul", wide, g.node("Cast", "rotation", to=TensorProto.DOUBLE))
    scale = np.array(2.0 ** -(MATRIX_FRACTION + PIXEL_FRACTION), np.float64)
    levels = g.node("Mul", levels, g.constant(scale, "pixels.scale"))
    levels = g.node("Add", levels, g.constant(np.array(128.5, np.float64), "pixels.middle"))
    levels = g.node("Cast", g.node("Floor", levels), to=TensorProto.FLOAT)
    levels = g.clip(levels, 0.0, 255.0)
    outputs = {"pixels": g.node("Cast", levels, to=TensorProto.UINT8)}
    info = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["height", "width", 3])
    rotation = helper.make_tensor_value_info("rotation", TensorProto.INT32, [3, 3])
    joined = [
        helper.make_tensor_value_info(f"joined_{axis}", TensorProto.UINT8, [f"{axis} - 1"])
        for axis in ("rows", "columns")
    ]
    return g.model("decoder", [latents, quality, rotation, *joined], outputs, [info])


def _linear_synthesis(g: GraphBuilder) -> str:
    """Add the linear synthesis in float64, because float32 cannot add its sums exactly."""
    shift = LATENT_FRACTION + SYNTHESIS_FRACTION - PIXEL_FRACTION
    weight = g.constant(g.arrays["synthesis.linear.weight"].T, "synthesis.linear.weight")
    scaled = g.node(
        "Mul", g.node("Cast", weight, to=TensorProto.DOUBLE),
        g.constant(np.array(2.0**-shift, np.float64), "synthesis.linear.scale"),
    )  # fmt: skip
    bias = g.arrays["synthesis.linear.bias"].astype(np.float64) * 2.0**-shift + 0.5
    wide = g.node("Cast", "latents", to=TensorProto.DOUBLE)
    wide = g.node("MatMul", g.node("Transpose", wide, perm=[1, 2, 0]), scaled)
    wide = g.node("Add", wide, g.constant(bias, "synthesis.linear.bias"))
    value = g.node("Cast", g.node("Floor", wide), to=TensorProto.FLOAT)
    value = g.node("Transpose", g.clip(value, -8192, 8191), perm=[2, 0, 1])
    return g.unfold(g.unsqueeze(value), BLOCK)


def _postfilter(g: GraphBuilder, linear: str) -> str:
    """Add the filter of the linear planes (1, 3, h, w) across block boundaries, if there is one.

    A boundary's filter is one matrix for the sixteen pixels across it. Its products need float64.
    """
    weights = weights_of(g.arrays, POSTFILTER)
    if weights is None:
        return linear
    turn = [0, 1, 3, 2]
    value = _join_blocks(g, g.node("Cast", linear, to=TensorProto.DOUBLE), weights, "joined_rows")
    value = g.node("Transpose", value, perm=turn)
    value = g.node("Transpose", _join_blocks(g, value, weights, "joined_columns"), perm=turn)
    return g.node("Cast", value, to=TensorProto.FLOAT)


def _join_blocks(g: GraphBuilder, planes: str, weights: NDArray[np.int16], joined: str) -> str:
    """Add the filter along columns, in float64, across the boundaries where `joined` is 1."""

    def sizes(*values: int) -> str:
        return g.constant(np.array(values, np.int64), "sizes_" + "_".join(map(str, values)))

    # Pads of half a block make groups of what lies across a boundary. The first and the last group
    # are at the picture's edges.
    zero = g.constant(np.array(0.0, np.float64), "zero")
    padded = g.node("Pad", planes, sizes(0, 0, REACH, 0, 0, 0, REACH, 0), zero)
    groups = g.node("Reshape", padded, sizes(3, -1, BLOCK, 0))
    matrix = g.constant(_boundary_matrix(weights), POSTFILTER)
    scale = g.constant(np.array(2.0 ** -(FRACTION + 1), np.float64), "postfilter.scale")
    scaled = g.node("Mul", g.node("Cast", matrix, to=TensorProto.DOUBLE), scale)
    rounding = g.constant(np.array(0.5, np.float64), "postfilter.half")
    filtered = g.node("Floor", g.node("Add", g.node("MatMul", scaled, groups), rounding))
    limits = (g.constant(np.array(v, np.float64), f"limit_{v:.0f}") for v in (-8192.0, 8191.0))
    filtered = g.node("Clip", filtered, *limits)
    edge = g.constant(np.zeros(1, np.uint8), "edge")
    inside = g.node("Concat", edge, joined, edge, axis=0)
    inside = g.node("Cast", inside, to=TensorProto.BOOL)
    inside = g.node("Reshape", inside, sizes(-1, 1, 1))
    value = g.node("Reshape", g.node("Where", inside, filtered, groups), sizes(1, 3, -1, 0))
    return g.node("Slice", value, sizes(REACH), sizes(-REACH), sizes(2))


def _boundary_matrix(weights: NDArray[np.int16]) -> NDArray[np.int32]:
    """Return the matrix (16, 16), in 2^-13, that the pixels across a boundary are times."""
    one = (1 << FRACTION) * np.eye(REACH, dtype=np.int32)
    near, far = one + weights, one - weights
    # The pixels before a boundary are numbered from it.
    return np.block([[near[::-1, ::-1], far[::-1]], [far[:, ::-1], near]])


def _move(g: GraphBuilder, name: str, value: str) -> str:
    """Add the move of values from one grid to another."""
    return g.move(value, int(g.arrays[f"{name}.shift"]), *g.arrays[f"{name}.clip"])


def _stack(g: GraphBuilder, part: str, value: str) -> str:
    """Add the residual blocks of one part of the restoration: before, below or after."""
    count = sum(
        k.startswith(f"synthesis.{part}.") and k.endswith(".first.weight") for k in g.arrays
    )
    for i in range(count):
        name = f"synthesis.{part}.{i}"
        shift = g.arrays[f"{name}.first.shift"].astype(np.float64)
        table = g.constant(g.arrays[f"{name}.bias"], f"{name}.bias")
        row = g.node("Cast", g.node("Gather", table, "quality", axis=0), to=TensorProto.FLOAT)
        scale = g.constant(np.exp2(-shift).astype(np.float32), f"{name}.bias_scale")
        bias = g.node("Add", g.node("Mul", row, scale), g.constant(0.5))
        inner = g.layer(f"{name}.first", _move(g, f"{name}.entering", value), bias=bias)
        value = g.residual(f"{name}.second", inner, value)
    return value
