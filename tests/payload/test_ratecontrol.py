from __future__ import annotations

from collections.abc import Sequence

import pytest
from downpass.payload.encoders.rate_control import AHEAD, GOOD_ENOUGH, Ladder, fit, smallest_step
from hypothesis import given
from hypothesis import strategies as st

HEADER = 30


def packed(lengths: Sequence[int]) -> int:
    return HEADER + sum(lengths)


@given(
    st.lists(st.floats(5, 2000), min_size=1, max_size=12),
    st.floats(1.001, 1.3),
    st.integers(1, 900),
    st.integers(20, 100_000_000),
    st.integers(0, 900),
    st.floats(0.001, 0.5),
)
def test_a_budget_is_never_exceeded_and_used_where_the_steps_are_fine(
    coarsest: list[float], growth: float, steps: int, budget: int, first: int, slope: float
) -> None:
    asked: list[int] = []

    def lengths(step: int) -> list[int]:
        asked.append(step)
        return [int(min(size * growth**step, 1e12)) for size in coarsest]

    def total(chosen: list[int]) -> int:
        return packed([lengths(step)[tile] for tile, step in enumerate(chosen)])

    chosen = fit(Ladder(lengths, packed, steps), budget, first, slope)
    tries = len(set(asked))
    if chosen is None:
        assert packed(lengths(0)) > budget
        return
    assert total(chosen) <= budget
    assert tries <= 20  # of up to 900 steps
    if total(chosen) < GOOD_ENOUGH * budget:
        # Then none of the coarser tiles could have had one more step.
        for tile in range(len(chosen)):
            if chosen[tile] == min(chosen) < steps - 1:
                finer = chosen.copy()
                finer[tile] += 1
                assert total(finer) > budget


def test_what_is_left_over_goes_to_single_tiles() -> None:
    # Steps of a factor two leave up to half of a budget: 8 tiles of 100 bytes in 1200.
    ladder = Ladder(lambda step: [100 << step] * 8, packed, 5)
    chosen = fit(ladder, 1200 + HEADER, 0, slope=0.7, good_enough=0.97)
    assert chosen is not None
    assert sorted(chosen) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_the_work_grows_in_proportion_to_the_tiles() -> None:
    counted = 0

    def counting(lengths: Sequence[int]) -> int:
        nonlocal counted
        counted += len(lengths)
        return packed(lengths)

    tiles = 3000
    budget = HEADER + 150 * tiles
    chosen = fit(Ladder(lambda step: [100 << step] * tiles, counting, 5), budget, 0, slope=0.7)
    assert chosen is not None
    assert sum(chosen) == tiles // 2
    assert counted < 20 * tiles


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=40), st.integers(1, 10**7))
def test_sizes_that_do_not_rise_do_no_harm(sizes: list[int], budget: int) -> None:
    chosen = fit(
        Ladder(lambda step: [sizes[step]], packed, len(sizes)), budget, len(sizes) // 2, 0.1
    )
    if chosen is None:
        assert packed([sizes[0]]) > budget
    else:
        assert packed([sizes[chosen[0]]]) <= budget


@pytest.mark.parametrize("budget", [100, 140, 250, 900, 3000])
def test_the_coarsest_step_may_be_larger_than_the_next_ones(budget: int) -> None:
    sizes = [4900, 130, 140, 100, 170, *(int(200 * 1.05**step) for step in range(60))]
    ladder = Ladder(lambda step: [sizes[step]], lambda own: own[0], len(sizes))
    chosen = fit(ladder, budget, 30, 0.05)
    assert chosen is not None
    assert budget * 0.7 <= sizes[chosen[0]] <= budget


def test_the_smallest_size_is_where_the_sizes_begin_to_rise() -> None:
    sizes = [500, 80, 90, 70, *[75] * (AHEAD - 1), 60, *[65] * AHEAD, 10]
    asked: list[int] = []

    def lengths(step: int) -> list[int]:
        asked.append(step)
        return [sizes[step]]

    assert smallest_step(Ladder(lengths, packed, len(sizes))) == 3 + AHEAD
    assert len(sizes) - 1 not in asked
    for budget, found in ((HEADER + 60, [3 + AHEAD]), (HEADER + 59, None)):
        assert fit(Ladder(lengths, packed, len(sizes) - 1), budget, 5, 0.05) == found
