from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from downpass.sim.orbit.eclipse import eclipses
from downpass.sim.orbit.elements import circular, sun_synchronous
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.sun import Sun
from downpass.sim.orbit.windows import Window


def shadows(case: Any, duration_s: float) -> list[Window]:
    propagator = Propagator(case.elements, case.start)
    return eclipses(propagator.ephemeris(duration_s), Sun.over(propagator.clock, duration_s))


def test_eclipses_start_and_end_where_skyfield_loses_and_finds_the_sun(
    case: Any, oracle: Any, planets: Any
) -> None:
    found = shadows(case, 2 * 86_400.0)
    assert len(found) > 20

    def lit(time_s: list[float]) -> list[bool]:
        return oracle.satellite.at(oracle.times(time_s)).is_sunlit(planets).tolist()

    inner = [one for one in found if one.start_s > 0.0 and one.end_s < 2 * 86_400.0]
    assert all(lit([one.start_s - 0.2 for one in inner] + [one.end_s + 0.2 for one in inner]))
    assert not any(lit([one.start_s + 0.2 for one in inner] + [one.end_s - 0.2 for one in inner]))


def test_no_eclipse_is_missed(case: Any, oracle: Any, planets: Any) -> None:
    time_s = np.arange(0.0, 86_400.0, 20.0)
    lit = oracle.satellite.at(oracle.times(time_s)).is_sunlit(planets)
    dark = np.zeros(len(time_s), dtype=bool)
    edge = np.zeros(len(time_s), dtype=bool)
    for one in shadows(case, 86_400.0):
        dark |= (time_s >= one.start_s) & (time_s <= one.end_s)
        edge |= (np.abs(time_s - one.start_s) < 0.2) | (np.abs(time_s - one.end_s) < 0.2)
    assert np.array_equal(dark[~edge], ~lit[~edge])


def test_at_the_equinox_over_the_equator_the_length_is_known() -> None:
    # 2025-03-20 09:01 UTC, the Sun in the plane of the orbit: the shadow is a half circle's
    # chord of the Earth's radius, so the satellite is in it over an angle of 2 asin(R / r).
    start = datetime(2025, 3, 20, 9, tzinfo=UTC)
    elements = circular(600e3, 0.0, 0.0, 0.0, start)
    propagator = Propagator(elements, start)
    position, velocity = (vector[:, 0] for vector in propagator.teme(np.array([0.0])))
    radius = np.linalg.norm(position)
    rate = np.linalg.norm(np.cross(position, velocity)) / radius**2
    expected = 2.0 * np.arcsin(6_378_137.0 / radius) / rate
    found = eclipses(propagator.ephemeris(12_000.0), Sun.over(propagator.clock, 12_000.0))
    whole = [one for one in found if one.start_s > 0.0 and one.end_s < 12_000.0]
    assert whole
    for one in whole:
        assert one.duration_s == pytest.approx(expected, abs=1.0)


def test_a_high_orbit_along_the_terminator_stays_in_the_light() -> None:
    start = datetime(2025, 3, 20, tzinfo=UTC)
    elements = sun_synchronous(1_400e3, 18.0, "ascending", 0.0, start)
    propagator = Propagator(elements, start)
    assert eclipses(propagator.ephemeris(86_400.0), Sun.over(propagator.clock, 86_400.0)) == []


def test_a_run_that_starts_in_the_dark_has_its_first_eclipse_cut(sentinel: Any) -> None:
    whole = shadows(sentinel, 86_400.0)[3]
    middle = (whole.start_s + whole.end_s) / 2.0
    propagator = Propagator(sentinel.elements, sentinel.start + timedelta(seconds=middle))
    duration_s = 200.0
    found = eclipses(propagator.ephemeris(duration_s), Sun.over(propagator.clock, duration_s))
    assert found == [Window(0.0, duration_s)]
    assert whole.end_s - middle > duration_s
