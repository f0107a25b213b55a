"""Rate and error of every codec over its qualities, for all numbers of bands and bit depths."""

from __future__ import annotations

import io
import math
import pickle

import imagecodecs
import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.link.container.bitstream import unpack
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.payload.encoders.base import RateError, Setting
from downpass.payload.encoders.registry import encoder, names
from downpass.payload.encoders.traits import TRAITS
from PIL import Image, features

from .test_lossless import landscape

LOSSY = tuple(name for name in names() if TRAITS[name].lossy)
DEPTHS = [
    pytest.param(name, depth, id=f"{name}-{depth}")
    for name in LOSSY
    for depth in (8, 10, 12, 16)
    if depth <= TRAITS[name].deepest
]


def smooth(depth: int, bands: int, side: int = 96) -> Frame:
    """A picture that a lossy codec gains from, its bands alike but shifted."""
    row, column = np.mgrid[:side, :side]
    hills = 0.45 + 0.25 * np.sin(row / 17) * np.cos(column / 23)
    hills += np.random.default_rng(10).normal(0, 0.02, hills.shape)
    planes = np.stack([np.roll(hills, 7 * band, axis=1) for band in range(bands)], axis=2)
    return Frame(
        (np.clip(planes, 0, 1) * (2**depth - 1)).astype(np.uint8 if depth <= 8 else np.uint16),
        depth,
    )


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("name", "depth"), DEPTHS)
def test_bytes_grow_and_errors_fall_with_quality(name: str, depth: int, bands: int) -> None:
    frame = smooth(depth, bands)
    prepared = encoder(name, 0).prepare(frame)
    # JPEG-LS has no step between NEAR 0 and 1, and its coarsest ones depend on chance.
    qualities = (40, 60, 80, 90, 100) if name == "jpegls" else (5, 40, 80, 98, 100)
    streams = [prepared.encode(Setting(quality=quality)) for quality in qualities]
    sizes = [len(stream) for stream in streams]
    errors = [psnr(frame, decode(stream).frame) for stream in streams]
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors))
    assert (errors[-1] == math.inf) == TRAITS[name].lossless
    # No band's cost may be that of a lossless one, whatever the quality. (NEAR ends at 255,
    # which is little of 16 bits.)
    assert sizes[0] < (0.5 if (name, depth) == ("jpegls", 16) else 0.35) * sizes[-1]


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("depth", [8, 12])
@pytest.mark.parametrize("name", LOSSY)
def test_a_rate_is_met(name: str, depth: int, bands: int) -> None:
    frame = smooth(depth, bands)
    prepared = encoder(name, 0).prepare(frame)
    low, high = (len(prepared.encode(Setting(quality=quality))) for quality in (30, 90))
    budget = (low + high) // 2
    size = len(prepared.encode(Setting(bytes=budget)))
    # One small tile: what a step is worth. NEAR's are the coarsest.
    assert (0.6 if name == "jpegls" else 0.8) * budget <= size <= budget


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
@pytest.mark.parametrize("quality", [10, 50, 90])
def test_avif_of_one_band_is_what_pillow_makes_of_it(quality: int) -> None:
    frame = smooth(8, 1, 256)
    file = io.BytesIO()
    Image.fromarray(frame.pixels[..., 0]).save(file, "AVIF", quality=quality)
    theirs = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("L"))[..., None]
    bitstream = encoder("avif", 0).encode(frame, Setting(quality=quality))
    payload = unpack(bitstream).payloads[0]
    assert payload is not None
    assert len(payload) == pytest.approx(len(file.getvalue()), rel=0.05)
    ours = psnr(frame, decode(bitstream).frame)
    assert ours == pytest.approx(psnr(frame, Frame(theirs, 8)), abs=0.2)
    assert imagecodecs.avif_decode(payload).ndim == 2  # AV1's monochrome, not three equal planes


@pytest.mark.parametrize("name", [name for name in names() if name != "student"])
def test_what_a_library_raises_is_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class LibraryError(RuntimeError):
        def __init__(self, function: str, code: int) -> None:
            super().__init__(f"{function}\nreturned {code}")

    def fail(*_: object, **__: object) -> bytes:
        raise LibraryError("encode", 5)

    for function in ("jpeg2k", "jpegxl", "jpegls", "aec", "avif"):
        monkeypatch.setattr(imagecodecs, f"{function}_encode", fail)
    with pytest.raises(InputError) as found:
        encoder(name, 32).encode(landscape(8, 4, "unsigned"), Setting(quality=100))
    said = str(found.value)
    assert said == (
        f"{name} cannot encode a tile of 32 x 32 pixels in 4 bands of 8 bits: encode returned 5"
    )


def test_a_budget_that_cannot_be_met_survives_pickling() -> None:
    error = RateError("a budget of 9 bytes", 9, 70)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.budget, copy.smallest) == ("a budget of 9 bytes", 9, 70)
    again = type(error)(*error.args)  # what SimPy does with a process's exception
    assert (str(again), again.budget, again.smallest) == ("a budget of 9 bytes", 9, 70)


@pytest.mark.parametrize(
    ("name", "depth", "width", "words"),
    [
        ("avif", 13, 4, "avif at bit depth 13: allowed are 1 to 12"),
        ("jpegls", 8, 65_536, "jpegls in a tile of 65536 pixels: allowed are up to 65535"),
        ("avif", 8, 65_537, "avif in a tile of 65537 pixels: allowed are up to 65536"),
    ],
)
def test_what_a_codec_cannot_do_is_said_before_it_begins(
    name: str, depth: int, width: int, words: str
) -> None:
    frame = Frame(np.zeros((1, width, 1), np.uint8 if depth <= 8 else np.uint16), depth)
    for call in (
        encoder(name, 0).prepare,
        lambda one: encoder(name, 0).encode(one, Setting(quality=50)),
    ):
        with pytest.raises(InputError, match=words):
            call(frame)
