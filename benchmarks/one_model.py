"""What one model for all rates costs, against models that were trained on for one rate each.

    python benchmarks/one_model.py --images DIR --start RUN/latest.ckpt --out DIR [--steps 300]

All models continue from the same checkpoint for equally many steps on the same crops: one at all
rates, the others at one quality each. The cost at that quality is how many more bits the model for
all rates needs at the PSNR that the other reaches: the mean over held-out pictures (ideal bits,
float networks). A run that was interrupted is resumed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from downpass.ground.training.arguments import add_corpus_arguments
from downpass.ground.training.loop.checkpoint import averaged_codec, load
from downpass.ground.training.loop.evaluate import codec_curve
from downpass.ground.training.loop.held_out import HeldOutPicture, load_training_and_held_out
from downpass.ground.training.loop.settings import TrainSettings
from downpass.ground.training.loop.trainer import Trainer
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.shape import CodecShape

NEAR = 0.06
"""Change of quality to each side within which the model for all rates is measured."""


def cost_of_one_model(
    all_rates: Codec, one_rate: Codec, quality: float, held_out: list[HeldOutPicture]
) -> float:
    """Return the mean relative change of bits from the single-rate model to that for all rates."""
    changes = []
    for picture in held_out:
        near = np.clip(np.linspace(quality - NEAR, quality + NEAR, 5), 0, 1).tolist()
        curve = codec_curve(all_rates, picture.pixels, near)
        point = codec_curve(one_rate, picture.pixels, [quality])
        if len(curve.bpp) < 2:
            continue
        # Linear interpolation suffices, because a step of quality changes the rate little.
        slope, level = np.polyfit(curve.psnr_db, np.log(curve.bpp), 1)
        changes.append(level + slope * point.psnr_db[0] - np.log(point.bpp[0]))
    return float(np.expm1(np.mean(changes)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_corpus_arguments(parser)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--qualities", type=float, nargs="+", default=[0.35, 0.65])
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    codecs = {}
    for quality in (None, *options.qualities):
        out = options.out / ("all" if quality is None else f"quality-{quality:g}")
        settings = TrainSettings(
            out=out, steps=options.steps, batch=options.batch, grids=0.0, quality=quality
        )
        trainer = Trainer(settings, CodecShape(), training)
        trainer.begin(load(options.start))
        trainer.run()
        codecs[quality] = averaged_codec(out / "latest.ckpt")
    print(f"{'quality':>8} {'bits more for one model':>24}")
    for quality in options.qualities:
        change = cost_of_one_model(codecs[None], codecs[quality], quality, held_out)
        print(f"{quality:>8g} {change:>+24.2%}", flush=True)


if __name__ == "__main__":
    main()
