"""Measure what requantising the learned codec's frames costs, in rate and in time.

    nice python benchmarks/shrink.py FOLDER [--crop N] [--pictures N]
    nice python benchmarks/shrink.py FOLDER --speed

FOLDER holds pictures; of larger ones, the middle is encoded, as one tile. Each picture is encoded
at a rate and requantised to lower rates. The table has the bits that requantisation needs beyond
those of coding the pixels at once at equal PSNR: mean and worst over the pictures. The curve of
coding at once is interpolated in log-rate between qualities that differ by about 4 % in rate.

`--speed` prints the processor time of requantising from 1 bpp to a quarter, with entropy decoding
in C and in numpy, against encoding to 1 bpp on one core, all for a byte budget.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from statistics import fmean, median
from unittest.mock import patch

import numpy as np
from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.link.container.frame import Frame
from downpass.link.student import compiled_reader
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.encoders.student.shrink import shrink
from downpass.payload.imager.scenes import Scene
from downpass.sim.rate_distortion.compare import middle_of, pictures

SOURCES_BPP = (2.0, 1.5, 1.0)
TARGETS_BPP = (1.0, 0.75, 0.5, 0.375, 0.25, 0.125)
QUALITY_STEP = 4


def read(path: Path, crop: int) -> Frame:
    """Return the middle of a picture."""
    with Scene(path) as scene:
        return scene.read(middle_of(scene.width, scene.height, crop))


class DirectCurve:
    """Rate over PSNR of coding a picture's pixels at once, measured where it is asked for."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.pixels = frame.width * frame.height
        self.prepared = StudentEncoder(0).prepare(frame)
        self.points: dict[int, tuple[float, float]] = {}

    def point(self, quality: int) -> tuple[float, float]:
        """Return PSNR and log-rate at a quality, 0 to 256."""
        if quality not in self.points:
            stream = self.prepared.encode(Setting(quality=quality / 256 * 100))
            seen = psnr(self.frame, decode(stream).frame)
            self.points[quality] = seen, float(np.log(len(stream) * 8 / self.pixels))
        return self.points[quality]

    def bpp(self, psnr_db: float) -> float | None:
        """Return the rate at which the picture is coded as well; None outside the curve."""
        low, high = 0, 256 // QUALITY_STEP
        if not self.point(0)[0] <= psnr_db <= self.point(256)[0]:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self.point(middle * QUALITY_STEP)[0] <= psnr_db:
                low = middle
            else:
                high = middle
        (worse, less), (better, more) = (self.point(one * QUALITY_STEP) for one in (low, high))
        share = (psnr_db - worse) / (better - worse)
        return float(np.exp(less + share * (more - less)))


def rates(paths: list[Path], crop: int) -> None:
    """Print how many more bits requantisation needs at equal PSNR, in per cent."""
    found: dict[tuple[float, float], list[float]] = {}
    for path in paths:
        curve = DirectCurve(read(path, crop))
        for source in SOURCES_BPP:
            stream = curve.prepared.encode(Setting(bpp=source))
            if len(stream) * 8 / curve.pixels < 0.9 * source:
                continue  # the finest quality does not need as much
            for target in TARGETS_BPP:
                if target >= source:
                    continue
                try:
                    small = shrink(stream, Setting(bpp=target))
                except RateError:
                    continue
                direct = curve.bpp(psnr(curve.frame, decode(small).frame))
                if direct is not None:
                    more = len(small) * 8 / curve.pixels / direct - 1
                    found.setdefault((source, target), []).append(100 * more)
    print("from bpp  to bpp  share  pictures  mean    median  worst")
    for (source, target), more in sorted(found.items(), reverse=True):
        print(
            f"{source:8g}{target:8g}{target / source:7.0%}{len(more):10}"
            f"{fmean(more):+8.1f} %{median(more):+7.1f} %{max(more):+7.1f} %"
        )


def speed(paths: list[Path], crop: int) -> None:
    """Print the processor time of requantising and of encoding, per pixel, and their ratio."""
    encoder = StudentEncoder(0)
    ratios: dict[str, list[float]] = {"in C": [], "in numpy": []}
    for path in paths:
        frame = read(path, crop)
        pixels = frame.width * frame.height
        stream = encoder.encode(frame, Setting(bpp=1))
        work = {
            "encode": partial(encoder.encode, frame, Setting(bpp=1)),
            "in C": partial(shrink, stream, Setting(bpp=0.25)),
            "in numpy": partial(shrink_in_numpy, stream, Setting(bpp=0.25)),
        }
        best = dict.fromkeys(work, np.inf)
        try:
            for _ in range(5):
                for name, run in work.items():
                    begun = time.process_time()
                    run()
                    best[name] = min(best[name], time.process_time() - begun)
        except RateError:
            continue
        for name, found in ratios.items():
            found.append(best[name] / best["encode"])
        encoded, compiled, plain = (1e9 * one / pixels for one in best.values())
        print(
            f"{path.stem:24} encode {encoded:5.0f} ns/px, requantise {compiled:5.0f} ns/px, "
            f"{plain:5.0f} in numpy"
        )
    for name, found in ratios.items():
        print(
            f"requantise / encode, entropy decoding {name}: median {median(found):.2f}, "
            f"{min(found):.2f} to {max(found):.2f}"
        )


def shrink_in_numpy(stream: bytes, setting: Setting) -> None:
    """Requantise a frame with numpy in place of the entropy decoder's C."""
    with patch.object(compiled_reader, "NATIVE", None):
        shrink(stream, setting)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crop", type=int, default=256, help="side of the middle (default 256)")
    parser.add_argument("--pictures", type=int, default=0, help="at most so many; 0 for all")
    parser.add_argument("--speed", action="store_true", help="measure times instead")
    arguments = parser.parse_args()
    paths = pictures([arguments.folder])
    if arguments.pictures:
        paths = paths[:: max(1, len(paths) // arguments.pictures)][: arguments.pictures]
    (speed if arguments.speed else rates)(paths, arguments.crop)


if __name__ == "__main__":
    main()
