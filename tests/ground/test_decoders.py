from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.decoders.jpegxl import size
from downpass.ground.decoders.tiled import TileDecodeError
from downpass.ground.quality import psnr
from downpass.link.container.bitstream import pack, tile_spans, unpack, without
from downpass.link.container.frame import Frame
from downpass.link.container.header import FrameHeader
from downpass.link.errors import BitstreamError
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder, names
from hypothesis import given, settings
from hypothesis import strategies as st

CODECS = tuple(name for name in names() if name != "student")  # test_student_decoder.py


def picture(rows: int = 48, columns: int = 40, bands: int = 4) -> Frame:
    """A smooth picture with a little noise and a hole."""
    row, column = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(5).integers(0, 9, (rows, columns, bands))
    planes = [80 + 2 * row + column * (band + 1) // 2 for band in range(bands)]
    pixels = (np.stack(planes, axis=2) % 200 + noise + 20).astype(np.uint8)
    pixels[5:20, 3:9] = 0
    return Frame(pixels, 8, nodata=0)


@pytest.fixture(scope="module")
def frame() -> Frame:
    return picture()


@pytest.fixture(scope="module")
def coded(frame: Frame) -> dict[str, list[bytes]]:
    qualities = {name: (100,) if name == "ccsds121" else (30, 80, 100) for name in CODECS}
    return {
        name: [encoder(name, 32).encode(frame, Setting(quality=quality)) for quality in chosen]
        for name, chosen in qualities.items()
    }


@pytest.mark.parametrize("name", CODECS)
def test_lost_tiles_are_named_and_concealed_and_the_others_untouched(
    frame: Frame, coded: dict[str, list[bytes]], name: str
) -> None:
    sound = decode(coded[name][-1])
    holed = decode(without(coded[name][-1], [1, 2]))
    assert sound.lost_tiles == ()
    assert holed.lost_tiles == (1, 2)
    lost = holed.lost_mask()
    assert lost.sum() == 32 * 8 + 16 * 32
    assert np.array_equal(holed.frame.pixels[~lost], sound.frame.pixels[~lost])
    # Concealed from the surroundings: nearer to the truth than black, and never nodata.
    assert not (holed.frame.pixels[lost] == 0).all(axis=1).any()
    black = holed.frame.pixels.copy()
    black[lost] = 1
    assert psnr(frame, holed.frame) > psnr(frame, Frame(black, 8, 0)) + 3


def test_a_frame_of_which_nothing_came_is_nodata(coded: dict[str, list[bytes]]) -> None:
    decoded = decode(without(coded["jpeg2000"][0], range(4)))
    assert decoded.lost_tiles == (0, 1, 2, 3)
    assert (decoded.frame.pixels == 0).all()


def test_a_frame_cut_off_keeps_what_came(coded: dict[str, list[bytes]]) -> None:
    bitstream = coded["jpegxl"][1]
    whole = decode(bitstream).frame.pixels
    cut = decode(bitstream[: tile_spans(bitstream)[2][1] + 5])
    assert cut.lost_tiles == (2, 3)
    assert np.array_equal(cut.frame.pixels[:32], whole[:32])


@pytest.mark.parametrize("name", CODECS)
def test_mutated_codestreams_never_crash_hang_or_change_other_tiles(
    frame: Frame, coded: dict[str, list[bytes]], name: str
) -> None:
    """Both CRCs are made to match, so the codec's own decoder sees every one of these."""
    rng = random.Random(name)
    containers = [unpack(bitstream) for bitstream in coded[name]]
    whole = [decode(bitstream).frame.pixels for bitstream in coded[name]]
    damaged = 0
    for _ in range(700):
        chosen = rng.randrange(len(containers))
        container = containers[chosen]
        payloads = [payload or b"" for payload in container.payloads]
        hit = rng.randrange(len(payloads))
        donor = rng.choice(containers).payloads[rng.randrange(len(payloads))] or b""
        payloads[hit] = _mutate(rng, payloads[hit], donor)
        decoded = decode(pack(container.header, payloads))
        damaged += bool(decoded.lost_tiles)
        assert set(decoded.lost_tiles) <= {hit}
        assert decoded.frame.pixels.shape == frame.pixels.shape
        if hit != 0:
            assert np.array_equal(decoded.frame.pixels[:32, :32], whole[chosen][:32, :32])
    assert damaged > 300


def _mutate(rng: random.Random, payload: bytes, donor: bytes) -> bytes:
    out = bytearray(payload)
    at = rng.randrange(len(out))
    match rng.randrange(5):
        case 0:
            for _ in range(rng.choice((1, 1, 2, 8))):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        case 1:
            del out[at:]
        case 2:
            out[at:] = donor[rng.randrange(len(donor)) :]
        case 3:
            for _ in range(rng.choice((1, 2, 4))):
                out[rng.randrange(min(len(out), 140))] = rng.choice((0, 1, 127, 128, 255))
        case _:
            out[at : at + rng.randrange(20)] = rng.randbytes(rng.randrange(20))
    return bytes(out)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bitstreams_are_decoded_or_refused_in_one_line(data: st.DataObject) -> None:
    sound = _SMALL[data.draw(st.sampled_from(sorted(_SMALL)))]
    out = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(out) - 1))
        out[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not out:
            out = bytearray(b"D")
    try:
        decoded = decode(bytes(out))
    except BitstreamError as error:
        assert "\n" not in str(error)
    else:
        assert decoded.frame.pixels.size == decoded.header.samples


_SMALL = {name: encoder(name, 16).encode(picture(20, 20), Setting(quality=100)) for name in CODECS}


@pytest.mark.parametrize("name", CODECS)
def test_a_codestream_of_another_size_is_not_decoded(name: str) -> None:
    big = unpack(encoder(name).encode(Frame(picture(90, 90).pixels, 8), Setting(quality=100)))
    header = replace(big.header, width=64, height=64)
    decoded = decode(pack(header, [big.payloads[0] or b""]))
    # CCSDS 121 streams claim no size: this one fills the smaller tile and has bytes left over.
    assert decoded.lost_tiles == (0,)


def test_a_jpeg_2000_header_that_claims_a_huge_picture_is_not_believed() -> None:
    container = unpack(encoder("jpeg2000").encode(Frame(picture().pixels, 8), Setting(quality=30)))
    stream = bytearray(container.payloads[0] or b"")
    start = 1 + stream.index(b"\x4f\xff\x51")
    struct.pack_into(">II", stream, start - 1 + 7, 60_000, 60_000)
    assert decode(pack(container.header, [bytes(stream)])).lost_tiles == (0,)


def test_a_frame_larger_than_allowed_is_refused_before_it_is_allocated() -> None:
    header = FrameHeader("jpeg2000", 1 << 24, 1 << 24, 4096, 16, "uint16")
    with pytest.raises(BitstreamError, match="allowed are 536870912 samples"):
        decode(pack(header, [b"small"]))
    with pytest.raises(BitstreamError, match="allowed are 10 samples"):
        decode(_SMALL["jpegls"], most_samples=10)


def test_a_mask_bomb_is_a_lost_tile() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(bytes(20_000_000)) + squeeze.flush()
    header = replace(unpack(_SMALL["jpeg2000"]).header, tile=0)
    assert header.masks
    assert decode(pack(header, [b"\x02" + b"\xff\x7f" + bomb[:16383]])).lost_tiles == (0,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codec": "student", "fingerprint": b"somebody"}, "codec student|model 736f6d65626f6479"),
        ({"fingerprint": b"somebody"}, "model 736f6d65626f6479 in a jpeg2000 frame"),
    ],
)
def test_what_no_decoder_knows_is_refused(change: dict[str, object], words: str) -> None:
    container = unpack(_SMALL["jpeg2000"])
    header = replace(container.header, **change)  # type: ignore[arg-type]
    with pytest.raises(BitstreamError, match=words):
        decode(pack(header, [payload or b"" for payload in container.payloads]))


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (256, 256), (512, 341), (100, 7), (17, 3000)])
def test_the_size_that_a_jpeg_xl_codestream_claims(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    for quality in (30, 100):
        container = unpack(encoder("jpegxl", 0).encode(Frame(pixels, 8), Setting(quality=quality)))
        assert size(container.payloads[0] or b"") == shape
    with pytest.raises(TileDecodeError):
        size(b"\xff\xd8\xff")


def test_bytes_that_are_no_frame_are_refused() -> None:
    for data in (b"", b"DP", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(64)):
        with pytest.raises(BitstreamError):
            decode(data)
