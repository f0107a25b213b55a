"""Whatever happens to a student bitstream: one line that refuses it, or tiles concealed and named.

benchmarks/fuzz_decoders.py does the same for hours; here each layer gets its share.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders import Decoded, decode
from downpass.link.container.band_scales import BandScale
from downpass.link.container.bitstream import pack, read_header, unpack
from downpass.link.container.frame import Frame
from downpass.link.container.header import CODECS, NO_MODEL, FrameHeader
from downpass.link.errors import BitstreamError, InputError
from downpass.link.student.frame_layout import LARGEST_STRIP, LARGEST_TILE, check_size
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student import student_model
from downpass.payload.encoders.student.encoder import StudentEncoder
from downpass.payload.imager.scenes import FrameWindow, Scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCENES = Path(__file__).parents[2] / "scenarios" / "scenes"
AERIAL = SCENES / "naip_nd_20140720_5m_rgbn_u8.tif"
MOST_SAMPLES = 1 << 12

thorough = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def originals() -> list[bytes]:
    """Small frames: one tile, four, with nodata, 12 bits in two bands, a single pixel."""
    with Scene(AERIAL) as scene:
        pixels = scene.read(FrameWindow(0, 0, 32, 32), 3).pixels
    holed = pixels[:16, :16].copy()
    holed[2:9, 3:12] = 0
    deep = pixels[:16, :16, :2].astype(np.uint16) << 4
    frames = (
        (Frame(pixels[:16, :16], 8), 0, 20),
        (Frame(pixels[:16, :16], 8), 0, 70),
        (Frame(holed, 8, nodata=0), 0, 40),
        (Frame(deep, 12), 0, 50),
        (Frame(pixels[:1, :1, :1], 8), 0, 60),
        (Frame(pixels, 8), 16, 40),
    )
    return [StudentEncoder(tile).encode(f, Setting(quality=q)) for f, tile, q in frames]


SOUND = originals()
CONTAINERS = [unpack(bitstream) for bitstream in SOUND]


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes flipped, cut, spliced with another's, overwritten, or others altogether."""
    out = bytearray(data or b"\0")
    at = draw(st.integers(0, len(out) - 1))
    match draw(st.sampled_from(("flip", "cut", "splice", "overwrite", "fill", "random"))):
        case "flip":
            for place in draw(st.lists(st.integers(0, 8 * len(out) - 1), min_size=1, max_size=6)):
                out[place // 8] ^= 1 << place % 8
        case "cut":
            del out[at:]
        case "splice":
            donor = draw(st.sampled_from(SOUND))
            out[at:] = donor[draw(st.integers(0, len(donor))) :]
        case "overwrite":
            out[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
        case "fill":
            out[at:] = draw(st.sampled_from((b"\0", b"\xff", b"\xaa"))) * draw(st.integers(1, 600))
        case _:
            out[:] = draw(st.binary(max_size=200))
    return bytes(out)


def outcome(bitstream: bytes) -> Decoded | None:
    """Decode; None where it is refused, as it may be only in one line."""
    try:
        decoded = decode(bitstream, most_samples=MOST_SAMPLES)
    except BitstreamError as error:
        assert str(error)
        assert "\n" not in str(error)
        return None
    header = decoded.header
    assert decoded.frame.pixels.shape == (header.height, header.width, header.bands)
    assert all(0 <= index < header.tile_count for index in decoded.lost_tiles)
    return decoded


@settings(thorough, max_examples=200)
@given(st.data())
def test_a_damaged_codestream_costs_its_own_tile_at_most(data: st.DataObject) -> None:
    """With CRCs that match: what the range decoder, the masks and the lengths make of it."""
    container = data.draw(st.sampled_from(CONTAINERS))
    payloads = [payload or b"" for payload in container.payloads]
    hit = data.draw(st.integers(0, len(payloads) - 1))
    payloads[hit] = data.draw(damaged(payloads[hit]))
    decoded = outcome(pack(container.header, payloads))
    assert decoded is not None, "a frame is not refused for what is in a tile"
    assert set(decoded.lost_tiles) <= {hit}


@settings(thorough, max_examples=800)
@given(st.data())
def test_a_header_of_any_bytes_with_its_crc_right(data: st.DataObject) -> None:
    sound = data.draw(st.sampled_from(SOUND))
    end = read_header(sound)[1][0].offset - 4
    head = bytearray(data.draw(damaged(sound[:end])))
    head[:3] = sound[:3]
    outcome(bytes(head) + zlib.crc32(head).to_bytes(4, "little") + sound[end + 4 :])


@settings(thorough, max_examples=800)
@given(st.data())
def test_bytes_of_a_frame_damaged_anywhere(data: st.DataObject) -> None:
    outcome(data.draw(damaged(data.draw(st.sampled_from(SOUND)))))


SCALES = st.builds(
    BandScale, st.integers(1 - 2**31, 2**31 - 1), st.integers(1, 2**32 - 1), st.integers(-64, 64)
)
TURNS = st.tuples(*[st.integers(-127, 127)] * 4).filter(any)
SIZES = st.sampled_from((1, 2, 15, 16, 17, 31, 33, 48, 100, 4096, 1 << 24))


@settings(thorough, max_examples=200)
@given(st.data())
def test_fields_of_a_header_that_say_something_else(data: st.DataObject) -> None:
    container = data.draw(st.sampled_from(CONTAINERS))
    bands = data.draw(st.sampled_from((1, 2, 3, 4, 7)))
    fields = {
        "codec": st.sampled_from(sorted(CODECS.values())),
        "width": SIZES,
        "height": SIZES,
        "tile": st.sampled_from((0, 16, 17, 32, 1 << 16)),
        "parameter": st.integers(0, 257) | st.integers(0, 2**32 - 1),
        "bit_depth": st.integers(1, 16),
        "sample_type": st.sampled_from(("uint8", "uint16", "int16")),
        "negative": st.booleans(),
        "fingerprint": st.just(NO_MODEL) | st.binary(min_size=8, max_size=8),
        "nodata": st.none() | st.integers(0, 255),
        "masks": st.booleans(),
        "bands": st.just(bands),
        "scales": st.none() | st.lists(SCALES, min_size=bands, max_size=bands).map(tuple),
        "rotations": st.none()
        | st.lists(TURNS, min_size=-(-bands // 3), max_size=-(-bands // 3)).map(tuple),
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(fields)), min_size=1, max_size=3))
    try:
        header = replace(
            container.header, **{name: data.draw(fields[name]) for name in sorted(chosen)}
        )
    except BitstreamError:
        return  # no header can say so
    if header.tile_count > 64:
        return
    payloads = [payload or b"" for payload in container.payloads]
    payloads = (payloads * header.tile_count)[: header.tile_count]
    outcome(pack(header, payloads))


def student_header(width: int, height: int, tile: int) -> FrameHeader:
    return FrameHeader(
        "student",
        width,
        height,
        1,
        8,
        "uint8",
        tile=tile,
        fingerprint=student_model.load().fingerprint,
    )


@pytest.mark.parametrize(
    ("width", "height", "tile", "words"),
    [
        (23_170, 23_170, 0, "a tile of 23184 x 23184 pixels: allowed are 4096 x 4096"),
        (1 << 24, 1, 0, "a tile of 16777216 x 16 pixels"),
        (1, 1 << 24, 0, "a tile of 16 x 16777216 pixels"),
        (1 << 24, 1, 65_536, "16777216 columns of pixels in tiles of 65536: allowed are 8388608"),
        (47_649, 10_000, 512, "47649 columns of pixels in tiles of 512: allowed are 47648"),
    ],
)
def test_what_would_need_more_memory_than_its_samples_say_is_refused_at_both_ends(
    width: int, height: int, tile: int, words: str
) -> None:
    header = student_header(width, height, tile)
    with pytest.raises(BitstreamError, match=words) as found:
        decode(pack(header, [b""] * header.tile_count), most_samples=1 << 40)
    assert "\n" not in str(found.value)
    pixels = np.broadcast_to(np.zeros((1, 1, 1), np.uint8), (height, width, 1))
    with pytest.raises(InputError, match=words):
        StudentEncoder(tile).prepare(Frame(pixels, 8))


@given(st.integers(1, 1 << 24), st.integers(1, 1 << 24), st.integers(0, 4096).map(lambda n: 16 * n))
def test_sizes_that_are_allowed_bound_what_a_decoder_holds(
    width: int, height: int, tile: int
) -> None:
    rows, columns = -(-height // 16), -(-width // 16)
    side = tile // 16 or max(rows, columns)
    try:
        check_size(width, height, tile)
    except ValueError:
        return
    assert min(side, rows) * min(side, columns) <= LARGEST_TILE
    # The row of tiles above, the one at hand, the one below, and the window's rows.
    assert columns * min(rows, 3 * side + 74) <= LARGEST_STRIP
