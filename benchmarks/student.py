"""The learned codec against JPEG 2000, AVIF and JPEG XL, in one run and in real bytes.

    python benchmarks/student.py FOLDER [--json FILE]
    python benchmarks/student.py FOLDER --speed-only [--bpp 0.25 0.5 1] [--pictures 4]

FOLDER holds pictures; the group of one is its name up to the first underscore, with `_gray` and
`_cir` kept apart. Prints BD-rate (PSNR and MS-SSIM) against OpenJPEG 9/7 with its colour transform,
container included, over the quality that it reaches from 0.1 to 1.5 bits per pixel: each group
and the mean over all pictures; how much of that range is covered; coded bytes over what a perfect
coder needs with the model's tables; multiplications a pixel; and the encoders' speed on one core
at the same bits per pixel.

Speed (all that `--speed-only` prints) is processor time, the shortest of several rounds in which
encoders take turns, so that whatever else the machine does falls on all alike: for pictures of 256,
512 and 1024 pixels a side the student's ratio to OpenJPEG and nanoseconds a pixel of its parts
(networks with all that comes before them; entropy coder), and decoded megapixels a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from downpass.ground.decoders import decode
from downpass.link.rangecoder import Model, Symbols
from downpass.link.tilecode import encode_tile, write_tile
from downpass.link.tiles import grid
from downpass.payload.encoders.base import Encoder, Frame, Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student.encoder import PreparedStudent, StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.rate_distortion.compare import compare_codecs, pictures

CODECS = ("student", "avif", "jpegxl")
SIDES = (256, 512, 1024)


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


def cropped(path: Path, side: int) -> Frame | None:
    """Return a picture's first `side` x `side` pixels; None of a smaller one."""
    with Scene(path) as scene:
        frame = scene.read()
    if min(frame.width, frame.height) < side:
        return None
    return replace(frame, pixels=np.ascontiguousarray(frame.pixels[:side, :side]))


def speed(paths: list[Path], bpps: Sequence[float], most: int, rounds: int) -> None:
    """Print encoding speed by size of picture, at equal bits per pixel, and decoding speed."""
    codecs = {name: encoder(name, 512) for name in ("jpeg2000", *CODECS)}
    student = codecs["student"]
    assert isinstance(student, StudentEncoder)
    for side in SIDES:
        found = ((group_of(p.name), cropped(p, side)) for p in paths)
        frames = {group: frame for group, frame in found if frame is not None}  # one a source
        for bpp in bpps:
            taken: dict[str, list[float]] = {}
            for frame in list(frames.values())[:most]:
                # The quality that gives these bits, found beforehand: nobody pays for the search.
                chosen = {name: quality_at(codec, frame, bpp) for name, codec in codecs.items()}
                work = {
                    name: partial(codec.encode, frame, chosen[name])
                    for name, codec in codecs.items()
                }
                work["networks"] = partial(networks, student, frame)
                stream = student.encode(frame, chosen["student"])
                work["decoder"] = partial(decode, stream)
                best = dict.fromkeys(work, np.inf)
                for _ in range(rounds):
                    for name, one in work.items():
                        start = time.process_time()
                        one()
                        best[name] = min(best[name], time.process_time() - start)
                for name, value in best.items():
                    taken.setdefault(name, []).append(value / side**2)
            ratios = np.array(taken["jpeg2000"]) / taken["student"]
            part = {name: 1e9 * fmean(values) for name, values in taken.items()}
            rates = ", ".join(f"{name} {1e3 / part[name]:.1f}" for name in codecs)
            print(
                f"{side:5} px, {bpp} bpp: student / jpeg2000 {median(ratios):.2f} "
                f"({ratios.min():.2f} to {ratios.max():.2f}, {ratios.size} pictures); "
                f"Mpx/s {rates}; student ns/px {part['student']:.0f}, networks "
                f"{part['networks']:.0f}, the rest {part['student'] - part['networks']:.0f}; "
                f"decoder {1e3 / part['decoder']:.2f} Mpx/s",
                flush=True,
            )


def networks(codec: StudentEncoder, frame: Frame) -> None:
    """Do all of an encoding that does not depend on the rate."""
    prepared = codec.prepare(frame)
    for place in grid(frame.width, frame.height, codec.tile):
        prepared.tile(place.index)


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
    parser.add_argument("--speed-only", action="store_true", help="print speed and nothing else")
    parser.add_argument("--bpp", type=float, nargs="+", default=[0.5], help="of the speed")
    parser.add_argument("--pictures", type=int, default=4, help="most of a size, for the speed")
    parser.add_argument("--rounds", type=int, default=7, help="of the speed")
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
    speed(paths, options.bpp, options.pictures, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
