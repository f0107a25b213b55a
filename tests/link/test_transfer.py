"""Bytes that arrive in pieces, against a plain set of positions; packets that do not arrive."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from downpass.link.channel.packets import ByteRanges, lost_packets
from hypothesis import given, settings
from hypothesis import strategies as st

SIZE = 60
spans = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda s: (min(s), max(s))),
    max_size=15,
)


@settings(max_examples=300)
@given(spans)
def test_ranges_are_a_set_of_positions(added: list[tuple[int, int]]) -> None:
    ranges, held = ByteRanges(), set[int]()
    for start, end in added:
        new = set(range(start, end)) - held
        assert ranges.add(start, end) == len(new)
        held |= new
        assert ranges.total == len(held)
        assert {b for first, last in ranges for b in range(first, last)} == held
        absent = {b for first, last in ranges.missing(SIZE) for b in range(first, last)}
        assert absent == set(range(SIZE)) - held


@given(spans)
def test_ranges_stay_sorted_apart_and_not_empty(added: list[tuple[int, int]]) -> None:
    ranges = ByteRanges()
    for start, end in added:
        ranges.add(start, end)
    assert all(start < end for start, end in ranges)
    assert all(a[1] < b[0] for a, b in pairwise(list(ranges)))  # those that touch are joined
    gaps = ranges.missing(SIZE)
    assert all(start < end for start, end in gaps)


def test_a_file_that_arrives_in_order_stays_one_range() -> None:
    ranges = ByteRanges()
    for start in range(0, 100, 10):
        assert ranges.add(start, start + 10) == 10
    assert list(ranges) == [(0, 100)]
    assert ranges.missing(105) == [(100, 105)]


def test_nothing_is_lost_at_probability_0_and_all_at_1() -> None:
    rng = random.Random(1)
    assert lost_packets(rng, 1000, 0.0) == []
    assert lost_packets(rng, 5, 1.0) == [0, 1, 2, 3, 4]
    assert lost_packets(rng, 0, 0.5) == []
    assert lost_packets(rng, 0, 1.0) == []


@given(st.integers(0, 2**64), st.integers(0, 500), st.floats(0, 1))
def test_lost_packets_are_rising_numbers_of_packets(
    seed: int, packets: int, probability: float
) -> None:
    lost = lost_packets(random.Random(seed), packets, probability)
    assert all(0 <= index < packets for index in lost)
    assert all(a < b for a, b in pairwise(lost))


def test_a_probability_too_small_to_matter_still_ends() -> None:
    for probability in (1e-300, 5e-324):  # the smallest float's logarithm divides to infinity
        assert lost_packets(random.Random(3), 10**9, probability) == []
    assert len(lost_packets(random.Random(3), 1000, 1 - 2**-53)) == 1000


def test_each_packet_is_lost_alone_with_the_same_probability() -> None:
    probability, packets, trials = 0.1, 20, 20_000
    rng = random.Random(7)
    hits = [0] * packets
    numbers = [0] * (packets + 1)
    after_loss = [0, 0]
    for _ in range(trials):
        lost = set(lost_packets(rng, packets, probability))
        numbers[len(lost)] += 1
        for index in range(packets):
            hits[index] += index in lost
            if index and index - 1 in lost:
                after_loss[index in lost] += 1
    # Every position alike: within five standard deviations of a binomial count.
    deviation = math.sqrt(trials * probability * (1 - probability))
    assert all(abs(count - trials * probability) < 5 * deviation for count in hits)
    # A loss says nothing about the next packet.
    followed = after_loss[1] / sum(after_loss)
    assert abs(followed - probability) < 5 * math.sqrt(0.09 / sum(after_loss))
    # And the number of losses is binomial.
    for count in range(7):
        share = math.comb(packets, count) * probability**count * 0.9 ** (packets - count)
        assert abs(numbers[count] - trials * share) < 5 * math.sqrt(trials * share)


def test_a_seed_loses_the_same_packets_for_ever() -> None:
    # Written down once: a change of these numbers changes the results of every old scenario.
    assert lost_packets(random.Random("1/sat/0/0/0"), 60, 0.1) == [
        *(2, 18, 22, 26, 34, 35, 37, 39, 40, 51, 52)
    ]
