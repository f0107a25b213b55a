"""Bytes that were sent and did not arrive are booked under what took them, to the byte."""

from __future__ import annotations

from downpass.link.channel.downlink import MARGIN, PACKET_LOSS, RAIN, Downlink, RateSegment
from downpass.sim.model.events import Event
from downpass.sim.model.ledger import CUT_OFF, Book
from downpass.sim.model.setup import Contact
from model_builders import S, capture, events, fly, satellite


def link(*stretches: tuple[float, float, str]) -> Contact:
    """A contact from 5 s on, one byte a millisecond, in stretches of seconds, loss and cause."""
    now, segments = 5 * S, []
    for seconds, loss, cause in stretches:
        end = now + round(seconds * S)
        segments.append(RateSegment(now, end, 8000, loss, cause))
        now = end
    return Contact(0, 0, Downlink(segments), 0)


def test_a_file_through_rain_a_closed_link_and_the_end_of_the_contact() -> None:
    # 10,000 bytes in packets of 1000. Three packets begin in clear sky, two in rain, one while the
    # mode is beyond the margin, and the contact ends half-way through the eighth.
    contact = link((2.5, 0.0, PACKET_LOSS), (2.0, 1.0, RAIN), (1.0, 1.0, MARGIN), (2.0, 0.0, RAIN))
    outcome = fly([satellite(capture(0, 1), packet=1000)], [contact])
    (sat,), (use,) = outcome.satellites, outcome.uses
    expected = {RAIN: 2000, MARGIN: 1000, CUT_OFF: 500}
    assert sat.ledger.by_cause(Book.AIR, "lost") == dict(sorted(expected.items()))
    assert use.lost_bytes == expected
    assert (use.sent_bytes, use.received_bytes) == (7500, 4000)
    assert outcome.received.missing(0, 7000) == [(3000, 6000)]
    assert [(row.cause, row.bytes) for row in events(outcome, Event.LOSE)] == list(expected.items())


def test_packets_lost_by_the_channel_and_by_rain_stand_apart() -> None:
    contact = link((5.0, 0.5, PACKET_LOSS), (5.0, 1.0, RAIN))
    outcome = fly([satellite(capture(0, 1), packet=10)], [contact])
    lost = outcome.satellites[0].ledger.by_cause(Book.AIR, "lost")
    assert lost[RAIN] == 5000
    assert 2000 < lost[PACKET_LOSS] < 3000
    assert outcome.satellites[0].frames[0].received_bytes == 5000 - lost[PACKET_LOSS]


def test_the_cause_changes_no_draw() -> None:
    def missing(cause: str) -> list[tuple[int, int]]:
        outcome = fly([satellite(capture(0, 1), packet=100)], [link((10.0, 0.3, cause))])
        return outcome.received.missing(0, 10_000)

    assert missing(PACKET_LOSS) == missing(RAIN)
