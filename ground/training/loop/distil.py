"""Knowledge distillation as parts that plug together.

What is taught (Himeur et al. sort it so; each is one `Part`):
  response   the decoded picture
  latents    the latents, each channel weighted by its share of the teacher's bits
  feature    the stage outputs of the analysis, through a learned 1 x 1 adapter, each channel
             divided by its variance: most energy sits in few channels, and plain L2 sees no other
  stage      the same without dividing, as RS-LLIC's public code has it
  relation   how alike the samples' and the positions' features are (cosine similarity)

Who teaches:
  offline    a teacher that was trained before and stays as it is
  online     a teacher that learns beside the student
  self       the running average of the student itself
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.codec import Codec, Coded

STAGES = ("block_fine", "block_middle", "block_coarse")


class Lesson(NamedTuple):
    """One batch as a codec sees it: what came out, and the stage outputs on the way."""

    coded: Coded
    stages: tuple[Tensor, ...]


class StageTap:
    """Keeps the stage outputs of a codec's analysis while it runs."""

    def __init__(self, codec: Codec) -> None:
        self.outputs: dict[str, Tensor] = {}
        self.handles = []
        for stage in STAGES:
            module = getattr(codec.analysis, stage)

            def keep(
                _module: nn.Module, _inputs: object, output: Tensor, stage: str = stage
            ) -> None:
                self.outputs[stage] = output

            self.handles.append(module.register_forward_hook(keep))

    def lesson(self, coded: Coded) -> Lesson:
        """Return what was kept, with the codec's outputs."""
        return Lesson(coded, tuple(self.outputs[stage] for stage in STAGES))


class Part(nn.Module, ABC):
    """One thing that is taught: a loss of a student's lesson against a teacher's."""

    @abstractmethod
    def forward(self, student: Lesson, teacher: Lesson) -> Tensor:
        """Return the loss, near one where the student knows nothing."""


class Response(Part):
    """The decoded pictures' squared difference over the teacher's own error range."""

    def forward(self, student: Lesson, teacher: Lesson) -> Tensor:
        """Return log(1 + mean squared difference of grey levels)."""
        error = (student.coded.planes - teacher.coded.planes).square().mean(dim=(1, 2, 3))
        return torch.log1p(error).mean()


class Latents(Part):
    """The latents' squared difference, by channel over its variance, weighted by bits."""

    def forward(self, student: Lesson, teacher: Lesson) -> Tensor:
        """Return the weighted mean over channels."""
        target = teacher.coded.latents
        bits = teacher.coded.latent_bits.sum(dim=(0, 2, 3))
        error = (student.coded.latents - target).square().mean(dim=(0, 2, 3))
        relative = error / (target.var(dim=(0, 2, 3)) + 1e-3)
        return (relative * bits / bits.sum().clamp_min(1e-6)).sum()


class Features(Part):
    """Stage outputs through 1 x 1 adapters from the student's widths to the teacher's.

    Args:
        widths: the student's stages' channels.
        taught: the teacher's.
        normalised: whether each channel's error is divided by its variance.
    """

    def __init__(
        self, widths: tuple[int, ...], taught: tuple[int, ...], *, normalised: bool
    ) -> None:
        super().__init__()
        self.normalised = normalised
        self.adapters = nn.ModuleList(
            nn.Conv2d(own, other, 1) for own, other in zip(widths, taught, strict=True)
        )

    def forward(self, student: Lesson, teacher: Lesson) -> Tensor:
        """Return the mean over stages."""
        losses = []
        for adapter, own, target in zip(self.adapters, student.stages, teacher.stages, strict=True):
            target = target.float()
            error = (adapter(own).float() - target).square().mean(dim=(0, 2, 3))
            if self.normalised:
                error = error / (target.var(dim=(0, 2, 3)) + 1e-4)
            losses.append(error.mean())
        return torch.stack(losses).mean()


class Relations(Part):
    """How alike samples are to each other, and positions inside a sample."""

    def forward(self, student: Lesson, teacher: Lesson) -> Tensor:
        """Return the mean squared difference of the cosine similarities, over stages."""
        losses = []
        for own, target in zip(student.stages, teacher.stages, strict=True):
            for view in (_samples, _positions):
                difference = _alike(view(own.float())) - _alike(view(target.float()))
                losses.append(difference.square().mean())
        return torch.stack(losses).mean()


def _samples(value: Tensor) -> Tensor:
    """Return (1, samples, channels): each sample's mean features, about the batch's."""
    pooled = value.mean(dim=(2, 3))
    return (pooled - pooled.mean(dim=0))[None]


def _positions(value: Tensor) -> Tensor:
    """Return (samples, 64, channels): features on an 8 x 8 raster, about the sample's mean."""
    raster = functional.adaptive_avg_pool2d(value, 8).flatten(2).transpose(1, 2)
    return raster - raster.mean(dim=1, keepdim=True)


def _alike(value: Tensor) -> Tensor:
    unit = functional.normalize(value, dim=2, eps=1e-6)
    return unit @ unit.transpose(1, 2)


def make_part(name: str, student: Codec, teacher: Codec) -> Part:
    """Return a part by its name on the command line.

    Raises:
        ValueError: the name is unknown.
    """
    widths, taught = student.shape.analysis, teacher.shape.analysis
    if name == "response":
        return Response()
    if name == "latents":
        return Latents()
    if name in ("feature", "stage"):
        return Features(widths, taught, normalised=name == "feature")
    if name == "relation":
        return Relations()
    raise ValueError(f"unknown part {name!r}: response, latents, feature, stage or relation")


class Distiller(nn.Module):
    """Teaches a student in the parts that were chosen, each with its weight.

    Args:
        student: who learns.
        teacher: who teaches; its weights change only where the caller trains it (online).
        weights: of each part, by name.
    """

    def __init__(self, student: Codec, teacher: Codec, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.parts = nn.ModuleDict({name: make_part(name, student, teacher) for name in weights})
        self._taps = (StageTap(student), StageTap(teacher))

    def forward(self, student: Coded, teacher: Coded) -> Tensor:
        """Return the weighted sum of the parts' losses; the teacher gets no gradient of it."""
        own = self._taps[0].lesson(student)
        taught = self._taps[1].lesson(teacher)
        taught = Lesson(_detached(taught.coded), tuple(s.detach() for s in taught.stages))
        losses = [self.weights[name] * part(own, taught) for name, part in self.parts.items()]
        return torch.stack(losses).sum()


def _detached(coded: Coded) -> Coded:
    return Coded(*(getattr(coded, f.name).detach() for f in fields(Coded)))
