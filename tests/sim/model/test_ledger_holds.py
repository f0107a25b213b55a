"""The ledger holds exactly, at every event, whatever the mission."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass

import pytest
from downpass.ground.received_files import ReceivedFiles
from downpass.link.channel.downlink import MARGIN, PACKET_LOSS, RAIN, Downlink, RateSegment
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.audit import LedgerError, audit
from downpass.sim.model.backlog import Backlog
from downpass.sim.model.events import Event, NoEvents
from downpass.sim.model.ledger import CUT_OFF, LOSS_CAUSES, Book, Ledger
from downpass.sim.model.onboard import Onboard
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import (
    Arbitration,
    Capture,
    Contact,
    Encoded,
    EncodeOrder,
    MissionSetup,
    PowerSetup,
    SatelliteSetup,
    Situation,
    StationSetup,
)
from downpass.sim.model.simulation import Outcome, simulate
from downpass.sim.model.ticks import TickEnvironment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

S = 1_000_000
DURATION = 600 * S


@dataclass
class RandomSource:
    """Sizes and times drawn once, looked up by frame."""

    sizes: list[int]
    ticks: list[int]
    time_kind: str = "modelled"

    def encode(self, capture: Capture, situation: Situation) -> Encoded:
        return Encoded(
            self.sizes[capture.number % len(self.sizes)],
            self.ticks[capture.number % len(self.ticks)],
        )


def captures(draw: st.DrawFn, satellite: int) -> tuple[Capture, ...]:
    made, now = [], 0
    for number in range(100 * satellite, 100 * satellite + draw(st.integers(0, 12))):
        now += draw(st.integers(0, 60)) * S
        length = draw(st.integers(0, 3)) * S
        size = draw(st.integers(1, 2000))
        made.append(
            Capture(
                number=number,
                start=now,
                end=now + length,
                access=number,
                target=0,
                priority=draw(st.integers(1, 9)),
                raw_bytes=size,
                samples=size,
                width=size,
                height=1,
            )
        )
        now += length
    return tuple(c for c in made if c.end <= DURATION)


def contacts(draw: st.DrawFn, satellite: int, stations: int) -> list[Contact]:
    made, now = [], draw(st.integers(0, 200)) * S
    for index in range(draw(st.integers(0, 4))):
        start, segments = now, []
        for _ in range(draw(st.integers(1, 3))):
            end = now + draw(st.integers(0, 60)) * S  # a pass may have no length at all
            rate = draw(st.sampled_from([0, 77, 800, 12_345]))
            loss = draw(st.sampled_from([0.0, 0.0, 0.2, 1.0]))
            cause = draw(st.sampled_from([PACKET_LOSS, RAIN, MARGIN]))
            segments.append(RateSegment(now, end, rate, loss, cause))
            now = end
        if start <= DURATION:
            station = draw(st.integers(0, stations - 1))
            made.append(Contact(satellite, station, Downlink(segments), index))
        # The next one may overlap this one, at another station or the same.
        now = max(0, now + draw(st.integers(-30, 90)) * S)
    return made


def power(draw: st.DrawFn) -> PowerSetup | None:
    if draw(st.booleans()):
        return None
    joule = 1_000_000_000
    capacity = draw(st.integers(10, 400)) * joule
    low = draw(st.integers(0, capacity // 2))
    edges = sorted(draw(st.lists(st.integers(0, 600), max_size=6, unique=True)))
    return PowerSetup(
        capacity=capacity,
        charge=draw(st.integers(0, capacity)),
        low=low,
        resume=draw(st.integers(low + capacity // 50, capacity)),  # nearer, and it would chatter
        solar=draw(st.integers(0, 8000)),
        idle=draw(st.integers(0, 2000)),
        imaging=draw(st.integers(0, 5000)),
        encoding=draw(st.integers(0, 5000)),
        transmitting=draw(st.integers(0, 9000)),
        eclipses=tuple((a * S, b * S) for a, b in zip(edges[::2], edges[1::2], strict=False)),
    )


@st.composite
def missions(draw: st.DrawFn) -> tuple[MissionSetup, list[RandomSource]]:
    stations = tuple(
        StationSetup(f"station {n}", draw(st.integers(1, 2)))
        for n in range(draw(st.integers(1, 2)))
    )
    satellites, every_contact, sources = [], [], []
    for index in range(draw(st.integers(1, 3))):
        satellites.append(
            SatelliteSetup(
                name=f"sat {index}",
                captures=captures(draw, index),
                working_memory=draw(st.integers(0, 4000)),
                encode_order=draw(st.sampled_from(EncodeOrder)),
                recorder_capacity=draw(st.integers(0, 3000)),
                downlink_order=draw(st.sampled_from(DownlinkOrder)),
                drop_rule=draw(st.sampled_from(DropRule)),
                packet=draw(st.integers(1, 300)),
                acknowledge_ticks=draw(st.integers(0, 3)) * S // 2,
                encoding_milliwatts=500,
                power=power(draw),
            )
        )
        every_contact += contacts(draw, index, len(stations))
        sizes = draw(st.lists(st.integers(1, 2500), min_size=1, max_size=4))
        ticks = [t * S for t in draw(st.lists(st.integers(0, 40), min_size=1, max_size=3))]
        sources.append(RandomSource(sizes, ticks))
    setup = MissionSetup(
        duration=DURATION,
        seed=draw(st.integers(0, 3)),
        satellites=tuple(satellites),
        stations=stations,
        contacts=tuple(every_contact),
        arbitration=draw(st.sampled_from(Arbitration)),
        targets=("target",),
    )
    return setup, sources


def run(mission: tuple[MissionSetup, list[RandomSource]]) -> Outcome:
    return simulate(mission[0], mission[1], audit_every_event=True)


SLOW = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(missions())
def test_books_hold_at_every_event_and_every_frame_ends_somewhere(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = run(mission)
    assert [row.time for row in outcome.events] == sorted(row.time for row in outcome.events)
    for index, (satellite, planned) in enumerate(
        zip(outcome.satellites, outcome.setup.satellites, strict=True)
    ):
        taken = {c.number for c in planned.captures}
        assert taken == set(satellite.frames) | set(satellite.missed)
        for record in satellite.frames.values():
            if record.state is FrameState.DELIVERED:
                assert record.delivered >= record.stored >= record.encode_end
                assert 0 <= record.received_bytes <= record.encoded_bytes
            if record.state is FrameState.DROPPED:
                assert record.drop_cause
        ledger = satellite.ledger
        without_loss = not any(
            run.probability
            for contact in outcome.setup.contacts
            if contact.satellite == index
            for run in contact.downlink.packet_losses(0, contact.downlink.capacity, 1)
        )
        delivered = [r for r in satellite.frames.values() if r.state is FrameState.DELIVERED]
        if without_loss:
            assert ledger.holds(Book.GROUND, "delivered") == sum(r.encoded_bytes for r in delivered)


@SLOW
@given(missions())
def test_no_antenna_serves_two_and_no_contact_carries_more_than_it_can(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = run(mission)
    busy = [0] * len(outcome.setup.stations)
    linked = [0] * len(outcome.setup.satellites)
    for row in outcome.events:
        step = {Event.GRANT: 1, Event.RELEASE: -1}.get(row.event, 0)
        if step:
            busy[row.station] += step
            linked[row.satellite] += step
            assert 0 <= busy[row.station] <= outcome.setup.stations[row.station].antennas
            assert 0 <= linked[row.satellite] <= 1
    for contact, use in zip(outcome.setup.contacts, outcome.uses, strict=True):
        assert use.received_bytes <= use.sent_bytes <= contact.downlink.capacity
        assert use.ticks <= contact.downlink.end - contact.downlink.start


@SLOW
@given(missions())
def test_each_lost_byte_has_one_cause_that_its_contact_gives(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = run(mission)
    setup = outcome.setup
    for index, satellite in enumerate(outcome.satellites):
        ledger, uses = satellite.ledger, []
        possible = {CUT_OFF}
        for contact, use in zip(setup.contacts, outcome.uses, strict=True):
            if contact.satellite != index:
                continue
            uses.append(use)
            lossy = contact.downlink.packet_losses(0, contact.downlink.capacity, 1)
            causes = {run.cause for run in lossy if run.probability} | {CUT_OFF}
            assert set(use.lost_bytes) <= causes
            assert use.sent_bytes >= use.received_bytes + sum(use.lost_bytes.values())
            possible |= causes
        booked = ledger.by_cause(Book.AIR, "lost")
        assert set(booked) <= possible <= set(LOSS_CAUSES)
        logged = Counter[str]()
        for row in outcome.events:
            if row.satellite == index and row.event is Event.LOSE:
                logged[row.cause] += row.bytes
        counted = Counter[str]()
        for use in uses:
            counted.update(use.lost_bytes)
        assert booked == logged == counted
        assert ledger.came_in(Book.AIR) == sum(use.sent_bytes for use in uses)
        assert ledger.came_in(Book.AIR) == (
            ledger.holds(Book.AIR, "new")
            + ledger.holds(Book.AIR, "duplicate")
            + sum(booked.values())
        )


@settings(SLOW, max_examples=60)
@given(missions())
def test_an_outcome_goes_to_another_process(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = run(mission)
    again: Outcome = pickle.loads(pickle.dumps(outcome))
    assert again.events == outcome.events
    assert again.satellites[0].frames == outcome.satellites[0].frames
    assert [s.ledger.balances() for s in again.satellites] == [
        s.ledger.balances() for s in outcome.satellites
    ]


@SLOW
@given(missions())
def test_backlogs_are_those_of_the_events(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    outcome = run(mission)
    everyone = range(len(outcome.setup.satellites))
    for members, found in [
        *(([index], outcome.backlogs[index]) for index in everyone),
        (everyone, outcome.total_backlog),
    ]:
        held = dict.fromkeys(members, 0)
        now = peak = area = 0
        for row in outcome.events:
            if row.satellite in held:
                area += sum(held.values()) * (row.time - now)
                now, held[row.satellite] = row.time, row.backlog_bytes
                peak = max(peak, sum(held.values()))
        area += sum(held.values()) * (outcome.setup.duration - now)
        assert found == Backlog(peak, area // outcome.setup.duration)


@settings(SLOW, max_examples=60)
@given(missions())
def test_the_same_mission_gives_the_same_events(
    mission: tuple[MissionSetup, list[RandomSource]],
) -> None:
    assert run(mission).events == run(mission).events


def test_audit_notices_a_byte_that_went_astray() -> None:
    setup = MissionSetup(
        duration=1,
        seed=1,
        satellites=(
            SatelliteSetup(
                name="sat",
                captures=(),
                working_memory=0,
                encode_order=EncodeOrder.FIFO,
                recorder_capacity=0,
                downlink_order=DownlinkOrder.FIFO,
                drop_rule=DropRule.NEWEST,
                packet=1,
                acknowledge_ticks=0,
                encoding_milliwatts=0,
            ),
        ),
        stations=(),
        contacts=(),
        arbitration=Arbitration.FIRST_COME,
        targets=(),
    )
    onboard = Onboard(TickEnvironment(), 0, setup.satellites[0], ReceivedFiles(), NoEvents())
    audit(onboard)
    onboard.ledger.move(Book.AIR, "sent", "new", 1)
    with pytest.raises(LedgerError, match="arrived for the first time"):
        audit(onboard)


def test_a_movement_larger_than_its_account_is_refused() -> None:
    ledger = Ledger()
    ledger.move(Book.RAW, "captured", "queued", 10)
    with pytest.raises(ValueError, match="cannot move 11 B from 'queued', which holds 10 B"):
        ledger.move(Book.RAW, "queued", "encoding", 11)
