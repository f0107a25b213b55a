"""Requantisation of stored frames when the recorder is full, computed by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import Event
from downpass.sim.model.frame_store import GAVE_WAY, RECORDER_FULL
from downpass.sim.model.ledger import Book
from downpass.sim.model.records import FrameRecord, FrameState
from downpass.sim.model.setup import (
    Capture,
    Encoded,
    PowerSetup,
    SatelliteSetup,
    ShrinkSetup,
    TransferSetup,
)
from downpass.sim.model.simulation import Outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from model_builders import Frames, S, capture, contact, events, fly, power, satellite

DELIVERED, DROPPED, STORED = FrameState.DELIVERED, FrameState.DROPPED, FrameState.STORED


@dataclass
class Shrinking(Frames):
    """Frames that take a budget exactly, in `shrink_seconds`, but are never below `smallest`."""

    shrink_seconds: float = 2.0
    smallest: int = 1

    def requantise(self, record: FrameRecord, budgets: tuple[int, ...]) -> Encoded:
        size = budgets[-1] if budgets[-1] >= self.smallest else record.encoded_bytes
        return Encoded(size, round(self.shrink_seconds * S))


def shrinking(
    *shots: Capture, least: float | None = None, capacity: int = 25_000, **changes: object
) -> SatelliteSetup:
    """A satellite with room for two and a half frames, which shrinks frames of 10,000 px."""
    microbits = None if least is None else round(least * 1_000_000)
    given_changes: dict[str, object] = {
        "recorder_capacity": capacity,
        "drop_rule": DropRule.LOWEST_PRIORITY,
        "shrink": ShrinkSetup(microbits),
    }
    return satellite(*shots, **(given_changes | changes))


def sizes(outcome: Outcome) -> list[int]:
    return [record.encoded_bytes for record in outcome.satellites[0].frames.values()]


def states(outcome: Outcome) -> list[FrameState]:
    return [record.state for record in outcome.satellites[0].frames.values()]


def test_the_least_important_frame_shrinks_first_and_nothing_is_dropped() -> None:
    # Frame 3 finds 20,000 B of 25,000 B used: frame 1 shrinks to 2500 B from 3 s to 5 s, which
    # makes 22,500 B with the new one. Frame 3 then shrinks frame 0 from 5 s to 7 s.
    shots = [capture(n, n + 1, priority=p) for n, p in enumerate((5, 2, 9, 7))]
    outcome = fly([shrinking(*shots)], frames=Shrinking())
    (sat,) = outcome.satellites
    assert sizes(outcome) == [2500, 2500, 10_000, 10_000]
    assert states(outcome) == [STORED] * 4
    assert sat.recorder_bytes == 25_000
    done = [(row.time / S, row.frame, row.bytes) for row in events(outcome, Event.REQUANTISE_END)]
    assert done == [(5, 1, 7500), (7, 0, 7500)]
    assert [row.time / S for row in events(outcome, Event.STORE)] == [1, 2, 5, 7]
    assert sat.ledger.came_in(Book.FILES) == 40_000
    assert sat.ledger.holds(Book.FILES, "requantised") == 15_000
    assert sat.ledger.holds(Book.FILES, "dropped") == 0


def test_time_and_energy_are_the_processors() -> None:
    shots = [capture(n, n + 1) for n in range(4)]
    sat = shrinking(*shots, encoding_milliwatts=3000)
    outcome = fly([sat], frames=Shrinking(seconds=1))
    # Four encodes of 1 s, and two requantisations of 2 s, at 3 W.
    assert outcome.satellites[0].encode_energy == 3 * 8 * 10**9
    assert [r.requantise_ticks for r in outcome.satellites[0].frames.values()] == [2 * S] * 2 + [
        0
    ] * 2
    # Frame 2 is encoded from 3 s to 4 s, and frame 0 then shrinks; frame 3 waits until 6 s.
    assert [row.time / S for row in events(outcome, Event.ENCODE_START)] == [1, 2, 3, 6]


def test_a_frame_does_not_shrink_for_a_less_important_one() -> None:
    # The new frame shrinks itself, to 2500 B, and then fits.
    shots = [capture(n, n + 1, priority=p) for n, p in enumerate((5, 5, 1))]
    assert sizes(fly([shrinking(*shots)], frames=Shrinking())) == [10_000, 10_000, 2500]
    # With room for two exactly, it does not, and is dropped as it would be without shrinking.
    outcome = fly([shrinking(*shots, capacity=20_000)], frames=Shrinking())
    (sat,) = outcome.satellites
    assert states(outcome) == [STORED, STORED, DROPPED]
    assert sat.ledger.by_cause(Book.FILES, "dropped") == {RECORDER_FULL: 2500}
    assert sat.ledger.holds(Book.FILES, "requantised") == 7500


def test_the_floor_ends_it_and_frames_are_dropped() -> None:
    # 10,000 pixels and a floor of 4 bits: 5000 B, so four frames of 5000 B fill 20,000 B.
    shots = [capture(n, 10 * n + 1) for n in range(5)]
    outcome = fly([shrinking(*shots, least=4, capacity=20_000)], frames=Shrinking())
    (sat,) = outcome.satellites
    assert states(outcome) == [DROPPED] + [STORED] * 4
    assert sizes(outcome) == [5000] * 5
    assert sat.ledger.by_cause(Book.FILES, "dropped") == {GAVE_WAY: 5000}


def test_a_floor_allows_several_steps_and_no_floor_one() -> None:
    shots = [capture(n, 20 * n + 1) for n in range(6)]
    once = fly([shrinking(*shots, capacity=11_000)], frames=Shrinking())
    assert sizes(once)[-4:] == [2500] * 4
    assert states(once) == [DROPPED] * 2 + [STORED] * 4
    often = fly([shrinking(*shots, least=0.1, capacity=11_000)], frames=Shrinking())
    assert states(often) == [STORED] * 6
    assert min(sizes(often)) == 125  # 10,000 -> 2500 -> 625 -> 157 -> 125, the floor


def test_what_the_codec_cannot_make_smaller_is_tried_once() -> None:
    shots = [capture(n, 10 * n + 1) for n in range(4)]
    outcome = fly([shrinking(*shots)], frames=Shrinking(smallest=9000))
    # Frame 2 finds that neither 0, 1 nor itself can shrink, and frame 3 that only itself is new.
    assert [row.frame for row in events(outcome, Event.REQUANTISE_END)] == [0, 1, 2, 3]
    assert states(outcome) == [DROPPED, DROPPED, STORED, STORED]
    assert sizes(outcome) == [10_000] * 4


def test_a_frame_whose_transmission_has_begun_keeps_its_bytes() -> None:
    # The pass carries 4000 B of frame 0. Later frame 1 shrinks, although 0 is older.
    shots = [capture(0, 1), capture(1, 20), capture(2, 21)]
    outcome = fly([shrinking(*shots)], [contact(5, 9)], frames=Shrinking())
    assert sizes(outcome) == [10_000, 2500, 10_000]


def test_a_frame_that_shrinks_is_not_sent_meanwhile() -> None:
    # Frame 0 shrinks from 3 s to 13 s, while the contact at 5 s sends frame 1, then 0.
    shots = [capture(n, n + 1) for n in range(3)]
    sat = shrinking(*shots, downlink_order=DownlinkOrder.FIFO)
    outcome = fly([sat], [contact(5, 100)], frames=Shrinking(shrink_seconds=10))
    delivered = [(row.frame, row.time / S, row.bytes) for row in events(outcome, Event.DELIVER)]
    assert delivered == [(1, 15, 10_000), (0, 17.5, 2500), (2, 27.5, 10_000)]


def test_it_pauses_while_the_battery_is_low() -> None:
    # 33 J at 3 s, and 4 W net: 20 J after 3.25 s. The sun brings 10 J in 10 s.
    # The rest takes 1.75 s.
    shots = [capture(n, n + 1) for n in range(3)]
    battery = power(encoding=5000, solar=1000)
    outcome = fly([shrinking(*shots, power=battery)], frames=Shrinking(shrink_seconds=5))
    (done,) = events(outcome, Event.REQUANTISE_END)
    assert done.time == 18 * S
    assert outcome.satellites[0].frames[0].requantise_ticks == 5 * S


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_transfer_sends_the_smaller_file(acknowledged: bool) -> None:
    shots = [capture(n, n + 1) for n in range(3)]
    sat = shrinking(*shots, transfer=TransferSetup(acknowledged=acknowledged))
    outcome = fly([sat], [contact(10, 100)], frames=Shrinking())
    assert states(outcome) == [DELIVERED] * 3
    assert [r.received_bytes for r in outcome.satellites[0].frames.values()] == [
        2500,
        10_000,
        10_000,
    ]


def test_without_the_key_nothing_changes() -> None:
    shots = [capture(n, n + 1, priority=n % 3) for n in range(8)]
    plain = shrinking(*shots, shrink=None)
    assert fly([plain], frames=Shrinking()).events == fly([plain], frames=Frames()).events


def test_a_source_that_cannot_requantise_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="cannot requantise"):
        fly([shrinking(capture(0, 1))], frames=Frames())


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9), st.integers(1, 12_000)), max_size=14),
    st.integers(1000, 40_000),
    st.sampled_from([None, 0.2, 2.0]),
    st.sampled_from(list(DropRule)),
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 20)), max_size=4),
    st.sampled_from([None, TransferSetup(False), TransferSetup(True)]),
    st.sampled_from([None, power(encoding=4000, transmitting=3000, solar=2500)]),
    st.integers(40, 120),
)
@settings(max_examples=60, deadline=None)
def test_every_byte_is_accounted_for_at_every_event(
    shots: list[tuple[int, int, int]],
    capacity: int,
    least: float | None,
    rule: DropRule,
    passes: list[tuple[int, int]],
    transfer: TransferSetup | None,
    battery: PowerSetup | None,
    duration: int,
) -> None:
    # `fly` audits the books against recorder, frames and ground after every event.
    shots.sort()
    captures = [capture(n, at + 1, priority=p) for n, (at, p, _) in enumerate(shots)]
    given_sizes = {n: size for n, (_, _, size) in enumerate(shots)}
    contacts, free = [], 0
    for at, length in sorted(passes):
        begin = max(at, free)
        contacts.append(contact(begin, begin + length, loss=0.1))
        free = begin + length + 1
    frames = Shrinking(given_sizes, seconds=0.5, shrink_seconds=1.5, smallest=200)
    sat = shrinking(
        *captures, least=least, capacity=capacity, drop_rule=rule, transfer=transfer, power=battery
    )
    outcome = fly([sat], contacts, frames=frames, duration=duration)
    (found,) = outcome.satellites
    records = found.frames.values()
    floor = 0 if least is None else least * 10_000 / 8
    for record in records:
        number = record.capture.number
        if record.budgets:
            assert record.encoded_bytes >= min(floor, given_sizes[number])
            assert record.encoded_bytes + record.requantised_bytes == given_sizes[number]
    assert found.ledger.holds(Book.FILES, "requantised") == sum(
        record.requantised_bytes for record in records
    )
    if not any(record.budgets for record in records):
        plain = fly([replace(sat, shrink=None)], contacts, frames=frames, duration=duration)
        mine = [r for r in outcome.events if "requantise" not in str(r.event)]
        if len(mine) == len(outcome.events):
            assert mine == plain.events
