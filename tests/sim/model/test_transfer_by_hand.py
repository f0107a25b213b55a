"""File transfer by CFDP, computed by hand.

The downlink carries a byte a millisecond from 5 s on. A file has 10,000 bytes in segments of 1000:
48 bytes of metadata, ten File Data PDUs of 1012 bytes, and 18 bytes of EOF, 10,186 in all. PDU k of
the file data begins 48 + 1012 k ms after the first byte. The uplink carries a byte a millisecond,
too, and has a delay of 0.5 s; ACK has 11 bytes, Finished 10, and a NAK of one request 25.
"""

from __future__ import annotations

from typing import Any

import pytest
from downpass.link.channel.downlink import PACKET_LOSS, Downlink, RateSegment
from downpass.payload.recorder import DropRule
from downpass.sim.model.events import Event
from downpass.sim.model.ledger import CUT_OFF, TRANSFER_ENDED, Book
from downpass.sim.model.records import FrameState, TransferOutcome
from downpass.sim.model.sending_entity import NO_ACKNOWLEDGEMENT
from downpass.sim.model.setup import Contact, SatelliteSetup, TransferSetup
from model_builders import MS, Frames, S, capture, contact, events, fly, satellite, times

FILE = Frames(size=10_000)


def craft(*captures: Any, transfer: dict[str, Any] | None = None, **changes: Any) -> SatelliteSetup:
    """A satellite with one frame at 1 s and acknowledged transfer, except for changes."""
    figures: dict[str, Any] = {
        "acknowledged": True,
        "uplink_rate": 8000,
        "uplink_delay": 500 * MS,
        "ack_ticks": 3 * S,
        "nak_ticks": 5 * S,
    }
    return satellite(
        *(captures or (capture(0, 1),)),
        transfer=TransferSetup(**(figures | (transfer or {}))),
        **changes,
    )


def lossy(*stretches: tuple[float, float], start: float = 5.0, light: int = 0) -> Contact:
    """A contact of stretches of seconds and loss, a byte a millisecond."""
    now, segments = round(start * S), []
    for seconds, loss in stretches:
        end = now + round(seconds * S)
        segments.append(RateSegment(now, end, 8000, loss))
        now = end
    return Contact(0, 0, Downlink(segments), 0, light)


# Packet 2 begins at 2072 ms and is lost; packet 3 begins at 3084 ms.
LOSES_PACKET_2 = ((2.0, 0.0), (1.0, 1.0), (90.0, 0.0))


def test_without_losses() -> None:
    outcome = fly([craft()], [contact(5, 100)], FILE)
    (sat,) = outcome.satellites
    assert times(outcome, Event.DELIVER, Event.FREE, Event.RELEASE) == [
        (15.186, "deliver"),
        (15.707, "free"),  # after ACK(EOF) and Finished, 21 ms on the uplink
        (15.718, "release"),  # after ACK(Finished)
    ]
    air = sat.ledger.balances()["air"]
    assert air == {"sent": 10_197, "new": 10_000, "duplicate": 0, "overhead": 197}
    assert sat.ledger.balances()["uplink"] == {"sent": 21, "under way": 0, "received": 21}
    assert sat.transfers == TransferOutcome({"no error": 1}, {}, {})


def test_light_takes_its_time_both_ways() -> None:
    outcome = fly([craft()], [lossy((90.0, 0.0), light=7 * MS)], FILE)
    assert times(outcome, Event.FREE) == [(15.721, "free")]


def test_a_lost_packet_is_requested_after_the_eof() -> None:
    outcome = fly([craft()], [lossy(*LOSES_PACKET_2)], FILE)
    (sat,), (use,) = outcome.satellites, outcome.uses
    # ACK(EOF) and NAK are up at 15.222 s and act at 15.722; the packet takes 1.012 s.
    assert times(outcome, Event.DELIVER, Event.FREE) == [(16.734, "deliver"), (17.244, "free")]
    assert sat.frames[0].received_bytes == 10_000
    assert use.lost_bytes == {PACKET_LOSS: 1012}
    assert sat.ledger.came_in(Book.AIR) == 10_186 + 1012 + 11
    assert sat.ledger.came_in(Book.UPLINK) == 11 + 25 + 10


def test_a_lost_packet_is_requested_at_once() -> None:
    outcome = fly([craft(transfer={"immediate_nak": True})], [lossy(*LOSES_PACKET_2)], FILE)
    # The gap shows with packet 3, at 9.096 s; the NAK acts at 9.621, within packet 4, which ends
    # at 10.108. Then packet 2 comes, and the rest of the file 1.012 s later than planned.
    sends = [(row.time / S, row.bytes) for row in events(outcome, Event.SEND)]
    assert sends[:3] == [(9.096, 48 + 4 * 1012), (10.108, 1012), (11.12, 1012)]
    assert times(outcome, Event.DELIVER) == [(16.198, "deliver")]
    assert outcome.satellites[0].ledger.holds(Book.AIR, "duplicate") == 0


