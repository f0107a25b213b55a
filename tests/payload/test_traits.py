from __future__ import annotations

import pytest
from downpass.payload.encoders.traits import TRAITS
from hypothesis import given
from hypothesis import strategies as st


@given(st.sampled_from(sorted(TRAITS)), st.integers(1, 1 << 16))
def test_sides_of_tiles_are_brought_to_what_the_codec_takes(name: str, side: int) -> None:
    traits = TRAITS[name]
    above, below, nearest = (
        traits.tile_from(side),
        traits.tile_up_to(side),
        traits.nearest_tile(side),
    )
    assert all(traits.takes_tile(one) for one in (above, below, nearest))
    assert below <= side <= above
    assert above - below == (0 if traits.takes_tile(side) else traits.tile_multiple)
    assert nearest in (above, below)
    assert nearest > 0
    if below:
        assert abs(nearest - side) == min(above - side, side - below)


@pytest.mark.parametrize(
    ("name", "frame", "job"),
    [
        pytest.param("jpeg2000", (4, 12), (4, 12), id="a whole tile as it is"),
        pytest.param("student", (4, 12), (3, 8), id="triples of 8-bit values"),
        pytest.param("student", (2, 8), (3, 8), id="two bands fill a triple"),
        pytest.param("student", (1, 16), (1, 8), id="one band alone"),
    ],
)
def test_a_board_gets_jobs_of_these_bands_and_bits(
    name: str, frame: tuple[int, int], job: tuple[int, int]
) -> None:
    assert TRAITS[name].job(*frame) == job
