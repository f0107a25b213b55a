"""The shipped integers back in torch: to check the exported networks, or to train on from them.

`export.extract` reads integers off networks that are on their grids; `from_integers` puts them
back. The integers do not say what a grid's step was in grey levels, and do not depend on it: only
differences of fractions matter, as shifts. Fractions that are free are therefore chosen, the others
follow, and the networks compute the same integers. For a training that begins here the choice does
matter: it scales the weights, and an optimiser's steps are absolute (see `FRACTIONS`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ....link.student.lapped import POSTFILTER, PREFILTER, weights_of
from ....link.student.shared_model import FOLDER as SHARED
from ....link.student.shared_model import load_integers
from ....payload.encoders.student.student_model import FOLDER as PAYLOAD
from ...decoders.student_networks import load_network
from ..export.integer_networks import Arrays
from ..loop.checkpoint import shape_of
from ..networks.codec import Codec
from ..networks.lapped import BoundaryFilter
from ..networks.layers import ResidualBlock
from ..networks.quantise import Grid, GridConv, switch_on_as_loaded
from ..networks.shape import (
    LAPPED_FRACTION,
    LATENT_FRACTION,
    QUALITY_STEPS,
    SYNTHESIS_FRACTION,
    CodecShape,
)

NETWORKS: Final = ("analysis.", "hyper.", "synthesis.")
"""First parts of the names of the networks' arrays."""

FRACTIONS: Final = {
    "analysis.grid_fine": 5,
    "analysis.block_fine.inner": 6,
    "analysis.grid_middle": 6,
    "analysis.block_middle.inner": 6,
    "analysis.grid_coarse": 8,
    "analysis.block_coarse.inner": 8,
    "hyper.grid_in": 2,
    "hyper.grid_mid": 5,
    "hyper.grid_side": 5,
    "hyper.grid_up": 5,
    "synthesis.stream_fine": 7,
    "synthesis.stream_coarse": 8,
}
"""Fractions of grids that could have any, by the grid's name; 7 for the others.

With these the root mean squares of the first shipped model's weights are within a factor of two of
those after a thousand steps from principal components, layer by layer.
"""

_FREE: Final = 7
"""Fraction of a free grid that `FRACTIONS` does not name: those inside the restoration's blocks."""

_GRID_OF: Final = {
    "analysis.linear": "linear_out",
    "analysis.enter": "grid_fine",
    "analysis.block_fine.pointwise": "grid_fine",
    "analysis.down_middle": "grid_middle",
    "analysis.block_middle.pointwise": "grid_middle",
    "analysis.down_coarse": "grid_coarse",
    "analysis.block_coarse.pointwise": "grid_coarse",
    "analysis.leave": "branch_out",
    "hyper.analysis_in": "grid_in",
    "hyper.analysis_out": "grid_mid",
    "hyper.analysis_end": "side",
    "hyper.synthesis_in": "grid_side",
    "hyper.synthesis_mix": "grid_side",
    "hyper.synthesis_up": "grid_up",
    "hyper.synthesis_out": "scales",
    "synthesis.latent_in": "stream_coarse",
    "synthesis.enter": "stream_fine",
    "synthesis.down": "stream_coarse",
    "synthesis.up": "stream_fine",
    "synthesis.leave": "correction",
}
"""The grid that each layer writes to, in the layer's network; in a block, it is the block's."""

_STREAMS: Final = {"before": "stream_fine", "below": "stream_coarse", "after": "stream_fine"}


class QualityTable(nn.Module):
    """One value per channel for each quality that a bitstream can name.

    Args:
        values: (QUALITY_STEPS + 1, channels).
    """

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.values: Tensor

    def forward(self, quality: Tensor) -> Tensor:
        """Return (b, channels) at qualities (b,) in 0…1."""
        return self.values[torch.floor(quality.clamp(0, 1) * QUALITY_STEPS + 0.5).long()]


@cache
def shipped_arrays(decoder: str = "fast") -> Arrays:
    """Return the integers of the model in the package, with those of one of its decoders."""
    return load_integers(SHARED, PAYLOAD, load_network(decoder).folder)


def shipped_card() -> dict[str, Any]:
    """Return the card of the model in the package."""
    card: dict[str, Any] = json.loads((SHARED / "card.json").read_text())
    return card


def shipped_shape(decoder: str = "fast") -> CodecShape:
    """Return the widths of the model in the package, with one of its decoders."""
    return with_decoder(shape_of(shipped_card()), load_network(decoder).folder)


def with_decoder(shape: CodecShape, folder: Path) -> CodecShape:
    """Return a codec's widths with those of the decoder in a folder."""
    widths = json.loads((folder / "card.json").read_text())["shape"]
    return replace(shape, synthesis=tuple(widths["synthesis"]), depth=tuple(widths["depth"]))


