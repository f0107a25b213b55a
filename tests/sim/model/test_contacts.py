"""Contacts and antennas, computed by hand: who gets one, for how long, and what comes of it.

One byte a millisecond and no delay of acknowledgement, unless a test says otherwise.
"""

from __future__ import annotations

import pytest
from downpass.sim.model.events import Event
from downpass.sim.model.ledger import Book
from downpass.sim.model.network import ANTENNA_BUSY, ELSEWHERE, NO_LINK, NO_POWER, NOTHING
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import Arbitration
from model_builders import (
    JOULE,
    MS,
    Frames,
    S,
    capture,
    contact,
    events,
    fly,
    power,
    satellite,
    times,
)


@pytest.mark.parametrize(
    ("rule", "served"),
    [
        (Arbitration.FIRST_COME, [(15, 1), (17, 0), (18, 3)]),
        (Arbitration.PRIORITY, [(15, 0), (16, 1), (18, 3)]),
        (Arbitration.BACKLOG, [(15, 3), (20, 1), (22, 0)]),
    ],
)
def test_three_satellites_ask_for_the_antenna_that_a_fourth_leaves(
    rule: Arbitration, served: list[tuple[int, int]]
) -> None:
    files = [(9, 1000), (5, 2000), (5, 20_000), (1, 5000)]  # priority and bytes of each satellite
    outcome = fly(
        [
            satellite(capture(n, 1, priority=priority), name=f"sat {n}")
            for n, (priority, _) in enumerate(files)
        ],
        [
            contact(12, 60, satellite=0),
            contact(10, 60, satellite=1),
            contact(5, 15, satellite=2),
            contact(13, 60, satellite=3),
        ],
        [Frames(size=size) for _, size in files],
        arbitration=rule,
    )
    grants = [(row.time / S, row.satellite) for row in events(outcome, Event.GRANT)]
    assert grants == [(5, 2), *served]
    assert [use.cause_unused for use in outcome.uses] == ["", "", "", ""]


def test_satellites_that_come_at_once_are_taken_in_the_order_of_the_scenario() -> None:
    outcome = fly(
        [satellite(capture(n, 1), name=f"sat {n}") for n in range(2)],
        [contact(5, 30, satellite=1), contact(5, 30, satellite=0)],
        arbitration=Arbitration.PRIORITY,
    )
    assert [row.satellite for row in events(outcome, Event.GRANT)] == [0, 1]


@pytest.mark.parametrize(
    ("rule", "first"),
    [(Arbitration.FIRST_COME, 1), (Arbitration.PRIORITY, 2), (Arbitration.BACKLOG, 3)],
)
def test_all_who_come_in_the_tick_in_which_the_antenna_is_free_are_heard(
    rule: Arbitration, first: int
) -> None:
    files = [(5, 20_000), (5, 2000), (9, 1000), (1, 5000)]
    outcome = fly(
        [
            satellite(capture(n, 1, priority=priority), name=f"sat {n}")
            for n, (priority, _) in enumerate(files)
        ],
        [
            contact(15, 60, satellite=3),
            contact(15, 60, satellite=2),
            contact(5, 15, satellite=0),
            contact(15, 60, satellite=1),
        ],
        [Frames(size=size) for _, size in files],
        arbitration=rule,
    )
    grants = [(row.time / S, row.satellite) for row in events(outcome, Event.GRANT)]
    assert grants[:2] == [(5, 0), (15, first)]


def test_two_antennas_serve_two_satellites_at_once() -> None:
    sats = [satellite(capture(n, 1), name=f"sat {n}") for n in range(3)]
    contacts = [contact(5, 16, satellite=n) for n in range(3)]
    outcome = fly(sats, contacts, antennas=[2])
    assert [row.time for row in events(outcome, Event.GRANT)] == [5 * S, 5 * S, 15 * S]
    assert [use.sent_bytes for use in outcome.uses] == [10_000, 10_000, 1000]


def test_why_a_contact_went_by_without_a_byte() -> None:
    drained = power(charge=20 * JOULE)
    outcome = fly(
        [
            satellite(capture(0, 1), name="busy"),
            satellite(capture(1, 2), name="waits"),
            satellite(name="empty"),
            satellite(capture(3, 1), name="dark", power=drained),
        ],
        [
            contact(5, 10, satellite=0),
            contact(5, 9, satellite=0, station=1),
            contact(6, 9, satellite=1),
            contact(20, 30, satellite=2),
            contact(20, 30, satellite=3),
            contact(40, 50, satellite=1, rate=0),
        ],
        antennas=[1, 1],
    )
    assert [use.cause_unused for use in outcome.uses] == [
        "",
        ELSEWHERE,
        ANTENNA_BUSY,
        NOTHING,
        NO_POWER,
        NO_LINK,
    ]


def test_a_contact_that_carries_nothing_blocks_neither_antenna_nor_transmitter() -> None:
    # Station 0 sees satellite 0 too low for any rate; station 1 sees it well a little later.
    outcome = fly(
        [satellite(capture(0, 1), name="low"), satellite(capture(1, 1), name="high")],
        [
            contact(5, 100, satellite=0, rate=0),
            contact(10, 100, satellite=0, station=1),
            contact(7, 100, satellite=1),
        ],
        antennas=[1, 1],
    )
    assert times(outcome, Event.GRANT) == [(7, "grant"), (10, "grant")]
    assert [use.sent_bytes for use in outcome.uses] == [0, 10_000, 10_000]


