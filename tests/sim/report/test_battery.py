"""The picture and table of batteries: what they show is what was measured."""

from dataclasses import replace

import numpy as np
import pytest
from downpass.sim.report import battery, render
from downpass.sim.report.data import BatteryView
from hypothesis import given
from hypothesis import strategies as st
from report_synthetic import empty, results


def view(lowest: list[float], highest: list[float]) -> BatteryView:
    return BatteryView(
        288_000.0, 60.0, np.array(lowest), np.array(highest), min(lowest), 30.0, lowest[-1], 75.0,
        0.3, 0.4,
    )  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50), st.data())
def test_wider_bins_keep_every_extreme(
    pairs: list[tuple[float, float]], data: st.DataObject
) -> None:
    most = data.draw(st.integers(1, 60))
    low, high = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    lowest, highest = battery.binned(view(low, high), most)
    assert len(lowest) == len(highest) <= most
    step = -(-len(pairs) // most)
    for index in range(len(lowest)):
        part = slice(index * step, (index + 1) * step)
        assert (lowest[index], highest[index]) == (min(low[part]), max(high[part]))


def test_figures_stand_in_the_words_and_the_table() -> None:
    day = replace(results(), batteries={"sat-a": view([0.9, 0.275, 0.5], [1.0, 0.9, 0.6])})
    shown = battery.picture(day)
    assert shown is not None
    words = shown.alt.replace("\u00a0", " ")
    assert "falls to 27.5 % (depth of discharge 72.5 %) 30 s after the start" in words
    assert "holds 50.0 % at the end" in words
    assert "Work waits for charge for 1 min 15 s." in words
    row = [cell.replace("\u00a0", " ") for cell in battery.table(day).rows[0]]
    assert row == ["sat-a", "80 Wh", "27.5 %", "72.5 %", "2 Dec 00:00:30", "50.0 %", "1 min 15 s"]


def test_a_satellite_without_a_power_budget_has_an_unknown_charge() -> None:
    fleet = results(("a", "b"))
    fleet = replace(fleet, batteries={"b": fleet.batteries["b"]})
    shown = battery.picture(fleet)
    assert shown is not None
    assert "the charge is unknown" in shown.caption
    assert battery.table(fleet).rows[1] == ("a", *["unknown"] * 6)
    nobody = render(replace(fleet, batteries={}))
    assert "charge and depth of discharge are unknown" in nobody


def test_the_deepest_discharged_of_many_are_drawn() -> None:
    fleet = results(tuple(f"sat-{n}" for n in range(12)), days=0.2)
    known = {
        name: view([1.0, 0.5 + (n * 7 % 12) / 100], [1.0, 1.0])
        for n, name in enumerate(fleet.satellites)
    }
    drawn = battery.shown(replace(fleet, batteries=known))
    assert len(drawn) == 8
    assert max(known[name].minimum for name in drawn) < min(
        found.minimum for name, found in known.items() if name not in drawn
    )
    assert drawn == sorted(drawn, key=fleet.satellites.index)


@pytest.mark.parametrize("days", [1, 30])
def test_the_picture_is_small_whatever_the_length(days: int) -> None:
    shown = battery.picture(results(days=days, frames_an_access=1))
    assert shown is not None
    assert len(shown.wide) < 60_000
    assert battery.picture(empty()) is None
