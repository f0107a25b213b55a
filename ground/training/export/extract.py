"""Extraction of a trained codec's integers, with a check that float32 computes them exactly.

A layer `name` becomes the arrays
  name.weight  int8  (out, in / groups, rows, columns)
  name.bias    int32 (out), at the scale of the sums
  name.shift   int8  (out): out = clip((sum + bias + 2^(shift-1)) >> shift, low, high)
  name.clip    int32 (2): low, high
A filter across block boundaries is an array int16 (8, 8) in units of 2^-12. A codec of
separate blocks, whose filters are the identity, has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ....link.student.lapped import POSTFILTER, PREFILTER, weights_of
from ..networks.codec import Codec
from ..networks.lapped import BoundaryFilter
from ..networks.quantise import EXACT, Grid, GridConv
from ..networks.shape import (
    LAPPED_FRACTION,
    LATENT_FRACTION,
    LOG2_FRACTION,
    QUALITY_STEPS,
    SYNTHESIS_FRACTION,
)
from .integer_networks import Arrays

MEAN_FRACTION = 14
"""Weights of the predicted means are in units of 2^-14."""
LARGEST_SHIFT: Final = 13
"""Largest shift of sums to bytes: up to here, 8-bit kernels can be made to round ties up."""


class NotExactError(Exception):
    """The sums of a layer may leave the range in which float32 adds integers exactly."""


@torch.no_grad()
def extract(codec: Codec) -> Arrays:
    """Return the integers of the networks, gains and means of a codec that is on its grids.

    Raises:
        NotExactError: A channel breaks the exactness bound, see `networks.quantise`.
        ValueError: The codec is not on its grids, or a layer would need a left shift.
    """
    if not codec.on_grids:
        raise ValueError("the codec is not on its grids: calibrate it first")
    arrays: Arrays = {}
    hyper, synthesis = codec.hyper, codec.synthesis

    def put(name: str, layer: GridConv, out: Grid) -> None:
        _put_layer(arrays, name, layer, out)

    for name, layer, out in _coding_layers(codec):
        put(name, layer, out)
    _put_filter(arrays, PREFILTER, codec.analysis.prefilter)
    _put_filter(arrays, POSTFILTER, synthesis.postfilter)
    arrays["hyper.spread_shift"] = _powers_of_two(hyper.spread)

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


def _coding_layers(codec: Codec) -> Iterator[tuple[str, GridConv, Grid]]:
    """Yield name, layer and output grid of the networks that both ends must agree on."""
    analysis, hyper = codec.analysis, codec.hyper
    yield "analysis.linear", analysis.linear, analysis.linear_out
    yield "analysis.enter", analysis.enter, analysis.grid_fine
    for stage in ("fine", "middle", "coarse"):
        block, grid = getattr(analysis, f"block_{stage}"), getattr(analysis, f"grid_{stage}")
        yield f"analysis.block_{stage}.depthwise", block.depthwise, block.inner
        yield f"analysis.block_{stage}.pointwise", block.pointwise, grid
    yield "analysis.down_middle", analysis.down_middle, analysis.grid_middle
    yield "analysis.down_coarse", analysis.down_coarse, analysis.grid_coarse
    yield "analysis.leave", analysis.leave, analysis.branch_out
    yield "hyper.analysis_in", hyper.analysis_in, hyper.grid_in
    yield "hyper.analysis_out", hyper.analysis_out, hyper.grid_mid
    yield "hyper.analysis_end", hyper.analysis_end, hyper.side
    yield "hyper.synthesis_in", hyper.synthesis_in, hyper.grid_side
    yield "hyper.synthesis_mix", hyper.synthesis_mix, hyper.grid_side
    yield "hyper.synthesis_up", hyper.synthesis_up, hyper.grid_up
    yield "hyper.synthesis_out", hyper.synthesis_out, hyper.scales


@torch.no_grad()
def limit_shifts(codec: Codec) -> None:
    """Coarsen the weights of channels whose sums are shifted by more than 8-bit kernels allow.

    Training makes some channels' weights so small that their grids become finer than is of use.

    Args:
        codec: A codec that is on its grids, changed in place.
    """
    for _name, layer, out in _coding_layers(codec):
        if (out.low, out.high) == (0, 255):
            shift = layer.weight_fraction + layer.input_fraction - out.fraction
            layer.weight_fraction.sub_((shift - LARGEST_SHIFT).clamp_min(0))


def _floor_half(value: torch.Tensor) -> NDArray[np.float64]:
    """Round half up, as the networks do, in the precision of the values."""
    return torch.floor(value.detach() + 0.5).cpu().double().numpy()


def _powers_of_two(spread: torch.Tensor) -> NDArray[np.int8]:
    """Return the shifts that divide by these input scales."""
    shift = torch.log2(spread).cpu().numpy()
    if np.any(shift != np.round(shift)) or np.any(shift < 0):
        raise ValueError("input scales must be powers of two, at least one")
    return shift.astype(np.int8)


def _put_layer(arrays: Arrays, name: str, layer: GridConv, out: Grid) -> None:
    """Add the arrays of a layer whose output lies on the grid `out`."""
    step = torch.exp2(-layer.weight_fraction).view(-1, 1, 1, 1)
    weight = _floor_half(layer.weight / step).clip(-127, 127)
    bias = layer.bias if layer.bias is not None else torch.zeros(layer.out_channels)
    whole_bias = _floor_half(bias.to(step.device) / layer.bias_step())
    reads = layer.reads
    if reads is None or float(reads.fraction) != float(layer.input_fraction):
        raise ValueError(f"{name} was calibrated for another input grid than the one that it reads")
    shift = (layer.weight_fraction + layer.input_fraction - out.fraction).cpu().numpy()
    if np.any(shift < 0):
        raise ValueError(f"{name} would need a left shift")
    arrays[f"{name}.weight"] = weight.astype(np.int8)
    arrays[f"{name}.bias"] = whole_bias.astype(np.int32)
    arrays[f"{name}.shift"] = shift.astype(np.int8)
    arrays[f"{name}.clip"] = np.array([out.low, out.high], np.int32)
    _check_exact(name, layer, np.abs(whole_bias), shift)


def _put_filter(arrays: Arrays, name: str, part: BoundaryFilter) -> None:
    """Add the weights (8, 8) of a filter across block boundaries, unless it changes nothing.

    Raises:
        ValueError: They are larger than `link.student.lapped` allows.
    """
    whole = _floor_half(part.weight.double() * 2**LAPPED_FRACTION)
    if np.array_equal(whole, np.eye(len(whole)) * 2**LAPPED_FRACTION):
        return
    # What leaves 16 bits becomes a weight that is not allowed, whatever its sign.
    arrays[name] = np.where(np.abs(whole) < 1 << 15, whole, -(1 << 15)).astype(np.int16)
    weights_of(arrays, name)


def _check_exact(
    name: str, layer: GridConv, bias: NDArray[np.float64], shift: NDArray[Any]
) -> None:
    """Check the bound of `networks.quantise` at every output channel of a layer."""
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
    """Add the shift that moves values from one grid to a coarser or finer one."""
    shift = int(source.fraction) - int(target.fraction)
    arrays[f"{name}.shift"] = np.array(shift, np.int8)
    arrays[f"{name}.clip"] = np.array([target.low, target.high], np.int32)
