"""A larger synthesis that computes the same as a smaller one, to train on from there.

A heavier network of the ground, trained from random weights, would spend its first hours on what
the smaller one knows. Instead it begins as the same function (Chen et al., "Net2Net", arXiv
1511.05641): the smaller network's weights are copied, and what is new is connected so that nothing
reaches the output yet:

- channels that are new in a layer's output have the random weights that torch gives them,
- weights that read new channels are zero, so gradients reach them at once,
- the last convolution of a new block is zero, so the block passes its input on.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from .layers import ResidualBlock
from .quantise import Grid, GridConv
from .shape import CodecShape
from .synthesis import Synthesis


@torch.no_grad()
def widen(small: Synthesis, shape: CodecShape) -> Synthesis:
    """Return a synthesis of these widths with the function of a smaller one, in floating point.

    Args:
        small: The synthesis to begin from, whose grids are off.
        shape: Widths, none of them smaller.

    Raises:
        ValueError: A width is smaller than that of `small`.
    """
    large = Synthesis(shape)
    large.spread.copy_(small.spread)
    _copy_parameters(small.linear, large.linear)
    _copy_parameters(small.postfilter, large.postfilter)
    for name in ("latent_in", "enter", "down", "up", "leave"):
        _copy(getattr(small, name), getattr(large, name))
    for part in ("before", "below", "after"):
        old, new = getattr(small, part), getattr(large, part)
        if len(new) < len(old):
            raise ValueError(f"{len(new)} blocks {part}: allowed are at least {len(old)}")
        for one, other in zip(old, new, strict=False):
            _copy_block(one, other)
        for block in new[len(old) :]:
            block.second.weight.zero_()
            block.second.bias.zero_()
    fractions = {n: m.fraction for n, m in small.named_modules() if isinstance(m, Grid)}
    for name, grid in large.named_modules():
        if isinstance(grid, Grid) and name in fractions:
            grid.fraction.copy_(fractions[name])
    return large


def _copy_block(old: ResidualBlock, new: ResidualBlock) -> None:
    _copy(old.first, new.first)
    _copy(old.second, new.second)
    channels = old.bias.values.shape[1]
    new.bias.values[:, :channels] = old.bias.values
    # What is new in the stream's channels comes from the layers that begin the stream.
    new.second.weight[old.second.out_channels :] = 0
    cast("Tensor", new.second.bias)[old.second.out_channels :] = 0


def _copy(old: GridConv, new: GridConv) -> None:
    """Copy a convolution into the leading channels of a wider one; weights of new inputs are 0."""
    out, taken = old.weight.shape[:2]
    if new.weight.shape[0] < out or new.weight.shape[1] < taken:
        raise ValueError(f"a layer of {tuple(new.weight.shape)}: allowed are no narrower ones")
    new.weight[:out, :taken] = old.weight
    new.weight[:out, taken:] = 0
    if new.bias is not None and old.bias is not None:
        new.bias[:out] = old.bias


def _copy_parameters(old: torch.nn.Module, new: torch.nn.Module) -> None:
    new.load_state_dict(old.state_dict())
