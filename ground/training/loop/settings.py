"""Settings of a training run: what is trained, for how long, and how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ....link.errors import InputError


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


def parse_distillation_terms(text: str) -> dict[str, float]:
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
