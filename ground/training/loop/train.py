"""The training loop: resumable at any step, unattended, on a CPU or an accelerator.

Everything random follows from the seed and the step, and a checkpoint holds the optimiser's
state, so a run that was killed and resumed ends with the same weights as one that was not.
"""

from __future__ import annotations

import argparse
import csv
import logging
import math
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ....link.errors import InputError
from ..arguments import OPTIMISERS, TEACHERS
from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from ..data.corpus import Corpus, load_corpus, split
from ..networks.codec import Codec, CodecShape, Coded
from ..networks.complexity import complexity
from ..networks.initialise import put_on_grids, start_from_components
from ..networks.teacher import TEACHER_SHAPE, Teacher, teacher_shape
from .checkpoint import load, restore, restore_fitting, save, shape_of, shape_to_store
from .distil import Distiller
from .evaluate import Sample, Summary, evaluate, held_out_samples
from .losses import draw_qualities, rate_distortion, relative_cost
from .threads import ThreadTuner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a run goes; what the networks are is `CodecShape`.

    Attributes:
        out: folder of checkpoints and logs.
        steps: after which the learning rate has come down to nothing.
        minutes: wall-clock budget of this call; the run is saved and can go on.
        batch: crops a step.
        crop: pixels a side.
        rate: learning rate of the networks.
        optimiser: "adam" or "soap".
        decay: share of the steps, at the end, over which the rate comes down.
        seed: of weights, crops and noise.
        save_every: steps.
        evaluate_every: steps.
        device: torch device name.
        grids: share of the steps, at the end, that train with integer weights and activations.
        model: "student" or "teacher".
        distil: weight of each part that is taught, by name (see `distil`); none: no teacher.
        teach: who teaches, "offline", "online" or "self".
        teacher: checkpoint of an offline teacher.
        tune_threads: try now and then whether one thread or all are faster (CPU). The order of
            sums changes with it, so equal seeds give equal weights only without.
        quality: 0…1, where all is trained at one quality alone: what a codec for one rate would
            reach, beside the one for all.
    """

    out: Path
    steps: int = 40_000
    minutes: float = math.inf
    batch: int = 16
    crop: int = 128
    rate: float = 4e-4
    optimiser: str = "adam"
    decay: float = 0.3
    seed: int = 1
    save_every: int = 250
    evaluate_every: int = 1500
    device: str = "cpu"
    grids: float = 0.1
    model: str = "student"
    distil: Mapping[str, float] = field(default_factory=dict)
    teach: str = "self"
    teacher: Path | None = None
    tune_threads: bool = False
    quality: float | None = None


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Return the factor on the rate: warm-up, constant, then linear to one per cent.

    A constant rate until the end is in sight lets a run be prolonged from any checkpoint
    before the decay.
    """
    warm = min(1.0, (step + 1) / 200)
    start = settings.steps * (1 - settings.decay)
    left = (settings.steps - step) / max(settings.steps - start, 1)
    return warm * min(1.0, max(left, 0.01))


def parameter_groups(codec: Codec, rate: float) -> list[dict[str, Any]]:
    """Return the optimiser's groups: linear transforms slower, tables faster than the networks."""
    slow, fast, tables, rest = [], [], [], []
    for name, parameter in codec.named_parameters():
        if ".linear." in name or name.startswith("neighbours."):
            slow.append(parameter)
        elif name.startswith("context."):
            tables.append(parameter)
        elif parameter.dim() == 2 or name.startswith("hyper.side_"):
            fast.append(parameter)
        else:
            rest.append(parameter)
    return [
        {"params": rest, "lr": rate, "share": 1.0},
        {"params": slow, "lr": rate * 0.25, "share": 0.25},
        {"params": fast, "lr": rate * 2.5, "share": 2.5},
        {"params": tables, "lr": rate * 10.0, "share": 10.0},
    ]


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
        from pytorch_optimizer import SOAP

        return SOAP(
            groups,
            betas=(0.95, 0.95),
            weight_decay=0.0,
            precondition_frequency=10,
            max_precondition_dim=256,
        )
    raise InputError(f"--optimiser: {name!r} is not one of {', '.join(OPTIMISERS)}")


@dataclass
class Trainer:
    """One run: networks, their running average, the optimiser, and where it stands."""

    settings: TrainSettings
    shape: CodecShape
    training: Corpus
    samples: Sequence[Sample] = ()
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


def parse_parts(text: str) -> dict[str, float]:
    """Return the weights of "name=weight,name=weight".

    Raises:
        InputError: a weight is missing or no number.
    """
    weights = {}
    for entry in filter(None, text.split(",")):
        name, _, weight = entry.partition("=")
        try:
            weights[name.strip()] = float(weight)
        except ValueError:
            raise InputError(f"--distil: {entry!r} is not name=weight") from None
    return weights


def train(options: argparse.Namespace) -> None:
    """Train as the options of `arguments.add_arguments` say."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    corpus = load_corpus(options.images, options.cache)
    training, held_out = split(corpus)
    samples = held_out_samples(held_out, (options.cache or options.out) / "anchors.json")
    settings = TrainSettings(
        out=options.out,
        steps=options.steps,
        minutes=options.minutes,
        batch=options.batch,
        crop=options.crop,
        rate=options.rate,
        optimiser=options.optimiser,
        decay=options.decay,
        grids=options.grids,
        model=options.model,
        distil=parse_parts(options.distil),
        teach=options.teach,
        teacher=options.teacher,
        seed=options.seed,
        evaluate_every=options.evaluate_every,
        device=options.device or ("cuda" if torch.cuda.is_available() else "cpu"),
        tune_threads=options.tune_threads,
        quality=options.quality,
    )
    latest = options.out / "latest.ckpt"
    fresh = TEACHER_SHAPE if options.model == "teacher" else CodecShape()
    shape = shape_of(load(latest)) if latest.exists() else fresh
    trainer = Trainer(settings, shape, training, samples)
    trainer.begin(options.start)
    parts = complexity(trainer.averaged)
    log.info("kMAC/px: %s", ", ".join(f"{k} {v / 1000:.2f}" for k, v in parts.items()))
    signal.signal(signal.SIGTERM, trainer.stop)
    trainer.run()
