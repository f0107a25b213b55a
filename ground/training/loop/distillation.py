"""Knowledge distillation: loss terms that a student is taught with, each with its weight.

The terms follow the survey of Himeur et al.; each is a `DistillationTerm`:
  response   The decoded picture.
  latents    The latents, each channel weighted by its share of the teacher's bits.
  distortion The latents, in units of the objective: as the change of pixels that the error would
             make, times λ, over the sample's cost.
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
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ....link.errors import InputError
from ..networks.codec import Codec, Coded, CodedLatents
from ..networks.scale_context import table_index


class CodecActivations(NamedTuple):
    """What distillation compares of a codec that ran on one batch.

    Attributes:
        coded: Outputs of the codec.
        stages: Stage outputs of its analysis at 1/4, 1/8 and 1/16.
        price: Share of a sample's cost that a mean square error of one would add (b,).
    """

    coded: CodedLatents
    stages: tuple[Tensor, ...]
    price: Tensor


class StageRecorder:
    """Keeps the stage outputs of a codec's analysis while the codec runs."""

    def __init__(self, codec: Codec) -> None:
        self.outputs: dict[int, Tensor] = {}
        self.handles = []
        for number, stage in enumerate(codec.analysis.stages):

            def keep(
                _module: nn.Module, _inputs: object, output: Tensor, number: int = number
            ) -> None:
                self.outputs[number] = output

            self.handles.append(stage.register_forward_hook(keep))

    def activations(self, coded: CodedLatents, price: Tensor) -> CodecActivations:
        """Return the stage outputs of the last run, with the codec's outputs."""
        stages = tuple(self.outputs[number] for number in sorted(self.outputs))
        return CodecActivations(coded, stages, price)


class DistillationTerm(nn.Module, ABC):
    """One loss of a student's activations against a teacher's.

    Attributes:
        reads_pictures: Whether the term reads decoded pictures; if none does, a teacher need not
            decode any.
    """

    reads_pictures = False

    @abstractmethod
    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the loss, near one for a student that has learned nothing."""


class ResponseTerm(DistillationTerm):
    """The squared difference of the decoded pictures."""

    reads_pictures = True

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return log(1 + mean squared difference of grey levels)."""
        if not (isinstance(student.coded, Coded) and isinstance(teacher.coded, Coded)):
            raise TypeError("the response needs decoded pictures")
        error = (student.coded.planes - teacher.coded.planes).square().mean(dim=(1, 2, 3))
        return torch.log1p(error).mean()


class LatentsTerm(DistillationTerm):
    """The squared difference of the latents: by channel, over its variance, weighted by bits."""

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the weighted mean over channels."""
        target = teacher.coded.latents
        bits = teacher.coded.latent_bits.sum(dim=(0, 2, 3))
        error = (student.coded.latents - target).square().mean(dim=(0, 2, 3))
        relative = error / (target.var(dim=(0, 2, 3)) + 1e-3)
        return (relative * bits / bits.sum().clamp_min(1e-6)).sum()


class DistortionTerm(DistillationTerm):
    """The squared difference of the latents as a distortion of the decoded picture.

    An error of a latent changes the pixels by the gain of its channel in the linear synthesis. Its
    square, times λ and over the sample's cost, is what it would add to the objective. So a weight
    of one sets the lesson equal to the picture, with no scale to be found for each channel or rate.
    Latents that the teacher skips are decoded as zero whatever they are, and teach nothing.

    Args:
        student: The codec whose synthesis gives the channels' gains.
    """

    def __init__(self, student: Codec) -> None:
        super().__init__()
        self._synthesis = (student.synthesis,)  # in a tuple: it is not a part of this module

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the mean over samples of λ · error / cost."""
        weight = self._synthesis[0].linear.weight.detach()  # (pixels, N, 1, 1)
        energy = weight.square().sum(dim=(0, 2, 3)) / weight.shape[0]
        taught = table_index(teacher.coded.log2_scales) > 0
        error = (student.coded.latents - teacher.coded.latents).square() * taught
        distortion = (error.mean(dim=(2, 3)) * energy).sum(dim=1)
        return (distortion * student.price).mean()


