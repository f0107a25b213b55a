"""Seconds and ticks are the same moments."""

from __future__ import annotations

from downpass.link.clock import TICKS_PER_SECOND, to_seconds, to_ticks
from hypothesis import given
from hypothesis import strategies as st

TWO_HUNDRED_YEARS = 200 * 366 * 86_400 * TICKS_PER_SECOND


@given(st.integers(0, TWO_HUNDRED_YEARS))
def test_a_tick_survives_being_told_in_seconds(tick: int) -> None:
    assert to_ticks(to_seconds(tick)) == tick


def test_seconds_become_the_nearest_microsecond() -> None:
    assert [to_ticks(s) for s in (0.0, 1.5, 1e-6, 0.4e-6, 0.6e-6)] == [0, 1_500_000, 1, 0, 1]
    assert to_seconds(1_234_567) == 1.234567
