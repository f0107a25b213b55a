"""Multiply-accumulates per pixel, counted while the networks run."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .codec import Codec
from .lapped import MACS_PER_PIXEL
from .scale_context import PHASES
from .shape import BLOCK


def count_macs(module: nn.Module, run: Callable[[], object]) -> dict[str, int]:
    """Return the multiply-accumulates of each convolution that `run` calls, by its name."""
    macs: dict[str, int] = {}
    hooks = []
    for name, layer in module.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):

            def hook(
                layer: nn.Conv2d | nn.ConvTranspose2d,
                inputs: tuple[Tensor, ...],
                output: Tensor,
                name: str = name,
            ) -> None:
                a, b = layer.kernel_size
                spreads = isinstance(layer, nn.ConvTranspose2d)  # each input to a x b outputs
                other = layer.out_channels if spreads else layer.in_channels
                places = inputs[0] if spreads else output
                taps = a * b * (other // layer.groups)
                macs[name] = macs.get(name, 0) + taps * places[0].numel()

            hooks.append(layer.register_forward_hook(hook))
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in hooks:
            handle.remove()
    return macs


def complexity(codec: Codec, side: int = 256) -> dict[str, float]:
    """Return multiply-accumulates per pixel by part; `onboard` is all except the synthesis.

    The hyper-synthesis counts as onboard, because the encoder needs the scales too.

    Args:
        codec: The codec to run.
        side: Side of the picture to run it on, pixels; the result does not depend on it.
    """
    device = next(codec.parameters()).device
    planes = torch.zeros(1, 3, side, side, device=device)
    quality = torch.full((1,), 0.5, device=device)
    was_training = codec.training
    codec.eval()
    macs = count_macs(codec, lambda: codec(planes, quality))
    codec.train(was_training)
    pixels = side * side
    # On grids the linear synthesis runs in float64 and does not call its module.
    macs.setdefault("synthesis.linear", codec.synthesis.linear.weight.numel() * pixels // BLOCK**2)
    parts = {
        part: sum(v for k, v in macs.items() if k.split(".")[0] == part) / pixels
        for part in ("analysis", "hyper", "synthesis")
    }
    for part in ("analysis", "synthesis"):
        parts[part] += MACS_PER_PIXEL
    parts["context"] = float(codec.neighbours.masks.sum()) / len(PHASES) / BLOCK**2
    parts["colour"] = 9.0
    parts["onboard"] = sum(parts[k] for k in ("colour", "analysis", "hyper", "context"))
    return parts
