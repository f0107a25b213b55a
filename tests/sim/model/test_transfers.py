"""File transfer by CFDP over random schedules: exact books, nothing twice, nothing for ever."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace

from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import Event
from downpass.sim.model.ledger import Book
from downpass.sim.model.records import FrameState
from downpass.sim.model.satellite import SatelliteOutcome
from downpass.sim.model.setup import Contact, MissionSetup, TransferSetup
from downpass.sim.model.simulation import Outcome, simulate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_builders import capture, mission
from model_builders import satellite as spacecraft
from test_ledger_holds import DURATION, RandomSource, S, missions

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
Drawn = tuple[MissionSetup, list[RandomSource]]


@st.composite
def transfers(
    draw: st.DrawFn, *, acknowledged: bool, gives_up: bool | None = None
) -> TransferSetup:
    """An acknowledged or unacknowledged transfer with a slow or fast, lossy or clean uplink."""
    return TransferSetup(
        acknowledged=acknowledged,
        immediate_nak=acknowledged and draw(st.booleans()),
        uplink_rate=draw(st.sampled_from([100, 1000, 10**6])),
        uplink_delay=draw(st.sampled_from([0, S // 10, 3 * S])),
        uplink_packet=draw(st.sampled_from([32, 40, 200])),
        uplink_loss=draw(st.sampled_from([0.0, 0.3])),
        ack_ticks=draw(st.integers(1, 20)) * S,
        nak_ticks=draw(st.integers(1, 20)) * S,
        limit=draw(st.sampled_from([1, 3, 30])),
        gives_up=draw(st.booleans()) if gives_up is None else gives_up,
        inactivity_ticks=draw(st.integers(0, 40)) * S,
        name_bytes=draw(st.integers(1, 12)),
    )


@st.composite
def anything(draw: st.DrawFn, *, acknowledged: bool, gives_up: bool | None = None) -> Drawn:
    """A mission of `test_ledger_holds`, with power and small memories, that transfers by CFDP."""
    setup, sources = draw(missions())
    satellites = tuple(
        replace(one, transfer=draw(transfers(acknowledged=acknowledged, gives_up=gives_up)))
        for one in setup.satellites
    )
    return replace(setup, satellites=satellites), sources


@st.composite
def short_contacts(draw: st.DrawFn, *, acknowledged: bool, gives_up: bool | None = None) -> Drawn:
    """Files over several short contacts with losses, so that LOS comes at any point."""
    satellites, contacts, sources = [], [], []
    for index in range(draw(st.integers(1, 2))):
        captures = [
            capture(100 * index + n, end, priority=draw(st.integers(1, 3)))
            for n, end in enumerate(
                sorted(draw(st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True)))
            )
        ]
        satellites.append(
            spacecraft(
                *captures,
                name=f"sat {index}",
                packet=draw(st.sampled_from([10, 50, 300])),
                recorder_capacity=draw(st.sampled_from([10**6, 10**6, 3000])),
                downlink_order=draw(st.sampled_from(DownlinkOrder)),
                drop_rule=draw(st.sampled_from(DropRule)),
                transfer=draw(transfers(acknowledged=acknowledged, gives_up=gives_up)),
            )
        )
        now = draw(st.integers(0, 20 * S))
        for number in range(draw(st.integers(2, 9))):
            segments = []
            for _ in range(draw(st.integers(1, 3))):
                end = now + draw(st.integers(1, 8 * S))
                rate = draw(st.sampled_from([800, 4000, 12_345]))
                segments.append(
                    RateSegment(now, end, rate, draw(st.sampled_from([0, 0.2, 0.6, 1])))
                )
                now = end
            contacts.append(Contact(index, draw(st.integers(0, 1)), Downlink(segments), number))
            now += draw(st.integers(0, 20 * S))
        sources.append(RandomSource(draw(st.lists(st.integers(1, 2500), min_size=1)), [0]))
    setup = mission(satellites, contacts, duration=DURATION / S, antennas=[1, 1])
    return replace(setup, seed=draw(st.integers(0, 10**6))), sources


def drawn(*, acknowledged: bool, gives_up: bool | None = None) -> st.SearchStrategy[Drawn]:
    """A mission of either kind."""
    return st.one_of(
        short_contacts(acknowledged=acknowledged, gives_up=gives_up),
        anything(acknowledged=acknowledged, gives_up=gives_up),
    )


def run(planned: Drawn) -> Outcome:
    return simulate(planned[0], planned[1], audit_every_event=True)


def check_books(outcome: Outcome) -> None:
    """The air and the uplink are booked to the byte, and no frame is delivered or freed twice."""
    for index, satellite in enumerate(outcome.satellites):
        ledger = satellite.ledger
        uses = [
            use
            for contact, use in zip(outcome.setup.contacts, outcome.uses, strict=True)
            if contact.satellite == index
        ]
        lost = ledger.by_cause(Book.AIR, "lost")
        assert ledger.came_in(Book.AIR) == sum(use.sent_bytes for use in uses)
        assert sum(lost.values()) == sum(n for use in uses for n in use.lost_bytes.values())
        assert ledger.came_in(Book.AIR) == sum(lost.values()) + sum(
            ledger.holds(Book.AIR, account) for account in ("new", "duplicate", "overhead")
        )
        rows = [row for row in outcome.events if row.satellite == index]
        for once in (Event.DELIVER, Event.FREE):
            assert max(Counter(r.frame for r in rows if r.event is once).values(), default=0) <= 1
        for kind, account in ((Event.SEND, "sent"), (Event.RECEIVE, "new")):
            source = account == "sent"
            booked = ledger.came_in(Book.AIR) if source else ledger.holds(Book.AIR, account)
            assert booked == sum(row.bytes for row in rows if row.event is kind)
        for record in satellite.frames.values():
            reception = outcome.received.reception(record.capture.number)
            assert record.received_bytes == (reception.new_bytes if reception else 0)
            assert record.received_bytes <= record.encoded_bytes
            freed = any(r.event is Event.FREE and r.frame == record.capture.number for r in rows)
            if freed and record.state is not FrameState.DELIVERED:
                # The ground still waits for the EOF of an unacknowledged file.
                assert record.state is FrameState.SENT
                assert satellite.transfers is not None
                assert satellite.transfers.open_on_ground


@SLOW
@given(drawn(acknowledged=True))
def test_acknowledged_books_hold_and_nothing_comes_twice(planned: Drawn) -> None:
    outcome = run(planned)
    check_books(outcome)
    for satellite in outcome.satellites:
        ledger = satellite.ledger
        assert ledger.came_in(Book.UPLINK) == sum(
            ledger.holds(Book.UPLINK, account) for account in ("under way", "received", "lost")
        )
        assert satellite.transmitting or ledger.holds(Book.UPLINK, "under way") == 0


@SLOW
@given(drawn(acknowledged=False))
def test_unacknowledged_books_hold_and_every_byte_is_sent_once(planned: Drawn) -> None:
    outcome = run(planned)
    check_books(outcome)
    for satellite in outcome.satellites:
        assert satellite.ledger.holds(Book.AIR, "duplicate") == 0
        assert satellite.transfers is not None
        for record in satellite.frames.values():
            assert record.duplicate_bytes == 0


@SLOW
@given(drawn(acknowledged=True, gives_up=False))
def test_what_is_acknowledged_is_whole_and_memory_is_freed_after_that(planned: Drawn) -> None:
    outcome = run(planned)
    delivered: set[int] = set()
    for row in outcome.events:
        if row.event is Event.DELIVER:
            delivered.add(row.frame)
        elif row.event is Event.FREE:
            assert row.frame in delivered
    for satellite in outcome.satellites:
        for record in satellite.frames.values():
            if record.state is FrameState.DELIVERED:
                assert record.received_bytes == record.encoded_bytes


@settings(SLOW, max_examples=40)
@given(drawn(acknowledged=True))
def test_the_same_mission_gives_the_same_events(planned: Drawn) -> None:
    outcome = run(planned)
    assert run(planned).events == outcome.events
    again: Outcome = pickle.loads(pickle.dumps(outcome))
    assert again.satellites[0].transfers == outcome.satellites[0].transfers


def with_clean_contacts(planned: Drawn) -> Drawn:
    """Add long contacts without losses at the end, and no shortage of power."""
    setup, sources = planned
    end = max([DURATION, *(contact.downlink.end for contact in setup.contacts)]) + S
    extra = []
    for _ in range(3):
        for index in range(len(setup.satellites)):
            link = Downlink([RateSegment(end, end + 3000 * S, 80_000)])
            extra.append(Contact(index, 0, link, 0))
        end += 3001 * S
    satellites = tuple(
        replace(
            one,
            power=None,
            transfer=replace(one.transfer, limit=30) if one.transfer else None,
        )
        for one in setup.satellites
    )
    return (
        replace(
            setup,
            satellites=satellites,
            contacts=(*setup.contacts, *extra),
            duration=end,
        ),
        sources,
    )


def check_everything_ended(satellite: SatelliteOutcome, states: set[FrameState]) -> None:
    assert satellite.transfers is not None
    assert satellite.transfers.open_on_board == {}
    assert satellite.transfers.open_on_ground == {}
    assert {record.state for record in satellite.frames.values()} <= states
    assert satellite.recorder_bytes == 0
    assert not satellite.transmitting


@SLOW
@given(st.sampled_from([True, False]).flatmap(lambda a: drawn(acknowledged=a)))
def test_nothing_is_wanted_for_ever(planned: Drawn) -> None:
    """After whatever went wrong, clean contacts end every transaction at both ends."""
    outcome = run(with_clean_contacts(planned))
    check_books(outcome)
    for satellite in outcome.satellites:
        check_everything_ended(satellite, {FrameState.DELIVERED, FrameState.DROPPED})
    # Two clean contacts were enough, so the third is not needed.
    assert all(not use.sent_bytes for use in outcome.uses[-len(outcome.satellites) :])
