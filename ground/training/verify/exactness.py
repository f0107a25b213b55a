"""Check that every implementation of the shipped model gives the same bytes on any picture.

    python -m downpass.ground.training.verify.exactness FOLDER… [--crop 128] [--qualities 9]

Five implementations compute the networks: ONNX Runtime with one thread and with two, the compiled C
where there is some, int64 in numpy (`export.integer_networks`), and torch in float32 on its grids
(`shipped_codec`). For every picture,
and for synthetic ones that saturate, tie or hold nothing but noise, they must agree in the latents,
side information and scales, in the bytes of the codestreams, and in the decoded pixels, at
qualities over the whole range. The check also counts how much the outputs vary, and how many sums
were clipped or tied: networks whose outputs hardly vary would agree without proving anything.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student.codestream import AnalysedTile, decode_tile, encode_tile
from ....link.student.frame_layout import BLOCK
from ....link.student.planes import TileShape
from ....link.student.rotation import rotation_matrix
from ....payload.encoders.student.colours import difference_moments, rotation_of, sampled_rows
from ....payload.encoders.student.student_model import load
from ...decoders.student_networks import available, load_network
from ...decoders.synthesis import Synthesis
from ..data.colour import to_pixels, to_planes
from ..export.integer_networks import Arrays, IntegerNetworks, Integers
from ..networks.codec import Codec
from ..networks.shape import LATENT_FRACTION, LOG2_FRACTION, PIXEL_FRACTION, QUALITY_STEPS
from .pictures import pictures, synthetic_pictures
from .shipped_codec import from_integers, shipped_arrays, shipped_shape

Analysed = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Latents, side information, log₂ scales."""
_OUTPUTS = ("latents", "side", "log_scales")


class DifferentError(Exception):
    """Two implementations gave different numbers. The message names them and the picture."""


@dataclass(slots=True)
class CheckStatistics:
    """Counts of what the networks computed on the pictures of a check.

    Attributes:
        pictures: Number of pictures.
        streams: Number of codestreams that were compared.
        values: Different integers that occurred, by output.
        clipped: Number of sums that were clipped.
        ties: Number of sums halfway between two integers.
        sums: Number of all sums.
        digest: SHA-256 of all codestreams and decoded pixels, for comparing machines.
    """

    pictures: int = 0
    streams: int = 0
    values: dict[str, set[int]] = field(default_factory=dict)
    clipped: int = 0
    ties: int = 0
    sums: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def note(self, name: str, array: NDArray[Any]) -> None:
        """Record the values that occurred in an output."""
        self.values.setdefault(name, set()).update(np.unique(array).tolist())

    def report(self) -> str:
        """Return the lines that the command prints if all implementations agree."""
        counts = ", ".join(
            f"{len(values)} values of {name}" for name, values in self.values.items()
        )
        return (
            f"{self.pictures} pictures, {self.streams} codestreams: ONNX Runtime with 1 and 2 "
            f"threads, {_compiled()}numpy in int64 and torch in float32 agree to the bit.\n"
            f"Of {self.sums / 1e6:.0f} million sums {self.clipped} were clipped and "
            f"{self.ties} tied; {counts}.\n"
            f"SHA-256 of all of it: {self.digest.hexdigest()[:16]}\n"
        )


class CountingNetworks(IntegerNetworks):
    """The integer reference, which also counts the sums that were clipped or tied."""

    statistics: CheckStatistics

    __slots__ = ("statistics",)

    def __init__(self, arrays: Arrays, statistics: CheckStatistics) -> None:
        super().__init__(arrays)
        object.__setattr__(self, "statistics", statistics)  # the base class is frozen

    def _layer(self, name: str, value: Integers, bias: NDArray[Any] | None = None) -> Integers:
        out = self._sum(name, value, bias)
        low, high = self.arrays[f"{name}.clip"]
        self.statistics.clipped += int(np.count_nonzero((out < low) | (out > high)))
        return np.asarray(np.clip(out, low, high))

    def _sum(self, name: str, value: Integers, bias: NDArray[Any] | None = None) -> Integers:
        # The reference rounds half up. With all signs reversed it rounds half down, and the two
        # differ at ties only.
        up = super()._sum(name, value, bias)
        weight = self.arrays[f"{name}.weight"]
        used_bias = self.arrays[f"{name}.bias"] if bias is None else bias
        negated = CountingNetworks(
            self.arrays | {f"{name}.weight": -weight.astype(np.int64)}, self.statistics
        )
        down = -IntegerNetworks._sum(negated, name, value, -used_bias.astype(np.int64))
        self.statistics.ties += int(np.count_nonzero(up != down))
        self.statistics.sums += up.size
        return up


