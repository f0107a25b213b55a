"""The training loop: resumable at any step, unattended, on a CPU or an accelerator.

All random numbers follow from the seed and the step, and a checkpoint holds the optimiser's state.
A run that was killed and resumed therefore ends with the same weights as one that was not.
"""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ....link.errors import InputError
from ..arguments import TEACHERS
from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from ..data.corpus import Corpus
from ..networks.calibrate import put_on_grids
from ..networks.codec import Codec, Coded
from ..networks.initialise import start_from_components
from ..networks.shape import CodecShape
from ..networks.teacher import Teacher, teacher_shape
from .checkpoint import load, restore, restore_fitting, save, shape_of, shape_to_store
from .distillation import Distiller
from .evaluate import Summary, evaluate
from .held_out import HeldOutPicture
from .losses import draw_qualities, rate_distortion, relative_cost
from .optimiser import make_optimiser, parameter_groups
from .schedule import learning_rate
from .settings import TrainSettings
from .thread_tuning import ThreadTuner

log = logging.getLogger(__name__)


@dataclass
class Trainer:
    """One run: networks, their running average, the optimiser, and where it stands."""

    settings: TrainSettings
    shape: CodecShape
    training: Corpus
    samples: Sequence[HeldOutPicture] = ()
    codec: Codec = field(init=False)
    averaged: Codec = field(init=False)
    optimiser: torch.optim.Optimizer = field(init=False)
    sampler: CropSampler = field(init=False)
    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    stopping: bool = False

    def __post_init__(self) -> None:
        self.device = torch.device(self.settings.device)
        # TF32 has too few digits for the linear transforms, and breaks the integers' exactness.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.manual_seed(self.settings.seed)
        kind = Teacher if self.settings.model == "teacher" else Codec
        self.codec = kind(self.shape).to(self.device)
        self.averaged = kind(self.shape).to(self.device).eval()
        self.teacher: Codec | None = None
        self.distiller: Distiller | None = None
        self.sampler = CropSampler(
            self.training,
            crop=self.settings.crop,
            batch=self.settings.batch,
            seed=self.settings.seed,
            device=self.device,
        )

    def begin(self, start: Path | None = None) -> None:
        """Resume the run in `out`; else begin from a checkpoint's weights, or from nothing."""
        latest = self.settings.out / "latest.ckpt"
        if latest.exists():
            content = load(latest, self.device)
            restore(self.codec, content["model"])
            restore(self.averaged, content["averaged"])
            self._make_distiller()
            if self.distiller is not None and content.get("distiller"):
                self.distiller.load_state_dict(content["distiller"])
            if self.teacher is not None and content.get("teacher"):
                restore(self.teacher, content["teacher"])
            self._make_optimiser()
            self.optimiser.load_state_dict(content["optimiser"])
            self.step, self.seconds = content["step"], content["seconds"]
            self.best = content["best"]
            log.info("resumed at step %d", self.step)
            return
        if start is not None:
            self._start_from(load(start, self.device))
        else:
            start_from_components(self.codec, self.sampler)
        restore(self.averaged, self.codec.state_dict())
        self._make_distiller()
        self._make_optimiser()

    def _start_from(self, content: dict[str, Any]) -> None:
        """Take a checkpoint's averaged weights; a teacher takes a student's all but analysis."""
        state = content.get("averaged") or content["model"]
        if self.settings.model == "teacher" and set(state) != set(self.codec.state_dict()):
            start_from_components(self.codec, self.sampler)
            taken = restore_fitting(self.codec, state)
            log.info("a student's checkpoint: %d of its %d parts fit a teacher", taken, len(state))
        else:
            restore(self.codec, state)

    def _make_distiller(self) -> None:
        """Set the teacher and the parts up, where anything is to be taught."""
        if not self.settings.distil:
            return
        torch.manual_seed(self.settings.seed + 1)
        if self.settings.teach == "self":
            taught_by: Codec = self.averaged
        elif self.settings.teach == "online":
            taught_by = self.teacher = Teacher(teacher_shape(self.shape)).to(self.device)
            start_from_components(taught_by, self.sampler)
        elif self.settings.teach == "offline" and self.settings.teacher is not None:
            content = load(self.settings.teacher, self.device)
            taught_by = Teacher(shape_of(content)).to(self.device).eval()
            restore(taught_by, content["averaged"])
            taught_by.requires_grad_(requires_grad=False)
            self.offline = taught_by
        else:
            raise InputError(
                f"teach: {self.settings.teach!r} is not one of {', '.join(TEACHERS)}, "
                "or offline has no --teacher checkpoint"
            )
        parts = Distiller(self.codec, taught_by, self.settings.distil)
        self.distiller = parts.to(self.device)

    def _lesson(self, planes: Tensor, quality: Tensor, coded: Coded) -> Tensor:
        """Return what the teacher adds to the loss, and in online mode its own."""
        if self.distiller is None:
            return torch.zeros((), device=self.device)
        if self.teacher is not None:
            taught = self.teacher(planes, quality)
            own = relative_cost(rate_distortion(taught, planes, quality))
            result: Tensor = own + self.distiller(coded, taught)
            return result
        taught_by = self.averaged if self.settings.teach == "self" else self.offline
        with torch.no_grad():
            taught = taught_by(planes, quality)
        lesson: Tensor = self.distiller(coded, taught)
        return lesson

    def _make_optimiser(self) -> None:
        self.codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = parameter_groups(self.codec, self.settings.rate)
        if self.teacher is not None:
            groups += parameter_groups(self.teacher, self.settings.rate)
        if self.distiller is not None:
            adapters = list(self.distiller.parameters())
            groups.append({"params": adapters, "lr": self.settings.rate, "share": 1.0})
        self.optimiser = make_optimiser(self.settings.optimiser, groups, self.device)

    def stop(self, *_signal: object) -> None:
        """End the run after the step that is under way, and save (a signal's handler)."""
        self.stopping = True

    def run(self) -> None:
        """Train until the steps or the minutes are used up or `stop`; save at the end."""
        started = time.monotonic()
        before = self.seconds
        tally: list[Tensor] = []
        tuner = ThreadTuner() if self.settings.tune_threads else None
        while self.step < self.settings.steps:
            step_started = time.monotonic()
            last = self.step >= self.settings.steps * (1 - self.settings.grids)
            if last and self.settings.model == "student":
                self.put_on_grids()
            tally.append(self.advance())
            if tuner is not None:
                tuner.note(time.monotonic() - step_started)
            self.seconds = before + time.monotonic() - started
            if self.step % 50 == 0:
                self._log_steps(tally)
                tally.clear()
            if self.samples and self.step % self.settings.evaluate_every == 0:
                self.assess()
            out_of_time = time.monotonic() - started > 60 * self.settings.minutes or self.stopping
            if self.step % self.settings.save_every == 0 or out_of_time:
                self.save("latest")
            if out_of_time:
                log.info("stopped at step %d", self.step)
                return
        self.save("latest")
        if self.samples:
            self.assess()

    def put_on_grids(self) -> None:
        """Go on with integer weights and activations, from the averaged weights."""
        if self.codec.on_grids:
            return
        put_on_grids(self.averaged, self.sampler)
        restore(self.codec, self.averaged.state_dict())
        self.best = math.inf  # what was best was no integer codec

    def advance(self) -> Tensor:
        """Make one step; return (loss, bits per pixel, side bits per pixel, MSE, gradient)."""
        for group in self.optimiser.param_groups:
            rate = self.settings.rate * group["share"]
            group["lr"] = rate * learning_rate(self.step, self.settings)
        rng = np.random.default_rng((self.settings.seed, self.step, 1))
        torch.manual_seed(int(rng.integers(2**62)))
        planes = canonical_planes(self.sampler.draw(self.step), rng)
        planes = planes.contiguous(memory_format=torch.channels_last)
        quality = draw_qualities(self.codec, planes, rng)
        if self.settings.quality is not None:
            quality = torch.full_like(quality, self.settings.quality)
        with torch.autocast(self.device.type, torch.bfloat16):
            coded = self.codec(planes, quality)
            lesson = self._lesson(planes, quality, coded)
        loss = relative_cost(rate_distortion(coded, planes, quality)) + lesson
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = nn.utils.clip_grad_norm_(self.codec.parameters(), 2.0)
        if bool(torch.isfinite(gradient)):
            self.optimiser.step()
        self.step += 1
        self._average()
        pixels = planes.shape[2] * planes.shape[3]
        with torch.no_grad():
            return torch.stack(
                (
                    loss.detach(),
                    coded.bits.mean() / pixels,
                    coded.side_bits.mean() / pixels,
                    (coded.planes - planes).square().mean(),
                    gradient,
                )
            )

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        own, running = self.codec.state_dict(), self.averaged.state_dict()
        names = [n for n, v in own.items() if v.is_floating_point()]
        torch._foreach_lerp_([running[n] for n in names], [own[n] for n in names], 1 - keep)

    def assess(self) -> Summary:
        """Evaluate the averaged weights on the held-out samples; keep them where best."""
        started = time.monotonic()
        summary = evaluate(self.averaged, self.samples)
        row: dict[str, object] = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "bd_rate": round(summary.mean.percent / 100, 5),
            "coverage": round(summary.mean.coverage, 4),
        }
        row.update({f"bd_rate {g}": round(c.percent / 100, 4) for g, c in summary.groups.items()})
        row.update({f"coverage {g}": round(c.coverage, 3) for g, c in summary.groups.items()})
        self._append("evaluation.csv", row)
        took = time.monotonic() - started
        log.info(
            "step %d: BD-rate %+.1f %%, coverage %.0f %% (%.0f s)",
            self.step,
            summary.mean.percent,
            100 * summary.mean.coverage,
            took,
        )
        if summary.mean.percent / 100 < self.best:
            self.best = summary.mean.percent / 100
            self.save("best")
        return summary

    def save(self, name: str) -> None:
        """Write a checkpoint of everything that a resumed run needs."""
        save(
            self.settings.out / f"{name}.ckpt",
            {
                "shape": shape_to_store(self.shape),
                "model": self.codec.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "best": self.best,
                "distiller": self.distiller.state_dict() if self.distiller else None,
                "teacher": self.teacher.state_dict() if self.teacher else None,
            },
        )

    def _log_steps(self, tally: list[Tensor]) -> None:
        loss, bpp, side, error, gradient = torch.stack(tally).mean(dim=0).tolist()
        row = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "loss": round(loss, 5),
            "bpp": round(bpp, 4),
            "side_bpp": round(side, 5),
            "mse": round(error, 3),
            "gradient": round(gradient, 4),
        }
        self._append("training.csv", row)
        log.info(" ".join(f"{k} {v}" for k, v in row.items()))

    def _append(self, name: str, row: dict[str, object]) -> None:
        path = self.settings.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
