"""Rate-distortion on held-out pictures, compared with OpenJPEG 9/7 and its colour transform.

BD-rate is `ground.bd_rate`'s, of one picture at a time over the PSNR that JPEG 2000 reaches from
0.1 to 1.5 bits per pixel, then the mean over pictures.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...bd_rate import BdRate, bd_rate
from ..data.colour import (
    MATRIX_FRACTION,
    difference_covariance,
    rotate,
    rotate_back,
    rotation_matrix,
    rotation_of,
)
from ..data.corpus import Corpus
from ..networks.codec import Codec

ANCHOR_PSNR = tuple(range(18, 64, 2))
ANCHOR_RATES = (0.1, 1.5)
QUALITIES = tuple(np.linspace(0.0, 1.0, 9).tolist())


@dataclass(frozen=True, slots=True)
class Curve:
    """Rate-distortion points of one picture, by rising rate."""

    bpp: tuple[float, ...]
    psnr_db: tuple[float, ...]


def psnr(first: NDArray[np.float64], second: NDArray[np.float64], peak: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples; infinite if all are equal."""
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(peak * peak / error)


def anchor_curve(pixels: NDArray[np.uint8]) -> Curve:
    """Return OpenJPEG's curve: 9/7 wavelet, colour transform, one quality layer."""
    import imagecodecs

    bpp, quality = [], []
    for level in ANCHOR_PSNR:
        data = imagecodecs.jpeg2k_encode(pixels, level=level, reversible=False, mct=True)
        decoded = imagecodecs.jpeg2k_decode(data)
        bpp.append(8.0 * len(data) / (pixels.shape[0] * pixels.shape[1]))
        quality.append(psnr(pixels.astype(np.float64), decoded.astype(np.float64)))
    return monotone(bpp, quality)


def monotone(bpp: Sequence[float], psnr_db: Sequence[float]) -> Curve:
    """Return the points by rising rate, less those that a cheaper one beats."""
    kept: list[tuple[float, float]] = []
    for rate, quality in sorted(zip(bpp, psnr_db, strict=True)):
        if not kept or (quality > kept[-1][1] + 1e-6 and rate > kept[-1][0] + 1e-9):
            kept.append((rate, quality))
    return Curve(tuple(r for r, _ in kept), tuple(q for _, q in kept))


def compare(anchor: Curve, tested: Curve) -> BdRate:
    """Return BD-rate and coverage over the PSNR that the anchor reaches at `ANCHOR_RATES`."""
    return bd_rate(
        list(zip(anchor.bpp, anchor.psnr_db, strict=True)),
        list(zip(tested.bpp, tested.psnr_db, strict=True)),
        ANCHOR_RATES,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out picture with its anchor."""

    name: str
    group: str
    pixels: NDArray[np.uint8]
    anchor: Curve


def held_out_samples(
    corpus: Corpus, cache: Path, per_group: int = 3, side: int = 256
) -> list[Sample]:
    """Return some pictures of each group (cut to `side`), with anchors, computed once."""
    by_group = defaultdict(list)
    for picture in corpus.pictures:
        by_group[picture.group].append(picture)
    chosen = []
    for group in sorted(by_group):
        order = sorted(by_group[group], key=lambda p: hashlib.sha256(p.name.encode()).digest())
        # The largest group is what most pictures to come look like, so it gets more.
        chosen += order[: per_group + len(order) // 15]
    stored = json.loads(cache.read_text()) if cache.exists() else {}
    samples = []
    for picture in chosen:
        rows, columns = (min(side, n) // 32 * 32 for n in (picture.height, picture.width))
        pixels = np.ascontiguousarray(corpus.pixels(picture)[:rows, :columns])
        key = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        if key not in stored:
            curve = anchor_curve(pixels)
            stored[key] = [list(curve.bpp), list(curve.psnr_db)]
        bpp, quality = stored[key]
        samples.append(
            Sample(picture.name, picture.group, pixels, Curve(tuple(bpp), tuple(quality)))
        )
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(stored))
    temporary.replace(cache)
    return samples


@torch.no_grad()
def codec_curve(
    codec: Codec, pixels: NDArray[np.uint8], qualities: Sequence[float] = QUALITIES
) -> Curve:
    """Return the codec's curve, with the model's ideal bits and rounded latents and pixels."""
    device = next(codec.parameters()).device
    levels = torch.from_numpy(np.array(pixels)).to(device).permute(2, 0, 1)[None].float()
    matrix = rotation_matrix(rotation_of(difference_covariance(pixels))) / 2**MATRIX_FRACTION
    rotation = torch.from_numpy(matrix)[None].float().to(device)
    planes = torch.floor(rotate(levels, rotation) * 2 + 0.5) / 2
    planes = planes.expand(len(qualities), -1, -1, -1).contiguous(memory_format=torch.channels_last)
    # bfloat16 has eight digits: enough for a float codec's curve, not for integers.
    with torch.autocast(device.type, torch.bfloat16, enabled=not codec.on_grids):
        coded = codec(planes, torch.tensor(qualities, device=device))
    decoded = rotate_back(coded.planes, rotation.expand(len(qualities), -1, -1))
    decoded = torch.floor(decoded + 0.5).clamp(0, 255)
    bpp = (coded.bits / (pixels.shape[0] * pixels.shape[1])).tolist()
    quality = tensor_psnr(decoded, levels).tolist()
    return monotone(bpp, quality)


@dataclass(frozen=True, slots=True)
class Summary:
    """Held-out results.

    Attributes:
        mean: Mean BD-rate and coverage over all pictures.
        groups: The same by group.
        curves: The codec's curve of each picture.
    """

    mean: BdRate
    groups: dict[str, BdRate]
    curves: dict[str, Curve]


def evaluate(
    codec: Codec, samples: Sequence[Sample], qualities: Sequence[float] = QUALITIES
) -> Summary:
    """Code every sample at every quality and compare with its anchor."""
    was_training = codec.training
    codec.eval()
    results: dict[str, list[BdRate]] = defaultdict(list)
    curves = {}
    for sample in samples:
        curves[sample.name] = codec_curve(codec, sample.pixels, qualities)
        results[sample.group].append(compare(sample.anchor, curves[sample.name]))
    codec.train(was_training)
    every = [result for group in results.values() for result in group]
    return Summary(_mean(every), {name: _mean(group) for name, group in results.items()}, curves)


def _mean(results: Sequence[BdRate]) -> BdRate:
    """Return the mean over the pictures whose curves have a quality in common with the anchor's."""
    return BdRate(
        _finite_mean([result.percent for result in results]),
        _finite_mean([result.coverage for result in results]),
    )


def _finite_mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.mean(finite)) if finite else math.nan


def tensor_psnr(first: Tensor, second: Tensor) -> Tensor:
    """Return PSNR in dB of each sample of two batches of grey levels; infinite where equal."""
    error = (first - second).square().mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(255.0**2 / error)
