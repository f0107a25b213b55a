from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import erfa
import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.clock import Clock, gmst, julian_date
from skyfield.api import load


def test_a_julian_date_is_a_midnight_and_a_fraction() -> None:
    # J2000.0 is 2000-01-01 12:00.
    assert julian_date(datetime(2000, 1, 1, 12, tzinfo=UTC)) == (2_451_544.5, 0.5)


def test_other_time_zones_are_read_as_what_they_say() -> None:
    moment = datetime(2024, 12, 2, 2, tzinfo=timezone(timedelta(hours=2)))
    assert Clock(moment).start == datetime(2024, 12, 2, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError, match="no time zone"):
        Clock(datetime(2024, 12, 2))


@pytest.mark.parametrize(
    "start", [datetime(1999, 7, 1, 3, tzinfo=UTC), datetime(2024, 12, 2, tzinfo=UTC)]
)
def test_the_scales_agree_with_skyfield(start: datetime) -> None:
    clock = Clock(start)
    time_s = np.linspace(0.0, 60 * 86_400.0, 500)
    scale = load.timescale(builtin=True)
    begin = scale.from_datetime(start)
    theirs = scale.tt_jd(begin.whole, begin.tt_fraction + time_s / 86_400.0)
    ut1_s = (
        (theirs.whole - clock.jd_whole) + theirs.ut1_fraction - clock.ut1_fraction(time_s)
    ) * 86_400
    tt_s = (
        (theirs.whole - clock.jd_whole) + theirs.tt_fraction - clock.tt_fraction(time_s)
    ) * 86_400
    assert np.abs(ut1_s).max() < 1e-5
    assert np.abs(tt_s).max() < 1e-6


def test_sidereal_time_agrees_with_sofa() -> None:
    fraction = np.linspace(0.0, 30.0, 1_000)
    theirs = erfa.gmst82(2_460_646.5, fraction)
    difference = (gmst(2_460_646.5, fraction) - theirs + np.pi) % (2.0 * np.pi) - np.pi
    assert np.abs(difference).max() < 1e-9
