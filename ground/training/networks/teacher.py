"""The teacher: a codec with a heavier analysis transform, used for distillation on the ground only.

    x ─┬─ the student's g_a ───────────────────────────── + ── y (1/16)
       │                                                  │
       └─ s2d 4, 3x3 ── stage ── s2d 2, 1x1 ── stage ── s2d 2, 1x1 ── stage ── 1x1
                         1/4                    1/8                    1/16

It is the student with a residual of dense convolutions beside its analysis. The last convolution of
the residual begins at zero, so a teacher that begins from a student's checkpoint computes what the
student does, and decoder and entropy model are shared. Its stage outputs, latents and pictures can
each be a student's target. Its analysis has about ten times the student's operations.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from .analysis import Analysis
from .codec import Codec
from .layers import space_to_depth
from .shape import BRANCH_GAIN, PIXEL_GAIN, CodecShape

HEAVY = "analysis.heavy."
"""First part of the names of the arrays that a teacher has and a student has not."""


class DenseStage(nn.Module):
    """A residual block of two dense 3x3 convolutions; the output is rectified."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, value: Tensor) -> Tensor:
        """Return the stage's output: the shape of its input, never negative."""
        return functional.relu(value + self.second(functional.relu(self.first(value))))


class HeavyBranch(nn.Module):
    """Dense stages at 1/4, 1/8 and 1/16 with twice the student's widths; zero when it begins."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.widths = fine, middle, coarse = heavy_widths(shape)
        self.enter = nn.Conv2d(48, fine, 3, padding=1)
        self.block_fine = DenseStage(fine)
        self.down_middle = nn.Conv2d(4 * fine, middle, 1)
        self.block_middle = DenseStage(middle)
        self.down_coarse = nn.Conv2d(4 * middle, coarse, 1)
        self.block_coarse = DenseStage(coarse)
        self.leave = nn.Conv2d(coarse, shape.latents, 1)
        nn.init.zeros_(self.leave.weight)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (b, N, h/16, w/16) of planes (b, 3, h, w) relative to mid-grey."""
        value = functional.relu(self.enter(space_to_depth(planes / PIXEL_GAIN, 4)))
        value = self.down_middle(space_to_depth(self.block_fine(value), 2))
        value = self.block_middle(functional.relu(value))
        value = self.down_coarse(space_to_depth(value, 2))
        result: Tensor = self.leave(self.block_coarse(functional.relu(value)))
        return result


def heavy_widths(shape: CodecShape) -> tuple[int, int, int]:
    """Return the widths of the residual beside an analysis of this shape."""
    fine, middle, coarse = shape.analysis
    return 2 * fine, 2 * middle, 2 * coarse


class TeacherAnalysis(Analysis):
    """The student's analysis transform g_a with the heavy residual beside it."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__(shape)
        self.heavy = HeavyBranch(shape)

    @property
    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """The residual's stages at 1/4, 1/8 and 1/16."""
        return self.heavy.block_fine, self.heavy.block_middle, self.heavy.block_coarse

    @property
    def stage_widths(self) -> tuple[int, int, int]:
        """Channels of the stages."""
        return self.heavy.widths

    def forward(self, planes: Tensor) -> Tensor:
        """Return latents (b, N, h/16, w/16) of planes (b, 3, h, w), relative to mid-grey."""
        light, heavy = super().forward(planes), self.heavy(planes)
        result: Tensor = light + BRANCH_GAIN * heavy.float()
        return result


class Teacher(Codec):
    """The codec with the heavier analysis; it is never put on integer grids.

    Args:
        shape: Widths of the student.
    """

    def __init__(self, shape: CodecShape | None = None) -> None:
        super().__init__(shape)
        self.analysis = TeacherAnalysis(self.shape)

    @property
    def on_grids(self) -> bool:
        """Always false: a teacher computes in floating point."""
        return False


def without_heavy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the arrays of a teacher that a student has too."""
    return {name: value for name, value in state.items() if not name.startswith(HEAVY)}
