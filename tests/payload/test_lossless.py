"""What is called lossless gives back every sample; what cannot be, says so."""

from __future__ import annotations

import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import Setting, choice_label, parse_choice, setting_label
from downpass.payload.encoders.registry import encoder, names
from downpass.payload.encoders.traits import TRAITS

LOSSLESS = Setting.parse("lossless")


def landscape(depth: int, bands: int, kind: str, side: int = 40) -> Frame:
    """Hills with noise over the whole range of the depth, from 0 or about it."""
    row, column, band = np.indices((side, side + 9, bands))
    hills = 0.5 + 0.3 * np.sin(row / 9 + band) * np.cos(column / 7)
    noise = np.random.default_rng(depth + bands).normal(0, 0.2, hills.shape)
    samples = np.clip((hills + noise) * 2**depth, 0, 2**depth - 1).astype(np.int32)
    if kind == "offset":
        return Frame((samples - (1 << (depth - 1))).astype(np.int16), depth)
    return Frame(samples.astype(np.uint8 if depth <= 8 else np.uint16), depth)


def test_every_codec_has_traits() -> None:
    assert tuple(TRAITS) == (*names(), "command", "onnx")  # the last two are from outside


@pytest.mark.parametrize("kind", ["unsigned", "offset"])
@pytest.mark.parametrize("bands", [1, 3, 4, 5])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("name", names())
def test_lossless_is_exact_or_refused(name: str, depth: int, bands: int, kind: str) -> None:
    frame = landscape(depth, bands, kind)
    codec = encoder(name, 32)
    if not TRAITS[name].lossless or depth > TRAITS[name].deepest:
        with pytest.raises(InputError, match=r"never lossless|bit depth \d+: allowed"):
            codec.encode(frame, LOSSLESS)
        return
    decoded = decode(codec.encode(frame, LOSSLESS))
    assert decoded.lost_tiles == ()
    assert np.array_equal(decoded.frame.pixels, frame.pixels)


def incompressible(kind: str, depth: int, bands: int, side: int) -> Frame:
    """Return samples that no codec finds any order in."""
    rng, most = np.random.default_rng(7), (1 << depth) - 1
    shape = (side, side + 5, bands)
    if kind == "noise":
        samples = rng.integers(0, most, shape, endpoint=True)
    elif kind == "extremes":
        samples = rng.integers(0, 2, shape) * most
    else:  # the bands against one another: what a colour transform makes larger
        samples = np.repeat(rng.integers(0, 2, (*shape[:2], 1)) * most, bands, axis=2)
        samples[..., 1::2] = most - samples[..., 1::2]
    return Frame(samples.astype(np.uint8 if depth <= 8 else np.uint16), depth)


@pytest.mark.parametrize("kind", ["noise", "extremes", "opposed"])
@pytest.mark.parametrize(
    ("name", "depth"),
    [
        pytest.param(name, depth, id=f"{name}-{depth}")
        for name in names()
        for depth in (1, 2, 3, 8, 12, 16)
        if TRAITS[name].lossless and depth <= TRAITS[name].deepest
    ],
)
def test_what_cannot_be_compressed_is_coded_all_the_same(name: str, depth: int, kind: str) -> None:
    for bands in (1, 3, 4):
        frame = incompressible(kind, depth, bands, 130)
        decoded = decode(encoder(name, 0).encode(frame, Setting(quality=100)))
        assert decoded.lost_tiles == ()
        assert np.array_equal(decoded.frame.pixels, frame.pixels)


def test_noise_of_one_bit_meets_a_rate() -> None:
    frame = incompressible("noise", 1, 1, 130)
    for bpp in (0.5, 0.9, 1.5):
        bitstream = encoder("jpeg2000", 0).encode(frame, Setting(bpp=bpp))
        assert len(bitstream) <= bpp * frame.pixels.size / 8
        assert decode(bitstream).lost_tiles == ()


def test_jpeg_ls_of_noise_meets_a_rate_below_its_lossless_one() -> None:
    frame = incompressible("noise", 8, 1, 200)
    for bpp in (9, 7.9, 5):
        size = len(encoder("jpegls", 0).encode(frame, Setting(bpp=bpp)))
        assert 0.8 * min(bpp, 8) * frame.pixels.size / 8 <= size <= bpp * frame.pixels.size / 8


@pytest.mark.parametrize("name", names())
def test_a_label_promises_lossless_where_it_is(name: str) -> None:
    exact = TRAITS[name].lossless
    assert setting_label(name, Setting(quality=100)) == ("lossless" if exact else "q100")
    label = choice_label(name, Setting(quality=100))
    assert parse_choice(label) == (name, Setting(quality=100))
    assert parse_choice(label)[1].lossless == exact
