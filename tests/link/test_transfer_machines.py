"""Sender and receiver of CFDP against each other: any loss, any order of timers, and LOS."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest
from downpass.link.channel.packets import ByteRanges, Span
from downpass.link.channel.transfer import receiver as receiving
from downpass.link.channel.transfer import sender as sending
from downpass.link.channel.transfer.pdus import (
    METADATA_REQUEST,
    AckEof,
    Condition,
    Finished,
    Nak,
    UplinkPdu,
)
from downpass.link.channel.transfer.receiver import Receiver, ReceiverState, ReceiverTimer
from downpass.link.channel.transfer.sender import Sender, SenderState
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

LIMIT = 3


class Transaction(RuleBasedStateMachine):
    """One file over a link on which hypothesis decides what happens next.

    `down` and `up` hold what is on its way: PDUs arrive in order, or are lost.
    """

    @initialize(
        size=st.integers(1, 60),
        segment=st.integers(1, 9),
        per_nak=st.integers(1, 3),
        immediate=st.booleans(),
    )
    def begin(self, size: int, segment: int, per_nak: int, immediate: bool) -> None:
        self.size, self.segment, self.immediate = size, segment, immediate
        self.sender = Sender(size, segment, acknowledged=True)
        self.arrived = ByteRanges()
        self.receiver = Receiver(
            size, self.arrived, requests_per_nak=per_nak, acknowledged=True, immediate=immediate
        )
        self.down: deque[tuple[str, Span]] = deque()
        self.up: deque[UplinkPdu] = deque()
        self.owes_ack = False
        self.freed = False
        self.per_nak = per_nak

    def send_something(self) -> bool:
        """Send the next PDU as the engine would; return whether there was one."""
        sender = self.sender
        if self.owes_ack:
            self.owes_ack = False
            self.down.append(("ack", (0, 0)))
        elif sender.metadata_due:
            sender.metadata_sent()
            self.down.append(("metadata", (0, 0)))
        elif sender.eof_due:
            cancelling = sender.state is SenderState.CANCELLING
            sender.eof_sent()
            self.down.append(("cancel" if cancelling else "eof", (0, 0)))
        elif sender.requested_bytes:
            (start, end), *rest = sender.take_requests()
            cut = min(end, start + self.segment)
            sender.put_back_requests([(cut, end), *rest] if cut < end else rest)
            self.down.append(("data", (start, cut)))
        elif sender.remaining and sender.state is SenderState.SENDING:
            start, end = sender.sent, min(self.size, sender.sent + self.segment)
            sender.data_sent(end)
            self.down.append(("data", (start, end)))
        else:
            return False
        return True

    @rule(number=st.integers(1, 5))
    def send(self, number: int) -> None:
        for _ in range(number):
            self.send_something()

    @precondition(lambda self: self.down)
    @rule(lost=st.sampled_from([False, False, False, True]))
    def downlink(self, lost: bool) -> None:
        kind, span = self.down.popleft()
        if not lost:
            self.receive(kind, span)

    def receive(self, kind: str, span: Span) -> None:
        receiver = self.receiver
        if kind == "data":
            if receiver.state is not ReceiverState.CLOSED:
                self.arrived.add(*span)
                self.up += receiver.data([span])
        elif kind == "metadata":
            self.up += receiver.metadata()
        elif kind == "eof":
            self.up += receiver.eof()
        elif kind == "cancel":
            self.up += receiver.cancelled()
        else:
            receiver.finished_acknowledged()

    @precondition(lambda self: self.up)
    @rule(lost=st.sampled_from([False, False, False, True]))
    def uplink(self, lost: bool) -> None:
        pdu = self.up.popleft()
        if not lost:
            self.hear(pdu)

    def hear(self, pdu: UplinkPdu) -> None:
        if isinstance(pdu, Finished):
            self.owes_ack = True
        self.sender.receive(pdu)

    @rule()
    def ack_timer(self) -> None:
        self.sender.ack_timer_expired(LIMIT)

    @rule()
    def receivers_timer(self) -> None:
        self.up += self.receiver.timer_expired(LIMIT) or []

    @rule()
    def los_and_a_new_contact(self) -> None:
        self.down.clear()
        self.up.clear()
        self.sender.resume()
        self.receiver.resume()

    @precondition(lambda self: not self.freed)
    @rule(really=st.sampled_from([False, False, False, True]))
    def dropped(self, really: bool) -> None:
        if really:
            self.sender.cancel(Condition.CANCELLED)

    @invariant()
    def requests_are_what_the_sender_has_sent(self) -> None:
        for pdu in self.up:
            if isinstance(pdu, Nak):
                assert 1 <= len(pdu.requests) <= self.per_nak
                assert all(
                    span == METADATA_REQUEST or 0 <= span[0] < span[1] <= self.size
                    for span in pdu.requests
                )

    @invariant()
    def the_sender_ends_only_when_the_receiver_has_it_all_or_it_was_cancelled(self) -> None:
        if self.sender.state is SenderState.ENDED and self.sender.condition is Condition.NO_ERROR:
            assert self.receiver.whole
            assert self.receiver.has_metadata

    @invariant()
    def a_finished_file_is_whole(self) -> None:
        if self.receiver.state is ReceiverState.AWAIT_ACK:
            assert self.receiver.whole

    def teardown(self) -> None:
        """Without losses and with timers that expire when nothing moves, both ends finish."""
        self.sender.resume()
        self.receiver.resume()
        for _ in range(10 * self.size + 100):
            while self.send_something():
                pass
            if not self.down and not self.up:
                self.sender.ack_timer_expired(LIMIT)
                if self.receiver.timer is not None:
                    self.up += self.receiver.timer_expired(LIMIT) or []
            while self.down:
                self.receive(*self.down.popleft())
            while self.up:
                self.hear(self.up.popleft())
            if self.sender.complete and self.receiver.timer is None and not self.owes_ack:
                break
        assert self.sender.state is SenderState.ENDED
        if self.sender.condition is Condition.NO_ERROR:
            assert self.receiver.state is ReceiverState.CLOSED
            assert self.receiver.whole


Transaction.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestTransaction = Transaction.TestCase


@pytest.mark.parametrize(
    ("transitions", "first", "end"),
    [
        (sending.ACKNOWLEDGED, SenderState.SENDING, SenderState.ENDED),
        (sending.UNACKNOWLEDGED, SenderState.SENDING, SenderState.ENDED),
        (receiving.ACKNOWLEDGED, ReceiverState.RECEIVING, ReceiverState.CLOSED),
        (receiving.UNACKNOWLEDGED, ReceiverState.RECEIVING, ReceiverState.CLOSED),
    ],
    ids=["sender, class 2", "sender, class 1", "receiver, class 2", "receiver, class 1"],
)
def test_each_state_that_can_be_reached_can_end(
    transitions: Mapping[tuple[Any, Any], Any], first: Any, end: Any
) -> None:
    reached, frontier = {first}, [first]
    while frontier:
        state = frontier.pop()
        after = {target for (source, _), target in transitions.items() if source is state}
        assert after or state is end
        frontier += after - reached
        reached |= after
    assert end in reached
    assert {source for source, _ in transitions} == reached - {end}


def whole_sender(size: int = 10, segment: int = 4) -> Sender:
    sender = Sender(size, segment, acknowledged=True)
    sender.metadata_sent()
    sender.data_sent(size)
    return sender


def test_an_eof_that_los_cuts_off_is_due_in_the_next_contact() -> None:
    sender = whole_sender()
    assert (sender.remaining, sender.eof_due, sender.state) == (0, True, SenderState.SENDING)
    sender.eof_sent()
    assert (sender.eof_due, sender.awaits_ack) == (False, True)


def test_the_timer_sends_the_eof_again_until_the_limit_and_again_in_the_next_contact() -> None:
    sender = whole_sender()
    sender.eof_sent()
    for _ in range(LIMIT):
        assert sender.ack_timer_expired(LIMIT)
        sender.eof_sent()
    assert not sender.ack_timer_expired(LIMIT)
    sender.resume()
    assert sender.ack_timer_expired(LIMIT)


def test_a_request_is_sent_once_however_often_it_is_made() -> None:
    sender = whole_sender()
    sender.eof_sent()
    for _ in range(3):
        sender.receive(Nak((0, 10), ((0, 4), (8, 10))))
    assert sender.take_requests() == [(0, 4), (8, 10)]
    assert sender.requested_bytes == 0


def test_requests_for_what_was_not_sent_yet_are_left_to_the_first_time() -> None:
    sender = Sender(10, 4, acknowledged=True)
    sender.metadata_sent()
    sender.data_sent(4)
    sender.receive(Nak((0, 10), ((0, 8),)))
    assert sender.take_requests() == [(0, 4)]


@pytest.mark.parametrize("span", [(5, 5), (8, 11), (-1, 2)])
def test_a_request_beyond_the_file_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="of a file of 10 bytes"):
        whole_sender().receive(Nak((0, 10), (span,)))


@pytest.mark.parametrize("end", [3, 11])
def test_what_was_sent_ends_with_a_segment(end: int) -> None:
    with pytest.raises(ValueError, match="in segments of 4 bytes"):
        Sender(10, 4, acknowledged=True).data_sent(end)


def test_a_file_of_which_nothing_was_sent_is_cancelled_without_a_word() -> None:
    sender = Sender(10, 4, acknowledged=True)
    sender.cancel(Condition.CANCELLED)
    assert (sender.state, sender.eof_due, sender.metadata_due) == (SenderState.ENDED, False, False)


def test_unacknowledged_ends_with_its_eof() -> None:
    sender = Sender(10, 4, acknowledged=False)
    sender.metadata_sent()
    sender.data_sent(10)
    assert not sender.complete
    sender.eof_sent()
    assert sender.complete


def receiver(arrived: ByteRanges, *, immediate: bool = False, per_nak: int = 9) -> Receiver:
    made = Receiver(20, arrived, requests_per_nak=per_nak, acknowledged=True, immediate=immediate)
    made.metadata()
    return made


def test_deferred_requests_come_with_the_eof() -> None:
    arrived = ByteRanges()
    one = receiver(arrived)
    for span in ((0, 4), (8, 12)):
        arrived.add(*span)
        assert one.data([span]) == []
    assert one.eof() == [AckEof(), Nak((0, 20), ((4, 8), (12, 20)))]
    assert one.timer is ReceiverTimer.NAK
    assert one.timer_expired(LIMIT) == [Nak((0, 20), ((4, 8), (12, 20)))]
    arrived.add(4, 8)
    arrived.add(12, 20)
    assert one.data([(4, 8), (12, 20)]) == [Finished()]


def test_immediate_requests_come_with_the_gap_and_only_the_rest_with_the_eof() -> None:
    arrived = ByteRanges()
    one = receiver(arrived, immediate=True)
    for span, answer in (
        ((0, 4), []),
        ((8, 12), [Nak((0, 12), ((4, 8),))]),
        ((12, 16), []),
    ):
        arrived.add(*span)
        assert one.data([span]) == answer
    assert one.eof() == [AckEof(), Nak((12, 20), ((16, 20),))]


def test_a_lost_metadata_pdu_is_requested() -> None:
    arrived = ByteRanges()
    one = Receiver(20, arrived, requests_per_nak=9, acknowledged=True)
    arrived.add(0, 20)
    one.data([(0, 20)])
    assert one.eof() == [AckEof(), Nak((0, 20), (METADATA_REQUEST,))]
    assert one.metadata() == [Finished()]


def test_a_second_eof_is_acknowledged_again_and_nothing_else() -> None:
    arrived = ByteRanges()
    one = receiver(arrived)
    arrived.add(0, 20)
    one.data([(0, 20)])
    assert one.eof() == [AckEof(), Finished()]
    assert one.eof() == [AckEof()]
    one.finished_acknowledged()
    assert one.eof() == [AckEof()]
    assert one.timer is None


def test_at_the_limit_the_receiver_gives_up_with_what_it_has() -> None:
    arrived = ByteRanges()
    one = receiver(arrived)
    one.eof()
    for _ in range(LIMIT):
        assert one.timer_expired(LIMIT)
    assert one.timer_expired(LIMIT) is None
    assert one.give_up() == [Finished(Condition.NAK_LIMIT)]
    assert one.state is ReceiverState.AWAIT_ACK
    assert not one.whole
