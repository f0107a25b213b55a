"""Rate-distortion on held-out pictures, beside OpenJPEG 9/7 with its colour transform.

BD-rate: PCHIP of log-rate over PSNR, a picture at a time, over the PSNR that JPEG 2000 reaches
from 0.1 to 1.5 bits per pixel, then the mean over pictures (Bjøntegaard, VCEG-M33; PCHIP as
JCT-VC does it).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .colour import (
    MATRIX_FRACTION,
    difference_covariance,
    rotate,
    rotate_back,
    rotation_matrix,
    rotation_of,
)
from .data import Corpus
from .networks import Codec

ANCHOR_PSNR = tuple(range(18, 64, 2))
ANCHOR_RATES = (0.1, 1.5)
QUALITIES = tuple(np.linspace(0.0, 1.0, 9).tolist())


@dataclass(frozen=True, slots=True)
class Curve:
    """Rate-distortion points of one picture, by rising rate."""

    bpp: tuple[float, ...]
    psnr_db: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One picture against the anchor.

    Attributes:
        bd_rate: change of rate at equal PSNR; -0.25 means 25 % fewer bits. NaN: no overlap.
        coverage: share of the anchor's PSNR range that the curve reaches.
    """

    bd_rate: float
    coverage: float


def psnr(first: NDArray[np.float64], second: NDArray[np.float64], peak: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples (100 where equal)."""
    error = float(np.mean((first - second) ** 2))
    return 100.0 if error == 0 else 10.0 * float(np.log10(peak * peak / error))


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


def pchip_integral(
    x: NDArray[np.float64], y: NDArray[np.float64], start: float, end: float
) -> float:
    """Return the integral of the monotone cubic through (x, y) (Fritsch and Butland, 1984)."""
    width, slope = np.diff(x), np.diff(y) / np.diff(x)
    inner = np.zeros(len(x))
    left, right = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = slope[:-1] * slope[1:] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (left + right) / (left / slope[:-1] + right / slope[1:])
    inner[1:-1] = np.where(same, mean, 0.0)
    second = min(1, len(width) - 1)
    inner[0] = _end_slope(width[0], width[second], slope[0], slope[second])
    inner[-1] = _end_slope(width[-1], width[-1 - second], slope[-1], slope[-1 - second])
    curvature = (3 * slope - 2 * inner[:-1] - inner[1:]) / width
    bend = (inner[:-1] + inner[1:] - 2 * slope) / width**2
    low, high = np.clip(start, x[:-1], x[1:]) - x[:-1], np.clip(end, x[:-1], x[1:]) - x[:-1]

    def primitive(t: NDArray[np.float64]) -> NDArray[np.float64]:
        result = t * (y[:-1] + t * (inner[:-1] / 2 + t * (curvature / 3 + t * bend / 4)))
        return np.asarray(result)

    return float((primitive(high) - primitive(low)).sum())


def _end_slope(near: float, far: float, slope: float, next_slope: float) -> float:
    """Return the three-point slope at an end, kept monotone."""
    value = ((2 * near + far) * slope - near * next_slope) / (near + far)
    if value * slope <= 0:
        return 0.0
    if slope * next_slope <= 0 and abs(value) > 3 * abs(slope):
        return 3 * slope
    return float(value)


def compare(anchor: Curve, tested: Curve) -> Comparison:
    """Return BD-rate and coverage over the PSNR that the anchor reaches at `ANCHOR_RATES`."""
    reached = np.interp(np.log(ANCHOR_RATES), np.log(anchor.bpp), anchor.psnr_db)
    low, high = float(reached[0]), float(reached[1])
    start, end = max(low, tested.psnr_db[0]), min(high, tested.psnr_db[-1])
    if high <= low or end <= start or len(tested.bpp) < 2:
        return Comparison(float("nan"), 0.0)
    difference = pchip_integral(
        np.array(tested.psnr_db), np.log(tested.bpp), start, end
    ) - pchip_integral(np.array(anchor.psnr_db), np.log(anchor.bpp), start, end)
    return Comparison(float(np.expm1(difference / (end - start))), (end - start) / (high - low))


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
    """Held-out results: BD-rate and coverage over all pictures and by group."""

    bd_rate: float
    coverage: float
    groups: dict[str, Comparison]
    curves: dict[str, Curve]


def evaluate(
    codec: Codec, samples: Sequence[Sample], qualities: Sequence[float] = QUALITIES
) -> Summary:
    """Code every sample at every quality and compare with its anchor."""
    was_training = codec.training
    codec.eval()
    results: dict[str, list[Comparison]] = defaultdict(list)
    curves = {}
    for sample in samples:
        curves[sample.name] = codec_curve(codec, sample.pixels, qualities)
        results[sample.group].append(compare(sample.anchor, curves[sample.name]))
    codec.train(was_training)
    every = [c for group in results.values() for c in group]
    return Summary(
        _mean([c.bd_rate for c in every]),
        _mean([c.coverage for c in every]),
        {
            group: Comparison(_mean([c.bd_rate for c in v]), _mean([c.coverage for c in v]))
            for group, v in results.items()
        },
        curves,
    )


def _mean(values: Sequence[float]) -> float:
    finite = [v for v in values if not np.isnan(v)]
    return float(np.mean(finite)) if finite else float("nan")


def tensor_psnr(first: Tensor, second: Tensor) -> Tensor:
    """Return PSNR in dB of each sample of two batches of grey levels."""
    error = (first - second).square().mean(dim=(1, 2, 3)).clamp_min(1e-6)
    return 10.0 * torch.log10(255.0**2 / error)
