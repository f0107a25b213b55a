"""A file's transfer without I/O, and the loss probability of each packet of a contact."""

from __future__ import annotations

from itertools import pairwise

import pytest
from downpass.link.channel.downlink import MARGIN, PACKET_LOSS, RAIN, Downlink, RateSegment
from downpass.link.channel.transfer import ResumableTransfer
from hypothesis import given
from hypothesis import strategies as st

TICKS = 1_000_000


@given(st.integers(1, 5000), st.integers(1, 700), st.data())
def test_a_transfer_ends_and_sends_each_whole_packet_once(
    size: int, packet: int, data: st.DataObject
) -> None:
    transfer = ResumableTransfer(size, packet)
    acknowledged = []
    while not transfer.complete:
        start, end = transfer.next_span()
        assert end - start == transfer.remaining
        heard = data.draw(st.one_of(st.just(end - start), st.integers(0, end - start)))
        before = transfer.acknowledged
        transfer.acknowledge((start, start + heard))
        acknowledged.append((before, transfer.acknowledged))
        assert transfer.acknowledged % packet == 0 or transfer.complete
        assert transfer.begun == (transfer.acknowledged > 0)
    assert transfer.remaining == 0
    assert [a for a, _ in acknowledged[1:]] == [b for _, b in acknowledged[:-1]]


@pytest.mark.parametrize("span", [(1, 5), (0, 11)], ids=["not the next byte", "beyond the end"])
def test_an_acknowledgement_that_does_not_fit_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="of a file of 10 bytes"):
        ResumableTransfer(10, 2).acknowledge(span)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([0, 8, 80]),
            st.sampled_from([0.0, 0.1, 1.0]),
            st.sampled_from([PACKET_LOSS, RAIN, MARGIN]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 9),
    st.data(),
)
def test_each_packet_has_the_loss_and_cause_of_the_segment_where_it_begins(
    parts: list[tuple[int, int, float, str]], packet: int, data: st.DataObject
) -> None:
    segments, now = [], 0
    losses: list[tuple[float, str]] = []
    for seconds, rate, loss, cause in parts:
        segments.append(RateSegment(now, now + seconds * TICKS, rate, loss, cause))
        # One entry a byte; rates are whole bytes.
        losses += [(loss, cause)] * (seconds * rate // 8)
        now += seconds * TICKS
    link = Downlink(segments)
    assert link.capacity == len(losses)
    if not losses:
        return
    position = data.draw(st.integers(0, len(losses) - 1))
    packets = data.draw(st.integers(1, -(-(len(losses) - position) // packet)))
    expected = [losses[position + n * packet] for n in range(packets)]
    runs = link.packet_losses(position, packets, packet)
    assert [(run.probability, run.cause) for run in runs for _ in range(run.packets)] == expected
    assert all(one[1:] != two[1:] for one, two in pairwise(runs))


def test_a_probability_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        Downlink([RateSegment(0, 5, 1, 1.5)])
