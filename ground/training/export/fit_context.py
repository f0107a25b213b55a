"""A final fit of the scale context's table, after the networks are trained.

Training changes the table slowly, a few entries a step. With symbols and scales collected in one
pass over training crops, the table alone is fitted in a minute, because no network has to run.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from ..loop.losses import FLOOR_BPP, draw_qualities
from ..networks.codec import Codec
from ..networks.logistic_prior import logistic_bits
from ..networks.scale_context import table_index


@torch.no_grad()
def collect_symbols(
    codec: Codec, sampler: CropSampler, batches: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return symbols, log₂ scales before correction, and side bits of crops at all rates."""
    symbols, scales, side_bits = [], [], []
    for step in range(batches):
        rng = np.random.default_rng((step, 2))
        planes = canonical_planes(sampler.draw(0x38000000 + step), rng)
        quality = draw_qualities(codec, planes, rng)
        coded = codec(planes, quality)
        symbols.append(coded.symbols)
        scales.append(coded.log2_scales)
        side_bits.append(coded.side_bits)
    return torch.cat(symbols), torch.cat(scales), torch.cat(side_bits)


def fit_context(
    codec: Codec, sampler: CropSampler, batches: int = 16, steps: int = 150, rate: float = 0.03
) -> tuple[float, float]:
    """Fit the table of a codec's scale context in place.

    Args:
        codec: The codec, on its grids.
        sampler: Source of the crops.
        batches: Batches of crops to fit to.
        steps: Steps of the optimiser.
        rate: Learning rate at the first step; it falls to 0.

    Returns:
        Mean logarithm of the cost in bits per pixel (see `losses`), before and after.
    """
    codec.eval()
    symbols, scales, side = collect_symbols(codec, sampler, batches)
    is_coded = table_index(scales) > 0
    pixels = symbols.shape[2] * symbols.shape[3] * 256

    def cost(chosen: Tensor) -> Tensor:
        expected = scales[chosen]
        correction = codec.context(symbols[chosen], expected)
        bits = logistic_bits(symbols[chosen], expected + correction) * is_coded[chosen]
        total = bits.sum(dim=(1, 2, 3)) + side[chosen]
        return torch.log(total / pixels + FLOOR_BPP).mean()

    table = codec.context.table
    optimiser = torch.optim.Adam([table], rate)
    generator = torch.Generator().manual_seed(0)
    all_crops = torch.arange(symbols.shape[0])
    with torch.no_grad():
        before = float(cost(all_crops))
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        loss = cost(torch.randperm(symbols.shape[0], generator=generator)[:8])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return before, float(cost(all_crops))
