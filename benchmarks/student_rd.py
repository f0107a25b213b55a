"""Measure the learned codec's rate and distortion in real bytes, beside other codecs.

    nice python benchmarks/student_rd.py FOLDER [--cache DIR] [--json FILE] [--skip PART …]

The others are JPEG 2000, AVIF and JPEG XL. FOLDER holds pictures, with or without a SOURCES.tsv.
It prints three parts:

  curves    BD-rate (PSNR, MS-SSIM) against OpenJPEG 9/7 with its colour transform, container
            included, over the quality that OpenJPEG reaches from 0.1 to 1.5 bits per pixel: each
            picture as soon as it is done, then each group and all (as `downpass codec compare`)
  overhead  coded bytes over the bytes that a perfect coder needs with the model's tables
  budgets   the share of a byte budget that is used, and whether any budget is exceeded

Curves are kept in the cache, so an interrupted run continues where it stopped, and after a change
of weights only the student's are measured again. Of pictures above 512 x 512 the middle is
encoded. `benchmarks/student.py` measures speed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from downpass.link.student.codestream import encode_tile, write_tile
from downpass.link.student.range_coder import Model, Symbols
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.student.encoder import PreparedStudent, StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.frames.content_cache import open_cache
from downpass.sim.rate_distortion.compare import CROP, compare_codecs, middle_of, pictures
from downpass.sim.rate_distortion.table import print_table

CODECS = ("student", "avif", "jpegxl")
PARTS = ("curves", "overhead", "budgets")
QUALITIES = (40, 90, 140, 190)
BUDGETS_BPP = (0.1, 0.25, 0.5, 1.0, 2.0)
LEAST_USED = 0.97


def row(name: str, image: dict[str, Any]) -> None:
    """Print one picture's figures."""
    parts = [f"{name:24}"]
    for codec in CODECS:
        found = image["codecs"][codec]
        for key in ("bd_rate_psnr_percent", "bd_rate_ms_ssim_percent"):
            value = found[key]
            parts.append(f"{value:+8.1f}" if value is not None else f"{'-':>8}")
        parts.append(f"{found['coverage_psnr']:6.0%}  ")
    print("".join(parts), flush=True)


def curves(folder: Path, cache: Path | None) -> dict[str, Any]:
    """Print each picture's figures and the table of all."""
    print(
        f"{'picture':24}" + "".join(f"{c + ': PSNR':>8}{'SSIM':>8}{'cover':>6}  " for c in CODECS)
    )
    kept = open_cache(cache)
    found = compare_codecs([folder], list(CODECS), cached=kept, on_picture=row)
    print_table(found)
    return found


class IdealWriter:
    """Stands in for the range coder and adds up the bits that a perfect one needs."""

    def __init__(self, prices: dict[int, Any]) -> None:
        self.prices = prices
        self.bits = 0.0

    def write(self, symbols: Symbols, model: Model) -> None:
        """Add up the bits of symbols."""
        price = self.prices[id(model)]
        self.bits += price * symbols.size if isinstance(price, int) else float(price[symbols].sum())


def prices_of(codec: StudentEncoder) -> dict[int, Any]:
    """Return the ideal bits of each symbol under the range coder's model."""
    model = codec.model.entropy
    starts = model.arrays["tables.latents_start"].astype(int)
    prices: dict[int, Any] = {id(one): bits for bits, one in enumerate(model.low_models, 1)}
    for number, one in enumerate(model.latent_models):
        counts = model.arrays["tables.latents"][starts[number] : starts[number + 1]]
        prices[id(one)] = 16 - np.log2(counts)
    for models, tables in zip(model.side_models, model.arrays["tables.side"], strict=True):
        for one, counts in zip(models, tables, strict=True):
            prices[id(one)] = 16 - np.log2(counts)
    return prices


def read(path: Path) -> Any:
    """Return the pixels that the curves measure."""
    with Scene(path) as scene:
        return scene.read(middle_of(scene.width, scene.height, CROP))


def overhead(paths: list[Path]) -> None:
    """Print coded bytes over the ideal of the model's tables."""
    codec = StudentEncoder(0)
    model, prices = codec.model.entropy, prices_of(codec)
    over: dict[int, list[float]] = {}
    spent = ideally = 0.0
    for path in paths:
        prepared: PreparedStudent = codec.prepare(read(path))
        for quality in QUALITIES:
            for tile in prepared.tile(0):
                ideal: Any = IdealWriter(prices)
                write_tile(ideal, model, tile, quality)
                coded = len(encode_tile(model, tile, quality)) * 8
                over.setdefault(quality, []).append(coded / ideal.bits - 1)
                spent, ideally = spent + coded, ideally + ideal.bits
    values = ", ".join(f"{fmean(v):.3%} at quality {q / 2.56:.0f}" for q, v in over.items())
    print(f"coded bytes over the ideal, mean over pictures: {values}")
    worst = max(max(v) for v in over.values())
    print(f"the largest of all: {worst:.3%}; all bytes together: {spent / ideally - 1:.3%}")


def budgets(paths: list[Path]) -> bool:
    """Print how much of a budget is used; return whether each was kept and well used."""
    codec, good = StudentEncoder(0), True
    used: dict[float, list[float]] = {bpp: [] for bpp in BUDGETS_BPP}
    beyond = too_small = 0
    for path in paths:
        frame = read(path)
        prepared = codec.prepare(frame)
        finest = len(prepared.encode(Setting(quality=100)))
        for bpp in BUDGETS_BPP:
            budget = int(bpp * frame.width * frame.height / 8)
            try:
                size = len(prepared.encode(Setting(bytes=budget)))
            except RateError:
                too_small += 1
                continue
            good &= size <= budget
            if budget > finest:
                beyond += 1  # the finest quality needs less than the budget
                continue
            used[bpp].append(size / budget)
            good &= size >= LEAST_USED * budget
    for bpp, shares in used.items():
        if shares:
            print(
                f"a budget of {bpp:4g} bpp: used {min(shares):.2%} to {max(shares):.2%}, "
                f"mean {fmean(shares):.2%} ({len(shares)} pictures)"
            )
    print(
        f"{'never exceeded, at least 97 % used' if good else 'EXCEEDED, OR LESS THAN 97 % USED'}; "
        f"{beyond} budgets above the finest quality, {too_small} below the smallest bitstream"
    )
    return good


def main() -> int:
    """Print all parts that are not skipped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, help="folder of curves (default ~/.cache/downpass)")
    parser.add_argument("--json", type=Path, help="write all points here")
    parser.add_argument("--skip", choices=PARTS, nargs="+", default=[], help="parts to leave out")
    options = parser.parse_args()
    card = StudentEncoder().model.card
    print(f"model {card['fingerprint']}, {card['training']['steps']} training steps")
    costs = card["kmac_per_pixel"]
    print("kMAC per pixel: " + ", ".join(f"{name} {value}" for name, value in costs.items()))
    paths, good = pictures([options.folder]), True
    for part in PARTS:
        if part in options.skip:
            continue
        print(f"\n== {part}", flush=True)
        start = time.process_time()
        if part == "curves":
            found = curves(options.folder, options.cache)
            if options.json is not None:
                options.json.write_text(json.dumps(found, indent=1) + "\n")
        elif part == "overhead":
            overhead(paths)
        else:
            good = budgets(paths)
        print(f"({time.process_time() - start:.0f} s of one core)", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