def test_los_between_request_and_answer() -> None:
    # The contact ends at 15.5 s: ACK(EOF) and NAK are lost on their way up.
    first, second = lossy((2.0, 0.0), (1.0, 1.0), (7.5, 0.0)), lossy((50.0, 0.0), start=50)
    outcome = fly([craft()], [first, second], FILE)
    (sat,) = outcome.satellites
    assert sat.ledger.by_cause(Book.UPLINK, "lost") == {CUT_OFF: 36}
    # Timers begin anew at 50 s: the EOF is sent again at 53 s and acknowledged; the NAK goes at
    # 55 s and acts at 55.525 s.
    resent = [(row.time / S, row.bytes) for row in events(outcome, Event.SEND) if row.time > 50 * S]
    assert resent == [(53.018, 18), (56.537, 1012), (57.058, 11)]
    assert times(outcome, Event.DELIVER) == [(56.537, "deliver")]
    assert sat.frames[0].duplicate_bytes == 0
    assert sat.recorder_bytes == 0


def test_a_file_that_los_cuts_goes_on_in_the_next_contact() -> None:
    # Until 9.5 s: metadata and four packets (4096 bytes); 404 bytes of the fifth are cut off.
    outcome = fly([craft()], [contact(5, 9.5), contact(50, 90)], FILE)
    (sat,) = outcome.satellites
    assert outcome.uses[0].lost_bytes == {CUT_OFF: 404}
    assert outcome.uses[0].received_bytes == 4000
    assert outcome.uses[1].sent_bytes == 6 * 1012 + 18 + 11
    assert sat.frames[0].delivered == 50 * S + 6090 * MS
    assert sat.frames[0].duplicate_bytes == 0


def test_a_file_that_still_waits_for_its_packets_is_in_part_and_not_delivered() -> None:
    outcome = fly([craft()], [lossy((2.0, 0.0), (1.0, 1.0), (7.5, 0.0))], FILE, duration=40)
    (sat,) = outcome.satellites
    assert sat.frames[0].state is FrameState.STORED
    assert sat.recorder_bytes == 10_000
    assert sat.transfers == TransferOutcome(
        {}, {"awaiting ACK(EOF)": 1}, {"awaiting missing data": 1}
    )


def test_an_uplink_that_is_dead_suspends_until_the_next_contact() -> None:
    figures = {"uplink_loss": 1.0, "limit": 2}
    outcome = fly([craft(transfer=figures)], [contact(5, 60), contact(100, 160)], FILE)
    (sat,) = outcome.satellites
    # The EOF goes at 15.186 s and twice more, every 3 s, and so does Finished, behind ACK(EOF) on
    # the uplink: until 15.207, 18.225 and 21.243 s. 3 s later both ends have given up.
    eofs = [round(row.time / S, 3) for row in events(outcome, Event.SEND) if row.time < 60 * S]
    assert eofs == [15.186, 18.204, 21.222]
    assert [e for e in times(outcome, Event.RELEASE) if e[0] < 60] == [(24.243, "release")]
    assert sat.frames[0].state is FrameState.DELIVERED
    assert sat.recorder_bytes == 10_000  # nobody told the satellite
    assert sat.transfers == TransferOutcome(
        {}, {"awaiting ACK(EOF)": 1}, {"awaiting ACK(Finished)": 1}
    )


def test_an_uplink_that_is_dead_ends_the_transfer_if_the_scenario_says_so() -> None:
    figures = {"uplink_loss": 1.0, "limit": 2, "gives_up": True}
    outcome = fly([craft(transfer=figures)], [lossy(*LOSES_PACKET_2)], FILE)
    (sat,) = outcome.satellites
    assert sat.frames[0].state is FrameState.DROPPED
    assert sat.frames[0].drop_cause == NO_ACKNOWLEDGEMENT
    assert sat.ledger.by_cause(Book.FILES, "dropped") == {NO_ACKNOWLEDGEMENT: 10_000}
    assert sat.ledger.by_cause(Book.GROUND, "abandoned") == {NO_ACKNOWLEDGEMENT: 9000}
    assert sat.transfers is not None
    assert sat.transfers.ended == {"positive ACK limit reached": 1}


def test_a_receiver_that_gives_up_has_a_damaged_frame_and_the_memory_is_freed() -> None:
    # From 15.2 s on every packet is lost, so no request has an effect; EOF came before.
    link = lossy((2.0, 0.0), (1.0, 1.0), (7.19, 0.0), (80.0, 1.0))
    outcome = fly([craft(transfer={"limit": 1, "gives_up": True})], [link], FILE)
    (sat,) = outcome.satellites
    assert sat.frames[0].state is FrameState.DELIVERED
    assert sat.frames[0].received_bytes == 9000
    assert sat.recorder_bytes == 0
    assert sat.transfers is not None
    assert sat.transfers.ended == {"NAK limit reached": 1}
    assert sat.transfers.open_on_ground == {"awaiting ACK(Finished)": 1}
    assert TRANSFER_ENDED not in sat.ledger.by_cause(Book.AIR, "lost")


