from __future__ import annotations

import numpy as np
import pytest
from downpass.link.container.band_scales import BandScale
from downpass.link.student.band_map import choose_scales, to_samples, to_values, triples, widen
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.integers(1, 40))
def test_every_band_is_in_a_triple_and_the_last_fills(bands: int) -> None:
    found = triples(bands)
    assert all(len(one) == 3 for one in found)
    flat = [band for one in found for band in one]
    assert flat == [min(at, bands - 1) for at in range(len(flat))]
    assert set(flat) == set(range(bands))


@settings(max_examples=80, deadline=None)
@given(st.integers(9, 16), st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
def test_samples_come_back_within_half_a_step(
    depth: int, seed: int, bands: int, outliers: bool
) -> None:
    rng = np.random.default_rng(seed)
    low, high = sorted(rng.integers(0, 1 << depth, 2).tolist())
    samples = rng.integers(low, high + 1, (40, 40, bands)).astype(np.uint16)
    if outliers:
        samples[0, 0] = (1 << depth) - 1
    histograms = [np.bincount(samples[..., b].ravel(), minlength=1 << depth) for b in range(bands)]
    scales = choose_scales(histograms)
    assert len({(one.mantissa, one.exponent) for one in scales}) == 1
    assert scales[0].scale >= 1
    inside = 0
    for band, scale in enumerate(scales):
        values = to_values(samples[..., band], scale)
        back = to_samples(values.astype(np.int64), 1, scale, (1 << depth) - 1)
        error = np.abs(back - samples[..., band].astype(int))
        near = error <= scale.scale / 2 + 0.5
        inside += int(near.sum())
        assert near.mean() > 0.99
        if scale.scale == 1:
            assert error[near].max() == 0
    assert inside


def test_by_hand() -> None:
    histogram = np.zeros(4096, np.int64)
    histogram[[1000, 2020]] = 5  # a span of 1020 is four a level
    (scale,) = choose_scales([histogram])
    assert (scale.offset, scale.scale) == (1000, 4.0)
    values = to_values(np.array([[1000, 1001, 1002, 2020]], np.uint16), scale)
    assert values.tolist() == [[0, 0, 1, 255]]
    assert to_samples(np.array([0, 1, 255]), 1, scale, 4095).tolist() == [1000, 1004, 2020]
    assert to_samples(np.array([3, 4]), 3, scale, 4095).tolist() == [1004, 1005]
    assert to_samples(np.array([3, 4]), 3, None, 255).tolist() == [1, 1]


@pytest.mark.parametrize("depth", range(1, 8))
def test_few_bits_are_spread_and_come_back(depth: int) -> None:
    samples = np.arange(1 << depth, dtype=np.uint8)[None]
    values = to_values(samples, widen(depth))
    assert values.max() >= 128
    assert np.array_equal(to_samples(values.astype(int), 1, widen(depth), 255), samples)


@given(
    st.integers(-(2**31) + 1, 2**31 - 1),
    st.integers(1, 2**32 - 1),
    st.integers(-64, 64),
    st.integers(1, 3),
)
def test_any_scale_of_a_header_gives_samples_in_range(
    offset: int, mantissa: int, exponent: int, count: int
) -> None:
    scale = BandScale(offset, mantissa, exponent)
    total = np.arange(255 * count + 1)
    samples = to_samples(total, count, scale, 65535)
    exact = [
        offset + (2 * int(v) * mantissa * 2**64 * 2**exponent // (count * 2**64) + 1) // 2
        if exponent >= 0
        else offset + (2 * int(v) * mantissa + (count << -exponent)) // (2 * count << -exponent)
        for v in total[:3]
    ]
    if exponent < 0 or count == 1:
        assert samples[:3].tolist() == [min(max(v, 0), 65535) for v in exact]
    assert samples.min() >= 0
    assert samples.max() <= 65535
