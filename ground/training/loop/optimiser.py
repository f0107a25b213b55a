"""Optimisers, and the learning rate of each group of parameters."""

from __future__ import annotations

from typing import Any

import torch

from ....link.errors import InputError
from ..arguments import OPTIMISERS
from ..networks.codec import Codec


def parameter_groups(codec: Codec, rate: float) -> list[dict[str, Any]]:
    """Return the optimiser's groups of those of a codec's parameters that are trained.

    The linear transforms learn more slowly than the networks, the tables faster. `share` is a
    group's learning rate over that of the networks.

    Args:
        codec: The codec that is trained.
        rate: Learning rate of the networks.
    """
    slow, fast, tables, rest = [], [], [], []
    for name, parameter in codec.named_parameters():
        if not parameter.requires_grad:
            continue
        if ".linear." in name or name.startswith("neighbours."):
            slow.append(parameter)
        elif name.startswith("context."):
            tables.append(parameter)
        elif parameter.dim() == 2 or name.startswith("hyper.side_"):
            fast.append(parameter)
        else:
            rest.append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": rest, "lr": rate, "share": 1.0},
        {"params": slow, "lr": rate * 0.25, "share": 0.25},
        {"params": fast, "lr": rate * 2.5, "share": 2.5},
        {"params": tables, "lr": rate * 10.0, "share": 10.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimiser(
    name: str, groups: list[dict[str, Any]], device: torch.device
) -> torch.optim.Optimizer:
    """Return the optimiser of these parameter groups.

    SOAP (Vyas et al., arXiv 2409.11321) runs Adam in the eigenbasis of Shampoo's preconditioner.
    Dimensions above 256 keep Adam's basis: their eigenvectors would cost more than a step.

    Raises:
        InputError: The name is not one of `arguments.OPTIMISERS`.
    """
    if name == "adam":
        return torch.optim.Adam(groups, fused=device.type == "cuda")
    if name == "soap":
        from .soap import ConvolutionSoap

        return ConvolutionSoap(
            groups,
            betas=(0.95, 0.95),
            weight_decay=0.0,
            precondition_frequency=10,
            max_precondition_dim=256,
        )
    raise InputError(f"--optimiser: {name!r} is not one of {', '.join(OPTIMISERS)}")


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float, factor: float) -> None:
    """Set the learning rate of every group.

    Args:
        optimiser: Its groups have a `share`, see `parameter_groups`.
        rate: Learning rate of the networks.
        factor: Factor on it at the current step, see `schedule.learning_rate`.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"] * factor
