"""Knowledge distillation: loss terms that a student is taught with, each with its weight.

The terms follow the survey of Himeur et al.; each is a `DistillationTerm`:
  response   The decoded picture.
  latents    The latents, each channel weighted by its share of the teacher's bits.
  feature    The stage outputs of the analysis, through a learned 1 x 1 adapter. Each channel's
             error is divided by its variance: most energy lies in few channels, and a plain L2
             loss would see no other.
  stage      The same without the division, as in the public code of RS-LLIC.
  relation   Cosine similarities between samples, and between positions of a sample.

The teacher is one of:
  offline    A teacher that was trained before and does not change.
  online     A teacher that learns beside the student.
  self       The running average of the student itself.
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


class CodecActivations(NamedTuple):
    """One batch as a codec sees it: what came out, and the stage outputs on the way."""

    coded: Coded
    stages: tuple[Tensor, ...]


class StageRecorder:
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

    def lesson(self, coded: Coded) -> CodecActivations:
        """Return what was kept, with the codec's outputs."""
        return CodecActivations(coded, tuple(self.outputs[stage] for stage in STAGES))


class DistillationTerm(nn.Module, ABC):
    """One thing that is taught: a loss of a student's lesson against a teacher's."""

    @abstractmethod
    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the loss, near one where the student knows nothing."""


class ResponseTerm(DistillationTerm):
    """The decoded pictures' squared difference over the teacher's own error range."""

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return log(1 + mean squared difference of grey levels)."""
        error = (student.coded.planes - teacher.coded.planes).square().mean(dim=(1, 2, 3))
        return torch.log1p(error).mean()


class LatentsTerm(DistillationTerm):
    """The latents' squared difference, by channel over its variance, weighted by bits."""

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the weighted mean over channels."""
        target = teacher.coded.latents
        bits = teacher.coded.latent_bits.sum(dim=(0, 2, 3))
        error = (student.coded.latents - target).square().mean(dim=(0, 2, 3))
        relative = error / (target.var(dim=(0, 2, 3)) + 1e-3)
        return (relative * bits / bits.sum().clamp_min(1e-6)).sum()


class FeatureTerm(DistillationTerm):
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

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the mean over stages."""
        losses = []
        for adapter, own, target in zip(self.adapters, student.stages, teacher.stages, strict=True):
            target = target.float()
            error = (adapter(own).float() - target).square().mean(dim=(0, 2, 3))
            if self.normalised:
                error = error / (target.var(dim=(0, 2, 3)) + 1e-4)
            losses.append(error.mean())
        return torch.stack(losses).mean()


class RelationTerm(DistillationTerm):
    """How alike samples are to each other, and positions inside a sample."""

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
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


def make_term(name: str, student: Codec, teacher: Codec) -> DistillationTerm:
    """Return a part by its name on the command line.

    Raises:
        ValueError: the name is unknown.
    """
    widths, taught = student.shape.analysis, teacher.shape.analysis
    if name == "response":
        return ResponseTerm()
    if name == "latents":
        return LatentsTerm()
    if name in ("feature", "stage"):
        return FeatureTerm(widths, taught, normalised=name == "feature")
    if name == "relation":
        return RelationTerm()
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
        self.parts = nn.ModuleDict({name: make_term(name, student, teacher) for name in weights})
        self._taps = (StageRecorder(student), StageRecorder(teacher))

    def forward(self, student: Coded, teacher: Coded) -> Tensor:
        """Return the weighted sum of the parts' losses; the teacher gets no gradient of it."""
        own = self._taps[0].lesson(student)
        taught = self._taps[1].lesson(teacher)
        taught = CodecActivations(_detached(taught.coded), tuple(s.detach() for s in taught.stages))
        losses = [self.weights[name] * part(own, taught) for name, part in self.parts.items()]
        return torch.stack(losses).sum()


def _detached(coded: Coded) -> Coded:
    return Coded(*(getattr(coded, f.name).detach() for f in fields(Coded)))
