"""Two passes, three frames, a fixed rate: small enough to compute by hand.

One satellite, 1000 B packets, 8000 bit/s (one byte a millisecond), confirmed after 0.5 s.
Encoding takes 1 s a frame and makes 10 000 B of it.

    t (s)   0         10        20       30 30.5            60           74.0
    frames  A─►encode  B─►encode C─►encode
    pass 1                       25 ───────── 39.25
    pass 2                                                 60 ─────────── 100

A is captured at 1 s, so it is encoded at 2 s; B at 11 → 12 s; C at 21 → 22 s.

Pass 1, from 25 s to 39.25 s, carries 14 250 B:
    A: 25 → 35 s, 10 000 B, confirmed at 35.5 s.
    B: 35 → 39.25 s, 4250 B, of which 4 whole packets arrive and 250 B are cut off. Heard until
       38.75 s: 3750 B of B, so 3 packets are confirmed.
Pass 2, from 60 s:
    B goes on from byte 3000: 7000 B, 60 → 67 s; the packet 3000–4000 comes twice.
    C: 67 → 77 s, confirmed at 77.5 s; nothing is left and the antenna is released.
"""

from __future__ import annotations

from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import Event
from downpass.sim.model.ledger import Book
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import (
    Arbitration,
    Capture,
    Contact,
    Encoded,
    EncodeOrder,
    MissionSetup,
    SatelliteSetup,
    Situation,
    StationSetup,
)
from downpass.sim.model.simulation import simulate

S = 1_000_000
MS = 1_000


class FixedSource:
    time_kind = "modelled"

    def encode(self, capture: Capture, situation: Situation) -> Encoded:
        return Encoded(size=10_000, ticks=1 * S)


def mission() -> MissionSetup:
    captures = tuple(
        Capture(
            number=n,
            start=10 * n * S,
            end=(10 * n + 1) * S,
            access=n,
            target=n,
            priority=5,
            raw_bytes=50_000,
            samples=50_000,
            width=250,
            height=200,
        )
        for n in range(3)
    )
    satellite = SatelliteSetup(
        name="sat",
        captures=captures,
        working_memory=100_000,
        encode_order=EncodeOrder.PRIORITY,
        recorder_capacity=100_000,
        downlink_order=DownlinkOrder.FIFO,
        drop_rule=DropRule.NEWEST,
        packet=1000,
        acknowledge_ticks=500 * MS,
        encoding_milliwatts=2000,
    )
    passes = [(25 * S, 39_250 * MS), (60 * S, 100 * S)]
    return MissionSetup(
        duration=120 * S,
        seed=1,
        satellites=(satellite,),
        stations=(StationSetup("ground", antennas=1),),
        contacts=tuple(
            Contact(0, 0, Downlink([RateSegment(start, end, 8000)]), index)
            for index, (start, end) in enumerate(passes)
        ),
        arbitration=Arbitration.FIRST_COME,
        targets=("a", "b", "c"),
    )


def test_times_and_bytes_are_those_computed_by_hand() -> None:
    outcome = simulate(mission(), [FixedSource()], audit_every_event=True)
    (satellite,) = outcome.satellites
    a, b, c = (satellite.frames[n] for n in range(3))

    assert [r.encode_end for r in (a, b, c)] == [2 * S, 12 * S, 22 * S]
    assert [r.first_sent for r in (a, b, c)] == [25 * S, 35 * S, 67 * S]
    assert [r.delivered for r in (a, b, c)] == [35 * S, 67 * S, 77 * S]
    assert [r.duplicate_bytes for r in (a, b, c)] == [0, 1000, 0]
    assert {r.state for r in (a, b, c)} == {FrameState.DELIVERED}

    ledger = satellite.ledger
    assert ledger.came_in(Book.RAW) == 150_000
    assert ledger.came_in(Book.FILES) == 30_000
    assert ledger.came_in(Book.AIR) == 14_250 + 17_000
    assert ledger.holds(Book.AIR, "duplicate") == 1000
    assert ledger.by_cause(Book.AIR, "lost") == {"cut off": 250}
    assert ledger.holds(Book.GROUND, "delivered") == 30_000
    assert ledger.holds(Book.FILES, "released") == 30_000
    assert satellite.recorder_bytes == 0
    assert [use.ticks for use in outcome.uses] == [14_250 * MS, 17_500 * MS]
    assert satellite.encode_energy == 3 * 2 * 1_000_000_000  # 3 frames x 1 s x 2 W, in nJ


def test_backlog_follows_the_hand_computed_steps() -> None:
    outcome = simulate(mission(), [FixedSource()])
    steps = [
        (row.time, row.backlog_bytes)
        for row in outcome.events
        if row.event in (Event.STORE, Event.FREE)
    ]
    assert steps == [
        (2 * S, 10_000),
        (12 * S, 20_000),
        (22 * S, 30_000),
        (35_500 * MS, 20_000),
        (67_500 * MS, 10_000),
        (77_500 * MS, 0),
    ]
