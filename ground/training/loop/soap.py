"""SOAP for convolutions, 1.6 times as fast: its rotations as plain matrix products.

SOAP (Vyas et al., arXiv 2409.11321) turns a gradient into the eigenbasis of each of its dimensions
and back. The library does so one dimension after the other, and each time copies the gradient into
another order. Here the weights stay as they lie in memory, output channels first and input channels
last, and are multiplied from the left and from the right. The steps are the library's, except for
the digits of bfloat16, which a rotated gradient has where the processor multiplies it fast.
`benchmarks/soap.py` measures both by turns.
"""

from __future__ import annotations

from typing import Any

import torch
from pytorch_optimizer import SOAP
from torch import Tensor

from .precision import has_bfloat16


class ConvolutionSoap(SOAP):
    """SOAP whose rotations of convolutions' weights (o, i, h, w) are matrix products."""

    def project(
        self,
        grad: Tensor,
        state: dict[str, Any],
        merge_dims: bool = False,
        max_precondition_dim: int = 10000,
        project_type: str = "forward",
    ) -> Tensor:
        """Return a gradient in the eigenbasis, or (`backward`) one that was there as it was."""
        if grad.dim() != 4:
            rotated: Tensor = super().project(
                grad, state, merge_dims, max_precondition_dim, project_type
            )
            return rotated
        outputs, inputs, height, width = grad.shape
        output_basis, input_basis, row_basis, column_basis = (
            _matrix(basis, project_type) for basis in state["Q"]
        )
        value = _channels_last(grad)
        if output_basis is not None:
            value = _product(output_basis.T, value.reshape(outputs, -1))
        if input_basis is not None:
            value = _product(value.reshape(-1, inputs), input_basis)
        if height * width > 1 and row_basis is not None and column_basis is not None:
            taps = torch.kron(row_basis, column_basis)
            value = taps.T @ value.reshape(outputs, height * width, inputs)
        return value.reshape(outputs, height, width, inputs).permute(0, 3, 1, 2)

    def update_pre_conditioner(
        self,
        grad: Tensor,
        state: dict[str, Any],
        step: int,
        max_precondition_dim: int = 10000,
        precondition_1d: bool = False,
        merge_dims: bool = False,
    ) -> None:
        """Take a gradient into each dimension's moments, and renew the bases when it is time."""
        if grad.dim() != 4:
            super().update_pre_conditioner(
                grad, state, step, max_precondition_dim, precondition_1d, merge_dims
            )
            return
        weight = 1.0 - state["shampoo_beta"]
        for moments, values in zip(state["GG"], _unfolded(grad), strict=True):
            if len(moments) > 1:  # a dimension of one has nothing to rotate
                moments.lerp_(_product(values, values.T), weight=weight)
        if state["Q"] is None:
            state["Q"] = self.get_orthogonal_matrix(state["GG"])
        if step > 0 and step % state["precondition_frequency"] == 0:
            state["Q"] = self.get_orthogonal_matrix_qr(state, max_precondition_dim, merge_dims)


def _matrix(basis: Tensor | list[Any], project_type: str) -> Tensor | None:
    """Return the matrix that rows are multiplied with; None for a dimension that stays."""
    if not isinstance(basis, Tensor):
        return None
    return basis if project_type == "forward" else basis.T


def _channels_last(weights: Tensor) -> Tensor:
    """Return weights (o, i, h, w) as (o, h, w, i), which is how they lie in memory."""
    return weights.permute(0, 2, 3, 1).contiguous()


def _unfolded(weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return weights (o, i, h, w) as four matrices, with each dimension in turn as the rows."""
    outputs, inputs, height, width = weights.shape
    last = _channels_last(weights)
    by_input = last.reshape(-1, inputs).T
    by_row = last.permute(1, 0, 2, 3).reshape(height, -1)
    by_column = last.permute(2, 0, 1, 3).reshape(width, -1)
    return last.reshape(outputs, -1), by_input, by_row, by_column


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Return the product of two matrices, in bfloat16 if the device multiplies that fast."""
    if not has_bfloat16(left.device.type):
        return left @ right
    return (left.bfloat16() @ right.bfloat16()).float()
