from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from downpass.link.container.band_scales import BandScale
from downpass.link.container.bitstream import (
    pack,
    packed_size,
    read_header,
    tile_spans,
    unpack,
    without,
)
from downpass.link.container.header import CODECS, NO_MODEL, FrameHeader
from downpass.link.container.samples import sample_range
from downpass.link.container.tiles import grid
from downpass.link.errors import BitstreamError
from hypothesis import given
from hypothesis import strategies as st

SPECIFICATION = Path(__file__).parents[2] / "docs" / "bitstream.md"


@st.composite
def headers(draw: st.DrawFn) -> FrameHeader:
    sample_type = draw(st.sampled_from(("uint8", "uint16", "int16")))
    negative = sample_type == "int16" and draw(st.booleans())
    most = 8 if sample_type == "uint8" else 16 if sample_type == "uint16" or negative else 15
    low, high = sample_range(sample_type)
    bands = draw(st.integers(1, 20))
    nodata = draw(st.none() | st.integers(low, high))
    scale = st.builds(
        BandScale,
        offset=st.integers(-(2**31) + 1, 2**31 - 1),
        mantissa=st.integers(1, 2**32 - 1),
        exponent=st.integers(-64, 64),
    )
    order = draw(st.permutations(range(bands)))
    cut = draw(st.integers(0, bands - 1))
    groups = tuple(tuple(part) for part in (order[:cut], order[cut:]) if part)
    width, height = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    return FrameHeader(
        codec=draw(st.sampled_from(list(CODECS.values()))),
        width=width,
        height=height,
        bands=bands,
        bit_depth=draw(st.integers(1, most)),
        sample_type=sample_type,
        negative=negative,
        tile=draw(st.sampled_from((0, 64, 256, 512))),
        parameter=draw(st.integers(0, 2**32 - 1)),
        fingerprint=draw(st.sampled_from((NO_MODEL, b"\x01\x02\x03\x04\x05\x06\x07\x08"))),
        nodata=nodata,
        masks=nodata is not None and draw(st.booleans()),
        groups=draw(st.sampled_from((None, groups))),
        scales=draw(
            st.none()
            | st.lists(scale, min_size=bands, max_size=bands).map(tuple)
            | scale.map(lambda one: (one,) * bands)
        ),
        rotations=draw(
            st.none()
            | st.lists(
                st.tuples(*[st.integers(-127, 127)] * 4).filter(any),
                min_size=-(-bands // 3),
                max_size=-(-bands // 3),
            ).map(tuple)
        ),
    )


@st.composite
def frames(draw: st.DrawFn) -> tuple[FrameHeader, list[bytes]]:
    header = draw(headers())
    sizes = draw(
        st.lists(st.integers(0, 300), min_size=header.tile_count, max_size=header.tile_count)
    )
    random = draw(st.randoms(use_true_random=False))
    return header, [random.randbytes(size) for size in sizes]


@given(frames())
def test_what_was_packed_comes_back(frame: tuple[FrameHeader, list[bytes]]) -> None:
    header, payloads = frame
    data = pack(header, payloads)
    container = unpack(data)
    assert container.header == header
    assert list(container.payloads) == payloads
    assert container.damaged == ()
    assert len(data) == packed_size(header, map(len, payloads))
    assert [data[at : at + size] for _, at, size in tile_spans(data)] == payloads


@given(frames(), st.data())
def test_a_flipped_bit_is_refused_or_named(
    frame: tuple[FrameHeader, list[bytes]], data: st.DataObject
) -> None:
    header, payloads = frame
    sound = pack(header, payloads)
    position = data.draw(st.integers(0, len(sound) * 8 - 1))
    damaged = bytearray(sound)
    damaged[position // 8] ^= 1 << position % 8
    spans = tile_spans(sound)
    if position // 8 < spans[0][1]:
        with pytest.raises(BitstreamError):
            unpack(bytes(damaged))
    else:
        hit = {index for index, at, size in spans if at <= position // 8 < at + size}
        container = unpack(bytes(damaged))
        assert set(container.damaged) == hit
        for index, payload in enumerate(payloads):
            assert container.payloads[index] == (None if index in hit else payload)


@given(frames(), st.data())
def test_a_truncated_frame_keeps_the_tiles_that_came(
    frame: tuple[FrameHeader, list[bytes]], data: st.DataObject
) -> None:
    header, payloads = frame
    sound = pack(header, payloads)
    length = data.draw(st.integers(0, len(sound) - 1))
    spans = tile_spans(sound)
    if length < spans[0][1]:
        with pytest.raises(BitstreamError):
            unpack(sound[:length])
    else:
        container = unpack(sound[:length])
        cut = {index for index, at, size in spans if size and at + size > length}
        assert set(container.damaged) == cut


@given(frames(), st.data())
def test_lost_tiles_cost_themselves_alone(
    frame: tuple[FrameHeader, list[bytes]], data: st.DataObject
) -> None:
    header, payloads = frame
    sound = pack(header, payloads)
    lost = data.draw(st.sets(st.integers(0, header.tile_count - 1)))
    holed = without(sound, lost)
    assert len(holed) == len(sound)
    container = unpack(holed)
    assert container.header == header
    # A tile of no bytes cannot be lost.
    assert set(container.damaged) == {index for index in lost if payloads[index]}


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        unpack(data)


@given(st.binary(max_size=200), st.sampled_from(list(CODECS)))
def test_random_bytes_behind_a_good_beginning_are_refused_or_read(data: bytes, codec: int) -> None:
    forged = b"DP" + bytes((1, codec)) + data
    forged += zlib.crc32(forged).to_bytes(4, "little")
    try:
        container = unpack(forged)
    except BitstreamError as error:
        assert "\n" not in str(error)
    else:
        assert len(container.payloads) == container.header.tile_count


def test_the_frame_that_the_specification_works_through() -> None:
    text = SPECIFICATION.read_text()
    example = re.search(r"```hex\n(.*?)```", text, re.DOTALL)
    assert example is not None
    lines = (line.split("|")[0] for line in example[1].splitlines())
    data = bytes.fromhex("".join(lines))
    container = unpack(data)
    assert container.header == FrameHeader(
        codec="jpegls",
        width=300,
        height=200,
        bands=3,
        bit_depth=12,
        sample_type="int16",
        tile=256,
        nodata=-1,
    )
    assert container.payloads == (b"north", b"sea")
    assert data == pack(container.header, [b"north", b"sea"])


@pytest.mark.parametrize(
    ("header", "most"),
    [
        (FrameHeader("jpeg2000", 256, 256, 3, 8, "uint8"), 13 + 4),
        (
            FrameHeader("student", 256, 256, 3, 8, "uint8", parameter=100, fingerprint=b"8 bytes."),
            21 + 4,
        ),
        (
            FrameHeader("student", 512, 512, 3, 8, "uint8", tile=256, fingerprint=b"8 bytes."),
            22 + 4,
        ),
    ],
)
def test_the_overhead_is_small(header: FrameHeader, most: int) -> None:
    lengths = [12_000] * header.tile_count
    assert packed_size(header, lengths) - sum(lengths) == most + 6 * header.tile_count


def test_a_huge_frame_of_few_bytes_is_refused_before_anything_is_allocated() -> None:
    head = b"DP\x01\x01\x00\x07" + b"\x80\x80\x80\x08" * 2 + b"\x01\x01\x00"
    with pytest.raises(BitstreamError, match="a table of 281474976710656 tiles in 4 bytes"):
        read_header(head + zlib.crc32(head).to_bytes(4, "little"))


def _packed() -> bytearray:
    return bytearray(pack(FrameHeader("jpeg2000", 9, 9, 1, 8, "uint8"), [b"tile"]))


def _forge(at: int, value: int) -> bytes:
    """Return a frame with one header byte changed and its CRC made to match."""
    data = _packed()
    end = tile_spans(bytes(data))[0][1] - 4
    data[at] = value
    data[end : end + 4] = zlib.crc32(data[:end]).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "begins with nothing: a downpass frame begins with 4450"),
        (b"\x89PNG....", "begins with 8950: a downpass frame begins with 4450"),
        (b"DP\x01", "3 bytes: too short for a frame's header"),
        (_forge(2, 2), "bitstream version 2: this downpass reads version 1"),
        (_forge(3, 99), "codec number 99: known are 1 jpeg2000, 2 jpegxl"),
        (_forge(4, 0x80), "flags 0x80: known are 0x7f"),
        (_forge(5, 0x37), "sample type 0x37 is unknown"),
        (_forge(5, 0x0F), "bit depth 16 in uint8 samples"),
        (_forge(6, 0), "width 0: allowed are 1 to 16777216"),
        (_forge(8, 0), "bands 0: allowed are 1 to 4096"),
        (bytes(_packed()[:9]), "the header is damaged: the bytes end within a number"),
        (bytes(_packed()) + b"more", "4 bytes follow the last tile"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(BitstreamError) as error:
        unpack(data)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"codec": "gif"},
        {"width": 0},
        {"height": 1 << 25},
        {"bands": 0},
        {"bit_depth": 9},
        {"bit_depth": 0},
        {"sample_type": "float32"},
        {"negative": True},
        {"tile": -1},
        {"tile": 1 << 17},
        {"parameter": -1},
        {"fingerprint": b"short"},
        {"nodata": 256},
        {"groups": ()},
        {"groups": ((0, 1), (3,))},
        {"groups": ((0, 1),)},
        {"groups": ((0, 1, 2), ())},
        {"scales": (BandScale(0),)},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    sound = FrameHeader("jpeg2000", 9, 9, 3, 8, "uint8")
    with pytest.raises(BitstreamError):
        replace(sound, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 2])
def test_a_frame_needs_a_payload_for_each_tile(count: int) -> None:
    with pytest.raises(BitstreamError, match="tiles for a frame of 1"):
        pack(FrameHeader("jpeg2000", 9, 9, 3, 8, "uint8"), [b""] * count)


def test_a_tile_that_is_not_there_cannot_be_lost() -> None:
    with pytest.raises(BitstreamError, match="tile 1: the frame has tiles 0 to 0"):
        without(bytes(_packed()), [1])


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from((0, 1, 7, 64, 500)))
def test_every_pixel_is_in_one_tile(width: int, height: int, tile: int) -> None:
    if tile == 1 and width * height > 900:
        width, height = width % 30 + 1, height % 30 + 1
    seen = [[0] * width for _ in range(height)]
    places = grid(width, height, tile)
    assert [place.index for place in places] == list(range(len(places)))
    for place in places:
        for row in range(place.row, place.row + place.rows):
            for column in range(place.column, place.column + place.columns):
                seen[row][column] += 1
    assert all(count == 1 for row in seen for count in row)