def _compiled() -> str:
    """Return the compiled variants of encoder and decoder, for a list of implementations."""
    engines = {load().engine, Synthesis.of(load_network(), 1).engine}
    return "".join(f"{engine}, " for engine in sorted(engines) if engine.startswith("C "))


@cache
def _torch_codec(decoder: str = "fast") -> Codec:
    return from_integers(shipped_arrays(decoder), shipped_shape(decoder))


@torch.no_grad()
def _analyse_in_torch(planes: Integers) -> Analysed:
    codec = _torch_codec()
    latents = codec.analysis(torch.from_numpy(planes[None] / 2).float())
    side = torch.floor(codec.hyper.analyse(latents) + 0.5)
    side = side.clamp(codec.hyper.side.low, codec.hyper.side.high)
    scales = codec.hyper.synthesise(side, latents.shape[2], latents.shape[3])
    return tuple(  # type: ignore[return-value]
        (value[0].double() * factor).numpy().astype(np.int64)
        for value, factor in ((latents, 2**LATENT_FRACTION), (side, 1), (scales, 2**LOG2_FRACTION))
    )


@torch.no_grad()
def _synthesise_in_torch(decoder: str, latents: Integers, quality: int) -> Integers:
    decoded = torch.from_numpy(latents[None] / 2**LATENT_FRACTION).float()
    out = _torch_codec(decoder).synthesis(decoded, torch.tensor([quality / QUALITY_STEPS]))
    return np.asarray((out[0].double() * 2**PIXEL_FRACTION).numpy().astype(np.int64))


def check(
    name: str,
    pixels: NDArray[np.uint8],
    qualities: Sequence[int],
    statistics: CheckStatistics | None = None,
) -> CheckStatistics:
    """Compare the implementations on one picture.

    Args:
        name: Name of the picture, for errors.
        pixels: (16 · rows, 16 · columns, 3) of 8 bits.
        qualities: Qualities 0…256.
        statistics: Counts of earlier pictures, to add to.

    Returns:
        The counts.

    Raises:
        DifferentError: Two implementations do not agree.
    """
    statistics = statistics or CheckStatistics()
    model, counting = load(), CountingNetworks(shipped_arrays(), statistics)
    rows, below, columns = sampled_rows(pixels.shape)
    rotation = rotation_of(difference_moments(pixels[rows, columns], pixels[below, columns]))
    matrix = rotation_matrix(rotation)
    shape = TileShape(pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK)
    matrix_64 = matrix.astype(np.int64)
    planes = to_planes(pixels, matrix_64)
    analysed: dict[str, Analysed] = {}
    runtime = replace(model, compiled=None)
    engines = {f"onnxruntime, {threads} threads": (runtime, threads) for threads in (1, 2)}
    if model.compiled is not None:
        engines[model.engine] = model, 1
    for which, (engine, threads) in engines.items():
        fast, fast_side = engine.analyse(pixels, matrix, threads)
        analysed[which] = fast, fast_side, engine.log_scales(fast_side, threads)
    latents = counting.analyse(planes)
    side = counting.side(latents)
    analysed["numpy"] = latents, side, counting.log_scales(side, shape.rows, shape.columns)
    analysed["torch"] = _analyse_in_torch(planes)
    first, *others = analysed
    for other in others:
        for output, expected, array in zip(_OUTPUTS, analysed[first], analysed[other], strict=True):
            if not np.array_equal(_cut(expected, shape, output), _cut(array, shape, output)):
                raise DifferentError(f"{name}: {output} of {first} and {other}")
    for output, array in zip(_OUTPUTS, analysed["numpy"], strict=True):
        statistics.note(output, array)
    tiles = {which: _tile(arrays) for which, arrays in analysed.items()}
    for quality in qualities:
        streams = {
            which: encode_tile(model.entropy, tile, quality) for which, tile in tiles.items()
        }
        if len(set(streams.values())) > 1:
            raise DifferentError(f"{name}: codestreams at quality {quality}")
        stream = streams[first]
        decoded = decode_tile(model.entropy, model.log_scales, stream, shape, quality)
        statistics.digest.update(stream)
        for decoder in available():
            networks = (
                CountingNetworks(shipped_arrays(decoder), statistics)
                if quality == qualities[0]
                else IntegerNetworks(shipped_arrays(decoder))
            )
            pixels = _decode_in_all(name, decoder, networks, decoded, quality, matrix)
            statistics.note("pixels", pixels)
            statistics.digest.update(pixels.tobytes())
        statistics.streams += 1
    statistics.pictures += 1
    return statistics


