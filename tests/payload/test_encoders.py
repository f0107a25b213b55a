from __future__ import annotations

import math
from collections import Counter
from typing import Any

import imagecodecs
import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.link.container.bitstream import read_header, unpack
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.jpeg2000 import Jpeg2000
from downpass.payload.encoders.jpegls import JpegLs
from downpass.payload.encoders.registry import encoder, names
from downpass.payload.encoders.tiled import Samples, TiledEncoder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .frames import AERIAL, SATELLITE, SIGNED, real, small

LOSSLESS = ("jpeg2000", "jpegxl", "jpegls", "ccsds121")
LOSSY = ("jpeg2000", "jpegxl", "jpegls", "avif", "student")
HOLE_IN_ONE_BAND = Frame(np.array([[[-1, 0]]], np.int16), 1, nodata=-1)


@settings(max_examples=60, deadline=None)
@given(
    small(), st.sampled_from(("jpeg2000", "jpegxl", "jpegls", "ccsds121")), st.sampled_from((0, 16))
)
def test_lossless_is_lossless(frame: Frame, name: str, tile: int) -> None:
    decoded = decode(encoder(name, tile).encode(frame, Setting(quality=100)))
    assert decoded.lost_tiles == ()
    assert decoded.frame.pixels.dtype == frame.pixels.dtype
    assert np.array_equal(decoded.frame.pixels, frame.pixels)
    assert (decoded.frame.bit_depth, decoded.frame.nodata) == (frame.bit_depth, frame.nodata)


@settings(max_examples=60, deadline=None)
@example(HOLE_IN_ONE_BAND, "jpeg2000", 0.0)
@given(small(deepest=12), st.sampled_from(LOSSY), st.floats(0, 99))
def test_any_frame_at_any_quality_comes_back_whole_and_in_range(
    frame: Frame, name: str, quality: float
) -> None:
    decoded = decode(encoder(name, 16).encode(frame, Setting(quality=quality)))
    assert decoded.lost_tiles == ()
    pixels = decoded.frame.pixels
    assert pixels.shape == frame.pixels.shape
    assert pixels.dtype == frame.pixels.dtype
    holes, there = (
        np.broadcast_to(False if found is None else found, pixels.shape)
        for found in (frame.holes(), decoded.frame.holes())
    )
    assert np.array_equal(holes, there)
    valid = pixels[~holes]
    if valid.size:
        low = -(1 << (frame.bit_depth - 1)) if decoded.header.negative else 0
        assert low <= valid.min()
        assert valid.max() < low + (1 << frame.bit_depth)


@pytest.mark.parametrize("name", LOSSY)
def test_a_better_quality_is_better_and_larger(name: str) -> None:
    frame = real(AERIAL, 128)
    sizes, qualities = [], []
    for quality in (5, 30, 60, 90):
        bitstream = encoder(name).encode(frame, Setting(quality=quality))
        sizes.append(len(bitstream))
        qualities.append(psnr(frame, decode(bitstream).frame))
    assert sizes == sorted(set(sizes))
    assert qualities == sorted(set(qualities))


@pytest.mark.parametrize("name", (*LOSSLESS, "avif"))
def test_the_top_of_every_scale_loses_nothing(name: str) -> None:
    frame = real(AERIAL, 64)
    assert psnr(frame, decode(encoder(name).encode(frame, Setting(quality=100))).frame) == math.inf


@pytest.mark.parametrize(
    ("name", "path", "bands", "depth", "tile", "bpps"),
    [
        ("jpeg2000", AERIAL, 3, 8, 0, (0.1, 0.5, 2, 6)),
        ("jpeg2000", AERIAL, 4, 8, 96, (0.3, 1, 9)),
        ("jpeg2000", SATELLITE, 4, 12, 128, (0.5, 3)),
        ("jpeg2000", SIGNED, 13, 12, 128, (3, 12)),
        ("jpegxl", AERIAL, 3, 8, 0, (0.5, 2, 6)),
        ("jpegxl", SATELLITE, 4, 12, 128, (1, 4)),
        ("jpegxl", SIGNED, 13, 12, 128, (4, 12)),
        # Coarse steps: several tiles make up for them.
        ("jpegls", AERIAL, 3, 8, 48, (3, 6)),
        ("avif", AERIAL, 3, 8, 96, (0.5, 2)),
        ("student", AERIAL, 3, 8, 0, (0.5, 2)),
        ("student", AERIAL, 4, 8, 96, (0.8, 3)),
        ("student", SATELLITE, 4, 12, 64, (1, 3)),
        ("student", SIGNED, 13, 12, 128, (3, 9)),
    ],
)
def test_a_budget_is_kept_and_used(
    name: str, path: Any, bands: int, depth: int, tile: int, bpps: tuple[float, ...]
) -> None:
    frame = real(path, 192, bands, depth)
    prepared = encoder(name, tile).prepare(frame)
    for bpp in bpps:
        budget = int(bpp * 192 * 192 / 8)
        size = len(prepared.encode(Setting(bytes=budget)))
        assert 0.97 * budget <= size <= budget
        assert prepared.encode(Setting(bpp=bpp)) == prepared.encode(Setting(bytes=budget))