def test_of_several_antennas_the_one_that_carries_most() -> None:
    outcome = fly(
        [satellite(capture(0, 1))],
        [contact(5, 20), contact(5, 20, station=1, rate=80_000)],
        antennas=[1, 1],
    )
    assert [use.sent_bytes for use in outcome.uses] == [0, 10_000]


def test_a_frame_that_one_station_begins_another_ends() -> None:
    # Both see the satellite from 5 s; the first until 9 s.
    outcome = fly(
        [satellite(capture(0, 1))],
        [contact(5, 9, rate=16_000), contact(6, 30, station=1)],
        antennas=[1, 1],
    )
    record = outcome.satellites[0].frames[0]
    assert [use.sent_bytes for use in outcome.uses] == [8000, 2000]
    assert (record.delivered, record.station) == (11 * S, 1)
    assert record.duplicate_bytes == 0


def test_a_contact_without_length_comes_and_goes() -> None:
    outcome = fly([satellite(capture(0, 1))], [contact(5, 5), contact(1000, 1000)])
    assert times(outcome, Event.AOS, Event.LOS, Event.GRANT) == [
        (5, "aos"),
        (5, "los"),
        (1000, "aos"),
        (1000, "los"),
    ]
    assert outcome.satellites[0].recorder_bytes == 10_000


def test_a_run_without_contacts_ends_with_everything_on_board() -> None:
    outcome = fly([satellite(capture(0, 1), capture(1, 2))])
    (sat,) = outcome.satellites
    assert {r.state for r in sat.frames.values()} == {FrameState.STORED}
    assert sat.ledger.came_in(Book.AIR) == 0


def test_the_end_of_the_run_is_the_end_of_the_contact() -> None:
    outcome = fly([satellite(capture(0, 1), acknowledge_ticks=S)], [contact(5, 15)], duration=15)
    (sat,) = outcome.satellites
    assert sat.frames[0].state is FrameState.DELIVERED
    assert sat.frames[0].delivered == 15 * S
    assert sat.recorder_bytes == 10_000  # the last second was never confirmed


def test_an_antenna_is_given_back_and_asked_for_again() -> None:
    outcome = fly([satellite(capture(0, 1), capture(1, 20))], [contact(5, 60)])
    assert times(outcome, Event.GRANT, Event.RELEASE) == [
        (5, "grant"),
        (15, "release"),
        (20, "grant"),
        (30, "release"),
    ]
    assert outcome.uses[0].ticks == 20 * S


def test_a_frame_that_comes_while_the_last_is_being_confirmed_goes_at_once() -> None:
    # Sent by 15 s, confirmed by 20 s; the second is stored at 16 s and must not wait until 20 s.
    outcome = fly(
        [satellite(capture(0, 1), capture(1, 16), acknowledge_ticks=5 * S)], [contact(5, 60)]
    )
    frames = outcome.satellites[0].frames
    assert (frames[1].first_sent, frames[1].delivered) == (16 * S, 26 * S)
    assert times(outcome, Event.RELEASE) == [(31, "release")]
    assert times(outcome, Event.FREE) == [(20, "free"), (31, "free")]


def test_what_was_not_confirmed_before_the_end_comes_twice_and_counts_once() -> None:
    # The last byte is down at LOS; of the last 500 ms nothing was heard.
    outcome = fly(
        [satellite(capture(0, 1), acknowledge_ticks=500 * MS, packet=100)],
        [contact(5, 15), contact(50, 60)],
    )
    (sat,) = outcome.satellites
    record = sat.frames[0]
    assert (record.state, record.delivered) == (FrameState.DELIVERED, 15 * S)
    assert record.duplicate_bytes == 500
    assert record.received_bytes == 10_000
    assert outcome.uses[1].sent_bytes == 500
    assert outcome.uses[1].received_bytes == 0
    assert len(events(outcome, Event.DELIVER)) == 1
    assert times(outcome, Event.FREE) == [(51, "free")]  # sent by 50.5 s, heard at 51 s
    assert sat.ledger.holds(Book.GROUND, "delivered") == 10_000
    assert sat.ledger.holds(Book.AIR, "duplicate") == 500
    assert outcome.events[-1].delivered_bytes == 10_000


def test_the_confirmation_that_comes_with_the_end_is_heard() -> None:
    outcome = fly(
        [satellite(capture(0, 1), acknowledge_ticks=5 * S)], [contact(5, 20), contact(50, 90)]
    )
    assert times(outcome, Event.FREE) == [(20, "free")]
    assert outcome.uses[1].sent_bytes == 0


def test_a_tail_without_a_packet_is_cut_off_and_sent_again() -> None:
    outcome = fly(
        [satellite(capture(0, 1), packet=4096)], [contact(5, 9), contact(50, 90)]
    )  # 4000 B: no whole packet
    (sat,) = outcome.satellites
    assert sat.ledger.by_cause(Book.AIR, "lost") == {"cut off": 4000}
    assert outcome.uses[0].received_bytes == 0
    assert sat.frames[0].delivered == 60 * S
    assert sat.frames[0].first_sent == 5 * S


def test_a_frame_is_first_sent_when_its_first_byte_goes() -> None:
    # The first contact ends within its first byte.
    outcome = fly([satellite(capture(0, 1))], [contact(5, 5.0005, rate=15_999), contact(50, 90)])
    assert outcome.satellites[0].frames[0].first_sent == 50 * S
