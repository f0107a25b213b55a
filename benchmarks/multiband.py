"""Measure the learned codec on pictures of many bands and more than 8 bits.

    nice python benchmarks/multiband.py FOLDER [--cache DIR]

It prints the table of docs/codec.md, each picture as soon as it is done. BD-rate (PSNR over all
bands) is against OpenJPEG, over the PSNR that OpenJPEG reaches from 0.1 to 1.5 bits per pixel of
all bands together, container included, of the middle 256 x 256 pixels. The ceiling is the PSNR at
the student's best quality, whose networks see 8 bits. Curves are kept in the cache.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.frames.content_cache import open_cache
from downpass.sim.rate_distortion.compare import compare_codecs, middle_of, pictures

CROP = 256


def percent(value: float | None) -> str:
    """Return a BD-rate as the table shows it."""
    return "–" if value is None else f"{value:+.1f} %".replace("-", "−")


def ceiling(path: Path) -> float:
    """Return the PSNR in dB of a picture at the student's best quality."""
    with Scene(path) as scene:
        frame = scene.read(middle_of(scene.width, scene.height, CROP))
    return psnr(frame, decode(StudentEncoder(0).encode(frame, Setting(quality=100))).frame)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, help="folder of curves (default ~/.cache/downpass)")
    options = parser.parse_args()
    paths = {path.stem: path for path in pictures([options.folder])}
    print(f"Model {StudentEncoder().model.fingerprint.hex()}\n")
    print("| picture | bands, bits | student | covered | MS-SSIM | JPEG XL | ceiling |")
    print("|---|---|---|---|---|---|---|", flush=True)

    def row(name: str, image: dict[str, Any]) -> None:
        student, other = (image["codecs"][codec] for codec in ("student", "jpegxl"))
        best = ceiling(paths[name])
        cells = (
            f"`{name}`",
            f"{image['bands']}, {image['bit_depth']}",
            percent(student["bd_rate_psnr_percent"]),
            f"{student['coverage_psnr']:.0%}",
            percent(student["bd_rate_ms_ssim_percent"]),
            percent(other["bd_rate_psnr_percent"]),
            "lossless" if math.isinf(best) else f"{best:.0f} dB",
        )
        print(f"| {' | '.join(cells)} |", flush=True)

    compare_codecs(
        list(paths.values()),
        ["student", "jpegxl"],
        crop=CROP,
        cached=open_cache(options.cache),
        on_picture=row,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