def _decode_in_all(
    name: str,
    decoder: str,
    networks: IntegerNetworks,
    decoded: NDArray[np.int32],
    quality: int,
    matrix: NDArray[np.int32],
) -> NDArray[np.uint8]:
    """Return the pixels that all implementations of a decoder give.

    Raises:
        DifferentError: They do not agree.
    """
    network = load_network(decoder)
    found = {
        f"onnxruntime, {threads} threads": Synthesis(network, threads, None).run(
            decoded, quality, matrix
        )
        for threads in (1, 2)
    }
    compiled = Synthesis.of(network, 1)
    if compiled.compiled is not None:
        found[compiled.engine] = compiled.run(decoded, quality, matrix)
    latents, matrix_64 = decoded.astype(np.int64), matrix.astype(np.int64)
    for which, planes in (
        ("numpy", networks.synthesise(latents, quality)),
        ("torch", _synthesise_in_torch(decoder, latents, quality)),
    ):
        found[which] = to_pixels(planes, matrix_64, PIXEL_FRACTION)
    first, *others = found
    for other in others:
        if not np.array_equal(found[other], found[first]):
            raise DifferentError(
                f"{name}: pixels of {first} and {other}, decoder {decoder}, at quality {quality}"
            )
    return found[first]


def _cut(array: NDArray[Any], shape: TileShape, output: str) -> NDArray[Any]:
    """Leave out log₂ scales beyond the tile, which are not used."""
    return array[:, : shape.rows, : shape.columns] if output == "log_scales" else array


def _tile(arrays: Analysed) -> AnalysedTile:
    """Return the entropy coder's input, with scales padded to even sides as h_s gives them."""
    latents, side, scales = (array.astype(np.int32) for array in arrays)
    down, right = 2 * side.shape[1] - scales.shape[1], 2 * side.shape[2] - scales.shape[2]
    return AnalysedTile.of(latents, side, np.pad(scales, ((0, 0), (0, down), (0, right))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every picture and report the counts.

    Returns:
        The exit status: 1 if implementations differ, 2 for bad input.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", type=Path, nargs="*", help="pictures, or folders of them")
    parser.add_argument("--crop", type=int, default=128, help="pixels a side (default 128)")
    parser.add_argument("--qualities", type=int, default=9, help="of 257, evenly (default 9)")
    options = parser.parse_args(arguments)
    if options.crop < BLOCK or not 1 <= options.qualities <= QUALITY_STEPS + 1:
        parser.error(f"allowed are crops from {BLOCK} and 1 to {QUALITY_STEPS + 1} qualities")
    torch.set_num_threads(1)
    qualities = np.linspace(0, QUALITY_STEPS, options.qualities).round().astype(int).tolist()
    statistics, say = CheckStatistics(), sys.stdout.write
    try:
        for name, pixels in synthetic_pictures():
            check(name, pixels, qualities, statistics)
        if options.paths:
            for name, pixels in pictures(options.paths, options.crop):
                check(name, pixels, qualities, statistics)
                say(f"{name}: {pixels.shape[1]} x {pixels.shape[0]}, the same\n")
                sys.stdout.flush()
    except DifferentError as error:
        say(f"DIFFERENT: {error}\n")
        return 1
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    say(statistics.report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
