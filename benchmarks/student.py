"""How fast the learned codec encodes beside JPEG 2000, AVIF and JPEG XL, in one run.

    python benchmarks/student.py FOLDER

FOLDER holds pictures. Prints the encoders' speed on one core at the same bits per pixel, in turns,
so that whatever else the machine does falls on all alike. `benchmarks/student_rd.py` has
rate and distortion.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import fmean, median

from downpass.payload.encoders.base import Encoder, Frame, Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.rate_distortion.compare import pictures

CODECS = ("student", "avif", "jpegxl")
SPEED_BPP = (0.25, 0.5, 1.0)
ROUNDS = 5


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


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    paths = pictures([options.folder])
    card = StudentEncoder().model.card
    print(f"model {card['fingerprint']}, {card['training']['steps']} training steps")
    costs = card["kmac_per_pixel"]
    print("kMAC per pixel: " + ", ".join(f"{name} {value}" for name, value in costs.items()))
    speed(paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
