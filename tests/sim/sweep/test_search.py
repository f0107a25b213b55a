"""Searches for the smallest value, against conditions whose answer is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from downpass.sim.sweep.search import Search, Threshold, smallest, together
from hypothesis import given
from hypothesis import strategies as st


def answered(search: Search, holds: Callable[[int], bool]) -> Threshold:
    wanted = next(search)
    while True:
        try:
            wanted = search.send(holds(wanted))
        except StopIteration as end:
            found: Threshold = end.value
            return found


@given(
    st.integers(1, 10**15), st.integers(1, 10**15), st.integers(1, 10**15),
    st.none() | st.integers(1, 10**15), st.sampled_from([0.5, 0.01, 0.0]),
)  # fmt: skip
def test_a_threshold_is_found_to_the_precision(
    low: int, more: int, answer: int, guess: int | None, precision: float
) -> None:
    high = low + more
    found = answered(smallest(low, high, guess, precision), lambda value: value >= answer)
    assert all(low <= value <= high for value in found.tried)
    assert found.monotone
    if answer > high:
        assert found.value is None
        return
    exact = max(low, answer)
    assert found.value is not None
    assert exact <= found.value <= exact + max(1, precision * found.value)
    assert len(found.tried) < 130


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_right_guess_is_exact_and_quick(low: int, more: int) -> None:
    answer = low + more
    found = answered(smallest(low, 10**12, answer), lambda value: value >= answer)
    assert found.value == answer
    assert len(found.tried) <= 8


@given(st.sets(st.integers(1, 400)), st.integers(1, 400), st.none() | st.integers(1, 400))
def test_without_monotony_nothing_that_was_tried_disagrees(
    holes: set[int], answer: int, guess: int | None
) -> None:
    """The answer and all larger values that were tried hold, and the rest is reported."""

    def holds(value: int) -> bool:
        return value >= answer and value not in holes

    found = answered(smallest(1, 400, guess), holds)
    if found.value is None:
        assert not holds(400)
        assert found.monotone == (not any(found.tried.values()))
        return
    assert holds(found.value)
    assert all(holds(value) for value in found.tried if value >= found.value)
    below = [value for value in found.tried if value < found.value and holds(value)]
    assert found.monotone == (not below)
    assert all(found.tried[value] == holds(value) for value in found.tried)


def test_an_island_below_is_noticed() -> None:
    found = answered(smallest(1, 10_000), lambda value: value >= 4000 or 1900 < value < 2100)
    assert found.value is not None
    assert found.value >= 4000
    assert not found.monotone


@pytest.mark.parametrize("answers", [[5], [5, 900, 10**6], [7] * 20])
def test_searches_ask_together(answers: list[int]) -> None:
    rounds = 0

    def run(values: object) -> dict[int, bool]:
        nonlocal rounds
        rounds += 1
        assert isinstance(values, dict)
        return {key: value >= answers[key] for key, value in values.items()}

    found = together({n: smallest(1, 10**7) for n in range(len(answers))}, run)
    alone = [answered(smallest(1, 10**7), lambda v, a=a: v >= a) for a in answers]  # type: ignore[misc]
    assert list(found.values()) == alone
    assert rounds == max(len(one.tried) for one in alone)
