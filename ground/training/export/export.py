"""From a checkpoint to what ships: integer graphs, tables, a fingerprint and a model card.

Files of a model folder:
  encoder.onnx, hyper.onnx, decoder.onnx   see `graphs`
  encoder_narrow.onnx, side_narrow.onnx, hyper_narrow.onnx, probe.onnx   see `narrow`
  integers.npz                             every integer (see `integers`, `coding`, `tables`)
  card.json                                what it is, what it was trained on, what it reaches
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.augment import CropSampler
from ..data.colour import (
    PLANE_FRACTION,
    canonical_planes,
    difference_covariance,
    rotation_matrix,
    rotation_of,
    to_pixels,
    to_planes,
)
from ..data.corpus import Corpus, load_corpus, split
from ..loop.checkpoint import averaged_codec, load
from ..loop.evaluate import Sample, compare, held_out_samples, monotone, psnr
from ..loop.losses import draw_qualities
from ..networks.codec import (
    KNOTS,
    LATENT_FRACTION,
    LOG2_FRACTION,
    LOG2_LAMBDA_HIGH,
    LOG2_LAMBDA_LOW,
    PIXEL_FRACTION,
    QUALITY_STEPS,
    Codec,
)
from ..networks.complexity import complexity
from ..networks.initialise import put_on_grids
from ..networks.scale_context import groups
from . import int8_graphs as narrow
from .coding import TileReference, context_tables
from .graphs import decoder_graph, encoder_graph, hyper_graph
from .integers import Arrays, Integers, extract
from .refine import fit_context
from .tables import CodedTile, count_tables, ideal_bits

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the integers' meaning; a codec that reads another one must refuse."""


@torch.no_grad()
def analyse_tile(codec: Codec, planes: torch.Tensor, quality: int) -> CodedTile:
    """Return the integers of a tile's planes (1, 3, h, w), by the networks on their grids."""
    latents = codec.analysis(planes)
    side = torch.floor(codec.hyper.analyse(latents) + 0.5)
    side = side.clamp(codec.hyper.side.low, codec.hyper.side.high)
    scales = codec.hyper.synthesise(side, latents.shape[2], latents.shape[3])
    return CodedTile(
        _integers(latents * 2**LATENT_FRACTION),
        _integers(side),
        _integers(scales * 2**LOG2_FRACTION),
        quality,
    )


def _integers(value: torch.Tensor) -> Integers:
    return value[0].double().cpu().numpy().astype(np.int64)


def training_tiles(codec: Codec, sampler: CropSampler, batches: int) -> Iterator[CodedTile]:
    """Yield tiles of training crops over all rates."""
    for step in range(batches):
        rng = np.random.default_rng(step)
        planes = canonical_planes(sampler.draw(0x30000000 + step), rng)
        quality = draw_qualities(codec, planes, rng).cpu().numpy()
        for one, value in zip(planes, quality, strict=True):
            yield analyse_tile(codec, one[None], round(float(value) * QUALITY_STEPS))


