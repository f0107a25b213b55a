"""Rounding of convolutions to their grids, with the errors where inputs have no energy.

The linear analysis has 768 weights of 8 bits for each latent. Rounded one by one, their errors add
up on what all pixels of a block have in common, its mean level above all: a latent of fine detail
gets an offset of nearly half a grey level on a dark block, which costs several per cent of the rate
at high quality. Rounded one after another, each weight can make up for the errors of those before,
as far as the pixels are correlated; what is left lies in directions that blocks hardly have.

The decoder's convolutions read activations that are never negative, so the same happens: rounded
one by one, the weights of a wide decoder's first and last layer cost 0.7 % of the rate.

This is GPTQ (Frantar et al., arXiv 2210.17323): with H = E[x·xᵀ] of the inputs, minimise
(w - q)ᵀ·H·(w - q) greedily, by the Cholesky factor of H⁻¹.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from .layers import space_to_depth
from .quantise import WEIGHT_LARGEST, GridConv
from .shape import BLOCK

_DAMPING = 1e-4
"""Share of the mean variance that is added to each, so that H can be inverted."""


@torch.no_grad()
def block_moments(
    sampler: CropSampler, batches: int, filtered: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return E[x·xᵀ] (768, 768) of blocks, in float64; smooth blocks count as much as others.

    Args:
        sampler: Source of training crops.
        batches: Batches of crops to average over.
        filtered: What is done to planes before they are divided into blocks.
    """
    size = 3 * BLOCK**2
    total = torch.zeros(size, size, dtype=torch.float64)
    weights = 0.0
    for step in range(batches):
        planes = filtered(canonical_planes(sampler.draw(0x50000000 + step)))
        folded = space_to_depth(planes, BLOCK).permute(0, 2, 3, 1)
        blocks = folded.reshape(-1, size).double().cpu()
        # The objective is relative: an error counts by the cost of the block that it is made in.
        weight = 1.0 / ((blocks - blocks.mean(dim=1, keepdim=True)).square().mean(dim=1) + 30.0)
        total += (blocks * weight[:, None]).T @ blocks
        weights += float(weight.sum())
    return total / weights


@torch.no_grad()
def round_weights(layer: GridConv, moments: Tensor) -> None:
    """Round a convolution's weights to its grid in place, for inputs of these moments.

    Args:
        layer: The convolution, whose fractions are settled.
        moments: E[x·xᵀ] (inputs, inputs) of what an output is computed from, in the weights' order:
            channel by channel, and row by row within a kernel.
    """
    inputs = moments.shape[0]
    damping = _DAMPING * moments.diagonal().mean()
    damped = moments + damping * torch.eye(inputs, dtype=moments.dtype)
    # What carries most energy is rounded first, since the later weights make up for its errors.
    order = damped.diagonal().argsort(descending=True, stable=True)
    inverse = torch.linalg.inv(damped[order][:, order])
    factor = torch.linalg.cholesky(inverse, upper=True)
    step = torch.exp2(-layer.weight_fraction.double().cpu())
    wanted = layer.weight.flatten(1)[:, order].double().cpu() / step[:, None]
    rounded = torch.empty_like(wanted)
    for i in range(inputs):
        rounded[:, i] = (wanted[:, i] + 0.5).floor().clamp(-WEIGHT_LARGEST, WEIGHT_LARGEST)
        error = (wanted[:, i] - rounded[:, i]) / factor[i, i]
        wanted[:, i + 1 :] -= error[:, None] * factor[i, i + 1 :]
    result = torch.empty_like(rounded)
    result[:, order] = rounded * step[:, None]
    layer.weight.copy_(result.view_as(layer.weight).to(layer.weight))


@torch.no_grad()
def round_convolutions(network: nn.Module, run: Callable[[], object]) -> None:
    """Round all convolutions of a network that are on their grids, for the inputs that `run` sends.

    Depthwise convolutions, whose kernels have no more than nine weights, are left out.

    Args:
        network: The network, changed in place.
        run: Sends batches through the network.
    """
    layers = [
        part
        for part in network.modules()
        if isinstance(part, GridConv) and part.on and part.groups == 1
    ]
    moments: dict[GridConv, Tensor] = {}

    def add(layer: GridConv, arguments: tuple[Tensor, ...]) -> None:
        found = _moments(layer, arguments[0])
        moments[layer] = moments[layer] + found if layer in moments else found

    hooks = [layer.register_forward_pre_hook(add) for layer in layers]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    for layer in layers:
        round_weights(layer, moments[layer])


def _moments(layer: GridConv, value: Tensor) -> Tensor:
    """Return the sum of x·xᵀ over all places, of what an output of the layer is computed from."""
    kernel = layer.kernel_size
    padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    columns = functional.unfold(value.float(), kernel, padding=padding)
    rows = columns.transpose(1, 2).flatten(0, 1)
    return (rows.T @ rows).double().cpu()
