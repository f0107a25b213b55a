"""How many bytes a contact carries, against exact fractions added up the plain way."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.link.clock import TICKS_PER_SECOND
from hypothesis import given
from hypothesis import strategies as st

S = TICKS_PER_SECOND


@st.composite
def segments(draw: st.DrawFn) -> list[RateSegment]:
    edges = [draw(st.integers(0, 10 * S))]
    made = []
    for _ in range(draw(st.integers(1, 5))):
        edges.append(edges[-1] + draw(st.integers(0, 20 * S)))
        rate = draw(st.sampled_from([0, 1, 7, 8, 9600, 123_457]) | st.integers(0, 10**9))
        made.append(RateSegment(edges[-2], edges[-1], rate))
    return made


def bytes_by(parts: list[RateSegment], tick: int) -> Fraction:
    """Bytes carried by a tick, as an exact fraction."""
    return sum(
        (
            Fraction(max(0, min(tick, s.end) - s.start) * s.bits_per_second, 8 * S)
            for s in parts
            if tick > s.start
        ),
        Fraction(0),
    )


@given(segments(), st.data())
def test_bytes_against_time_are_the_exact_integral_rounded_down(
    parts: list[RateSegment], data: st.DataObject
) -> None:
    link = Downlink(parts)
    tick = data.draw(st.integers(parts[0].start - S, parts[-1].end + S))
    assert link.carried_by(tick) == bytes_by(parts, tick) // 1
    for part in parts:
        for edge in (part.start, part.end):
            assert link.carried_by(edge) == bytes_by(parts, edge) // 1
    assert link.capacity == link.carried_by(link.end) == bytes_by(parts, parts[-1].end) // 1


@given(segments(), st.data())
def test_time_of_is_the_first_tick_at_which_so_many_bytes_have_crossed(
    parts: list[RateSegment], data: st.DataObject
) -> None:
    link = Downlink(parts)
    count = data.draw(st.integers(0, link.capacity + 2))
    tick = link.time_of(count)
    if count > link.capacity:
        assert tick is None
        return
    assert tick is not None
    assert link.start <= tick <= link.end
    assert link.carried_by(tick) >= count
    assert count == 0 or link.carried_by(tick - 1) < count


@given(segments(), st.lists(st.integers(-S, 150 * S), min_size=2, max_size=8))
def test_bytes_never_go_back_with_time(parts: list[RateSegment], ticks: list[int]) -> None:
    link = Downlink(parts)
    carried = [link.carried_by(tick) for tick in sorted(ticks)]
    assert all(0 <= a <= b <= link.capacity for a, b in pairwise(carried))


@given(segments(), st.data())
def test_a_segment_cut_in_two_carries_the_same(
    parts: list[RateSegment], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(parts) - 1))
    whole = parts[index]
    cut = data.draw(st.integers(whole.start, whole.end))
    halves = [
        RateSegment(whole.start, cut, whole.bits_per_second),
        RateSegment(cut, whole.end, whole.bits_per_second),
    ]
    cut_link, link = Downlink([*parts[:index], *halves, *parts[index + 1 :]]), Downlink(parts)
    tick = data.draw(st.integers(link.start, link.end))
    assert cut_link.carried_by(tick) == link.carried_by(tick)
    for count in (1, link.capacity // 2, link.capacity):
        if count <= link.capacity:
            assert cut_link.time_of(count) == link.time_of(count)


def test_steps_computed_by_hand() -> None:
    # 1000 B/s for 2 s, silence for 1 s, 2000 B/s for 1.5 s.
    link = Downlink(
        [
            RateSegment(10 * S, 12 * S, 8000),
            RateSegment(12 * S, 13 * S, 0),
            RateSegment(13 * S, 14_500_000, 16_000),
        ]
    )
    assert (link.start, link.end, link.capacity) == (10 * S, 14_500_000, 5000)
    assert link.carried_by(9 * S) == 0
    assert link.carried_by(10 * S + 999) == 0  # a byte takes a whole millisecond
    assert link.carried_by(10 * S + 1000) == 1
    assert link.carried_by(12_700_000) == 2000
    assert link.carried_by(13_250_000) == 2500
    assert link.time_of(0) == 10 * S
    assert link.time_of(2000) == 12 * S  # not the end of the silence
    assert link.time_of(2001) == 13 * S + 500
    assert link.time_of(5000) == 14_500_000
    assert link.time_of(5001) is None


def test_a_contact_without_length_or_without_rate_carries_nothing() -> None:
    for link in (Downlink([RateSegment(5, 5, 10**9)]), Downlink([RateSegment(5, 500, 0)])):
        assert link.capacity == 0
        assert link.time_of(1) is None
        assert link.time_of(0) == 5


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "at least one segment"),
        ([RateSegment(0, 5, 1), RateSegment(6, 9, 1)], "follow each other"),
        ([RateSegment(0, 5, 1), RateSegment(4, 9, 1)], "follow each other"),
        ([RateSegment(5, 4, 1)], "follow each other"),
        ([RateSegment(0, 5, -1)], "must not be negative"),
    ],
)
def test_segments_that_make_no_contact_are_refused(parts: list[RateSegment], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Downlink(parts)
