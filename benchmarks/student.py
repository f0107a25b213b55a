"""Measure how fast the learned codec encodes beside JPEG 2000, AVIF and JPEG XL, in one run.

    python benchmarks/student.py FOLDER [--bpp 0.25 0.5 1] [--pictures 4]

FOLDER holds pictures. Speed is processor time on one core at the same bits per pixel, the shortest
of several rounds. Encoders take turns, so that other load on the machine affects all alike. For
pictures of 256, 512 and 1024 pixels a side it prints the student's ratio to OpenJPEG, the
nanoseconds per pixel of its parts (the networks with everything before them; the entropy coder),
and decoded megapixels per second: in C, with entropy decoding in numpy, and with the decoder
network in ONNX Runtime. `benchmarks/synthesis.py` measures that network alone,
`benchmarks/student_rd.py` rate and distortion.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, median
from unittest.mock import patch

import numpy as np
from downpass.ground.decoders import decode, synthesis
from downpass.link.container.frame import Frame
from downpass.link.container.tiles import grid
from downpass.link.student import compiled_reader
from downpass.payload.encoders.base import Encoder, Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import Scene
from downpass.sim.rate_distortion.compare import pictures

CODECS = ("student", "avif", "jpegxl")
SIDES = (256, 512, 1024)


def cropped(path: Path, side: int) -> Frame | None:
    """Return a picture's first `side` x `side` pixels; None if it is smaller."""
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
        found = ((p.name.split("_")[0], cropped(p, side)) for p in paths)
        frames = {group: frame for group, frame in found if frame is not None}  # one per source
        for bpp in bpps:
            taken: dict[str, list[float]] = {}
            for frame in list(frames.values())[:most]:
                # The quality for these bits is found beforehand, so the search is not timed.
                chosen = {name: quality_at(codec, frame, bpp) for name, codec in codecs.items()}
                work = {
                    name: partial(codec.encode, frame, chosen[name])
                    for name, codec in codecs.items()
                }
                work["networks"] = partial(networks, student, frame)
                stream = student.encode(frame, chosen["student"])
                work["decoder"] = partial(decode, stream)
                work["entropy decoding in numpy"] = partial(decode_in_numpy, stream)
                work["decoder in ONNX Runtime"] = partial(decode_in_runtime, stream)
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
                f"decoder {1e3 / part['decoder']:.2f} Mpx/s, entropy decoding in numpy "
                f"{1e3 / part['entropy decoding in numpy']:.2f}, network in ONNX Runtime "
                f"{1e3 / part['decoder in ONNX Runtime']:.2f}",
                flush=True,
            )


def decode_in_numpy(stream: bytes) -> None:
    """Decode a frame with numpy in place of the entropy decoder's C."""
    with patch.object(compiled_reader, "NATIVE", None):
        decode(stream)


def decode_in_runtime(stream: bytes) -> None:
    """Decode a frame with ONNX Runtime in place of the decoder network's C."""
    with patch.object(synthesis, "compiled_network", lambda _folder: None):
        decode(stream)


def networks(codec: StudentEncoder, frame: Frame) -> None:
    """Run the part of an encoding that does not depend on the rate."""
    prepared = codec.prepare(frame)
    for place in grid(frame.width, frame.height, codec.tile):
        prepared.tile(place.index)


def quality_at(codec: Encoder, frame: Frame, bpp: float) -> Setting:
    """Return the quality at which a codec needs about the given bits per pixel."""
    low, high = 0.0, 100.0
    prepared = codec.prepare(frame)
    for _ in range(7):
        middle = (low + high) / 2
        size = len(prepared.encode(Setting(quality=middle)))
        low, high = (middle, high) if size * 8 < bpp * frame.width * frame.height else (low, middle)
    return Setting(quality=low)


def main() -> int:
    """Print the speed of every codec."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bpp", type=float, nargs="+", default=[0.5])
    parser.add_argument("--pictures", type=int, default=4, help="most of a size")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(f"model {StudentEncoder().model.card['fingerprint']}")
    speed(pictures([options.folder]), options.bpp, options.pictures, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
