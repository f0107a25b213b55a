"""Does distillation pay? Teacher against student, then students with and without its lessons.

    python benchmarks/distillation.py teacher --images DIR --out DIR [--steps 600]
    python benchmarks/distillation.py arms --images DIR --out DIR [--steps 600] [--seeds 3]

`teacher` trains two codecs from the shipped weights for equally many steps on the same crops: the
student, and a teacher that has a heavy residual beside the student's analysis and shares all else.
The teacher can have lessons to give only if it is clearly better than that student.

`arms` trains students on from one common start, that student, with the same steps and crops:

  own        Its own decoder and entropy model, by rate and distortion alone.
  inherited  The teacher's decoder and entropy model (as RS-LLIC does), by rate and distortion.
  taught     The same, and lessons on the latents in units of distortion, which fall to zero over
             the last third.

Every arm has each seed, and seeds differ in crops, qualities and noise. Given are held-out BD-rates
against JPEG 2000 (float networks, bits as training estimates them) and, for the arms, the change
against `own` with the same seed: mean and spread over seeds. A run that was interrupted is resumed.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from downpass.ground.training.arguments import SHIPPED, add_corpus_arguments
from downpass.ground.training.data.corpus import Corpus
from downpass.ground.training.loop.checkpoint import load, shape_of
from downpass.ground.training.loop.evaluate import Summary, evaluate
from downpass.ground.training.loop.held_out import HeldOutPicture, load_training_and_held_out
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.loop.warm_start import load_start
from downpass.ground.training.networks.teacher import without_heavy

RATE = 5e-4
ANALYSIS = "analysis."
ARMS: dict[str, Mapping[str, float]] = {
    "own": {},
    "inherited": {},
    "taught": {"distortion": 1.0},
}
"""Distillation terms of each arm, with their weights."""


class Study:
    """Pictures, output folder and length of all runs.

    Args:
        options: The command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.out: Path = options.out
        self.steps: int = options.steps
        self.training: Corpus
        self.held_out: list[HeldOutPicture]
        self.training, self.held_out = load_training_and_held_out(
            options.images, options.cache, options.out
        )
        self.held_out = self.held_out[:: options.every]

    def settings(self, name: str, seed: int, **changes: Any) -> TrainSettings:
        """Return the settings of a run."""
        return TrainSettings(
            out=self.out / name,
            steps=self.steps,
            batch=8,
            rate=RATE,
            optimiser="soap",
            seed=seed,
            grids=0.0,
            **changes,
        )

    def size(self) -> dict[str, str]:
        """Return how long a run was, and on how many pictures it was rated."""
        return {"steps": str(self.steps), "pictures": str(len(self.held_out))}

    def run(self, settings: TrainSettings, start: Mapping[str, Any]) -> Summary:
        """Train, or resume, or take what is trained; return the held-out results."""
        trainer = Trainer(settings, shape_of(dict(start)), self.training)
        trainer.begin(start)
        if trainer.step < settings.steps:
            begun, first = time.process_time(), trainer.step
            trainer.run()
            seconds = (time.process_time() - begun) / (trainer.step - first)
            print(f"{settings.out.name}: {seconds:.3f} s of processor time a step", flush=True)
        return evaluate(trainer.averaged, self.held_out)

    def teacher(self) -> None:
        """Train student and teacher, and print what the teacher is ahead."""
        start = load_start(SHIPPED)
        rows, begun = [], start["origin"]["fingerprint"]
        for model in ("student", "teacher"):
            summary = self.run(self.settings(model, seed=1, model=model), start)
            rows.append({"begun": begun, "model": model, **self.size(), **figures(summary)})
            print(f"{model:<10} {summary.mean.percent:+.2f} %", flush=True)
            write(self.out / "teacher.csv", rows)

    def arms(self, seeds: range, names: list[str]) -> None:
        """Train the arms and print the table."""
        rows = read(self.out / "arms.csv")
        done = {(row["arm"], row["seed"]) for row in rows}
        for seed in seeds:
            for name in names:
                if (name, str(seed)) in done:
                    continue
                terms = ARMS[name]
                teaching = {"teach": "offline", "teacher": self.out / "teacher" / "latest.ckpt"}
                settings = self.settings(
                    f"{name}-{seed}", seed=100 + seed, distil=terms, anneal=1 / 3, **teaching
                )
                summary = self.run(settings, self._start(name))
                rows.append({"arm": name, "seed": str(seed), **self.size(), **figures(summary)})
                write(self.out / "arms.csv", rows)
                print(f"{name} seed {seed}: {summary.mean.percent:+.3f} %", flush=True)
        print_table(rows)

    def _start(self, arm: str) -> dict[str, Any]:
        """Return the student's weights; of the teacher all but the analysis, if they are heirs."""
        content = load(self.out / "student" / "latest.ckpt")
        state = dict(content["averaged"])
        if arm != "own":
            teacher = load(self.out / "teacher" / "latest.ckpt")["averaged"]
            inherited = without_heavy(teacher)
            state.update({n: v for n, v in inherited.items() if not n.startswith(ANALYSIS)})
        return {"shape": content["shape"], "model": state}


def figures(summary: Summary) -> dict[str, str]:
    """Return the held-out results as they are stored."""
    return {
        "bd_rate": f"{summary.mean.percent:.3f}",
        "coverage": f"{summary.mean.coverage:.4f}",
    }


def changes(rows: list[dict[str, str]], arm: str, against: str = "own") -> list[float]:
    """Return the change of rate in per cent of an arm against another, for each seed of both."""
    found = {
        name: {r["seed"]: 1 + float(r["bd_rate"]) / 100 for r in rows if r["arm"] == name}
        for name in (arm, against)
    }
    seeds = sorted(found[arm].keys() & found[against].keys())
    return [100 * (found[arm][seed] / found[against][seed] - 1) for seed in seeds]


def spread(values: list[float]) -> float:
    """Return the standard deviation; of a single value none is known."""
    return stdev(values) if len(values) > 1 else float("nan")


def print_table(rows: list[dict[str, str]]) -> None:
    """Print mean and spread over seeds of each arm."""
    print(f"{'arm':<10} {'seeds':>5} {'BD-rate':>9} {'spread':>7} {'change':>8} {'spread':>7}")
    for arm in ARMS:
        values = [float(row["bd_rate"]) for row in rows if row["arm"] == arm]
        if not values:
            continue
        changed = changes(rows, arm)
        mean = fmean(changed) if changed else float("nan")
        print(
            f"{arm:<10} {len(values):>5} {fmean(values):>+9.2f} {spread(values):>7.2f} "
            f"{mean:>+8.2f} {spread(changed):>7.2f}",
            flush=True,
        )


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table; none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run a part of the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("part", choices=("teacher", "arms"))
    add_corpus_arguments(parser)
    add = parser.add_argument
    add("--steps", type=int, default=600, help="of each run (%(default)s)")
    add("--seeds", type=int, default=3, help="(%(default)s)")
    add("--first-seed", type=int, default=1, help="(%(default)s)")
    add("--every", type=int, default=1, help="take every N-th held-out picture (%(default)s)")
    add("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(all)")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    study = Study(options)
    if options.part == "teacher":
        study.teacher()
    else:
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        study.arms(seeds, options.arms)


if __name__ == "__main__":
    main()
