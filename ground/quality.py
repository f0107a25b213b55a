"""Measure the quality of a delivered frame: PSNR and MS-SSIM against what the imager saw.

Both measures exclude samples that are nodata in the reference, because nothing can be lost there.
Concealed tiles are included with their wrong pixels.

The peak of both is 2**bit_depth - 1 of the reference. A frame's bit depth does not depend on how
its scene is stored (`payload.imager.scenes`): an 8-bit picture has the peak 255 in uint8 and in
uint16, and a 12-bit picture has the peak 4095 with and without NBITS=12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..link.container.frame import Frame

SCALE_WEIGHTS: Final = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW: Final = 11
_SIGMA: Final = 1.5
_K1, _K2 = 0.01, 0.03
_ROWS_AT_ONCE: Final = 1024

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a delivered frame.

    Attributes:
        psnr_db: PSNR in dB; infinite if no sample differs, NaN if no pixel is valid.
        ms_ssim: MS-SSIM, 0 to 1, the mean over bands; NaN if no band has a window to measure.
    """

    psnr_db: float
    ms_ssim: float


def quality(reference: Frame, decoded: Frame) -> Quality:
    """Return both measures of a decoded frame."""
    return Quality(psnr(reference, decoded), ms_ssim(reference, decoded))


def psnr(reference: Frame, decoded: Frame) -> float:
    """Return the peak signal-to-noise ratio in dB over all valid samples of all bands.

    There is one mean square error for all bands together. The peak is 2**bit_depth - 1, as in the
    test procedures of JPEG and JPEG 2000. A lossless frame has an infinite PSNR: report it as
    `lossless`, never as a large number, and exclude it from means.

    Raises:
        ValueError: The frames have different shapes.
    """
    _same_shape(reference, decoded)
    holes = reference.holes()
    total, count = 0, 0
    for top in range(0, reference.height, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        error = reference.pixels[rows].astype(np.int32) - decoded.pixels[rows]
        if holes is not None:
            error = error[~np.broadcast_to(holes[rows], error.shape)]
        total += int(np.sum(error.astype(np.int64) ** 2))
        count += error.size
    if count == 0:
        return math.nan
    if total == 0:
        return math.inf
    peak = (1 << reference.bit_depth) - 1
    return 10 * math.log10(peak * peak * count / total)


def ms_ssim(reference: Frame, decoded: Frame) -> float:
    """Return the multi-scale structural similarity, the mean over bands.

    Source: Wang, Simoncelli, Bovik, Multiscale structural similarity for image quality assessment
    (Asilomar, 2003). There are five scales with their weights and an 11-tap Gaussian window of
    sigma 1.5. Each scale is made of the means of 2 x 2 pixels of the one before (an odd last row
    or column is left out). Contrast and structure count at every scale, luminance at the last;
    negative terms count as 0.

    A frame with a side below 176 pixels has no fifth scale. It is measured on as many scales as
    have room for a window (176, 88, 44, 22, 11 pixels for 5, 4, 3, 2, 1), with their weights
    scaled to a sum of 1, so it can only be compared with frames of its own size. Below 11 pixels
    the result is NaN.

    Windows that touch a sample without data are excluded at every scale. A band is measured on the
    scales that still have a window, like a smaller frame. A band without a window at the finest
    scale is excluded from the mean; the result is NaN if no band has one.

    Raises:
        ValueError: The frames have different shapes.
    """
    _same_shape(reference, decoded)
    scales = scale_count(min(reference.width, reference.height))
    if scales == 0:
        return math.nan
    holes = reference.holes()
    # SSIM's luminance term needs samples that are not negative.
    signed = reference.sample_type == "int16" and _lowest(reference, holes) < 0
    low = np.float32(-(1 << (reference.bit_depth - 1)) if signed else 0)
    peak = np.float32((1 << reference.bit_depth) - 1)
    values = []
    for band in range(reference.bands):
        one = (reference.pixels[..., band].astype(np.float32) - low) / peak
        two = (decoded.pixels[..., band].astype(np.float32) - low) / peak
        valid = None if holes is None else ~holes[..., band if holes.shape[2] > 1 else 0]
        usable = scales if valid is None else _scales_with_windows(valid, scales)
        if usable:
            values.append(_band(one, two, valid, usable))
    return float(np.mean(values)) if values else math.nan


def scale_count(side: int) -> int:
    """Return how many of the five scales fit a frame whose shorter side has `side` pixels."""
    return sum(side >= WINDOW << scale for scale in range(len(SCALE_WEIGHTS)))


def _lowest(frame: Frame, holes: NDArray[np.bool_] | None) -> int:
    """Return the lowest valid sample of a frame; 0 if it has none."""
    pixels = frame.pixels
    if holes is not None:
        pixels = pixels[~np.broadcast_to(holes, pixels.shape)]
    return int(pixels.min()) if pixels.size else 0


def _scales_with_windows(valid: NDArray[np.bool_], scales: int) -> int:
    """Return how many scales, counted from the finest, have a window without a hole."""
    for scale in range(scales):
        if not _whole_windows(valid).any():
            return scale
        valid = _halve(valid.astype(np.float32)) == 1
    return scales


def _whole_windows(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether each window touches no hole, indexed by its first row and column."""
    holes = np.pad(np.cumsum(np.cumsum(~valid, 0), 1), ((1, 0), (1, 0)))
    inside = holes[WINDOW:, WINDOW:] + holes[:-WINDOW, :-WINDOW]
    whole: NDArray[np.bool_] = inside == holes[WINDOW:, :-WINDOW] + holes[:-WINDOW, WINDOW:]
    return whole


def _band(one: Plane, two: Plane, valid: NDArray[np.bool_] | None, scales: int) -> float:
    weights = np.array(SCALE_WEIGHTS[:scales])
    if scales < len(SCALE_WEIGHTS):
        weights /= weights.sum()
    product = 1.0
    for scale, weight in enumerate(weights):
        similarity = _scale(one, two, valid, luminance=scale == scales - 1)
        product *= max(similarity, 0.0) ** weight
        if scale < scales - 1:
            one, two = _halve(one), _halve(two)
            if valid is not None:
                valid = _halve(valid.astype(np.float32)) == 1
    return product


def _scale(one: Plane, two: Plane, valid: NDArray[np.bool_] | None, luminance: bool) -> float:
    """Return the mean contrast-structure term of one scale, optionally times luminance."""
    # Variances do not depend on the origin. Each about its own mean, float32 is precise enough even
    # for a dark or a bright picture of 16 bits, whose variances are far below the squared samples.
    middle_one, middle_two = _middle(one, valid), _middle(two, valid)
    one, two = one - middle_one, two - middle_two
    mean_one, mean_two = _blur(one), _blur(two)
    spread = _blur(one * one + two * two) - mean_one * mean_one - mean_two * mean_two
    joint = _blur(one * two) - mean_one * mean_two
    c1, c2 = np.float32(_K1**2), np.float32(_K2**2)
    similarity = (2 * joint + c2) / (spread + c2)
    if luminance:
        mean_one, mean_two = mean_one + middle_one, mean_two + middle_two
        similarity *= (2 * mean_one * mean_two + c1) / (mean_one**2 + mean_two**2 + c1)
    if valid is not None:
        similarity = similarity[_whole_windows(valid)]
    return min(1.0, float(np.mean(similarity, dtype=np.float64)))


def _middle(plane: Plane, valid: NDArray[np.bool_] | None) -> np.float32:
    known = plane if valid is None else plane[valid]
    return np.float32(np.mean(known, dtype=np.float64))


def _kernel() -> NDArray[np.float32]:
    taps = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * _SIGMA**2))
    kernel: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return kernel


_TAPS: Final = _kernel()


def _blur(plane: Plane) -> Plane:
    """Filter rows and columns with the window, only at positions where it fits completely."""
    for axis in (0, 1):
        length = plane.shape[axis] - WINDOW + 1
        rows = np.moveaxis(plane, axis, 0)
        out = rows[WINDOW // 2 : WINDOW // 2 + length] * _TAPS[WINDOW // 2]
        for tap in range(WINDOW // 2):
            mirrored = WINDOW - 1 - tap
            pair = rows[tap : tap + length] + rows[mirrored : mirrored + length]
            pair *= _TAPS[tap]
            out += pair
        filtered: Plane = np.moveaxis(out, 0, axis)
        plane = filtered
    return plane


def _halve(plane: Plane) -> Plane:
    rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
    even = plane[: rows * 2, : columns * 2]
    total: Plane = even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]
    total *= np.float32(0.25)
    return total


def _same_shape(reference: Frame, decoded: Frame) -> None:
    if reference.pixels.shape != decoded.pixels.shape:
        raise ValueError(f"frames of {reference.pixels.shape} and {decoded.pixels.shape}")
