"""A run's teacher: set up, asked at each step, and stored in the checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ....link.errors import InputError
from ..arguments import TEACHERS
from ..networks.codec import Codec, Coded, CodedLatents
from ..networks.quantise import switch_off
from ..networks.shape import lambda_of_quality
from ..networks.teacher import Teacher
from .checkpoint import load, restore, shape_of
from .distillation import Distiller
from .losses import FLOOR_BPP, rate_distortion, relative_cost
from .optimiser import parameter_groups
from .settings import TrainSettings


class Teaching:
    """The teacher of a run, and the distillation terms that it teaches the student with.

    Args:
        settings: Settings of the run; `distil` is not empty.
        student: The codec that learns.
        averaged: The running average of its weights, which teaches if `teach` is "self".

    Attributes:
        teacher: The codec that teaches.
        is_online: Whether the teacher learns too.
        distiller: The distillation terms.

    Raises:
        InputError: `teach` or `distil` is unknown, or an offline teacher has no checkpoint.
    """

    def __init__(self, settings: TrainSettings, student: Codec, averaged: Codec) -> None:
        device = torch.device(settings.device)
        torch.manual_seed(settings.seed + 1)
        self.is_online = settings.teach == "online"
        self.teacher: Codec
        if settings.teach == "self":
            self.teacher = averaged
        elif settings.teach == "online":
            self.teacher = Teacher(student.shape).to(device)
            restore(self.teacher, student.state_dict())
            switch_off(self.teacher)
        elif settings.teach == "offline":
            if settings.teacher is None:
                raise InputError(
                    "--teach offline needs a checkpoint of the teacher: --teacher CKPT"
                )
            content = load(settings.teacher, device)
            self.teacher = Teacher(shape_of(content)).to(device).eval()
            restore(self.teacher, content["averaged"])
            self.teacher.requires_grad_(requires_grad=False)
        else:
            raise InputError(f"--teach: {settings.teach!r} is not one of {', '.join(TEACHERS)}")
        self.distiller = Distiller(student, self.teacher, settings.distil).to(device)

    def loss(self, planes: Tensor, quality: Tensor, coded: Coded, weight: float = 1.0) -> Tensor:
        """Return the loss of the distillation terms; an online teacher's own cost is added to it.

        Args:
            planes: Training planes (b, 3, h, w).
            quality: Quality of each sample (b,), 0…1.
            coded: What the student made of them.
            weight: Factor on the terms.
        """
        with torch.no_grad():
            cost = rate_distortion(coded, planes, quality) + FLOOR_BPP
        price = lambda_of_quality(quality) / cost
        if self.is_online:
            answer: Coded = self.teacher(planes, quality)
            online: Tensor = weight * self.distiller(coded, answer, price)
            return relative_cost(rate_distortion(answer, planes, quality)) + online
        asked = self.teacher if self.distiller.reads_pictures else self.teacher.encode
        with torch.no_grad():
            taught: CodedLatents = asked(planes, quality)
        loss: Tensor = weight * self.distiller(coded, taught, price)
        return loss

    def has_lessons(self, weight: float) -> bool:
        """Return whether `loss` depends on the teacher when its terms have this weight."""
        return self.is_online or weight > 0

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Return the optimiser's groups of what learns beside the student."""
        groups = parameter_groups(self.teacher, rate) if self.is_online else []
        adapters = list(self.distiller.parameters())
        return [*groups, {"params": adapters, "lr": rate, "share": 1.0}] if adapters else groups

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint stores: `distiller`, and `teacher` if it is online."""
        return {
            "distiller": self.distiller.state_dict(),
            "teacher": self.teacher.state_dict() if self.is_online else None,
        }

    def load_state(self, content: dict[str, Any]) -> None:
        """Resume from a checkpoint's content."""
        if content.get("distiller"):
            self.distiller.load_state_dict(content["distiller"])
        if self.is_online and content.get("teacher"):
            restore(self.teacher, content["teacher"])
