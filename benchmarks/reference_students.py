"""RS-LLIC's student beside ours: trained from scratch on the same crops, with the same objective.

    python benchmarks/reference_students.py ours --images DIR --out DIR
    python benchmarks/reference_students.py rs-llic --images DIR --out DIR --steps 400
    python benchmarks/reference_students.py speed --images DIR --out DIR
    python benchmarks/reference_students.py table --images DIR --out DIR

`rs_llic.py` has the networks. Like ours, RS-LLIC's student is one model for all rates, since the
objective and the BD-rate need all rates, and its decoder has as many operations as ours, so that
what differs is on board. Qualities and crops are those of a run of our student with the same seed.

Both are rated by their likelihoods on the held-out pictures (float networks), against JPEG 2000.
"""

from __future__ import annotations

import argparse
import csv
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from downpass.ground.training.arguments import add_corpus_arguments
from downpass.ground.training.loop.held_out import HeldOutPicture, load_training_and_held_out
from downpass.ground.training.loop.losses import draw_qualities
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.complexity import complexity, count_macs
from downpass.ground.training.networks.initialise import start_from_components
from downpass.ground.training.networks.shape import CodecShape
from rs_llic import WIDTH, RsLlic
from torch import Tensor

STUDENTS = ("ours", "rs-llic")
ROUNDS = 3
PRECONDITIONING = 10
"""Steps of a round: SOAP renews its bases every tenth step."""


class ReferenceTrainer(Trainer):
    """A run of `RsLlic`, with the qualities of a run of our student."""

    def _new_codec(self) -> Codec:
        return RsLlic(self.shape)  # type: ignore[return-value]

    def _start_from_nothing(self) -> None:
        self.codec.begin(self.sampler)  # type: ignore[operator]

    def _begun(self) -> None:
        self.drawer = Codec(self.shape)
        start_from_components(self.drawer, self.sampler)

    def _qualities(self, planes: Tensor, rng: Any) -> Tensor:
        return draw_qualities(self.drawer, planes, rng)


def kmac(codec: Codec | RsLlic, side: int = 256) -> tuple[float, float]:
    """Return thousands of multiply-accumulates per pixel on board, and of the decoder."""
    if isinstance(codec, Codec):
        parts = complexity(codec, side)
        return parts["onboard"] / 1000, parts["synthesis"] / 1000
    planes, quality = torch.zeros(1, 3, side, side), torch.full((1,), 0.5)
    macs = count_macs(codec.eval(), lambda: codec(planes, quality))
    decoder = sum(count for name, count in macs.items() if name.startswith("synthesis"))
    # Two blocks at 1/2, 1/4 and 1/8 multiply each pixel's nine neighbours by its own kernel.
    dynamic = 2 * 9 * WIDTH * (1 / 4 + 1 / 16 + 1 / 64)
    onboard = (sum(macs.values()) - decoder) / side**2 + dynamic
    return onboard / 1000, decoder / side**2 / 1000


class Comparison:
    """Pictures and output folder, and the trainers of both students.

    Args:
        options: The command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.out: Path = options.out
        self.training, self.held_out = load_training_and_held_out(
            options.images, options.cache, options.out
        )

    def trainer(self, student: str, pictures: Sequence[HeldOutPicture] = ()) -> Trainer:
        """Return a student's trainer, begun or resumed."""
        settings = TrainSettings(
            out=self.out / student,
            steps=self.options.steps,
            batch=8,
            rate=self.options.rate,
            optimiser="soap",
            seed=self.options.seed,
            grids=0.0,
            evaluate_every=self.options.evaluate_every,
        )
        kind = Trainer if student == "ours" else ReferenceTrainer
        made = kind(settings, CodecShape(), self.training, pictures)
        made.begin()
        return made

    def train(self, student: str) -> None:
        """Train one student; its folder gets `evaluation.csv`."""
        trainer = self.trainer(student, self.held_out)
        signal.signal(signal.SIGTERM, trainer.stop)
        if trainer.step < trainer.settings.steps:
            trainer.run()
        if trainer.stopping:
            trainer.assess()  # what was reached when the run was ended

    def speed(self) -> None:
        """Measure the processor time of a step of both in turns, as other work comes and goes."""
        trainers = {student: self.trainer(student) for student in STUDENTS}
        seconds: dict[str, list[float]] = {student: [] for student in STUDENTS}
        for _ in range(ROUNDS + 1):
            for student, trainer in trainers.items():
                begun = time.process_time()
                for _ in range(PRECONDITIONING):
                    trainer.advance()
                seconds[student].append((time.process_time() - begun) / PRECONDITIONING)
        rows = []
        for student, trainer in trainers.items():
            onboard, decoder = kmac(trainer.averaged)
            rows.append(
                {
                    "student": student,
                    "onboard_kmac": f"{onboard:.2f}",
                    "decoder_kmac": f"{decoder:.1f}",
                    "seconds_a_step": f"{median(seconds[student][1:]):.3f}",
                }
            )
            print(rows[-1], flush=True)
        write(self.out / "speed.csv", rows)

    def table(self) -> None:
        """Write and print what was reached, from the logs of both and their speeds.

        There is a row for each evaluation, and one of our student after as many steps as the other
        made. `objective` is the mean logarithm of the cost over the last steps before.
        """
        rows = []
        last = int(read(self.out / STUDENTS[1] / "training.csv")[-1]["step"])
        for speed in read(self.out / "speed.csv"):
            student = speed["student"]
            logged = {
                int(row["step"]): row["loss"] for row in read(self.out / student / "training.csv")
            }
            evaluated = {
                int(row["step"]): row for row in read(self.out / student / "evaluation.csv")
            }
            for step in sorted(evaluated.keys() | {last} if student == "ours" else evaluated):
                minutes = step * float(speed["seconds_a_step"]) / 60
                found = evaluated.get(step, {})
                rows.append(
                    {
                        **speed,
                        "steps": str(step),
                        "minutes": f"{minutes:.1f}",
                        "objective": logged[max(at for at in logged if at <= step)],
                        **{name: found.get(name, "") for name in ("bd_rate", "coverage")},
                    }
                )
                print(rows[-1], flush=True)
        write(self.options.csv or self.out / "reference_students.csv", rows)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Train one student, measure the speed of both, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("part", choices=(*STUDENTS, "speed", "table"))
    add_corpus_arguments(parser)
    add = parser.add_argument
    add("--steps", type=int, default=2300, help="(%(default)s)")
    add("--rate", type=float, default=1e-3, help="(%(default)s)")
    add("--seed", type=int, default=1, help="(%(default)s)")
    add("--evaluate-every", type=int, default=575, help="(%(default)s)")
    add("--csv", type=Path, metavar="FILE", help="where the table is written")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    comparison = Comparison(options)
    if options.part in STUDENTS:
        comparison.train(options.part)
    elif options.part == "speed":
        comparison.speed()
    else:
        comparison.table()


if __name__ == "__main__":
    main()
