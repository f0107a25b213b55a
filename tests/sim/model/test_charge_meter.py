"""The measured state of charge, against a battery that is stepped from change to change."""

from __future__ import annotations

from downpass.payload.power import NANOJOULES_PER_JOULE, Battery
from downpass.sim.model.charge_meter import FIRST_BIN, MOST_BINS, ChargeMeter
from hypothesis import given
from hypothesis import strategies as st
from model_builders import JOULE, WATT, Frames, S, capture, fly, power, satellite

SECOND = 1_000_000
phases = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 90_000), st.integers(0, 60_000)),
    min_size=1,
    max_size=12,
)


@given(st.integers(1, 4_000), st.floats(0, 1), phases)
def test_bins_hold_the_charge_of_every_second(
    joules: int, share: float, steps: list[tuple[int, int, int]]
) -> None:
    capacity = joules * NANOJOULES_PER_JOULE
    start = round(capacity * share)
    battery, stepped = Battery(capacity, start), Battery(capacity, start)
    meter, now, seen = ChargeMeter(battery), 0, [start]
    for seconds, load, solar in steps:
        battery.load, battery.solar = load, solar
        stepped.load, stepped.solar = load, solar
        for _ in range(seconds):
            now += 1
            stepped.advance(now * SECOND)
            seen.append(stepped.charge)
        meter.advance(now * SECOND)
    found = meter.history(now * SECOND)
    assert found.end == stepped.charge == battery.charge
    bins = FIRST_BIN // SECOND
    assert len(found.lowest) == len(found.highest) == max(1, -(-now // bins))
    for index, (low, high) in enumerate(zip(found.lowest, found.highest, strict=True)):
        part = seen[index * bins : (index + 1) * bins + 1]
        assert (low, high) == (min(part), max(part))
    assert found.minimum == min(seen)
    # The minimum was reached within the second before the first step that shows it.
    first = seen.index(min(seen))
    assert (first - 1) * SECOND < found.minimum_at <= first * SECOND


def test_long_runs_have_wider_bins_and_the_same_extremes() -> None:
    battery = Battery(100 * NANOJOULES_PER_JOULE, 90 * NANOJOULES_PER_JOULE)
    meter, now = ChargeMeter(battery), 0
    for number in range(5 * MOST_BINS):
        battery.load, battery.solar = (3_000, 0) if number % 2 == 0 else (0, 3_000)
        now += FIRST_BIN
        meter.advance(now)
    found = meter.history(now)
    assert MOST_BINS // 2 <= len(found.lowest) <= MOST_BINS
    assert found.bin_ticks == 8 * FIRST_BIN
    assert set(found.lowest) == {45 * NANOJOULES_PER_JOULE}
    assert set(found.highest) == {90 * NANOJOULES_PER_JOULE}


def test_an_empty_battery_was_empty_before_the_phase_ended() -> None:
    battery = Battery(10 * NANOJOULES_PER_JOULE, 10 * NANOJOULES_PER_JOULE)
    battery.load = 1_000
    meter = ChargeMeter(battery)
    meter.advance(14 * SECOND)
    found = meter.history(14 * SECOND)
    assert (found.minimum, found.minimum_at, found.end) == (0, 10 * SECOND, 0)


def test_waiting_is_counted_up_to_the_end() -> None:
    battery = Battery(10, 10)
    meter = ChargeMeter(battery)
    for now, low in ((5, True), (7, True), (9, False), (20, True)):
        meter.advance(now)
        meter.set_low(low)
    assert meter.history(26).low_ticks == 4 + 6


def test_a_run_reports_its_battery() -> None:
    # As in test_power_cuts: 10 W from 1 s take 30 J to 20 J by 2 s, and work waits until 22 s.
    bus = power(encoding=10 * WATT, solar=5 * WATT, eclipses=((0, 20 * S),))
    outcome = fly(
        [satellite(capture(0, 1), power=bus, encoding_milliwatts=10 * WATT), satellite()],
        frames=Frames(seconds=2),
        duration=23,
    )
    found = outcome.satellites[0].charge
    assert found is not None
    assert (found.minimum, found.minimum_at) == (20 * JOULE, 2 * S)
    assert (found.end, found.low_ticks) == (25 * JOULE, 20 * S)
    # 15 s in the dark with 20 J from 2 s on; at 22 s it is back at 30 J.
    assert list(found.lowest) == [20 * JOULE, 20 * JOULE]
    assert list(found.highest) == [30 * JOULE, 30 * JOULE]
    assert outcome.satellites[1].charge is None