def fingerprint(arrays: Arrays) -> bytes:
    """Return eight bytes that any change of an integer changes: SHA-256 over all arrays."""
    digest = hashlib.sha256(f"downpass student {FORMAT}".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.digest()[:8]


@torch.no_grad()
def integer_curve(
    codec: Codec, arrays: Arrays, sample: Sample, qualities: Sequence[int]
) -> dict[str, list[float]]:
    """Return bits per pixel (ideal, of the tables) and PSNR of a sample coded in integers."""
    matrix = rotation_matrix(rotation_of(difference_covariance(sample.pixels)))
    planes = torch.from_numpy(to_planes(sample.pixels, matrix) / 2**PLANE_FRACTION)
    tile = analyse_tile(codec, planes[None].float(), 0)
    curve: dict[str, list[float]] = {"quality": [], "bpp": [], "psnr_db": []}
    for quality in qualities:
        coder = TileReference(arrays, tile.log_scales, quality)
        symbols, decoded, index = coder.encode(tile.latents)
        bits = ideal_bits(arrays, symbols, index, tile.side)
        latents = torch.from_numpy(decoded[None] / 2**LATENT_FRACTION).float()
        out = codec.synthesis(latents, torch.tensor([quality / QUALITY_STEPS]))
        pixels = to_pixels(_integers(out * 2**PIXEL_FRACTION), matrix, PIXEL_FRACTION)
        curve["quality"].append(quality)
        curve["bpp"].append(round(bits / (pixels.shape[0] * pixels.shape[1]), 5))
        curve["psnr_db"].append(round(psnr(sample.pixels.astype(float), pixels.astype(float)), 3))
    return curve


def held_out_report(
    codec: Codec, arrays: Arrays, samples: Sequence[Sample], step: int = 32
) -> dict[str, Any]:
    """Return BD-rate and coverage against JPEG 2000 by group, and each sample's curve."""
    by_group: dict[str, list[tuple[float, float]]] = {}
    curves = {}
    for sample in samples:
        curve = integer_curve(codec, arrays, sample, range(0, QUALITY_STEPS + 1, step))
        curves[sample.name] = curve
        result = compare(sample.anchor, monotone(curve["bpp"], curve["psnr_db"]))
        by_group.setdefault(sample.group, []).append((result.percent / 100, result.coverage))
    every = np.array([v for values in by_group.values() for v in values])
    mean = np.nanmean(every, axis=0)
    return {
        "bd_rate": round(float(mean[0]), 4),
        "coverage": round(float(mean[1]), 4),
        "groups": {
            name: {
                "bd_rate": round(float(np.nanmean([v[0] for v in values])), 4),
                "coverage": round(float(np.mean([v[1] for v in values])), 4),
                "pictures": len(values),
            }
            for name, values in by_group.items()
        },
        "curves": curves,
    }


def export(
    checkpoint: Path, corpus: Corpus, samples: Sequence[Sample], out: Path, batches: int = 40
) -> dict[str, Any]:
    """Write a checkpoint's model folder and return its card.

    Raises:
        NotExactError: the integer networks would not be exact in float32.
    """
    content = load(checkpoint)
    codec = averaged_codec(checkpoint)
    sampler = CropSampler(corpus, crop=128, batch=16, seed=7, device=torch.device("cpu"))
    put_on_grids(codec, sampler)
    larger = CropSampler(corpus, crop=256, batch=8, seed=8, device=torch.device("cpu"))
    before, after = fit_context(codec, larger, batches=max(2, batches // 2))
    log.info("context fitted: %.2f %% fewer bits on training crops", 100 * (before - after))
    arrays = extract(codec)
    arrays.update(context_tables(codec.context))
    arrays.update(count_tables(arrays, training_tiles(codec, larger, batches)))
    mark = fingerprint(arrays)
    out.mkdir(parents=True, exist_ok=True)
    write_graphs(arrays, out)
    np.savez_compressed(out / "integers.npz", **arrays)  # type: ignore[arg-type]
    card: dict[str, Any] = {
        "name": "downpass student",
        "format": FORMAT,
        "fingerprint": mark.hex(),
        "shape": content["shape"],
        "groups": [[g.first, g.last, g.window] for g in groups(codec.shape.latents)],
        "quality": {
            "steps": QUALITY_STEPS,
            "knots": KNOTS,
            "log2_lambda": [LOG2_LAMBDA_LOW, LOG2_LAMBDA_HIGH],
        },
        "kmac_per_pixel": {k: round(v / 1000, 3) for k, v in complexity(codec).items()},
        "training": {
            "steps": content["step"],
            "minutes": round(content["seconds"] / 60, 1),
            "pictures": len(corpus.pictures),
            "megapixels": round(sum(p.height * p.width for p in corpus.pictures) / 1e6, 1),
            "groups": sorted({p.group for p in corpus.pictures}),
        },
        "held_out": held_out_report(codec, arrays, samples),
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def write_graphs(arrays: Arrays, out: Path) -> None:
    """Write every graph of a model's integers into a folder."""
    graphs = {
        "encoder": encoder_graph(arrays),
        "hyper": hyper_graph(arrays),
        "decoder": decoder_graph(arrays),
        "encoder_narrow": narrow.encoder_graph(arrays),
        "side_narrow": narrow.side_graph(arrays),
        "hyper_narrow": narrow.hyper_graph(arrays),
        "probe": narrow.probe_graph(),
    }
    for name, graph in graphs.items():
        (out / f"{name}.onnx").write_bytes(graph)


def main(arguments: Sequence[str] | None = None) -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="the training pictures")
    parser.add_argument("--cache", type=Path, help="folder for decoded pictures")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    training, held_out = split(load_corpus(options.images, options.cache))
    anchors = (options.cache or options.out) / "anchors.json"
    card = export(options.checkpoint, training, held_out_samples(held_out, anchors), options.out)
    log.info(
        "fingerprint %s, BD-rate %+.1f %%, coverage %.0f %%",
        card["fingerprint"],
        100 * card["held_out"]["bd_rate"],
        100 * card["held_out"]["coverage"],
    )


if __name__ == "__main__":
    main()
