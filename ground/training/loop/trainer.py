"""The training loop: resumable at any step, unattended, on a CPU or an accelerator.

All random numbers follow from the seed and the step, and a checkpoint holds the optimiser's state.
A run that was killed and resumed therefore ends with the same weights as one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.augment import AugmentSettings, CropSampler
from ..data.colour import canonical_planes
from ..data.corpus import Corpus
from ..networks.calibrate import put_on_grids, round_synthesis
from ..networks.codec import Codec, Coded
from ..networks.initialise import start_from_components
from ..networks.shape import CodecShape
from ..networks.teacher import Teacher, without_heavy
from .checkpoint import load, restore, save, shape_to_store
from .evaluate import Summary, evaluate
from .held_out import HeldOutPicture
from .losses import draw_qualities, rate_distortion, relative_cost
from .optimiser import make_optimiser, parameter_groups, set_learning_rate
from .precision import mixed_precision
from .processes import Processes
from .run_log import RunLog
from .schedule import Finish, learning_rate, lesson_weight, trains_integers
from .settings import TrainSettings
from .teaching import Teaching
from .thread_tuning import ThreadTuner

log = logging.getLogger(__name__)

LOG_EVERY = 50
"""Steps between lines of the log."""
LARGEST_GRADIENT = 2.0
"""Norm that a step's gradient is clipped to."""
LARGEST_KEPT = 0.999
"""Share of itself that the running average of the weights keeps at a step."""


