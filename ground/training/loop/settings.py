"""Settings of a training run: what is trained, for how long, and how."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ....link.errors import InputError


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a run is trained. The widths of the networks are a `CodecShape`.

    Attributes:
        out: Folder of checkpoints and logs.
        steps: Length of the schedule, after which the learning rate has fallen to one per cent.
        minutes: Wall-clock budget of this call. The run is saved then and can be resumed.
        finish: Wall-clock minutes over which this call brings the learning rate down and ends, see
            `schedule.Finish`.
        batch: Crops per step.
        crop: Side of a crop, pixels.
        augment: Factor in 0…1 on the shares of crops that are changed, see `AugmentSettings`.
        area_power: Power of a group's pixels that its share of the crops is proportional to, see
            `sampling_weights`.
        rate: Learning rate of the networks.
        optimiser: "adam" or "soap".
        decay: Last share of the steps, over which the learning rate falls.
        seed: Seed of weights, crops and noise.
        save_every: Steps between checkpoints.
        evaluate_every: Steps between evaluations.
        device: Name of a torch device.
        grids: Last share of the steps, which train with integer weights and activations.
        model: "student", "teacher" or "decoder".
        distil: Weight of each distillation term by name (see `distillation`); empty for training
            without a teacher.
        anneal: Last share of the steps, over which the distillation terms fall to zero.
        teach: Which teacher: "offline", "online" or "self".
        teacher: Checkpoint of an offline teacher.
        synthesis: Checkpoint or model folder with the synthesis that a decoder begins from; None
            for that of the model that it is trained for.
        tune_threads: Whether to try from time to time if one thread is faster than all (CPU). The
            number of threads changes the order of sums, so equal seeds give equal weights only
            without it.
        quality: One quality in 0…1 to train at, for comparing with a codec of a single rate; None
            to train at all qualities.
    """

    out: Path
    steps: int = 40_000
    minutes: float = math.inf
    finish: float = math.inf
    batch: int = 16
    crop: int = 128
    augment: float = 1.0
    area_power: float = 0.6
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
    anneal: float = 0.0
    teach: str = "self"
    teacher: Path | None = None
    synthesis: Path | None = None
    tune_threads: bool = False
    quality: float | None = None

    @classmethod
    def of_options(cls, options: argparse.Namespace) -> TrainSettings:
        """Return the settings that the options of `arguments.add_arguments` ask for.

        Raises:
            InputError: `--distil` is malformed.
        """
        return cls(
            out=options.out,
            steps=options.steps,
            minutes=options.minutes,
            finish=options.finish,
            batch=options.batch,
            crop=options.crop,
            augment=options.augment,
            area_power=options.area_power,
            rate=options.rate,
            optimiser=options.optimiser,
            decay=options.decay,
            grids=options.grids,
            model=options.model,
            distil=parse_distillation_terms(options.distil),
            anneal=options.anneal,
            teach=options.teach,
            teacher=options.teacher,
            synthesis=options.synthesis,
            seed=options.seed,
            evaluate_every=options.evaluate_every,
            device=options.device or ("cuda" if torch.cuda.is_available() else "cpu"),
            tune_threads=options.tune_threads,
            quality=options.quality,
        )


def parse_distillation_terms(text: str) -> dict[str, float]:
    """Return the weights that "name=weight,name=weight" gives.

    Raises:
        InputError: A weight is missing or is not a number.
    """
    weights = {}
    for entry in filter(None, text.split(",")):
        name, _, weight = entry.partition("=")
        try:
            weights[name.strip()] = float(weight)
        except ValueError:
            raise InputError(f"--distil: {entry!r} is not of the form name=weight") from None
    return weights
