"""The learned codec against JPEG 2000, AVIF and JPEG XL, in one run and in real bytes.

    python benchmarks/student.py FOLDER [--speed-only] [--json FILE]

FOLDER holds pictures; the group of one is its name up to the first underscore, with `_gray` and
`_cir` kept apart. Prints BD-rate (PSNR and MS-SSIM) against OpenJPEG 9/7 with its colour transform,
container included, over the quality that it reaches from 0.1 to 1.5 bits per pixel: each group
and the mean over all pictures; how much of that range is covered; the encoders' speed on one core
at the same bits per pixel, in turns, so that whatever else the machine does falls on all alike;
coded bytes over what a perfect coder needs with the model's tables; multiplications a pixel.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from downpass.link.rangecoder import Model, Symbols
from downpass.link.tilecode import encode_tile, write_tile
from downpass.payload.encoders.base import Encoder, Frame, Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student.encoder import PreparedStudent, StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.rate_distortion.compare import compare_codecs, pictures

CODECS = ("student", "avif", "jpegxl")
SPEED_BPP = (0.25, 0.5, 1.0)
ROUNDS = 5


def group_of(name: str) -> str:
    """Return the group of a picture."""
    source = name.split("_")[0]
    for kind in ("gray", "cir", "pan"):
        if kind in name.split("_"):
            return f"{source} {kind}"
    return source


def table(found: dict[str, Any]) -> None:
    """Print BD-rates by group."""
    names = list(found["images"])
    groups = {"all": names}
    for name in names:
        groups.setdefault(group_of(name), []).append(name)
    keys = ("bd_rate_psnr_percent", "bd_rate_ms_ssim_percent", "coverage_psnr")
    print(f"{'BD-rate against JPEG 2000, %':24}{'':4}" + "".join(f"{c:>24}" for c in CODECS))
    print(f"{'group':24}{'n':>4}" + f"{'PSNR':>8}{'MS-SSIM':>9}{'cover':>7}" * len(CODECS))
    for group, members in groups.items():
        line = f"{group:24}{len(members):4}"
        for codec in CODECS:
            values = []
            for key in keys:
                every = [found["images"][name]["codecs"][codec][key] for name in members]
                there = [value for value in every if value is not None]
                values.append(fmean(there) if there else float("nan"))
            line += f"{values[0]:8.1f}{values[1]:9.1f}{values[2]:7.0%}"
        print(line)


def seconds(codec: Encoder, frame: Frame, setting: Setting) -> float:
    """Return the processor time of one encoding, from pixels to container."""
    start = time.process_time()
    codec.encode(frame, setting)
    return time.process_time() - start


def speed(paths: list[Path], rounds: int = ROUNDS) -> dict[str, float]:
    """Print encoding speed at equal bits per pixel, as ratios to OpenJPEG, and return them."""
    codecs = {name: encoder(name, 512) for name in ("jpeg2000", *CODECS)}
    ratios: dict[str, list[float]] = {}
    for bpp in SPEED_BPP:
        best: dict[tuple[str, str], float] = {}
        sizes = {}
        for path in paths:
            with Scene(path) as scene:
                frame = scene.read()
            sizes[path.name] = frame.width * frame.height
            # The quality that gives these bits, found beforehand: nobody pays for the search.
            chosen = {name: quality_at(codec, frame, bpp) for name, codec in codecs.items()}
            for _ in range(rounds):
                for name, codec in codecs.items():
                    taken = seconds(codec, frame, chosen[name])
                    key = (name, path.name)
                    best[key] = min(best.get(key, taken), taken)
        for name in CODECS:
            each = [best["jpeg2000", path.name] / best[name, path.name] for path in paths]
            ratios.setdefault(name, []).append(median(each))
        rates = {
            name: sum(sizes.values()) / 1e6 / sum(best[name, path.name] for path in paths)
            for name in codecs
        }
        print(
            f"encode at {bpp:4} bpp, one core: "
            + ", ".join(f"{name} {rate:.1f} Mpx/s" for name, rate in rates.items())
            + f"; student / jpeg2000 {ratios['student'][-1]:.2f} (median picture)"
        )
    return {name: fmean(values) for name, values in ratios.items()}


def quality_at(codec: Encoder, frame: Frame, bpp: float) -> Setting:
    """Return the quality at which a codec needs about so many bits per pixel."""
    low, high = 0.0, 100.0
    prepared = codec.prepare(frame)
    for _ in range(7):
        middle = (low + high) / 2
        size = len(prepared.encode(Setting(quality=middle)))
        low, high = (middle, high) if size * 8 < bpp * frame.width * frame.height else (low, middle)
    return Setting(quality=low)


class IdealWriter:
    """Stands in for the range coder and adds up what a perfect one needs."""

    def __init__(self, prices: dict[int, Any]) -> None:
        self.prices = prices
        self.bits = 0.0

    def write(self, symbols: Symbols, model: Model) -> None:
        """Add up the bits of symbols."""
        price = self.prices[id(model)]
        self.bits += price * symbols.size if isinstance(price, int) else float(price[symbols].sum())


def overhead(paths: list[Path]) -> None:
    """Print coded bytes over the ideal of the model's tables."""
    codec = StudentEncoder(0)
    model = codec.model.entropy
    starts = model.arrays["tables.latents_start"].astype(int)
    prices: dict[int, Any] = {id(one): bits for bits, one in enumerate(model.low_models, 1)}
    for number, one in enumerate(model.latent_models):
        counts = model.arrays["tables.latents"][starts[number] : starts[number + 1]]
        prices[id(one)] = 16 - np.log2(counts)
    for models, tables in zip(model.side_models, model.arrays["tables.side"], strict=True):
        for one, counts in zip(models, tables, strict=True):
            prices[id(one)] = 16 - np.log2(counts)
    over: dict[int, list[float]] = {}
    for path in paths:
        with Scene(path) as scene:
            prepared: PreparedStudent = codec.prepare(scene.read())
        for quality in (40, 90, 140, 190):
            for tile in prepared.tile(0):
                ideal: Any = IdealWriter(prices)
                write_tile(ideal, model, tile, quality)
                coded = len(encode_tile(model, tile, quality)) * 8
                over.setdefault(quality, []).append(coded / ideal.bits - 1)
    values = ", ".join(f"{fmean(v):.3%} at quality {q / 2.56:.0f}" for q, v in over.items())
    print(f"coded bytes over the ideal, mean over pictures: {values}")
    print(f"the largest of all: {max(max(v) for v in over.values()):.3%}")


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--json", type=Path, help="write all points here")
    options = parser.parse_args()
    paths = pictures([options.folder])
    card = StudentEncoder().model.card
    print(f"model {card['fingerprint']}, {card['training']['steps']} training steps")
    costs = card["kmac_per_pixel"]
    print("kMAC per pixel: " + ", ".join(f"{name} {value}" for name, value in costs.items()))
    if not options.speed_only:
        found = compare_codecs([options.folder], list(CODECS), progress=sys.stderr.isatty())
        table(found)
        if options.json is not None:
            options.json.write_text(json.dumps(found, indent=1) + "\n")
        overhead(paths)
    speed(paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