@settings(max_examples=30, deadline=None)
@given(small(30, 12), st.sampled_from(LOSSY), st.integers(1, 6000))
def test_a_budget_is_kept_or_refused_with_the_smallest_that_can_be_met(
    frame: Frame, name: str, budget: int
) -> None:
    prepared = encoder(name, 16).prepare(frame)
    try:
        assert len(prepared.encode(Setting(bytes=budget))) <= budget
    except RateError as error:
        assert error.smallest > budget == error.budget
        assert str(error.smallest) in str(error)
        assert len(prepared.encode(Setting(bytes=error.smallest))) <= error.smallest


@pytest.mark.parametrize("tile", [0, 64])
def test_jpeg_ls_meets_every_budget_above_its_smallest_size(tile: int) -> None:
    """With two levels per sample, the coarsest, it is larger than with three."""
    frame = real(AERIAL, 128, 3, 8)
    prepared = encoder("jpegls", tile).prepare(frame)
    codec = JpegLs()
    sizes = [
        len(prepared.encode(Setting(quality=quality)))
        for quality in np.linspace(0, 20, 40)
        if codec.step(float(quality), 8) < 10
    ]
    assert min(sizes) < sizes[0]
    with pytest.raises(RateError) as caught:
        prepared.encode(Setting(bytes=100))
    assert caught.value.smallest <= min(sizes)
    for budget in range(caught.value.smallest, sizes[0], 200):
        size = len(prepared.encode(Setting(bytes=budget)))
        assert 0.7 * budget <= size <= budget


LEVELS = np.random.default_rng(1).choice([0, 30000, 65535], (64, 64, 1)).astype(np.uint16)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(np.full((1, 1, 1), 7, np.uint8), 8),
        Frame(np.full((64, 64, 3), 9, np.uint8), 8),
        Frame(LEVELS, 16),
        Frame((LEVELS > 40000).astype(np.uint8), 1),
        Frame(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1), 12),
    ],
    ids=["pixel", "constant", "three-levels", "one-bit", "ramp"],
)
@pytest.mark.parametrize("tile", [0, 32])
def test_a_budget_that_holds_the_exact_frame_gives_it(frame: Frame, tile: int) -> None:
    """Lossless JPEG XL is smaller here than any lossy step, or than most."""
    codec = encoder("jpegxl", tile)
    exact = codec.encode(frame, Setting(quality=100))
    for budget in (len(exact), len(exact) + 50, 10 * len(exact)):
        within = codec.encode(frame, Setting(bytes=budget))
        assert len(within) <= budget
        assert np.array_equal(decode(within).frame.pixels, frame.pixels)
    with pytest.raises(RateError) as caught:
        codec.encode(frame, Setting(bytes=20))
    assert caught.value.smallest <= len(exact)


class CountingCodec(Jpeg2000):
    """Remembers what it was asked to code."""

    def __init__(self) -> None:
        super().__init__()
        self.coded: Counter[tuple[bytes, int]] = Counter()

    def encode(self, samples: Samples, bit_depth: int, step: int, colour: bool) -> bytes:
        self.coded[samples.tobytes(), step] += 1
        return super().encode(samples, bit_depth, step, colour)


def test_no_tile_is_coded_twice_at_one_step() -> None:
    codec = CountingCodec()
    prepared = TiledEncoder(codec, 128).prepare(real(AERIAL, 384))
    for bpp in (0.5, 0.51, 1, 0.5, 2, 0.9):
        prepared.encode(Setting(bpp=bpp))
    assert max(codec.coded.values()) == 1


def test_a_budget_takes_few_tries() -> None:
    codec = CountingCodec()
    frame = real(AERIAL, 512)
    TiledEncoder(codec, 512).encode(frame, Setting(bpp=0.5))
    whole = sum(
        count for (samples, _), count in codec.coded.items() if len(samples) == 512 * 512 * 3
    )
    assert whole <= 4


@pytest.mark.parametrize("name", ["jpeg2000", "jpegxl", "jpegls", "student"])
def test_threads_change_nothing(name: str) -> None:
    frame = real(AERIAL, 200)
    one, two = (encoder(name, 64, threads).encode(frame, Setting(bpp=1.5)) for threads in (1, 2))
    assert one == two
    assert np.array_equal(decode(one).frame.pixels, decode(two, threads=2).frame.pixels)


