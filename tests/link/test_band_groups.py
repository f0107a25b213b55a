from __future__ import annotations

import pytest
from downpass.link.container.band_groups import band_groups
from downpass.payload.encoders.registry import names
from hypothesis import given
from hypothesis import strategies as st

TILED = [name for name in names() if name != "student"]

# By the table of docs/bitstream.md, "A tile's bytes".
CASES = [
    ("jpeg2000", 2, [[0, 1]]),
    ("jpeg2000", 3, [[0, 1, 2]]),
    ("jpeg2000", 13, [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9, 10], [11, 12]]),
    ("jpegxl", 2, [[0], [1]]),
    ("jpegxl", 5, [[0, 1, 2], [3], [4]]),
    ("jpegls", 2, [[0], [1]]),
    ("jpegls", 3, [[0, 1, 2]]),
    ("jpegls", 6, [[0, 1, 2, 3], [4], [5]]),
    ("ccsds121", 5, [[0, 1, 2, 3, 4]]),
    ("avif", 4, [[0, 1, 2], [3]]),
]


@pytest.mark.parametrize(
    ("codec", "bands", "groups"), CASES, ids=[f"{codec}-{bands}" for codec, bands, _ in CASES]
)
def test_groups_are_those_of_the_bitstream_document(
    codec: str, bands: int, groups: list[list[int]]
) -> None:
    assert band_groups(codec, bands) == groups


@given(st.sampled_from(TILED), st.integers(1, 64))
def test_every_band_is_coded_once_in_order(codec: str, bands: int) -> None:
    groups = band_groups(codec, bands)
    assert [band for group in groups for band in group] == list(range(bands))
    assert all(groups)


def test_the_learned_codec_has_a_rule_of_its_own() -> None:
    with pytest.raises(KeyError):
        band_groups("student", 3)
