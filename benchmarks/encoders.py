"""Measure the encoders' speed on one core, as ratios to OpenJPEG in the same run.

    python benchmarks/encoders.py [IMAGE ...]

Every codec encodes the same pictures at quality 50 (lossless if it can do nothing else). Codecs
take turns, so that other load on the machine affects all of them alike. The figures are processor
time on one thread, container included, the best of several rounds. Ratios can be compared between
machines, megapixels per second cannot.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Encoder, Setting
from downpass.payload.encoders.registry import encoder, names
from downpass.payload.imager.scenes import Scene

ROUNDS = 3
SCENES = Path(__file__).parent.parent / "scenarios" / "scenes"


def seconds(codec: Encoder, frame: Frame) -> tuple[float, int]:
    """Return the processor time of encoding one frame, and the bitstream's size."""
    setting = Setting(quality=50)
    try:
        codec.encode(Frame(frame.pixels[:8, :8], frame.bit_depth), setting)
    except InputError:
        setting = Setting(quality=100)
    start = time.process_time()
    size = len(codec.encode(frame, setting))
    return time.process_time() - start, size


def main(paths: list[Path]) -> int:
    """Measure every codec and print the table."""
    frames = []
    for path in paths:
        with Scene(path) as scene:
            frames.append(scene.read(bands=min(3, scene.bands), bit_depth=12))
    megapixels = sum(frame.width * frame.height for frame in frames) / 1e6
    best: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name in names():
            codec = encoder(name, tile=512)
            taken = [seconds(codec, frame) for frame in frames]
            total = sum(one for one, _ in taken)
            best[name] = min(best.get(name, total), total)
            sizes[name] = sum(size for _, size in taken)
    print(f"{len(frames)} pictures, {megapixels:.2f} Mpx of up to three bands, one core")
    print(f"{'codec':12}{'Mpx/s':>8}{'x jpeg2000':>12}{'bpp':>8}")
    for name in names():
        print(
            f"{name:12}{megapixels / best[name]:8.2f}{best['jpeg2000'] / best[name]:12.2f}"
            f"{sizes[name] * 8 / (megapixels * 1e6):8.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or sorted(SCENES.glob("*.tif"))))
