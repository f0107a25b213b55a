"""Measure the decoder networks alone: each variant of the C beside ONNX Runtime, in one run.

    python benchmarks/synthesis.py PICTURE [--bpp 0.5] [--rounds 9]

PICTURE's first 1024 x 1024 pixels are encoded at the bits per pixel, and their latents decoded.
Printed is processor time on one core, the shortest of several rounds in which all take turns, so
that other load on the machine affects all alike; and its ratio to ONNX Runtime's. The portable
variant is left out, since ONNX Runtime is used in its place. A decoder that is not in the package
is measured with random weights of its shape.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from downpass.ground.decoders.compiled_synthesis import CompiledSynthesis, variants
from downpass.ground.decoders.student_networks import DecoderNetwork, available, load_network
from downpass.ground.decoders.synthesis import Synthesis
from downpass.ground.training.export.float32_graphs import decoder_graph
from downpass.link.container.bitstream import unpack
from downpass.link.container.codestreams import split
from downpass.link.container.frame import Frame
from downpass.link.student import shared_model
from downpass.link.student.codestream import decode_tile
from downpass.link.student.frame_layout import BLOCK, FINER_TILES
from downpass.link.student.planes import TileShape
from downpass.link.student.rotation import IDENTITY, rotation_matrix
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import FrameWindow, Scene

Arrays = dict[str, np.ndarray[Any, Any]]
FULL = ((128, 256), (2, 4, 1))
"""Channels at 1/4 and 1/8, and residual blocks, of the decoder `full`."""


def decoded_latents(path: Path, bpp: float) -> tuple[np.ndarray[Any, Any], int]:
    """Return latents of a picture's top left, as one tile, and their quality."""
    with Scene(path) as scene:
        columns, rows = (min(side, 1024) // BLOCK * BLOCK for side in (scene.width, scene.height))
        frame = scene.read(FrameWindow(0, 0, columns, rows), 3, 8)
    stream = StudentEncoder(0).encode(Frame(frame.pixels, 8), Setting(bpp=bpp))
    container, model = unpack(stream), shared_model.load()
    payload = container.payloads[0]
    if payload is None:
        raise RuntimeError("the encoder's own bitstream is damaged")
    quality = container.header.parameter % FINER_TILES
    shape = TileShape(rows // BLOCK, columns // BLOCK)
    codestream = split(payload, 0, 1)[0]
    return decode_tile(model.entropy, model.log_scales, codestream, shape, quality), quality


def with_random_weights(arrays: Arrays) -> Arrays:
    """Return integers of a network of the shape `full`, from those of `fast`.

    The C's speed depends on how many activations are zero or exceed a byte. Shifts are such that
    about half of those between convolutions are positive and few exceed a byte.
    """
    rng, found = np.random.default_rng(0), dict(arrays)
    (fine, coarse), depth = FULL

    def layer(
        name: str, like: str, outputs: int, inputs: int, size: int, reads: int, to: int
    ) -> None:
        """Put a layer whose inputs are about `reads` and its outputs about `to`."""
        weight = rng.integers(-30, 31, (outputs, inputs, size, size))
        shift = round(np.log2(weight.std() * reads * np.sqrt(inputs * size**2) / to))
        found[f"synthesis.{name}.weight"] = weight.astype(np.int8)
        found[f"synthesis.{name}.bias"] = np.zeros(outputs, np.int32)
        found[f"synthesis.{name}.shift"] = np.full(outputs, shift, np.int8)
        found[f"synthesis.{name}.clip"] = arrays[f"synthesis.{like}.clip"]

    layer("latent_in", "latent_in", 4 * coarse, arrays["synthesis.spread_shift"].size, 1, 3, 150)
    layer("enter", "enter", fine, 48, 3, 300, 60)
    layer("down", "down", coarse, 4 * fine, 1, 30, 150)
    layer("up", "up", 4 * fine, coarse, 1, 25, 30)
    layer("leave", "leave", 48, fine, 3, 80, 30)
    for part, channels, count, to in zip(
        ("before", "below", "after"), (fine, coarse, fine), depth, (20, 80, 20), strict=True
    ):
        for number in range(count):
            name, like = f"{part}.{number}", f"{part}.0"
            layer(f"{name}.first", f"{like}.first", channels, channels, 3, 50, 60)
            layer(f"{name}.second", f"{like}.second", channels, channels, 3, 40, to)
            for key in ("entering.shift", "entering.clip"):
                found[f"synthesis.{name}.{key}"] = arrays[f"synthesis.{like}.{key}"]
            rows = len(arrays[f"synthesis.{like}.bias"])
            found[f"synthesis.{name}.bias"] = np.zeros((rows, channels), np.int32)
    return found


def networks(folder: Path) -> dict[str, DecoderNetwork]:
    """Return the decoders by what to print; one that is not in the package is made in a folder."""
    found = {name: load_network(name) for name in available()}
    named: dict[str, DecoderNetwork] = dict(found)
    if "full" not in found:
        fast = found["fast"]
        arrays = with_random_weights(load_integers(fast.folder))
        (folder / "decoder.onnx").write_bytes(decoder_graph(arrays))
        np.savez(folder / "integers.npz", **arrays)  # type: ignore[arg-type]
        named["full, random weights"] = replace(fast, folder=folder)
    return named


def measure(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest processor time of each, in seconds."""
    best = dict.fromkeys(work, np.inf)
    for _ in range(rounds):
        for name, one in work.items():
            start = time.process_time()
            one()
            best[name] = min(best[name], time.process_time() - start)
    return best


def main() -> int:
    """Print the speed of every decoder in every variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--bpp", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    latents, quality = decoded_latents(options.picture, options.bpp)
    matrix = rotation_matrix(IDENTITY)
    pixels = BLOCK**2 * latents[0].size
    print(
        f"{options.picture.name}: {pixels / 1e6:.2f} Mpx at {options.bpp} bpp, "
        f"{np.count_nonzero(latents) / latents.size:.0%} of the latents are not zero"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks(Path(folder)).items():
            arrays = load_integers(network.folder)
            work = {"ONNX Runtime": Synthesis(network, 1, None)}
            for variant in variants()[:-1]:
                compiled = CompiledSynthesis.of(arrays, variant)
                work[f"C ({variant})"] = Synthesis(network, 1, compiled)
            best = measure(
                {
                    engine: partial(one.run, latents, quality, matrix)
                    for engine, one in work.items()
                },
                options.rounds,
            )
            for engine, seconds in best.items():
                print(
                    f"{name}, {engine}: {1e9 * seconds / pixels:.0f} ns/px, "
                    f"{pixels / seconds / 1e6:.2f} Mpx/s, "
                    f"{best['ONNX Runtime'] / seconds:.2f} times as fast as ONNX Runtime",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