@pytest.mark.parametrize("setting", ["q80", "0.5bpp", "20kB"])
def test_ccsds_121_is_lossless_and_says_so(setting: str) -> None:
    frame = real(AERIAL, 32)
    with pytest.raises(InputError, match=r"ccsds121 .*allowed is lossless \(quality 100\)"):
        encoder("ccsds121").encode(frame, Setting.parse(setting))


def test_ccsds_121_is_what_libaec_makes_of_the_bands() -> None:
    frame = real(SATELLITE, 32, 4, 12)
    payload = unpack(encoder("ccsds121").encode(frame, Setting(quality=100))).payloads[0]
    assert payload is not None
    out = np.zeros(32 * 32 * 4, np.uint16)
    imagecodecs.aec_decode(payload, bitspersample=12, blocksize=16, rsi=128, out=out)
    assert np.array_equal(out.reshape(4, 32, 32), np.moveaxis(frame.pixels, 2, 0))


def test_jpeg_2000_uses_the_colour_transform_for_colour_alone() -> None:
    frame = real(AERIAL, 64, 4)
    payload = unpack(encoder("jpeg2000").encode(frame, Setting(quality=50))).payloads[0]
    assert payload is not None
    transforms = []
    for stream in payload.split(b"\xff\x4f\xff\x51")[1:]:
        style = stream.index(b"\xff\x52")  # COD, 15444-1 A.6.1: SGcod's last byte
        transforms.append(stream[style + 8])
        assert b"OpenJPEG" not in stream
    assert transforms == [1, 0]


def test_jpeg_ls_keeps_its_promise() -> None:
    frame = real(SATELLITE, 96, 3, 12)
    for quality in (90, 97, 99):
        bitstream = encoder("jpegls").encode(frame, Setting(quality=quality))
        near = round(((100 - quality) / 100) ** 2 * 255)
        error = decode(bitstream).frame.pixels.astype(int) - frame.pixels
        assert abs(error).max() <= near


def test_nodata_costs_next_to_nothing_and_comes_back_exactly() -> None:
    whole = real(AERIAL, 256)
    rows, columns = np.mgrid[:256, :256]
    outside = rows + columns // 4 < 150
    pixels = whole.pixels.copy()
    pixels[outside] = 0
    frame = Frame(pixels, 8, nodata=0)
    sizes = {}
    for name in ("jpeg2000", "jpegxl"):
        half = encoder(name).encode(frame, Setting(quality=60))
        decoded = decode(half).frame
        mask = decoded.nodata_mask()
        assert mask is not None
        assert np.array_equal(mask, frame.nodata_mask())
        blocked = encoder(name).encode(Frame(pixels, 8), Setting(quality=60))
        sizes[name] = len(half) / len(blocked)
        assert len(half) < len(encoder(name).encode(whole, Setting(quality=60)))
    assert max(sizes.values()) < 1.0  # an edge coded as picture costs more than one coded as mask


def test_a_frame_of_nothing_but_nodata() -> None:
    frame = Frame(np.full((70, 50, 3), 7, np.uint8), 8, nodata=7)
    for name in names():
        bitstream = encoder(name, 32).encode(frame, Setting(quality=100))
        assert len(bitstream) < 80
        assert np.array_equal(decode(bitstream).frame.pixels, frame.pixels)


def test_one_tile_is_written_as_one() -> None:
    header, spans = read_header(encoder("jpeg2000").encode(real(AERIAL, 64), Setting(quality=20)))
    assert (header.tile, len(spans)) == (0, 1)


def test_samples_beyond_the_bit_depth_are_refused() -> None:
    pixels = np.full((4, 4, 1), 4096, np.uint16)
    with pytest.raises(InputError, match=r"samples from 4096 to 4096 .*allowed are 0 to 4095"):
        encoder("jpeg2000").encode(Frame(pixels, 12), Setting(quality=50))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: encoder("jpeg200"), "did you mean jpeg2000"),
        (lambda: encoder("jpeg2000", -1), "tile -1"),
        (lambda: encoder("jpeg2000", threads=0), "threads 0"),
        (lambda: Frame(np.zeros((2, 2), np.uint8), 8), "allowed is"),
        (lambda: Frame(np.zeros((2, 2, 1), np.float32), 8), "float32"),  # type: ignore[arg-type]
        (lambda: Frame(np.zeros((2, 2, 1), np.uint8), 9), "bit depth 9"),
        (lambda: Frame(np.zeros((2, 2, 1), np.uint8), 8, -1), "nodata -1"),
        (lambda: encoder("avif").encode(real(SATELLITE, 8, 1), Setting(quality=9)), "1 to 12"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
