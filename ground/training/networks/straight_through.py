"""Rounding with a straight-through gradient: the gradient of the identity."""

from __future__ import annotations

import torch
from torch import Tensor


class RoundStraight(torch.autograd.Function):
    """Rounding half up, with the gradient of the identity."""

    @staticmethod
    def forward(_context: object, value: Tensor) -> Tensor:
        """Round half up: floor(v + 1/2), as the integer arithmetic does."""
        return torch.floor(value + 0.5)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        """Return the gradient unchanged."""
        return gradient


def round_straight(value: Tensor) -> Tensor:
    """Round half up with a straight-through gradient."""
    result: Tensor = RoundStraight.apply(value)  # type: ignore[no-untyped-call]
    return result


def floor_straight(value: Tensor, offset: Tensor) -> Tensor:
    """Round magnitudes by floor(|v| + offset) with a straight-through gradient."""
    rounded = torch.sign(value) * torch.floor(value.abs() + offset)
    return value + (rounded - value).detach()


def with_gradient_of(value: Tensor, relaxed: Tensor) -> Tensor:
    """Return a value to which the gradient of a relaxation of it is added."""
    return value + (relaxed - relaxed.detach())