@torch.no_grad()
def from_integers(arrays: Arrays, shape: CodecShape) -> Codec:
    """Return a codec, on its grids, whose transforms and hyperprior compute with these integers.

    Gains, predicted means and scale context keep their initial values: they belong to the entropy
    coder, which runs no network (see `link.student.codestream`). `loop.warm_start` restores them.

    Args:
        arrays: Integers, as `export.extract` gives them.
        shape: Widths of their codec.

    Raises:
        ValueError: A layer's limits are not those of this code's grids.
    """
    codec = Codec(shape)
    grids = {name: part for name, part in codec.named_modules() if isinstance(part, Grid)}
    for name, grid in grids.items():
        if not grid.fixed:
            grid.fraction.fill_(float(FRACTIONS.get(name, _FREE)))
        grid.active.fill_(True)
    synthesis = codec.synthesis
    for name, source in (
        ("to_down", synthesis.stream_fine),
        ("to_up", synthesis.stream_coarse),
        ("to_leave", synthesis.stream_fine),
    ):
        _move(arrays, f"synthesis.{name}", source, codec)
    for part, stream in _STREAMS.items():
        for number, block in enumerate(getattr(synthesis, part)):
            name = f"synthesis.{part}.{number}"
            _move(arrays, f"{name}.entering", getattr(synthesis, stream), codec)
            _put_block(arrays, name, block, getattr(synthesis, stream))
    for name, grid_name in _GRID_OF.items():
        network = codec.get_submodule(name.split(".")[0])
        _put(arrays, name, codec.get_submodule(name), getattr(network, grid_name))
    for stage in ("fine", "middle", "coarse"):
        block = f"analysis.block_{stage}"
        inner = codec.get_submodule(f"{block}.inner")
        _put(arrays, f"{block}.depthwise", codec.get_submodule(f"{block}.depthwise"), inner)
    _put_filter(arrays, PREFILTER, codec.analysis.prefilter)
    _put_filter(arrays, POSTFILTER, synthesis.postfilter)
    codec.hyper.spread.copy_(_powers(arrays, "hyper.spread_shift"))
    synthesis.spread.copy_(_powers(arrays, "synthesis.spread_shift"))
    weight = torch.from_numpy(arrays["synthesis.linear.weight"]).double() / 2**SYNTHESIS_FRACTION
    synthesis.linear.weight.copy_(weight[:, :, None, None])
    bias = arrays["synthesis.linear.bias"] >> LATENT_FRACTION
    if synthesis.linear.bias is None:
        raise ValueError("the linear synthesis needs a bias")
    synthesis.linear.bias.copy_(torch.from_numpy(bias).double() / 2**SYNTHESIS_FRACTION)
    switch_on_as_loaded(codec)
    return codec.eval()


def _put(arrays: Arrays, name: str, layer: nn.Module, out: nn.Module) -> None:
    """Set a convolution's weights and bias, with the fractions that follow from its shifts."""
    if not isinstance(layer, GridConv) or not isinstance(out, Grid) or layer.reads is None:
        raise ValueError(f"{name} is not a layer on grids")
    clip = arrays[f"{name}.clip"].tolist()
    if clip != [out.low, out.high]:
        raise ValueError(f"{name} clips to {clip}, this code to {[out.low, out.high]}")
    shift = torch.from_numpy(arrays[f"{name}.shift"].astype(np.float32))
    layer.input_fraction.copy_(layer.reads.fraction)
    layer.weight_fraction.copy_(shift - layer.reads.fraction + out.fraction)
    step = torch.exp2(-layer.weight_fraction).view(-1, 1, 1, 1)
    layer.weight.copy_(torch.from_numpy(arrays[f"{name}.weight"]).float() * step)
    if layer.bias is not None:
        bias = torch.from_numpy(arrays[f"{name}.bias"]).float()
        layer.bias.copy_(bias * layer.bias_step())


def _put_filter(arrays: Arrays, name: str, part: BoundaryFilter) -> None:
    """Set a filter across block boundaries; without one, blocks stay separate."""
    weights = weights_of(arrays, name)
    if weights is not None:
        part.weight.copy_(torch.from_numpy(weights) / 2**LAPPED_FRACTION)


def _put_block(arrays: Arrays, name: str, block: ResidualBlock, stream: Grid) -> None:
    _put(arrays, f"{name}.first", block.first, block.inner)
    _put(arrays, f"{name}.second", block.second, stream)
    table = torch.from_numpy(arrays[f"{name}.bias"]).float()
    block.add_module("bias", QualityTable(table * block.first.bias_step()))


def _move(arrays: Arrays, name: str, source: Grid, codec: Codec) -> None:
    """Set the fraction of a grid that values are moved to, from the shift of the move."""
    target = codec.get_submodule(name)
    if not isinstance(target, Grid):
        raise ValueError(f"{name} is not a grid")
    target.fraction.copy_(source.fraction - float(arrays[f"{name}.shift"]))


def _powers(arrays: Arrays, name: str) -> Tensor:
    return torch.exp2(torch.from_numpy(arrays[name].astype(np.float32)))