class Trainer:
    """One run: the networks, their running average, the optimiser, and the progress.

    Args:
        settings: How the networks are trained.
        shape: Their widths.
        training: Pictures to train on.
        held_out: Pictures to evaluate on; none for a run without evaluation.
        processes: Which of the run's processes this is.

    Attributes:
        codec: The networks that are trained.
        averaged: The running average of their weights, which is evaluated and exported.
        teaching: The teacher, if there is distillation.
        optimiser: The optimiser, once `begin` was called.
        step: Steps that were made.
        seconds: Time that they took, over all calls.
        best: Lowest held-out BD-rate so far, as a fraction.
        origin: The model that the run began from, see `warm_start.load_start`; empty if none.
        encoder: Steps and seconds that the encoder was trained for, if this run does not train it.
    """

    optimiser: torch.optim.Optimizer

    def __init__(
        self,
        settings: TrainSettings,
        shape: CodecShape,
        training: Corpus,
        held_out: Sequence[HeldOutPicture] = (),
        processes: Processes | None = None,
    ) -> None:
        self.settings, self.shape, self.held_out = settings, shape, held_out
        self.processes = processes or Processes()
        self.step, self.seconds, self.best = 0, 0.0, math.inf
        self.origin: dict[str, Any] = {}
        self.encoder: dict[str, Any] = {}
        self.stopping = False
        self.finish = Finish(math.inf)
        self.device = torch.device(settings.device)
        # TF32 has too few digits for the linear transforms, and breaks the integers' exactness.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.manual_seed(settings.seed)
        self.codec: Codec = self._new_codec().to(self.device)
        self.averaged: Codec = self._new_codec().to(self.device).eval()
        self.teaching: Teaching | None = None
        self.log = RunLog(settings.out)
        self.sampler = CropSampler(
            training,
            crop=settings.crop,
            batch=settings.batch,
            seed=settings.seed,
            device=self.device,
            settings=AugmentSettings().scaled(settings.augment),
            area_power=settings.area_power,
        )

    def _new_codec(self) -> Codec:
        """Return networks of the kind that is trained, with random weights."""
        return Teacher(self.shape) if self.settings.model == "teacher" else Codec(self.shape)

    def begin(self, start: Mapping[str, Any] | None = None) -> None:
        """Resume the run in `out`; else begin from a checkpoint's weights, or from nothing.

        Args:
            start: Content of a checkpoint to begin from if `out` has none, see `warm_start`.

        Raises:
            InputError: A checkpoint or a setting is not valid.
        """
        latest = self.settings.out / "latest.ckpt"
        content = load(latest, self.device) if latest.exists() else None
        if content is not None:
            restore(self.codec, content["model"])
            restore(self.averaged, content["averaged"])
        else:
            if start is not None:
                self._start_from(start)
                self.origin = dict(start.get("origin") or {})
            else:
                self._start_from_nothing()
            restore(self.averaged, self.codec.state_dict())
        self.processes.share(self.codec, self.averaged)
        self._begun()
        if self.settings.distil:
            self.teaching = Teaching(self.settings, self.codec, self.averaged)
            self.teaching.load_state(content or {})
        self._make_optimiser()
        if content is not None:
            self.optimiser.load_state_dict(content["optimiser"])
            self.step, self.seconds = content["step"], content["seconds"]
            self.best = content["best"]
            self.origin = content.get("origin") or {}
            self.encoder = content.get("encoder") or {}
            log.info("resumed at step %d", self.step)

    def _start_from_nothing(self) -> None:
        start_from_components(self.codec, self.sampler)

    def _start_from(self, content: Mapping[str, Any]) -> None:
        """Take a checkpoint's averaged weights; a student leaves out a teacher's residual."""
        state = content.get("averaged") or content["model"]
        if self.settings.model != "teacher":
            state = without_heavy(state)
        restore(self.codec, state)

    def _begun(self) -> None:
        """Prepare the loaded networks for training; a hook of other kinds of runs."""

    def _make_optimiser(self) -> None:
        self.codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = parameter_groups(self.codec, self.settings.rate)
        if self.teaching is not None:
            groups += self.teaching.parameter_groups(self.settings.rate)
        self.optimiser = make_optimiser(self.settings.optimiser, groups, self.device)

    def stop(self, *_signal: object) -> None:
        """Save and end the run after the current step (the handler of a signal)."""
        self.stopping = True

    def run(self) -> None:
        """Train until the steps or the minutes are used up, or until `stop`; save at the end."""
        settings = self.settings
        started, before = time.monotonic(), self.seconds
        measures: list[Tensor] = []
        tuner = ThreadTuner() if settings.tune_threads else None
        self.finish = Finish(settings.finish)
        while self.step < settings.steps and self._advance_clock() < 1.0:
            step_started = time.monotonic()
            is_last = self.finish.trains_integers and settings.model != "teacher"
            if is_last or trains_integers(self.step, settings):
                self.put_on_grids()
            measures.append(self.advance())
            if tuner is not None:
                tuner.note(time.monotonic() - step_started)
            self.seconds = before + time.monotonic() - started
            if self.step % LOG_EVERY == 0:
                if self.processes.is_first:
                    self.log.steps(self.step, self.seconds / 60, measures)
                measures.clear()
            if self._evaluates and self.step % settings.evaluate_every == 0:
                self.assess()
            out_of_time = time.monotonic() - started > 60 * settings.minutes or self.stopping
            out_of_time = bool(self.processes.agree(out_of_time))
            if self.step % settings.save_every == 0 or out_of_time:
                self.save("latest")
            if out_of_time:
                log.info("stopped at step %d", self.step)
                return
        self.save("latest")
        if self._evaluates and self.step % settings.evaluate_every:
            self.assess()

    @property
    def _evaluates(self) -> bool:
        return bool(self.held_out) and self.processes.is_first

    def _advance_clock(self) -> float:
        """Move the finish on to the present; return the share of its time that has passed."""
        self.finish.share = self.processes.agree(self.finish.passed())
        return self.finish.share

    def put_on_grids(self) -> None:
        """Continue with integer weights and activations, from the averaged weights."""
        if self.codec.on_grids:
            return
        put_on_grids(self.averaged, self.sampler)
        self._begin_integers()

    def _begin_integers(self) -> None:
        """Continue from the averaged weights, which have been put on their grids."""
        self.processes.share(self.averaged)  # calibration may differ by a digit of a float
        restore(self.codec, self.averaged.state_dict())
        self.best = math.inf  # the best so far was no integer codec

    def advance(self) -> Tensor:
        """Make one step.

        Returns:
            Loss, bits per pixel, side bits per pixel, mean square error and norm of the gradient.
        """
        factor = learning_rate(self.step, self.settings) * self.finish.factor
        set_learning_rate(self.optimiser, self.settings.rate, factor)
        planes, quality = self._draw()
        with mixed_precision(self.device.type):
            coded = self._run_codec(planes, quality)
            taught = self._lessons(planes, quality, coded)
        loss = relative_cost(rate_distortion(coded, planes, quality)) + taught
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self._trained())
        gradient = nn.utils.clip_grad_norm_(self.codec.parameters(), LARGEST_GRADIENT)
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

    def _trained(self) -> list[nn.Parameter]:
        """Return the parameters that the optimiser moves."""
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def _lessons(self, planes: Tensor, quality: Tensor, coded: Coded) -> Tensor | float:
        """Return what the teacher adds to the loss of a step."""
        weight = lesson_weight(self.step, self.settings)
        if self.teaching is None or not self.teaching.has_lessons(weight):
            return 0.0
        return self.teaching.loss(planes, quality, coded, weight)

    def _run_codec(self, planes: Tensor, quality: Tensor) -> Coded:
        """Return what the codec makes of a batch, with gradients of what is trained."""
        coded: Coded = self.codec(planes, quality)
        return coded

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Return the planes and qualities of the next step, and seed torch for it."""
        number = self.processes.number_of(self.step)
        rng = np.random.default_rng((self.settings.seed, number, 1))
        torch.manual_seed(int(rng.integers(2**62)))
        planes = canonical_planes(self.sampler.draw(number), rng)
        planes = planes.contiguous(memory_format=torch.channels_last)
        quality = self._qualities(planes, rng)
        if self.settings.quality is not None:
            quality = torch.full_like(quality, self.settings.quality)
        return planes, quality

    def _qualities(self, planes: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the quality of each sample (b,), 0…1."""
        return draw_qualities(self.codec, planes, rng)

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged weights towards the current ones; faster while the run is young."""
        kept = min(LARGEST_KEPT, (1 + self.step) / (10 + self.step))
        current, running = self.codec.state_dict(), self.averaged.state_dict()
        names = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_([running[n] for n in names], [current[n] for n in names], 1 - kept)

    def assess(self) -> Summary:
        """Evaluate the averaged weights on the held-out pictures; save them if they are best.

        Integers are rounded for it as export rounds them, one weight after another.
        """
        started = time.monotonic()
        codec = self.averaged
        if codec.synthesis.linear_out.on:
            codec = deepcopy(codec)
            round_synthesis(codec, self.sampler)
        summary = evaluate(codec, self.held_out)
        took = time.monotonic() - started
        self.log.evaluation(self.step, self.seconds / 60, summary, took)
        if summary.mean.percent / 100 < self.best:
            self.best = summary.mean.percent / 100
            self.save("best")
        return summary

    def save(self, name: str) -> None:
        """Write a checkpoint of everything that a resumed run needs (the first process only)."""
        if not self.processes.is_first:
            return
        teaching = {"distiller": None, "teacher": None}
        if self.teaching is not None:
            teaching = self.teaching.state()
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
                "origin": self.origin,
                "encoder": self.encoder,
                **teaching,
            },
        )
