from __future__ import annotations

import math

import numpy as np
import pytest
from downpass.ground.quality import SCALE_WEIGHTS, ms_ssim, psnr, quality, scale_count
from downpass.link.container.frame import Frame
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def pair(
    rows: int, columns: int, bands: int = 1, depth: int = 8, noise: float = 0.06
) -> tuple[Frame, Frame]:
    """Return a textured picture and a worse one."""
    seed = np.random.default_rng(rows * columns + bands)
    row, column = np.mgrid[:rows, :columns]
    waves = [np.sin(row / (7 + band)) * np.cos(column / 11) / 4 + 0.5 for band in range(bands)]
    plain = np.stack(waves, axis=2) + seed.normal(0, 0.08, (rows, columns, bands))
    worse = plain + seed.normal(0, noise, plain.shape)
    peak = (1 << depth) - 1
    kind = np.uint8 if depth <= 8 else np.uint16

    def samples(values: NDArray[np.float64]) -> Frame:
        return Frame(np.rint(values.clip(0, 1) * peak).astype(kind), depth)

    return samples(plain), samples(worse)


def skimage_ms_ssim(one: NDArray[np.generic], two: NDArray[np.generic], peak: int) -> float:
    """Wang et al. 2003 out of scikit-image's SSIM, scale by scale.

    It gives the product l * cs only; l is worked out here, from its Gaussian means, so that cs
    is the full map over l.
    """
    from scipy.ndimage import gaussian_filter

    x, y = one.astype(np.float64), two.astype(np.float64)
    value, pad = 1.0, 5
    for scale, weight in enumerate(SCALE_WEIGHTS):
        _, full = structural_similarity(
            x,
            y,
            data_range=peak,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        if scale < len(SCALE_WEIGHTS) - 1:
            mx, my = (gaussian_filter(plane, 1.5, truncate=3.5) for plane in (x, y))
            c1 = (0.01 * peak) ** 2
            full = full / ((2 * mx * my + c1) / (mx**2 + my**2 + c1))
        value *= full[pad:-pad, pad:-pad].mean() ** weight
        x, y = (
            plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
            .reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
            .mean(axis=(1, 3))
            for plane in (x, y)
        )
    return float(value)


@pytest.mark.parametrize(
    ("rows", "columns", "depth"), [(176, 192, 8), (203, 331, 8), (256, 176, 12)]
)
def test_ms_ssim_agrees_with_scikit_image(rows: int, columns: int, depth: int) -> None:
    one, two = pair(rows, columns, 2, depth)
    peak = (1 << depth) - 1
    bands = [
        skimage_ms_ssim(one.pixels[..., band], two.pixels[..., band], peak) for band in range(2)
    ]
    assert 0.5 < np.mean(bands) < 0.99
    assert ms_ssim(one, two) == pytest.approx(np.mean(bands), abs=2e-5)


def test_ms_ssim_is_what_pytorch_msssim_gives() -> None:
    """pytorch-msssim 1.0.0: ms_ssim(x, y, data_range=255) of these two pictures, float64."""
    one, two = pair(192, 192, 3)
    assert ms_ssim(one, two) == pytest.approx(PYTORCH_MSSSIM, abs=2e-5)


PYTORCH_MSSSIM = 0.96100598


@pytest.mark.parametrize("level", [300, 64_000], ids=["dark", "bright"])
@pytest.mark.parametrize(("error", "digits"), [(1, 1e-8), (3, 2e-8), (20, 1e-7)])
def test_ms_ssim_of_a_fine_difference_is_below_one(level: int, error: int, digits: float) -> None:
    """16 bits of which few are used: at 0.99999996, the digits after the nines are the figure."""
    row, column = np.mgrid[:192, :192]
    rng = np.random.default_rng(0)
    shape = level + 100 * np.sin(column / 9) * np.cos(row / 7) + rng.normal(0, 10, row.shape)
    one = shape.astype(np.uint16)[..., None]
    two = (one + np.rint(rng.normal(0, error, one.shape))).astype(np.uint16)
    expected = skimage_ms_ssim(one[..., 0].astype(np.float64), two[..., 0].astype(float), 65535)
    found = ms_ssim(Frame(one, 16), Frame(two, 16))
    assert found < 1
    assert found == pytest.approx(expected, abs=digits)


@pytest.mark.parametrize("depth", [8, 12, 16])
def test_psnr_agrees_with_scikit_image(depth: int) -> None:
    one, two = pair(70, 50, 3, depth)
    expected = peak_signal_noise_ratio(one.pixels, two.pixels, data_range=(1 << depth) - 1)
    assert psnr(one, two) == pytest.approx(expected, abs=1e-9)


def test_psnr_by_hand() -> None:
    reference = Frame(np.zeros((10, 10, 2), np.uint8), 8)
    pixels = np.zeros((10, 10, 2), np.uint8)
    pixels[0, 0, 0] = 10  # mean square 100 / 200
    assert psnr(reference, Frame(pixels, 8)) == pytest.approx(10 * math.log10(255**2 / 0.5))


def test_lossless_is_infinite_and_one() -> None:
    one, _ = pair(180, 180, 3)
    assert quality(one, one).psnr_db == math.inf
    assert quality(one, one).ms_ssim == pytest.approx(1, abs=1e-6)


def test_sixteen_signed_bits_do_not_overflow() -> None:
    low = Frame(np.full((200, 200, 1), -32768, np.int16), 16)
    high = Frame(np.full((200, 200, 1), 32767, np.int16), 16)
    assert psnr(low, high) == pytest.approx(0)
    # Flat pictures have all structure in common, and no luminance: c1 / (1 + c1) to its weight.
    assert ms_ssim(low, high) == pytest.approx((1e-4 / (1 + 1e-4)) ** 0.1333, rel=1e-4)


def test_an_offset_of_all_samples_does_not_count_as_structure() -> None:
    one, _ = pair(180, 180, 1, 12)
    shifted = Frame((one.pixels.astype(np.int32) - 2048).astype(np.int16), 12)
    worse = Frame(shifted.pixels + np.int16(3), 12)
    same = Frame(one.pixels + np.uint16(3), 12)
    assert ms_ssim(shifted, worse) == pytest.approx(ms_ssim(one, same), abs=1e-6)


def test_nodata_is_left_out() -> None:
    one, two = pair(256, 256, 2)
    reference, decoded = np.maximum(one.pixels, 1), np.maximum(two.pixels, 1)
    reference[:, :64] = 0
    decoded[:, :64] = 255  # whatever is there
    right = Frame(reference[:, 64:], 8), Frame(decoded[:, 64:], 8)
    whole = Frame(reference, 8, nodata=0), Frame(decoded, 8, nodata=0)
    assert psnr(*whole) == psnr(*right)
    assert ms_ssim(*whole) == pytest.approx(ms_ssim(*right), abs=1e-6)


def test_nothing_but_nodata_has_no_quality() -> None:
    frame = Frame(np.full((200, 200, 1), 3, np.uint8), 8, nodata=3)
    assert math.isnan(psnr(frame, frame))
    assert math.isnan(ms_ssim(frame, frame))


@pytest.mark.parametrize(
    ("side", "scales"),
    [(1, 0), (10, 0), (11, 1), (21, 1), (22, 2), (44, 3), (88, 4), (175, 4), (176, 5), (9999, 5)],
)
def test_small_frames_have_fewer_scales(side: int, scales: int) -> None:
    assert scale_count(side) == scales
    if side < 200:
        one, two = pair(side, side + 7)
        value = ms_ssim(one, two)
        assert math.isnan(value) if scales == 0 else 0.3 < value < 1


def test_worse_is_worse() -> None:
    values = [ms_ssim(*pair(180, 180, 1, 8, noise)) for noise in (0.01, 0.05, 0.2)]
    assert values == sorted(values, reverse=True)


def test_frames_of_different_shapes_are_a_fault() -> None:
    with pytest.raises(ValueError, match="frames of"):
        quality(pair(12, 12)[0], pair(12, 13)[0])
