"""Means and percentiles: by hand, and as properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from downpass.sim.results.statistics import percentile, pooled_psnr, weighted_mean
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio

DECIBELS = st.floats(1, 90)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 9))
def test_pooled_is_the_psnr_of_all_frames_as_one_picture(rows: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(0, 256, (count, 8)).astype(np.uint8) for count in rows]
    noisy = [np.clip(f + rng.integers(0, 9, f.shape), 0, 255).astype(np.uint8) for f in frames]
    if (np.concatenate(frames) == np.concatenate(noisy)).all():
        return
    with np.errstate(divide="ignore"):
        each = [
            float(peak_signal_noise_ratio(a, b, data_range=255))
            for a, b in zip(frames, noisy, strict=True)
        ]
    whole = peak_signal_noise_ratio(np.concatenate(frames), np.concatenate(noisy), data_range=255)
    assert pooled_psnr(each, [f.size for f in frames]) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("psnr_db", "pixels", "pooled"),
    [
        ([40.0, math.inf], [1, 1], 40 + 10 * math.log10(2)),
        ([40.0, math.inf, math.inf, math.inf], [1, 1, 1, 1], 40 + 10 * math.log10(4)),
        ([40.0, math.inf], [1, 9], 50.0),
        ([30.0, 40.0], [1, 1], -10 * math.log10((1e-3 + 1e-4) / 2)),
        ([40.0, math.nan], [1, 5], 40.0),
        ([math.inf, math.inf], [1, 1], math.inf),
        ([math.nan], [1], None),
        ([], [], None),
    ],
    ids=["half exact", "most exact", "by pixels", "two", "undecodable", "exact", "none", "empty"],
)
def test_pooled_by_hand(psnr_db: list[float], pixels: list[int], pooled: float | None) -> None:
    found = pooled_psnr(psnr_db, pixels)
    assert found == (pooled if pooled is None else pytest.approx(pooled))


@given(st.lists(DECIBELS, min_size=1, max_size=9), st.integers(1, 9))
def test_a_frame_more_that_is_exact_never_makes_it_worse(values: list[float], more: int) -> None:
    before = pooled_psnr(values, [1] * len(values))
    after = pooled_psnr([*values, *[math.inf] * more], [1] * (len(values) + more))
    assert before is not None
    assert after is not None
    assert after > before


@given(st.lists(DECIBELS, min_size=1, max_size=9))
def test_pooled_lies_between_the_worst_frame_and_the_mean(values: list[float]) -> None:
    found = pooled_psnr(values, [1] * len(values))
    assert found is not None
    assert min(values) - 1e-9 <= found <= math.fsum(values) / len(values) + 1e-9


def test_weighted_mean_leaves_out_what_does_not_exist() -> None:
    assert weighted_mean([0.9, math.nan, 0.5], [1, 7, 3]) == pytest.approx((0.9 + 1.5) / 4)
    assert weighted_mean([math.nan], [1]) is None


def test_a_percentile_of_mostly_exact_frames_is_exact() -> None:
    assert percentile([30.0, *[math.inf] * 30], 0.05) == math.inf
    assert percentile([30.0, 31.0, *[math.inf] * 30], 0.05) == 31.0
