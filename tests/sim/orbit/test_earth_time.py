"""The table of the Earth's rotation against published values, SOFA and skyfield."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import erfa
import numpy as np
import pytest
from downpass.sim.orbit.earth_time import (
    FIRST_JD,
    LAST_JD,
    TABLE,
    tt_minus_ut1,
    tt_minus_utc,
    write_table,
)
from skyfield.api import load


def jd(day: date) -> float:
    return day.toordinal() + 1_721_424.5


def test_a_published_value() -> None:
    """UT1 - UTC at 2007-04-05 12:00 UTC: "SOFA Tools for Earth Attitude", section 5.1."""
    midnights = tt_minus_ut1(jd(date(2007, 4, 5)), 2)
    at_noon = tt_minus_utc(jd(date(2007, 4, 5))) - midnights.mean()
    assert at_noon == pytest.approx(-0.072073685, abs=5e-5)


def test_leap_seconds_are_those_of_sofa() -> None:
    for year in range(1973, 2027):
        for month in (1, 7):
            day = date(year, month, 1)
            assert tt_minus_utc(jd(day)) == pytest.approx(32.184 + erfa.dat(year, month, 1, 0.0))
            before = date.fromordinal(day.toordinal() - 1)
            assert tt_minus_utc(jd(before) + 0.999) == pytest.approx(
                32.184 + erfa.dat(before.year, before.month, before.day, 0.999)
            )


@pytest.mark.parametrize(
    ("first", "last", "within_s"),
    [
        (date(1957, 1, 1), date(1973, 1, 1), 1e-6),
        (date(1973, 1, 3), date(2024, 1, 1), 2e-5),
        # Beyond what was measured, releases differ by their predictions.
        (date(2024, 1, 1), date(2056, 12, 31), 0.5),
    ],
    ids=["splines", "measured", "predicted"],
)
def test_the_rotation_is_that_of_skyfield(first: date, last: date, within_s: float) -> None:
    days = last.toordinal() - first.toordinal()
    theirs = load.timescale(builtin=True).delta_t_function(jd(first) + np.arange(days))
    assert np.abs(tt_minus_ut1(jd(first), days) - theirs).max() < within_s


def test_the_first_and_the_last_value_hold_beyond_the_table() -> None:
    early, late = tt_minus_ut1(FIRST_JD - 2.0, 4), tt_minus_ut1(LAST_JD - 1.0, 4)
    assert early[0] == early[1] == early[2] != early[3]
    assert late[0] != late[1] == late[2] == late[3]


def test_the_table_can_be_written_anew(tmp_path: Path) -> None:
    write_table(tmp_path / "table.npz")
    with np.load(tmp_path / "table.npz") as new, np.load(TABLE) as kept:
        assert {name: new[name].dtype for name in new} == {name: kept[name].dtype for name in kept}
        assert {name: new[name].shape for name in new} == {name: kept[name].shape for name in kept}
