from __future__ import annotations

import json
import zlib
from dataclasses import replace

import pytest
from downpass.link.container import bitstream
from downpass.link.container.bitstream import read_header, with_description
from downpass.link.container.description import (
    MOST_PACKED,
    MOST_TEXT,
    Band,
    ControlPoint,
    Description,
    DescriptionError,
    usual_bands,
)
from downpass.link.container.header import FrameHeader
from downpass.link.errors import BitstreamError
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=20)
BANDS = st.builds(
    Band,
    name=TEXTS,
    colour=st.sampled_from(["undefined", "gray", "nir", "coastal", "alpha"]),
    scale=NUMBERS,
    offset=NUMBERS,
    unit=TEXTS,
)
RPC = (
    ("LINE_OFF", (256.5,)),
    ("SAMP_OFF", (100.0,)),
    ("LINE_NUM_COEFF", tuple(map(float, range(20)))),
)
DESCRIPTIONS = st.builds(
    Description,
    crs=st.sampled_from(["", "EPSG:32633", 'PROJCS["somewhere"]', 'LOCAL_CS["here"]']),
    transform=st.none() | st.tuples(*[NUMBERS] * 6),
    control_points=st.lists(st.builds(ControlPoint, *[NUMBERS] * 5), max_size=4).map(tuple),
    rpc=st.sampled_from([(), RPC]),
    pixel_is_point=st.booleans(),
    bands=st.tuples(BANDS, BANDS),
    declared_bits=st.none() | st.integers(1, 16),
    palette=st.none() | st.just(((1, 2, 3, 255), (0, 0, 0, 0))),
    white_is_zero=st.booleans(),
)


@given(DESCRIPTIONS)
def test_a_description_comes_back(description: Description) -> None:
    assert Description.unpack(description.pack(), 2) == description


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_what_says_nothing_costs_nothing(bands: int) -> None:
    plain = Description(bands=usual_bands(bands))
    assert plain.pack() == Description().pack() == b""
    assert Description.unpack(b"", bands) == plain
    named = replace(plain, bands=(Band("B8", "nir"), *plain.bands[1:]))
    assert 0 < len(named.pack()) < 120


def test_a_window_moves_what_counts_in_pixels() -> None:
    scene = Description(
        transform=(10.0, 1.0, 500.0, 2.0, -10.0, 900.0),
        control_points=(ControlPoint(12.5, 40.0, 1.0, 2.0, 3.0),),
        rpc=RPC,
    )
    window = scene.of_window(column=7, row=5)
    # By hand: (7, 5) lies at 500 + 70 + 5, 900 + 14 - 50.
    assert window.transform == (10.0, 1.0, 575.0, 2.0, -10.0, 864.0)
    assert window.control_points == (ControlPoint(7.5, 33.0, 1.0, 2.0, 3.0),)
    assert dict(window.rpc)["LINE_OFF"] == (251.5,)
    assert dict(window.rpc)["SAMP_OFF"] == (93.0,)
    assert dict(window.rpc)["LINE_NUM_COEFF"] == dict(RPC)["LINE_NUM_COEFF"]


def test_low_bits_that_are_gone_are_in_the_scale() -> None:
    scene = Description(bands=(Band(scale=0.5, offset=-3.0), Band()), declared_bits=12)
    coarse = scene.without_low_bits(3)
    assert [band.scale for band in coarse.bands] == [4.0, 8.0]
    assert coarse.bands[0].offset == -3.0
    assert coarse.declared_bits == 9


def deflated(value: object) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(text) + deflate.flush()


BAND = ["", "gray", 1, 0, ""]


@pytest.mark.parametrize(
    "data",
    [
        b"no deflate",
        deflated(b"no json"),
        deflated(b"[" * 100_000),
        deflated(b"\xff\xfe"),
        deflated([]),
        deflated({"more": 1}),
        deflated({"transform": [1, 2, 3]}),
        deflated(b'{"transform": [1, 2, 3, 4, 5, NaN]}'),
        deflated(b'{"transform": [1, 2, 3, 4, 5, 1e999]}'),
        deflated(b'{"nbits": ' + b"9" * 5000 + b"}"),
        deflated({"nbits": True}),
        deflated({"gcps": [[1, 2]]}),
        deflated({"rpc": {"LINE_OFF": [1, 2]}}),
        deflated({"rpc": {"HEIGHT": [1]}}),
        deflated({"bands": [BAND, BAND]}),
        deflated({"bands": [["", "puce", 1, 0, ""]]}),
        deflated({"palette": [[1, 2, 3, 999]]}),
        deflated({"crs": "/vsicurl/http://127.0.0.1/x"}),
        deflated({"crs": "http://127.0.0.1/x"}),
        deflated({"crs": "+proj=utm +nadgrids=/etc/passwd"}),
        deflated({"crs": 7}),
        deflated({"crs": "EPSG:32633"}) + b"more",
        deflated({"crs": "EPSG:32633"})[:-3],
        deflated(b" " * (MOST_TEXT + 1)),
        bytes(MOST_PACKED + 1),
    ],
    ids=range(25),
)
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(DescriptionError):
        Description.unpack(data, 1)


@given(st.binary(max_size=80))
def test_random_bytes_are_a_description_or_refused(data: bytes) -> None:
    try:
        Description.unpack(data, 3)
    except DescriptionError as error:
        assert "\n" not in str(error)


def test_too_many_control_points_are_refused() -> None:
    points = tuple(ControlPoint(n**0.5, n**0.3, n**0.7, n**0.9) for n in range(20_000))
    with pytest.raises(DescriptionError, match="allowed are 65536"):
        Description(control_points=points).pack()
    words = Description(bands=tuple(Band("é" * 1000) for _ in range(600)))
    with pytest.raises(DescriptionError, match=r"of 12\d{5} bytes of text; allowed are 1048576"):
        words.pack()


def test_a_frame_carries_it_in_its_header() -> None:
    header = FrameHeader("jpegls", 300, 200, 3, 12, "int16", tile=256)
    plain = bitstream.pack(header, [b"north", b"sea"])
    described = with_description(plain, b"described")
    found, spans = read_header(described)
    assert found == replace(header, description=b"described")
    assert [described[span.offset : span.end] for span in spans] == [b"north", b"sea"]
    assert len(described) == len(plain) + 1 + len(b"described")
    assert with_description(described, b"") == plain
    with pytest.raises(BitstreamError, match="bytes of description"):
        with_description(plain, bytes(MOST_PACKED + 1))


@pytest.mark.parametrize(
    "description",
    [
        Description(crs="+proj=utm"),
        Description(transform=(1.0, 0.0, float("inf"), 0.0, 1.0, 0.0)),
        Description(control_points=(ControlPoint(0.0, 0.0, float("nan"), 0.0),)),
        Description(bands=(Band(scale=float("inf")),)),
    ],
    ids=["crs", "transform", "gcps", "scale"],
)
def test_what_no_reader_accepts_is_not_packed(description: Description) -> None:
    with pytest.raises(DescriptionError, match="no reader would accept"):
        description.pack()
