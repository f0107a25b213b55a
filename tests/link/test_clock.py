"""Seconds and ticks are the same moments."""

from __future__ import annotations

from downpass.link.clock import TICKS_PER_SECOND, to_seconds, to_whole_milliseconds
from hypothesis import given
from hypothesis import strategies as st

LONGEST = (1 << 32) * TICKS_PER_SECOND
"""Below 2^32 s the floats nearest to a second are half a microsecond apart."""


@given(st.integers(0, LONGEST))
def test_seconds_tell_ticks_apart(tick: int) -> None:
    assert round(to_seconds(tick) * TICKS_PER_SECOND) == tick


def test_seconds_become_the_nearest_millisecond() -> None:
    seconds = (0.0, 1.5, 1e-3, 0.4e-3, 0.6e-3)
    assert [to_whole_milliseconds(s) for s in seconds] == [0, 1_500_000, 1000, 0, 1000]
    assert to_seconds(1_234_567) == 1.234567
