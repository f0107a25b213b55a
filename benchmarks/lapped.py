"""What do the filters across block boundaries gain, and what the analysis' nonlinear branch?

    python benchmarks/lapped.py filters --images DIR --out DIR [--steps 1000]
    python benchmarks/lapped.py branch --images DIR --out DIR

`filters` trains two codecs from principal components for equally many steps on the same crops: one
whose filters stay the identity, which is a transform of separate blocks, and one that learns them.

`branch` rates the shipped networks in floating point as they are, and with the nonlinear branch of
the analysis replaced by its mean outputs. Nothing is trained.

Given are BD-rates of held-out pictures against JPEG 2000, with bits as training estimates them, and
the change of the second against the first. DIR/filters.csv and DIR/branch.csv hold them. A run
that was interrupted is resumed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch
from distillation import write  # a benchmark beside this one
from downpass.ground.training.arguments import SHIPPED, add_corpus_arguments
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.data.corpus import Corpus
from downpass.ground.training.loop.checkpoint import restore, shape_of
from downpass.ground.training.loop.evaluate import Summary, evaluate
from downpass.ground.training.loop.held_out import HeldOutPicture, load_training_and_held_out
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.loop.warm_start import load_start
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.shape import CodecShape

RATE = 1e-3
BATCHES = 16
"""Batches of crops over which the branch's outputs are averaged."""


class SeparateBlocks(Trainer):
    """A run whose filters across block boundaries stay the identity."""

    def _begun(self) -> None:
        self.codec.analysis.prefilter.requires_grad_(requires_grad=False)
        self.codec.synthesis.postfilter.requires_grad_(requires_grad=False)


def trained(
    kind: type[Trainer],
    options: argparse.Namespace,
    training: Corpus,
    held_out: list[HeldOutPicture],
) -> Summary:
    """Train a codec from principal components, or resume; return its held-out results."""
    name = "separate" if kind is SeparateBlocks else "lapped"
    settings = TrainSettings(
        out=options.out / name, steps=options.steps, batch=8, rate=RATE, optimiser="soap", grids=0.0
    )
    trainer = kind(settings, CodecShape(), training)
    trainer.begin()
    trainer.run()
    return evaluate(trainer.averaged, held_out)


@torch.no_grad()
def without_branch(codec: Codec, training: Corpus) -> None:
    """Replace the outputs of the analysis' nonlinear branch by their means over training crops."""
    sampler = CropSampler(training, crop=128, batch=8, seed=1, device=torch.device("cpu"))
    layer, total = codec.analysis.leave, torch.zeros(codec.shape.latents)
    for step in range(BATCHES):
        features = codec.analysis.features(canonical_planes(sampler.draw(step)))[2]
        total += layer(features).mean(dim=(0, 2, 3))
    if layer.bias is None:
        raise ValueError("the branch's last layer needs a bias")
    layer.bias.copy_(total / BATCHES)
    layer.weight.zero_()


def print_and_store(path: Path, steps: int, results: dict[str, Summary]) -> None:
    """Print the results and how the second changes the rate of the first, and write a table."""
    rows = []
    first = next(iter(results.values())).mean.percent
    for name, summary in results.items():
        value = summary.mean.percent
        change = 100 * ((1 + value / 100) / (1 + first / 100) - 1)
        print(f"{name:<18} {value:+.2f} %  {change:+.2f} %", flush=True)
        pictures = str(len(summary.curves))
        row = {"codec": name, "steps": str(steps), "pictures": pictures}
        rows.append(row | {"bd_rate": f"{value:.3f}"})
    write(path, rows)


def main() -> None:
    """Run a part of the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("part", choices=("filters", "branch"))
    add_corpus_arguments(parser)
    parser.add_argument("--steps", type=int, default=1000, help="of each run (%(default)s)")
    parser.add_argument("--every", type=int, default=1, help="take every N-th picture (1)")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    held_out = held_out[:: options.every]
    steps = options.steps
    if options.part == "filters":
        found = {
            "separate blocks": trained(SeparateBlocks, options, training, held_out),
            "lapped blocks": trained(Trainer, options, training, held_out),
        }
    else:
        start = load_start(SHIPPED)
        steps = int(start["origin"]["steps"])
        codec = Codec(shape_of(start))
        restore(codec, start["model"])
        found = {"as it is": evaluate(codec, held_out)}
        without_branch(codec, training)
        found["without the branch"] = evaluate(codec, held_out)
    print_and_store(options.out / f"{options.part}.csv", steps, found)


if __name__ == "__main__":
    main()
