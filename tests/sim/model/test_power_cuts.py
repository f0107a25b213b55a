"""What a low battery does to imaging, encoding and sending, computed by hand.

100 J when full, 30 J at the start; work stops at 20 J and goes on at 30 J (`model_builders`).
"""

from __future__ import annotations

import pytest
from downpass.sim.model.events import Event
from downpass.sim.model.imager import NO_POWER
from downpass.sim.model.ledger import Book
from downpass.sim.model.records import FrameState
from downpass.sim.model.setup import EncodeOrder
from model_builders import (
    JOULE,
    MS,
    WATT,
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

POWER = (Event.POWER_LOW, Event.POWER_OK)
DARK_UNTIL_20_S = ((0, 20 * S),)


def test_encoding_stands_still_and_goes_on() -> None:
    # 10 W from 1 s empty 10 J by 2 s, when half the work is done. 5 W from 20 s on bring them
    # back by 22 s, and the other half takes until 23 s, at a net 5 W: 25 J are left.
    bus = power(encoding=10 * WATT, solar=5 * WATT, eclipses=DARK_UNTIL_20_S)
    outcome = fly(
        [satellite(capture(0, 1), power=bus, encoding_milliwatts=10 * WATT)],
        frames=Frames(seconds=2),
        duration=23,
    )
    record = outcome.satellites[0].frames[0]
    assert (record.encode_start, record.encode_end) == (1 * S, 23 * S)
    assert record.encode_ticks == 2 * S
    assert outcome.satellites[0].encode_energy == 20 * JOULE
    assert times(outcome, *POWER) == [(2, "power-low"), (22, "power-ok")]
    assert [row.charge for row in events(outcome, *POWER)] == [0.2, 0.3]
    assert outcome.events[-1].event is Event.STORE
    assert outcome.events[-1].charge == 0.25


def test_waiting_frames_are_taken_in_order_of_priority_when_power_is_back() -> None:
    # Frame 0 is under way when the power goes at 2 s; 1 and 2 wait since 1.5 s.
    bus = power(encoding=10 * WATT, solar=15 * WATT, eclipses=DARK_UNTIL_20_S)
    outcome = fly(
        [
            satellite(
                capture(0, 1, priority=1),
                capture(1, 1.5, priority=1),
                capture(2, 1.5, priority=9),
                power=bus,
                encode_order=EncodeOrder.PRIORITY,
            )
        ],
        frames=Frames(seconds=2),
    )
    back = 20 + 10 / 15
    assert times(outcome, *POWER)[1] == (pytest.approx(back, abs=1e-6), "power-ok")
    starts = {n: r.encode_start / S for n, r in outcome.satellites[0].frames.items()}
    assert starts == {
        0: 1,
        2: pytest.approx(back + 1, abs=1e-5),
        1: pytest.approx(back + 3, abs=1e-5),
    }


@pytest.mark.parametrize(
    ("delay", "resent", "delivered"),
    [
        # 5 to 6 s: 1000 B, of which 3 packets of 300 B arrive. Power is back at 21 s.
        (0, 0, 21 + 9.1),  # all three are confirmed: from byte 900 on
        (500 * MS, 600, 21 + 9.7),  # until 5.5 s one was: from byte 300 on
        (2 * S, 900, 21 + 10),  # none was
    ],
)
def test_sending_stops_and_goes_on(delay: int, resent: int, delivered: float) -> None:
    bus = power(transmitting=10 * WATT, solar=10 * WATT, eclipses=DARK_UNTIL_20_S)
    outcome = fly(
        [satellite(capture(0, 1), power=bus, packet=300, acknowledge_ticks=delay)],
        [contact(5, 100)],
    )
    record = outcome.satellites[0].frames[0]
    assert times(outcome, Event.GRANT, Event.POWER_LOW, Event.POWER_OK)[:4] == [
        (5, "grant"),
        (6, "power-low"),
        (21, "power-ok"),
        (21, "grant"),
    ]
    assert times(outcome, Event.RELEASE) == [
        (6, "release"),
        (delivered + delay / S, "release"),
    ]
    assert record.first_sent == 5 * S
    assert record.delivered == round(delivered * S)
    assert record.duplicate_bytes == resent
    ledger = outcome.satellites[0].ledger
    assert ledger.by_cause(Book.AIR, "lost") == {"cut off": 100}
    assert ledger.came_in(Book.AIR) == 1000 + 9100 + resent
    assert outcome.uses[0].ticks == 1 * S + round((delivered - 21) * S) + delay


def test_the_battery_runs_low_with_the_last_byte() -> None:
    # 1000 B take the last 10 J: they are down at 6 s, and so is the battery.
    bus = power(transmitting=10 * WATT)
    outcome = fly(
        [satellite(capture(0, 1), power=bus)], [contact(5, 100)], Frames(size=1000), duration=50
    )
    record = outcome.satellites[0].frames[0]
    assert (record.state, record.delivered) == (FrameState.DELIVERED, 6 * S)
    assert outcome.satellites[0].recorder_bytes == 0  # confirmed at once
    assert outcome.satellites[0].transmitting is False


def test_the_battery_runs_low_with_the_end_of_the_contact() -> None:
    for delay in (0, 300 * MS):
        bus = power(transmitting=10 * WATT)
        outcome = fly(
            [satellite(capture(0, 1), power=bus, acknowledge_ticks=delay)],
            [contact(5, 6)],
            duration=50,
        )
        assert outcome.uses[0].sent_bytes == 1000
        assert outcome.uses[0].ticks == 1 * S
        kinds = [row.event for row in outcome.events if row.time == 6 * S]
        assert kinds.index(Event.RELEASE) < kinds.index(Event.LOS)
        assert outcome.satellites[0].ready_bytes == (9000 if delay == 0 else 10_000)


def test_a_frame_being_imaged_is_missed_and_costs_what_it_drew() -> None:
    # Imaging at 10 W from 5 s: low at 6 s. The frame at 7 s is not begun. Back at 21 s.
    bus = power(imaging=10 * WATT, solar=10 * WATT, eclipses=DARK_UNTIL_20_S)
    shots = [capture(0, 8, start=5), capture(1, 12, start=9), capture(2, 31, start=30)]
    outcome = fly([satellite(*shots, power=bus)])
    (sat,) = outcome.satellites
    assert sat.missed == {0: NO_POWER, 1: NO_POWER}
    assert list(sat.frames) == [2]
    assert sat.ledger.came_in(Book.RAW) == 10_000
    assert times(outcome, Event.MISS, *POWER) == [
        (6, "power-low"),
        (6, "miss"),
        (9, "miss"),
        (21, "power-ok"),
    ]


def test_a_frame_is_whole_when_the_battery_runs_low_with_its_last_line() -> None:
    bus = power(charge=50 * JOULE, imaging=10 * WATT)
    outcome = fly([satellite(capture(0, 8, start=5), power=bus)], duration=50)
    assert list(outcome.satellites[0].frames) == [0]
    assert times(outcome, *POWER) == [(8, "power-low")]


def test_a_battery_low_at_the_start_holds_everything_up() -> None:
    bus = power(charge=20 * JOULE, solar=1 * WATT)
    outcome = fly([satellite(capture(0, 0), capture(1, 20), power=bus)], [contact(0, 100)])
    (sat,) = outcome.satellites
    assert times(outcome, *POWER) == [(0, "power-low"), (10, "power-ok")]
    assert sat.frames[1].state is FrameState.DELIVERED


def test_a_load_that_the_sun_carries_never_runs_low() -> None:
    bus = power(encoding=10 * WATT, idle=2 * WATT, solar=12 * WATT)
    outcome = fly([satellite(capture(0, 1), power=bus)], frames=Frames(seconds=500))
    assert times(outcome, *POWER) == []
    assert outcome.satellites[0].frames[0].encode_end == 501 * S
