"""The battery, against one that is stepped tick by tick."""

from __future__ import annotations

import pytest
from downpass.payload.power import NANOJOULES_PER_JOULE, Battery
from hypothesis import given
from hypothesis import strategies as st

phases = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6
)


@given(st.integers(1, 300), st.data(), phases)
def test_the_charge_is_that_of_a_battery_stepped_tick_by_tick(
    capacity: int, data: st.DataObject, steps: list[tuple[int, int, int]]
) -> None:
    charge = data.draw(st.integers(0, capacity))
    battery = Battery(capacity, charge)
    now = 0
    for ticks, load, solar in steps:
        battery.load, battery.solar = load, solar
        for _ in range(ticks):
            charge = min(capacity, max(0, charge + solar - load))
        now += ticks
        battery.advance(now)
        assert battery.charge == charge
        assert battery.share == charge / capacity


@given(st.integers(1, 300), st.data(), st.integers(0, 30), st.integers(0, 30))
def test_a_crossing_comes_in_the_first_tick_that_reaches_the_level(
    capacity: int, data: st.DataObject, load: int, solar: int
) -> None:
    charge, level = data.draw(st.integers(0, capacity)), data.draw(st.integers(0, capacity))
    battery = Battery(capacity, charge)
    battery.load, battery.solar = load, solar
    expected, found = charge, None
    for tick in range(400):
        if (charge <= level <= expected) or (expected <= level <= charge):
            found = tick
            break
        expected = min(capacity, max(0, expected + solar - load))
    assert battery.ticks_until(level) == found
    if found is not None:
        battery.advance(found)
        assert battery.charge >= level if charge <= level else battery.charge <= level


def test_an_hour_at_ten_watts_is_ten_watt_hours() -> None:
    battery = Battery(100 * 3600 * NANOJOULES_PER_JOULE, 50 * 3600 * NANOJOULES_PER_JOULE)
    battery.load, battery.solar = 25_000, 15_000
    assert battery.ticks_until(40 * 3600 * NANOJOULES_PER_JOULE) == 3600 * 1_000_000
    battery.advance(3600 * 1_000_000)
    assert battery.share == 0.4


@pytest.mark.parametrize("charge", [-1, 11])
def test_a_charge_that_does_not_fit_is_refused(charge: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 10"):
        Battery(10, charge)