class FeatureTerm(DistillationTerm):
    """Stage outputs, through 1 x 1 adapters from the student's widths to the teacher's.

    Args:
        student_widths: Channels of the student's stages.
        teacher_widths: Channels of the teacher's.
        normalised: Whether each channel's error is divided by its variance.
    """

    def __init__(
        self,
        student_widths: tuple[int, ...],
        teacher_widths: tuple[int, ...],
        *,
        normalised: bool,
    ) -> None:
        super().__init__()
        self.normalised = normalised
        self.adapters = nn.ModuleList(
            nn.Conv2d(narrow, wide, 1)
            for narrow, wide in zip(student_widths, teacher_widths, strict=True)
        )

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the mean over stages."""
        losses = []
        for adapter, value, target in zip(
            self.adapters, student.stages, teacher.stages, strict=True
        ):
            target = target.float()
            error = (adapter(value).float() - target).square().mean(dim=(0, 2, 3))
            if self.normalised:
                error = error / (target.var(dim=(0, 2, 3)) + 1e-4)
            losses.append(error.mean())
        return torch.stack(losses).mean()


class RelationTerm(DistillationTerm):
    """Cosine similarities of the samples to each other, and of the positions in a sample."""

    def forward(self, student: CodecActivations, teacher: CodecActivations) -> Tensor:
        """Return the mean squared difference of the similarities, over stages."""
        losses = []
        for value, target in zip(student.stages, teacher.stages, strict=True):
            for view in (_samples, _positions):
                difference = _similarities(view(value.float())) - _similarities(
                    view(target.float())
                )
                losses.append(difference.square().mean())
        return torch.stack(losses).mean()


def _samples(value: Tensor) -> Tensor:
    """Return (1, samples, channels): each sample's mean features, less the batch's mean."""
    pooled = value.mean(dim=(2, 3))
    return (pooled - pooled.mean(dim=0))[None]


def _positions(value: Tensor) -> Tensor:
    """Return (samples, 64, channels): features on an 8 x 8 raster, less the sample's mean."""
    raster = functional.adaptive_avg_pool2d(value, 8).flatten(2).transpose(1, 2)
    return raster - raster.mean(dim=1, keepdim=True)


def _similarities(value: Tensor) -> Tensor:
    """Return the cosine similarities (b, n, n) of n feature vectors (b, n, channels)."""
    unit = functional.normalize(value, dim=2, eps=1e-6)
    return unit @ unit.transpose(1, 2)


TERMS = ("response", "latents", "distortion", "feature", "stage", "relation")


def make_term(name: str, student: Codec, teacher: Codec) -> DistillationTerm:
    """Return a term by its name on the command line.

    Raises:
        InputError: The name is unknown.
    """
    if name == "response":
        return ResponseTerm()
    if name == "latents":
        return LatentsTerm()
    if name == "distortion":
        return DistortionTerm(student)
    if name in ("feature", "stage"):
        widths = student.analysis.stage_widths, teacher.analysis.stage_widths
        return FeatureTerm(*widths, normalised=name == "feature")
    if name == "relation":
        return RelationTerm()
    raise InputError(f"--distil: {name!r} is not one of {', '.join(TERMS)}")


class Distiller(nn.Module):
    """The weighted sum of the chosen distillation terms.

    Args:
        student: The codec that learns.
        teacher: The codec that teaches. Its weights change only if the caller trains it (online).
        weights: Weight of each term by name.

    Raises:
        InputError: A term is unknown.
    """

    def __init__(self, student: Codec, teacher: Codec, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        # Checkpoints hold the adapters under this name: `parts.feature.adapters.0.weight`.
        self.parts = nn.ModuleDict({name: make_term(name, student, teacher) for name in weights})
        self._student, self._teacher = StageRecorder(student), StageRecorder(teacher)

    @property
    def reads_pictures(self) -> bool:
        """Whether a term reads decoded pictures."""
        return any(cast("DistillationTerm", term).reads_pictures for term in self.parts.values())

    def forward(self, student: CodedLatents, teacher: CodedLatents, price: Tensor) -> Tensor:
        """Return the weighted sum of the terms; the teacher gets no gradient from it.

        Args:
            student: Outputs of the student.
            teacher: Outputs of the teacher on the same batch.
            price: See `CodecActivations`.
        """
        learned = self._student.activations(student, price)
        taught = self._teacher.activations(teacher, price)
        target = CodecActivations(
            _detached(taught.coded), tuple(stage.detach() for stage in taught.stages), price
        )
        losses = [self.weights[name] * term(learned, target) for name, term in self.parts.items()]
        return torch.stack(losses).sum()


def _detached(coded: CodedLatents) -> CodedLatents:
    return type(coded)(*(getattr(coded, field.name).detach() for field in fields(coded)))