def test_a_file_that_gives_way_is_cancelled_at_both_ends() -> None:
    # Sent in part until 9.5 s, dropped for the second at 20 s, which is sent from 50 s on.
    outcome = fly(
        [craft(capture(0, 1), capture(1, 20), recorder_capacity=12_000, drop_rule=DropRule.OLDEST)],
        [contact(5, 9.5), contact(50, 90)],
        FILE,
    )
    (sat,) = outcome.satellites
    assert [sat.frames[n].state for n in (0, 1)] == [FrameState.DROPPED, FrameState.DELIVERED]
    # The EOF (cancel) of 21 bytes goes first.
    assert sat.frames[1].delivered == 50 * S + (21 + 10_186) * MS
    assert sat.transfers == TransferOutcome({"cancel request received": 1, "no error": 1}, {}, {})


def test_a_file_is_not_dropped_while_requested_data_is_sent() -> None:
    # Packet 1 is lost and requested at once, but the contact ends before it can be sent again. It
    # goes first at 50 s; at 50.5 s a frame comes for which the file would have to give way.
    first = lossy((1.0, 0.0), (1.0, 1.0), (3.0, 0.0))
    outcome = fly(
        [
            craft(
                capture(0, 1),
                capture(1, 50.5),
                recorder_capacity=12_000,
                drop_rule=DropRule.OLDEST,
                transfer={"immediate_nak": True, "uplink_delay": 1500 * MS},
            )
        ],
        [first, contact(50, 90)],
        Frames({0: 10_000, 1: 5000}),
    )
    (sat,) = outcome.satellites
    resent = [(row.time / S, row.bytes) for row in events(outcome, Event.RECEIVE)]
    assert (51.012, 1000) in resent
    assert sat.frames[0].state is FrameState.DELIVERED
    assert sat.frames[0].received_bytes == 10_000
    assert sat.frames[1].drop_cause == "recorder full"


@pytest.mark.parametrize("eof_lost", [False, True])
def test_unacknowledged(eof_lost: bool) -> None:
    # The EOF begins at 10,168 ms.
    tail = (4.0, 1.0) if eof_lost else (4.0, 0.0)
    link = lossy((2.0, 0.0), (1.0, 1.0), (7.16, 0.0), tail)
    outcome = fly(
        [craft(transfer={"acknowledged": False, "inactivity_ticks": 20 * S})], [link], FILE
    )
    (sat,), (use,) = outcome.satellites, outcome.uses
    assert times(outcome, Event.FREE, Event.RELEASE) == [(15.186, "free"), (15.186, "release")]
    assert times(outcome, Event.DELIVER) == [(35.186 if eof_lost else 15.186, "deliver")]
    assert (sat.frames[0].received_bytes, use.sent_bytes) == (9000, 10_186)
    assert use.lost_bytes == {PACKET_LOSS: 1012 + (18 if eof_lost else 0)}
    assert "uplink" not in sat.ledger.balances()


def test_unacknowledged_goes_on_after_los_and_sends_nothing_twice() -> None:
    outcome = fly(
        [craft(transfer={"acknowledged": False})], [contact(5, 9.5), contact(50, 90)], FILE
    )
    (sat,) = outcome.satellites
    assert outcome.uses[1].sent_bytes == 6 * 1012 + 18
    assert sat.frames[0].received_bytes == 10_000
    assert sat.frames[0].delivered == 50 * S + 6090 * MS


def test_a_frame_whose_end_is_awaited_is_neither_on_board_nor_delivered() -> None:
    link = lossy((10.16, 0.0), (4.0, 1.0))
    outcome = fly([craft(transfer={"acknowledged": False})], [link], FILE, duration=20)
    (sat,) = outcome.satellites
    assert sat.frames[0].state is FrameState.SENT
    assert sat.recorder_bytes == 0
    assert sat.transfers is not None
    assert sat.transfers.open_on_ground == {"receiving": 1}


def test_two_stations_carry_one_transaction() -> None:
    outcome = fly(
        [craft()],
        [
            lossy((2.0, 0.0), (1.0, 1.0), (3.0, 0.0)),
            Contact(0, 1, Downlink([RateSegment(20 * S, 60 * S, 8000)]), 1),
        ],
        FILE,
        antennas=[1, 1],
    )
    record = outcome.satellites[0].frames[0]
    assert (record.state, record.station) == (FrameState.DELIVERED, 1)
    assert record.received_bytes == 10_000
