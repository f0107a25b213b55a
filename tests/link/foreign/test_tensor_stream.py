"""Tensors as bytes and back, to the bit, and streams that are none."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from downpass.link.foreign.onnx_file import KINDS
from downpass.link.foreign.tensor_stream import (
    TensorStreamError,
    pack_tensors,
    unpack_tensors,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

ALL = 10**6


def tensors() -> st.SearchStrategy[list[np.ndarray]]:
    """Lists of tensors of every type; integers are often small, floats often whole."""

    def of(kind: str) -> st.SearchStrategy[np.ndarray]:
        shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
        dtype = np.dtype(kind)
        plain = hnp.arrays(dtype, shapes)
        if kind == "uint8":
            return plain
        low = 0 if dtype.kind == "u" else -200
        small = hnp.arrays(np.int16, shapes, elements=st.integers(low, 200))
        return plain | small.map(lambda found: found.astype(dtype))

    return st.lists(st.sampled_from(sorted(KINDS.values())).flatmap(of), min_size=1, max_size=4)


@given(tensors())
def test_every_bit_comes_back(given_tensors: list[np.ndarray]) -> None:
    found = unpack_tensors(pack_tensors(given_tensors), ALL)
    assert [(one.dtype, one.shape) for one in found] == [
        (one.dtype, one.shape) for one in given_tensors
    ]
    assert [one.tobytes() for one in found] == [one.tobytes() for one in given_tensors]


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(data: bytes) -> None:
    try:
        found = unpack_tensors(data, 1000)
    except TensorStreamError as error:
        assert "\n" not in str(error)
    else:
        assert sum(one.size for one in found) <= 1000


@given(st.data())
def test_a_damaged_stream_is_refused_or_as_large_as_before(data: st.DataObject) -> None:
    tensor = np.arange(-300, 300, dtype=np.int32).reshape(2, 300)
    stream = bytearray(pack_tensors([tensor, np.zeros((3, 3), np.float32)]))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(1, len(stream)))
    try:
        found = unpack_tensors(bytes(stream[:cut]), 609)
    except TensorStreamError:
        return
    assert sum(one.size for one in found) <= 609


def test_a_stream_byte_for_byte() -> None:
    stream = pack_tensors([np.array([[1.0, 2.0, -3.0]], np.float32)])
    assert stream == bytes((1, 1, 3, 0, 2, 1, 3, 3, 1, 2, 253))
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bomb.compress(bytes(10**7)) + bomb.flush()
    head = bytes((1, 2, 2, 1, 1, 8)) + bytes((len(data) & 127 | 128, len(data) >> 7))
    with pytest.raises(TensorStreamError, match="9 bytes of 8"):
        unpack_tensors(head + data, ALL)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "no tensor stream"),
        (b"\x00", "0 tensors"),
        (b"\x11", "17 tensors"),
        (bytes((1, 99, 99, 0, 0, 0)), "type 99"),
        (bytes((1, 6, 1, 0, 0, 0)), "type 6 stored as 1"),
        (bytes((1, 2, 2, 9, 1, 1, 1, 7)), "method 9"),
        (bytes((1, 2, 2, 0, 9)), "9 dimensions"),
        (bytes((1, 2, 2, 0, 1, 2, 2, 1, 1, 0)), "bytes follow"),
        (bytes((1, 2, 2, 0, 2, 255, 255, 3, 255, 255, 3, 0)), "more elements"),
        (bytes((1, 2, 2, 0, 1, 2, 3, 1, 1)), "end within"),
        (bytes((1, 2, 2, 0, 1, 2, 1, 1)), "1 bytes of 2"),
    ],
)
def test_a_stream_that_is_none_says_why(stream: bytes, message: str) -> None:
    with pytest.raises(TensorStreamError, match=message):
        unpack_tensors(stream, ALL)


def test_what_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="0 tensors"):
        pack_tensors([])
    with pytest.raises(ValueError, match="a tensor of complex128"):
        pack_tensors([np.zeros(3, complex)])
