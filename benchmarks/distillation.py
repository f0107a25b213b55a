"""What distillation gains: the same student, budget and seed, taught in different ways.

    python benchmarks/distillation.py --images DIR --teacher T/latest.ckpt --out DIR [--steps 500]

Every run begins from principal components and sees the same crops. The table gives the held-out
BD-rate against JPEG 2000 (float networks, bits as training estimates them) and its change against
the run without distillation. A run that was interrupted is resumed.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from pathlib import Path

from downpass.ground.training.arguments import add_corpus_arguments
from downpass.ground.training.loop.held_out import load_training_and_held_out
from downpass.ground.training.loop.settings import TrainSettings, parse_distillation_terms
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.shape import CodecShape

METHODS = {
    "no distillation": ("", "self"),
    "RS-LLIC: stage error 1:1, offline": ("stage=1", "offline"),
    "features by variance, latents by bits, offline": ("feature=0.1,latents=0.1", "offline"),
    "response, relation, offline": ("response=0.05,relation=0.5", "offline"),
    "response, latents of its own average": ("response=0.05,latents=0.1", "self"),
}
"""Each method's distillation terms with their weights, and its teacher."""


def main() -> None:
    """Train with every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_corpus_arguments(parser)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    plain: dict[int, float] = {}
    print(f"{'method':<50} {'seed':>4} {'BD-rate':>9} {'change':>8} {'minutes':>8}")
    for seed in range(1, options.seeds + 1):
        for number, (name, (terms, teacher)) in enumerate(METHODS.items()):
            settings = TrainSettings(
                out=options.out / f"{number}-seed{seed}",
                steps=options.steps,
                batch=options.batch,
                seed=seed,
                grids=0.0,
                distil=parse_distillation_terms(terms),
                teach=teacher,
                teacher=options.teacher,
                evaluate_every=options.steps,
            )
            trainer = Trainer(settings, CodecShape(), training, held_out)
            trainer.begin()
            if trainer.step < options.steps:
                trainer.run()
            with (settings.out / "evaluation.csv").open(newline="", encoding="utf-8") as file:
                row = list(csv.DictReader(file))[-1]
            reached = float(row["bd_rate"])
            plain.setdefault(seed, reached)
            change = (1 + reached) / (1 + plain[seed]) - 1
            print(
                f"{name:<50} {seed:>4} {reached:>+9.2%} {change:>+8.2%} {row['minutes']:>8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
