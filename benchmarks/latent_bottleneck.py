"""Is the encoder the bottleneck? What better latents gain through the shipped decoder.

    python benchmarks/latent_bottleneck.py --images DIR --out DIR [--iterations 60] [--csv FILE]

A teacher can at best show a student better latents for the same decoder and entropy model. So
latents of held-out crops are improved directly, one set for each crop and quality, with the shipped
networks frozen; they begin as the encoder's. The gain bounds what any encoder, however heavy, could
reach with this decoder. `latent_search.py` has the methods, `latent_rates.py` the counting.

At the end the symbols are made as on board: dead zone, means in the closed loop, side information
from the new latents. Printed is the change of rate against the encoder's own latents at equal PSNR,
which are coded at many qualities: the mean over a crop's rates, then over crops, by the stored
tables and by likelihoods.
"""

from __future__ import annotations

import argparse
import csv
import time
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import torch
from downpass.ground.training.arguments import add_corpus_arguments
from downpass.ground.training.loop.held_out import load_training_and_held_out
from downpass.ground.training.verify.shipped_codec import shipped_card
from latent_rates import (
    CropAtQuality,
    EncoderCurves,
    ShippedIntegers,
    choose_crops,
    frozen_codec,
    likely_point,
    percent_by_crop,
)
from latent_search import METHODS


def main() -> None:
    """Improve the latents by every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_corpus_arguments(parser, out="folder for anchors, if there is no cache")
    add = parser.add_argument
    add("--crops", type=int, default=16, help="(%(default)s)")
    add("--side", type=int, default=128, help="side of a crop, pixels (%(default)s)")
    add("--iterations", type=int, default=60, help="(%(default)s)")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="(all)")
    add("--csv", type=Path, metavar="FILE", help="write the BD-rate of every crop")
    options = parser.parse_args()
    _, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    shipped = ShippedIntegers()
    crops = choose_crops(held_out, options.crops, options.side)
    codec = frozen_codec()
    latents = [(crop, shipped.latents(crop)) for crop in crops]
    tables = EncoderCurves(shipped.point, latents)
    likelihoods = EncoderCurves(partial(likely_point, codec), latents)
    cases = [
        CropAtQuality(crop, quality, own, likelihoods.slope(crop, quality))
        for crop, own in latents
        for quality in tables.qualities(crop)
    ]
    print(f"model {shipped_card()['fingerprint']}, {len(crops)} crops, {len(cases)} points")
    rows: list[dict[str, str]] = []
    print(f"{'method':<10} {'tables':>8} {'spread':>8} {'likely':>8} {'spread':>8} {'minutes':>8}")
    for method in options.methods:
        started = time.monotonic()
        torch.manual_seed(1)
        better = METHODS[method](cases, options.iterations)
        pairs = list(zip(cases, better, strict=True))
        by_tables = percent_by_crop(cases, [tables.change(case, y) for case, y in pairs])
        likely = percent_by_crop(cases, [likelihoods.change(case, y) for case, y in pairs])
        print(
            f"{method:<10} {fmean(by_tables.values()):>+8.2f} {stdev(by_tables.values()):>8.2f} "
            f"{fmean(likely.values()):>+8.2f} {stdev(likely.values()):>8.2f} "
            f"{(time.monotonic() - started) / 60:>8.1f}",
            flush=True,
        )
        rows += [
            {
                "model": shipped_card()["fingerprint"],
                "method": method,
                "iterations": str(options.iterations),
                "crop": name,
                "change_tables": f"{by_tables[name]:.2f}",
                "change_likelihoods": f"{likely[name]:.2f}",
            }
            for name in by_tables
        ]
        if options.csv is not None:
            with options.csv.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
