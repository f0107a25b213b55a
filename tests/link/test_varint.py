from __future__ import annotations

import pytest
from downpass.link.container import varint
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(0, varint.MAXIMUM))
def test_a_number_comes_back_and_has_the_size_it_says(value: int) -> None:
    data = varint.pack(value)
    assert len(data) == varint.size(value)
    assert varint.unpack(b"x" + data + b"y", 1) == (value, 1 + len(data))


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_signed_number_comes_back(value: int) -> None:
    assert varint.unpack_signed(varint.pack_signed(value), 0)[0] == value


@pytest.mark.parametrize(
    ("value", "data"),
    # DWARF 5, table 7.7, and the largest that is allowed
    [
        (2, "02"),
        (127, "7f"),
        (128, "8001"),
        (129, "8101"),
        (12857, "b964"),
        (2**32 - 1, "ffffffff0f"),
    ],
)
def test_known_encodings(value: int, data: str) -> None:
    assert varint.pack(value).hex() == data


@pytest.mark.parametrize("data", ["", "80", "8000", "ff00", "ffffffff1f", "ffffffffff01"])
def test_cut_off_overlong_and_too_large_numbers_are_refused(data: str) -> None:
    with pytest.raises(ValueError):
        varint.unpack(bytes.fromhex(data), 0)


@pytest.mark.parametrize("value", [-1, 2**32])
def test_what_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        varint.pack(value)
