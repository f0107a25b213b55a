"""Working memory, recorder, priorities and packet loss, computed by hand."""

from __future__ import annotations

import random

import pytest
from downpass.link.channel.packets import lost_packets
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import Event
from downpass.sim.model.frame_store import GAVE_WAY, GAVE_WAY_DELIVERED, RECORDER_FULL
from downpass.sim.model.ledger import Book
from downpass.sim.model.processor import MEMORY_FULL
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import EncodeOrder
from model_builders import Frames, S, capture, contact, events, fly, satellite, times

DELIVERED, DROPPED, STORED = FrameState.DELIVERED, FrameState.DROPPED, FrameState.STORED


def test_a_frame_that_finds_working_memory_full_is_dropped() -> None:
    # Room for two; encoding takes 10 s, so frame 0 leaves at 11 s and frame 1 at 21 s.
    shots = [capture(n, at) for n, at in enumerate((1, 2, 3, 12, 13))]
    outcome = fly([satellite(*shots, working_memory=20_000)], frames=Frames(seconds=10))
    (sat,) = outcome.satellites
    causes = [r.drop_cause for r in sat.frames.values()]
    assert causes == ["", "", MEMORY_FULL, "", MEMORY_FULL]
    assert [r.encode_start // S for r in sat.frames.values() if r.encode_start >= 0] == [1, 11, 21]
    assert sat.ledger.by_cause(Book.RAW, "dropped") == {MEMORY_FULL: 20_000}
    assert sat.ledger.came_in(Book.RAW) == 50_000
    assert max(row.queued_bytes for row in outcome.events) == 20_000
    assert times(outcome, Event.DROP) == [(3, "drop"), (13, "drop")]


def test_a_frame_larger_than_working_memory_never_fits() -> None:
    outcome = fly([satellite(capture(0, 1, raw=100), capture(1, 2, raw=99), working_memory=99)])
    assert [r.state for r in outcome.satellites[0].frames.values()] == [DROPPED, STORED]


@pytest.mark.parametrize(
    ("order", "expected"), [(EncodeOrder.PRIORITY, [0, 2, 1, 3]), (EncodeOrder.FIFO, [0, 1, 2, 3])]
)
def test_an_important_frame_overtakes_before_the_encoder(
    order: EncodeOrder, expected: list[int]
) -> None:
    shots = [capture(n, n + 1, priority=p) for n, p in enumerate((1, 1, 9, 1))]
    outcome = fly([satellite(*shots, encode_order=order)], frames=Frames(seconds=5))
    assert [row.frame for row in events(outcome, Event.ENCODE_START)] == expected
    assert [row.time // S for row in events(outcome, Event.ENCODE_END)] == [6, 11, 16, 21]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (DownlinkOrder.PRIORITY, [0, 3, 1, 2]),
        (DownlinkOrder.FIFO, [0, 1, 2, 3]),
        (DownlinkOrder.NEWEST, [2, 3, 1, 0]),  # 3 comes while 2 is being sent
    ],
)
def test_an_important_frame_overtakes_before_the_transmitter(
    order: DownlinkOrder, expected: list[int]
) -> None:
    shots = [capture(n, at, priority=p) for n, (at, p) in enumerate([(1, 5), (2, 5), (3, 5)])]
    shots.append(capture(3, 8, priority=9))
    outcome = fly([satellite(*shots, downlink_order=order)], [contact(5, 100)])
    assert [row.frame for row in events(outcome, Event.DELIVER)] == expected
    assert [row.time // S for row in events(outcome, Event.DELIVER)] == [15, 25, 35, 45]


def test_a_frame_cut_off_goes_on_before_its_equals_but_after_its_betters() -> None:
    # Pass 1 carries 4000 B of frame 0. Before pass 2 a better one has come.
    shots = [capture(0, 1), capture(1, 2), capture(2, 20, priority=9)]
    outcome = fly(
        [satellite(*shots, downlink_order=DownlinkOrder.PRIORITY)],
        [contact(5, 9), contact(50, 100)],
    )
    delivered = [(row.frame, row.time // S) for row in events(outcome, Event.DELIVER)]
    assert delivered == [(2, 60), (0, 66), (1, 76)]


@pytest.mark.parametrize(
    ("rule", "states", "causes"),
    [
        # Priorities 5, 2, 9 and 4, room for two.
        (DropRule.LOWEST_PRIORITY, [STORED, DROPPED, STORED, DROPPED], [GAVE_WAY, RECORDER_FULL]),
        (DropRule.OLDEST, [DROPPED, DROPPED, STORED, STORED], [GAVE_WAY, GAVE_WAY]),
        (DropRule.NEWEST, [STORED, STORED, DROPPED, DROPPED], [RECORDER_FULL, RECORDER_FULL]),
    ],
)
def test_who_is_dropped_when_the_recorder_is_full(
    rule: DropRule, states: list[FrameState], causes: list[str]
) -> None:
    shots = [capture(n, n + 1, priority=p) for n, p in enumerate((5, 2, 9, 4))]
    outcome = fly([satellite(*shots, recorder_capacity=25_000, drop_rule=rule)])
    (sat,) = outcome.satellites
    assert [r.state for r in sat.frames.values()] == states
    assert [row.cause for row in events(outcome, Event.DROP)] == causes
    assert sum(sat.ledger.by_cause(Book.FILES, "dropped").values()) == 20_000
    assert sat.recorder_bytes == 20_000


def test_a_frame_on_its_way_down_does_not_give_way() -> None:
    # Frame 0 is being sent from 5 s to 15 s; at 8 s the recorder is full with it alone.
    shots = [capture(0, 1, priority=1), capture(1, 8, priority=9), capture(2, 20, priority=9)]
    outcome = fly(
        [satellite(*shots, recorder_capacity=15_000, drop_rule=DropRule.LOWEST_PRIORITY)],
        [contact(5, 100)],
    )
    assert [r.drop_cause for r in outcome.satellites[0].frames.values()] == ["", RECORDER_FULL, ""]


def test_what_the_ground_has_of_a_dropped_frame_is_abandoned() -> None:
    shots = [capture(0, 1, priority=1), capture(1, 20, priority=9)]
    outcome = fly(
        [satellite(*shots, recorder_capacity=15_000, drop_rule=DropRule.LOWEST_PRIORITY)],
        [contact(5, 9)],
    )
    (sat,) = outcome.satellites
    assert sat.frames[0].state is DROPPED
    assert sat.frames[0].received_bytes == 4000
    assert sat.ledger.by_cause(Book.GROUND, "abandoned") == {GAVE_WAY: 4000}
    assert sat.ledger.holds(Book.GROUND, "delivered") == 0


def test_a_frame_delivered_but_not_confirmed_stays_delivered_when_it_gives_way() -> None:
    shots = [capture(0, 1, priority=1), capture(1, 20, priority=9)]
    outcome = fly(
        [
            satellite(
                *shots,
                recorder_capacity=15_000,
                drop_rule=DropRule.LOWEST_PRIORITY,
                acknowledge_ticks=S,
            )
        ],
        [contact(5, 15)],
    )
    (sat,) = outcome.satellites
    assert sat.frames[0].state is DELIVERED
    assert sat.frames[0].drop_cause == ""
    assert [row.cause for row in events(outcome, Event.DROP)] == [GAVE_WAY_DELIVERED]
    assert sat.ledger.holds(Book.GROUND, "delivered") == 10_000
    assert sat.ledger.by_cause(Book.FILES, "dropped") == {GAVE_WAY_DELIVERED: 10_000}


def test_lost_packets_are_the_ones_drawn_and_nothing_else_is_missing() -> None:
    outcome = fly([satellite(capture(0, 1), packet=300)], [contact(5, 60, loss=0.2)])
    # 34 packets, the last of 100 B; the draw is of seed, satellite, frame, offset and moment.
    drawn = lost_packets(random.Random(f"1/sat/0/0/{15 * S}"), 34, 0.2)
    assert 0 < len(drawn) < 34
    gone = {b for index in drawn for b in range(300 * index, min(10_000, 300 * index + 300))}
    spans = outcome.received.missing(0, 10_000)
    assert {b for start, end in spans for b in range(start, end)} == gone
    (sat,) = outcome.satellites
    assert sat.frames[0].received_bytes == 10_000 - len(gone)
    assert sat.ledger.by_cause(Book.AIR, "lost") == {"packet loss": len(gone)}
    assert sat.ledger.holds(Book.GROUND, "delivered") == 10_000 - len(gone)
    assert sat.recorder_bytes == 0


def test_another_seed_loses_other_packets() -> None:
    def missing(seed: int) -> list[tuple[int, int]]:
        sat = satellite(capture(0, 1), packet=100)
        return fly([sat], [contact(5, 60, loss=0.2)], seed=seed).received.missing(0, 10_000)

    assert missing(1) == missing(1)
    assert missing(1) != missing(2)


def test_a_second_transmission_may_bring_what_the_first_lost() -> None:
    # All 10 packets of a frame are sent in pass 1 and none is confirmed, so all come again.
    sat = satellite(capture(0, 1), acknowledge_ticks=20 * S)
    outcome = fly([sat], [contact(5, 15, loss=0.5), contact(50, 100, loss=0.5)])
    record = outcome.satellites[0].frames[0]
    missing = outcome.received.missing(0, 10_000)
    first, second = (
        set(lost_packets(random.Random(f"1/sat/0/0/{at * S}"), 10, 0.5)) for at in (15, 60)
    )
    assert first != second
    assert sum(end - start for start, end in missing) == 1000 * len(first & second)
    assert record.received_bytes == 10_000 - 1000 * len(first & second)
    assert record.duplicate_bytes == 1000 * (10 - len(first | second))
    assert record.delivered == 15 * S
    assert outcome.events[-1].delivered_bytes == record.received_bytes
