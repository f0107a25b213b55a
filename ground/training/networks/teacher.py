"""The teacher: a codec with a heavy analysis transform, used for distillation on the ground only.

It has the student's latents, entropy model and quality range, with dense residual blocks in place
of the separable ones. Its stage outputs, latents and pictures can each be a student's target. Its
analysis has about twenty times the student's operations.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from .codec import Codec
from .layers import space_to_depth
from .shape import BLOCK, BRANCH_GAIN, PIXEL_GAIN, CodecShape

TEACHER_SHAPE = CodecShape(analysis=(96, 192, 256))


def teacher_shape(student: CodecShape) -> CodecShape:
    """Return the shape of a student's online teacher: twice the analysis, all else the same."""
    fine, middle, coarse = student.analysis
    return replace(student, analysis=(2 * fine, 2 * middle, 2 * coarse))


class DenseStage(nn.Module):
    """Residual blocks of two dense 3x3 convolutions each; the output is rectified."""

    def __init__(self, channels: int, blocks: int = 2) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2 * blocks)
        )

    def forward(self, value: Tensor) -> Tensor:
        """Return the stage's output: the shape of its input, never negative."""
        for first, second in zip(self.convolutions[::2], self.convolutions[1::2], strict=True):
            value = functional.relu(value + second(functional.relu(first(value))))
        return value


class HeavyAnalysis(nn.Module):
    """The teacher's analysis transform g_a, with the stages and outputs of the student's."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, middle, coarse = shape.analysis
        self.linear = nn.Conv2d(3 * BLOCK**2, shape.latents, 1)
        self.enter = nn.Conv2d(48, fine, 3, padding=1)
        self.block_fine = DenseStage(fine)
        self.down_middle = nn.Conv2d(4 * fine, middle, 1)
        self.block_middle = DenseStage(middle)
        self.down_coarse = nn.Conv2d(4 * middle, coarse, 1)
        self.block_coarse = DenseStage(coarse)
        self.leave = nn.Conv2d(coarse, shape.latents, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """Return latents (b, N, h/16, w/16) of planes (b, 3, h, w), relative to mid-grey."""
        value = functional.relu(self.enter(space_to_depth(planes / PIXEL_GAIN, 4)))
        value = self.down_middle(space_to_depth(self.block_fine(value), 2))
        value = self.block_middle(functional.relu(value))
        value = self.down_coarse(space_to_depth(value, 2))
        branch = self.leave(self.block_coarse(functional.relu(value)))
        with torch.autocast(planes.device.type, enabled=False):
            linear: Tensor = self.linear(space_to_depth(planes, BLOCK))
            result: Tensor = linear + BRANCH_GAIN * branch.float()
            return result


class Teacher(Codec):
    """The codec with the heavy analysis; it is never put on integer grids."""

    def __init__(self, shape: CodecShape | None = None) -> None:
        shape = shape or TEACHER_SHAPE
        super().__init__(shape)
        self.analysis = HeavyAnalysis(shape)  # type: ignore[assignment]

    @property
    def on_grids(self) -> bool:
        """Always false: a teacher computes in floating point."""
        return False
