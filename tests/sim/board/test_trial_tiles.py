"""Every tile of checks and benchmarks must fit the board, whatever its capabilities."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from downpass.link.serial.fit import misfit
from downpass.link.serial.messages import Capabilities
from downpass.link.serial.testing.rehearsal import capabilities
from downpass.link.serial.trust import capability_fault
from downpass.sim.board.tile_room import trial_bands, trial_side
from downpass.sim.board.transfer import small_tile
from downpass.sim.board.trial_tiles import trial_tiles
from downpass.sim.board.under_test import reference_of, some_jobs
from hypothesis import example, given
from hypothesis import strategies as st


def board_of(features: int) -> Capabilities:
    return replace(capabilities(), features=features)


boards = st.builds(
    replace,
    st.just(capabilities()),
    largest_tile=st.integers(1, 3000),
    most_columns=st.integers(1, 80),
    most_rows=st.integers(1, 80),
    most_bands=st.integers(1, 16),
    bit_depth=st.integers(1, 16),
    features=st.integers(0, 255).filter(lambda bits: not capability_fault(board_of(bits))),
)
SMALL = replace(capabilities(), largest_tile=256, most_bands=3)


@given(boards)
@example(SMALL)
@example(replace(SMALL, largest_tile=1))
@example(replace(SMALL, bit_depth=1))
def test_trial_tiles_fit_every_board(own: Capabilities) -> None:
    line: Any = SimpleNamespace(own=own)
    tiles = [small_tile(line), small_tile(line, seed=2)]
    tiles += [task for _, task in trial_tiles(own, 2)]
    tiles += some_jobs(own, reference_of(own), 2, None, 1)
    for form, samples in tiles:
        assert misfit(form, own, 64) is None
        assert form.bands in (1, 3)  # the learned codec takes no others
        assert max(samples) < 2**form.bit_depth


def test_the_room_of_a_small_board() -> None:
    """256 bytes hold 9 x 9 pixels of three bands (243), and 16 x 16 of one."""
    assert (trial_bands(SMALL), trial_side(SMALL, 3, 16), trial_side(SMALL, 1, 64)) == (3, 9, 16)
    assert trial_bands(replace(SMALL, most_bands=2)) == 1
    assert trial_bands(replace(SMALL, largest_tile=2)) == 1
