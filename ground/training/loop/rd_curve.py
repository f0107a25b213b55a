"""Rate-distortion curves of a picture, and BD-rate against JPEG 2000.

The anchor is OpenJPEG with the 9/7 wavelet and its colour transform. BD-rate is that of
`ground.bd_rate`, over the PSNR that JPEG 2000 reaches from 0.1 to 1.5 bits per pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...bd_rate import BdRate, bd_rate

ANCHOR_PSNR = tuple(range(18, 64, 2))

ANCHOR_RATES = (0.1, 1.5)


@dataclass(frozen=True, slots=True)
class RdCurve:
    """Rate-distortion points of one picture, by rising rate.

    Attributes:
        bpp: Bits per pixel of each point.
        psnr_db: PSNR of each point in dB.
    """

    bpp: tuple[float, ...]
    psnr_db: tuple[float, ...]


def psnr(first: NDArray[np.float64], second: NDArray[np.float64], peak: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples; infinite if they are equal."""
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(peak * peak / error)


def anchor_curve(pixels: NDArray[np.uint8]) -> RdCurve:
    """Return the curve of OpenJPEG: 9/7 wavelet, colour transform, one quality layer."""
    import imagecodecs

    bpp, quality = [], []
    for level in ANCHOR_PSNR:
        data = imagecodecs.jpeg2k_encode(pixels, level=level, reversible=False, mct=True)
        decoded = imagecodecs.jpeg2k_decode(data)
        bpp.append(8.0 * len(data) / (pixels.shape[0] * pixels.shape[1]))
        quality.append(psnr(pixels.astype(np.float64), decoded.astype(np.float64)))
    return monotone(bpp, quality)


def monotone(bpp: Sequence[float], psnr_db: Sequence[float]) -> RdCurve:
    """Return the points by rising rate, without those that a cheaper point beats."""
    kept: list[tuple[float, float]] = []
    for rate, quality in sorted(zip(bpp, psnr_db, strict=True)):
        if not kept or (quality > kept[-1][1] + 1e-6 and rate > kept[-1][0] + 1e-9):
            kept.append((rate, quality))
    return RdCurve(tuple(r for r, _ in kept), tuple(q for _, q in kept))


def compare(anchor: RdCurve, tested: RdCurve) -> BdRate:
    """Return BD-rate and coverage over the PSNR that the anchor reaches at `ANCHOR_RATES`."""
    return bd_rate(
        list(zip(anchor.bpp, anchor.psnr_db, strict=True)),
        list(zip(tested.bpp, tested.psnr_db, strict=True)),
        ANCHOR_RATES,
    )
