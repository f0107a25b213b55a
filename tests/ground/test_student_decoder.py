"""The student on the ground: no windows show, losses stay where they are, nothing is trusted."""

from __future__ import annotations

import random
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders import decode
from downpass.ground.decoders import student as ground
from downpass.ground.decoders.student_networks import load_network
from downpass.ground.quality import psnr
from downpass.link.container import varint
from downpass.link.container.band_scales import BandScale
from downpass.link.container.bitstream import pack, read_header, tile_spans, unpack, without
from downpass.link.container.frame import Frame
from downpass.link.errors import BitstreamError
from downpass.link.student.codestream import decode_tile
from downpass.link.student.planes import TileShape
from downpass.link.student.range_coder import CodeError
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student import student_model
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import FrameWindow, Scene

SCENES = Path(__file__).parents[2] / "scenarios" / "scenes"
AERIAL = SCENES / "naip_nd_20140720_5m_rgbn_u8.tif"


def aerial(size: int, bands: int = 3) -> Frame:
    with Scene(AERIAL) as scene:
        return scene.read(FrameWindow(0, 0, size, size), bands)


@pytest.mark.parametrize("size", [(70, 210), (161, 49)])
def test_windows_give_the_undivided_result(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    frame = aerial(216)
    frame = Frame(frame.pixels[: size[0], : size[1]], 8)
    for tile in (0, 48):
        stream = StudentEncoder(tile).encode(frame, Setting(quality=40))
        whole = decode(stream).frame.pixels
        for window in (2, 5):
            monkeypatch.setattr(ground, "WINDOW", window)
            assert np.array_equal(decode(stream).frame.pixels, whole)
        monkeypatch.undo()


def test_the_halo_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StudentEncoder(0).encode(aerial(256), Setting(quality=30))
    whole = decode(stream).frame.pixels
    monkeypatch.setattr(ground, "WINDOW", 4)
    narrow = replace(load_network(), halo=1)
    monkeypatch.setattr(ground, "load_network", lambda _name: narrow)
    assert not np.array_equal(decode(stream).frame.pixels, whole)


def test_tile_borders_do_not_show() -> None:
    frame = aerial(256)
    decoded = decode(StudentEncoder(64).encode(frame, Setting(quality=30))).frame.pixels
    step = np.abs(np.diff(decoded.astype(float), axis=1)).mean(axis=(0, 2))
    true = np.abs(np.diff(frame.pixels.astype(float), axis=1)).mean(axis=(0, 2))
    extra = step - true
    borders = extra[63::64]
    # Blocks inside a tile overlap and those of two tiles do not, so borders are smoothed less.
    assert borders.mean() < 0
    assert borders.mean() < np.delete(extra, np.s_[63::64]).mean() + 2


def test_a_lost_tile_is_concealed_and_far_pixels_are_untouched() -> None:
    frame = aerial(256)
    stream = StudentEncoder(64).encode(frame, Setting(quality=50))
    sound = decode(stream).frame
    holed = decode(without(stream, [5, 10]))
    assert holed.lost_tiles == (5, 10)
    lost = holed.lost_mask()
    near = np.zeros_like(lost)
    for index in (5, 10):
        row, column = index // 4 * 64, index % 4 * 64
        near[max(row - 80, 0) : row + 144, max(column - 80, 0) : column + 144] = True
    assert np.array_equal(holed.frame.pixels[~near], sound.pixels[~near])
    grey = sound.pixels.copy()
    grey[lost] = 128
    concealed = Frame(holed.frame.pixels[64:128, 64:128], 8)
    truth = Frame(frame.pixels[64:128, 64:128], 8)
    assert psnr(truth, concealed) > psnr(truth, Frame(grey[64:128, 64:128], 8))
    # No texture is made up: away from what came it is plain but for rounding.
    assert holed.frame.pixels[72:120, 72:120].std(axis=(0, 1)).max() < 0.7


def test_whole_rows_of_tiles_may_be_lost_and_everything_too() -> None:
    stream = StudentEncoder(64).encode(aerial(192), Setting(quality=50))
    assert decode(without(stream, range(3))).lost_tiles == (0, 1, 2)
    nothing = decode(without(stream, range(9)))
    assert nothing.lost_tiles == tuple(range(9))
    assert (nothing.frame.pixels == 0).all()


def test_a_frame_cut_off_keeps_what_came() -> None:
    stream = StudentEncoder(64).encode(aerial(192), Setting(quality=50))
    cut = decode(stream[: tile_spans(stream)[7][1] + 3])
    assert cut.lost_tiles == (7, 8)


def test_nodata_comes_back_exactly_and_what_is_under_it_costs_nothing() -> None:
    frame = aerial(128)
    pixels = frame.pixels.copy()
    row, column = np.mgrid[:128, :128]
    pixels[row + column // 3 < 60] = 0
    pixels[64:, 64:] = 0
    holed = Frame(pixels, 8, nodata=0)
    stream = StudentEncoder(64).encode(holed, Setting(quality=60))
    decoded = decode(stream)
    assert decoded.lost_tiles == ()
    mask, again = holed.nodata_mask(), decoded.frame.nodata_mask()
    assert mask is not None
    assert again is not None
    assert np.array_equal(mask, again)
    assert len(stream) < len(StudentEncoder(64).encode(frame, Setting(quality=60)))
    assert tile_spans(stream)[3][2] == 1


def forged(stream: bytes, **changes: object) -> bytes:
    container = unpack(stream)
    return pack(replace(container.header, **changes), [p or b"" for p in container.payloads])  # type: ignore[arg-type]


def test_headers_of_other_models_and_makers_are_refused_in_one_line() -> None:
    stream = StudentEncoder(32).encode(aerial(64), Setting(quality=40))
    known = student_model.load().fingerprint.hex()
    cases = [
        ({"fingerprint": b"anything"}, f"model 616e797468696e67 .*this downpass has model {known}"),
        ({"fingerprint": bytes(8)}, "model 0000000000000000"),
        ({"groups": ((0, 1, 2),)}, "band groups"),
        ({"parameter": 257}, "parameter 257"),
        ({"parameter": 256 + 512}, "parameter 768"),
        ({"parameter": 4 * 512}, "parameter 2048"),
    ]
    for changes, words in cases:
        with pytest.raises(BitstreamError, match=words) as found:
            decode(forged(stream, **changes))
        assert "\n" not in str(found.value)


def test_a_tile_size_that_is_no_multiple_is_refused() -> None:
    container = unpack(StudentEncoder(32).encode(aerial(64), Setting(quality=40)))
    header = replace(container.header, tile=40)
    with pytest.raises(BitstreamError, match="tile 40"):
        decode(pack(header, [p or b"" for p in container.payloads]))


def test_any_scale_and_rotation_of_a_header_decode() -> None:
    stream = StudentEncoder(32).encode(aerial(48), Setting(quality=40))
    for scale in (BandScale(2**31 - 1, 2**32 - 1, 64), BandScale(-(2**31) + 1, 1, -64)):
        assert decode(forged(stream, scales=(scale,) * 3)).frame.pixels.shape == (48, 48, 3)
    for turn in ((1, 0, 0, 0), (-127, 127, -127, 127), (0, 0, 0, -1)):
        assert decode(forged(stream, rotations=(turn,))).frame.pixels.shape == (48, 48, 3)


def mutate(rng: random.Random, sound: bytes, donor: bytes) -> bytes:
    out = bytearray(sound)
    at = rng.randrange(len(out))
    match rng.randrange(5):
        case 0:
            out[at] ^= 1 << rng.randrange(8)
        case 1:
            del out[at:]
        case 2:
            out[at:] = donor[rng.randrange(len(donor)) :]
        case 3:
            out[:] = rng.randbytes(rng.randrange(200))
        case _:
            out[at:] = bytes([rng.choice((0, 255))]) * rng.randrange(60)
    return bytes(out)


def test_mutated_codestreams_give_latents_or_one_kind_of_error() -> None:
    rng, model = random.Random(11), student_model.load()
    frame = Frame(aerial(48).pixels[:16], 8)
    payloads = [
        payload
        for quality in (0, 20, 40, 80)
        for payload in unpack(StudentEncoder(16).encode(frame, Setting(quality=quality))).payloads
        if payload
    ]
    shape, refused = TileShape(1, 1), 0
    for _ in range(2000):
        quality = rng.choice((0, 51, 102, 205))
        data = mutate(rng, rng.choice(payloads), rng.choice(payloads))
        try:
            found = decode_tile(model.entropy, model.log_scales, data, shape, quality)
        except CodeError:
            refused += 1
        else:
            assert found.shape == (model.entropy.latents, 1, 1)
            assert np.abs(found).max() < 1 << 22
    assert refused > 1000  # most damage shows in where the symbols end


def test_damaged_tiles_are_named_and_no_others() -> None:
    rng = random.Random(12)
    kept = [unpack(StudentEncoder(16).encode(aerial(32), Setting(quality=q))) for q in (0, 60)]
    lost = 0
    for number in range(60):
        container = kept[number % 2]
        payloads = [p or b"" for p in container.payloads]
        hit = rng.randrange(4)
        payloads[hit] = mutate(rng, payloads[hit], payloads[rng.randrange(4)])
        decoded = decode(pack(container.header, payloads))
        assert set(decoded.lost_tiles) <= {hit}
        lost += bool(decoded.lost_tiles)
    assert lost > 30


def test_mutated_bitstreams_are_refused_or_concealed() -> None:
    rng = random.Random(5)
    sound = StudentEncoder(16).encode(aerial(32), Setting(quality=30))
    table = read_header(sound)[1][0].offset - 4
    for number in range(300):
        data = bytearray(sound)
        for _ in range(rng.choice((1, 1, 3))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if number % 2:  # a header that is believed
            data[table : table + 4] = zlib.crc32(bytes(data[:table])).to_bytes(4, "little")
        try:
            decode(bytes(data), most_samples=1 << 22)
        except BitstreamError as error:
            assert "\n" not in str(error)


def test_escapes_without_end_are_an_error_and_no_loop() -> None:
    container = unpack(StudentEncoder(0).encode(aerial(16), Setting(quality=100)))
    lost = [
        decode(pack(container.header, [filling])).lost_tiles
        for filling in (b"\xff" * 4000, b"\xaa" * 300)
    ]
    assert lost == [(0,)] * 2


def test_lengths_of_band_groups_are_checked() -> None:
    container = unpack(StudentEncoder(0).encode(aerial(32, 4), Setting(quality=50)))
    payload = container.payloads[0]
    assert payload is not None
    length, start = varint.unpack(payload, 0)
    assert start + length < len(payload)
    for head in (varint.pack(length + 10_000), varint.pack(varint.MAXIMUM), b"\xff" * 6):
        assert decode(pack(container.header, [head + payload[start:]])).lost_tiles == (0,)


def test_a_ground_station_needs_no_payload() -> None:
    coded = StudentEncoder(64).encode(aerial(64), Setting(quality=30))
    code = (
        "import sys; from downpass.ground.decoders import decode; import downpass.ground.archive;"
        "decode(sys.stdin.buffer.read());"
        "print([name for name in sys.modules if name.startswith('downpass.payload')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=coded, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"
