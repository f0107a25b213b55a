import numpy as np
import pytest
import torch
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.export.context_tables import context_tables
from downpass.ground.training.export.entropy_reference import (
    SKIPPED,
    TileReference,
    _bin,
    log_bin,
    quantise,
    rescale,
    to_index,
)
from downpass.ground.training.export.extract import extract
from downpass.ground.training.export.training_tiles import analyse_tile
from downpass.ground.training.networks.calibrate import put_on_grids
from downpass.ground.training.networks.scale_context import PHASES, SCALES, groups, phase_masks
from downpass.link.student import compiled_reader, shared_model
from downpass.link.student.codestream import AnalysedTile, encode_tile, read_tile
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def coded(tiny, sampler, scenery):
    put_on_grids(tiny, sampler, batches=2)
    arrays = extract(tiny) | context_tables(tiny.context)
    levels = torch.from_numpy(scenery(4, 112, 80).copy()).permute(2, 0, 1)[None].float()
    return tiny, arrays, analyse_tile(tiny, canonical_planes(levels), 0)


@pytest.mark.parametrize("quality", [0, 77, 160, 256])
def test_symbols_alone_give_back_latents_and_scales(coded, quality):
    _, arrays, tile = coded
    coder = TileReference(arrays, tile.log_scales, quality)
    symbols, decoded, index = coder.encode(tile.latents)
    again = coder.decode(symbols)
    np.testing.assert_array_equal(again[1], decoded)
    np.testing.assert_array_equal(again[2], index)
    if quality == 256:
        assert np.count_nonzero(symbols) > symbols.size / 50
        assert len(np.unique(index)) > 10


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 256),
    st.sampled_from((2047, 2**15 - 1)),
)
def test_codestreams_are_read_as_the_reference_decodes(seed, rows, columns, quality, widest):
    model, rng = shared_model.load().entropy, np.random.default_rng(seed)
    level = rng.integers(-700, 300) + rng.normal(0, 200, (model.latents, 1, 1))
    scales = level + rng.normal(0, 60, (model.latents, rows, columns))
    scales[rng.random(scales.shape) < 0.02] = rng.choice([-widest - 1, widest])
    sizes = 16 * np.exp2(scales.clip(-2048, 300) / 32)
    latents = np.clip(rng.laplace(0, 1, sizes.shape) * sizes, -5e4, 5e4)
    side = rng.integers(-32, 32, (model.side, -(-rows // 2), -(-columns // 2)))
    tile = AnalysedTile.of(latents.astype(np.int32), side, np.floor(scales).astype(np.int32))
    reference = TileReference(model.arrays, tile.log_scales.astype(np.int64), quality)
    _, decoded, _ = reference.encode(tile.latents.astype(np.int64))
    data = encode_tile(model, tile, quality)
    for native in {compiled_reader.NATIVE, None}:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled_reader, "NATIVE", native)
            read = read_tile(model, lambda _: tile.log_scales, data, tile.shape, quality)
        np.testing.assert_array_equal(read.latents, decoded)
        np.testing.assert_array_equal(read.side, side)


@pytest.mark.parametrize("quality", [60, 120, 200])
def test_training_sees_the_symbols_and_latents_that_are_really_coded(coded, scenery, quality):
    """Means, dead zone and skipped latents are those of the closed loop."""
    codec, arrays, tile = coded
    levels = torch.from_numpy(scenery(4, 112, 80).copy()).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        seen = codec.encode(canonical_planes(levels), torch.tensor([quality / 256]))
    symbols, decoded, index = TileReference(arrays, tile.log_scales, quality).encode(tile.latents)
    same = seen.symbols[0].numpy().astype(np.int64) == symbols
    predicted = codec.shape.predicted
    assert same[predicted:].mean() > 0.999  # the rest is rounded gains
    assert same[:predicted].mean() > 0.95
    np.testing.assert_array_equal((seen.latent_bits[0] == 0).numpy()[index == SKIPPED], True)
    error = np.abs(seen.decoded[0].numpy() * 16 - decoded)[:predicted][same[:predicted]]
    assert np.quantile(error, 0.95) < 12  # sixteenths of a grey level, where rounding differs


def test_a_latent_changes_nothing_that_is_coded_before_it(coded):
    _, arrays, tile = coded
    coder = TileReference(arrays, tile.log_scales, 200)
    symbols, _, index = coder.encode(tile.latents)
    order = np.zeros_like(symbols)
    number = 0
    for group in groups(symbols.shape[0]):
        for row, column in PHASES:
            order[group.first : group.last, row::2, column::2] = number
            number += 1
    rng = np.random.default_rng(0)
    touched = 0
    for _ in range(20):
        where = tuple(int(rng.integers(0, n)) for n in symbols.shape)
        other = tile.latents.copy()
        other[where] += 5000
        changed_symbols, _, changed_index = coder.encode(other)
        before = order < order[where]
        np.testing.assert_array_equal(changed_symbols[before], symbols[before])
        np.testing.assert_array_equal(
            changed_index[order <= order[where]], index[order <= order[where]]
        )
        touched += np.count_nonzero(changed_index != index)
    assert touched > 0


@pytest.mark.parametrize("quality", [40, 220])
def test_the_integer_context_is_the_trained_one(coded, quality):
    codec, arrays, tile = coded
    coder = TileReference(arrays, tile.log_scales, quality)
    symbols, _, index = coder.encode(tile.latents)
    base = (tile.log_scales + arrays["gain"][quality][:, None, None]) / 32
    expected = torch.from_numpy(base[None]).float()
    with torch.no_grad():
        correction = codec.context(torch.from_numpy(symbols[None]).float(), expected)
    trained = np.clip(base + correction[0].numpy(), -4, 11)
    coded = index != SKIPPED
    np.testing.assert_array_equal(coded, to_index(np.floor(base * 32 + 0.5).astype(int)) > 0)
    difference = (index / 8 - 4 - trained)[coded]
    # The table has half-octave bins where training interpolates between octaves.
    assert np.abs(difference).mean() < 0.2
    inside = (trained > -3.5) & (trained < 10) & coded
    assert np.count_nonzero(inside) > 50
    moved, wanted = (index / 8 - 4 - base)[inside], correction[0].numpy()[inside]
    assert np.corrcoef(moved, wanted)[0, 1] > 0.85


@given(
    size=st.integers(0, 2**17),
    gain=st.integers(-320, 0),
)
def test_a_quantised_size_comes_back_within_half_a_step(size, gain):
    gains, offset = np.array([gain]), np.array([128])
    k = quantise(np.array([size]), gains, offset)
    back = int(rescale(k, gains)[0])
    step = 16 * 2.0 ** (-gain / 32)
    assert abs(back - size) <= step / 2 * (1 + 2e-3 * max(1, int(k[0]))) + 1


def test_sizes_fit_in_32_bits():
    # |y - μ| below 2^18 times a mantissa below 2^13.
    assert (2**18 - 1) * (2**13 - 1) < 2**31


def test_a_dead_zone_widens_zero():
    gain, size = np.array([-64]), np.arange(0, 200)
    plain = quantise(size, gain, np.array([128]))
    dead = quantise(size, gain, np.array([90]))
    assert np.count_nonzero(plain == 0) == 32
    # 1 - 90/256 of a step of 64
    assert np.count_nonzero(dead == 0) == 42


@given(st.integers(1, 2**40))
def test_log_bin_is_exact(value):
    got = int(log_bin(np.array([value]))[0])
    highest = value.bit_length() - 1
    assert got == 2 * highest + (highest > 0 and value >> (highest - 1) & 1)


def test_bins_by_hand():
    # num = 0: 2n in units of 1/(32n) is 1/16, the lowest bin.
    assert _bin(np.array([2]), 0).tolist() == [0]
    assert _bin(np.array([256]), 7).tolist() == [0]
    # one half: log2 = -1, six half octaves up
    assert _bin(np.array([16]), 0).tolist() == [6]
    assert _bin(np.array([2**40]), 0).tolist() == [31]


def test_skipped_latents_are_zero_whatever_they_were(coded):
    _, arrays, tile = coded
    symbols, decoded, index = TileReference(arrays, tile.log_scales, 30).encode(tile.latents + 4000)
    assert np.count_nonzero(index == SKIPPED) > 0
    assert not symbols[index == SKIPPED].any()
    assert symbols.any()
    skipped = index[8:] == SKIPPED  # beyond the channels with means
    assert not decoded[8:][skipped].any()


def test_scale_indices():
    values = np.array([-4 * 32, -4 * 32 + 1, -4 * 32 + 2, 0, 11 * 32, 10**6, -(10**6)])
    assert to_index(values).tolist() == [0, 0, 1, 32, 120, SCALES - 1, 0]


def test_phases_see_what_was_coded_before():
    masks = phase_masks()
    assert masks.sum(dim=(1, 2)).tolist() == [0, 4, 4, 8]
    assert masks[1].tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
