from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.elements import Elements
from downpass.sim.orbit.propagator import Propagator
from skyfield.api import wgs84
from skyfield.constants import AU_M


def test_earth_fixed_states_agree_with_skyfield(case: Any, oracle: Any) -> None:
    time_s = np.linspace(0.0, 7 * 86_400.0, 1_001)
    position, velocity = Propagator(case.elements, case.start).ecef(time_s)
    theirs, their_rate, _ = oracle.satellite.ITRF_position_velocity_error(oracle.times(time_s))
    assert np.abs(position - theirs * AU_M).max() < 0.01
    assert np.abs(velocity - their_rate * AU_M / 86_400.0).max() < 1e-3


def test_subpoints_agree_with_skyfield(case: Any, oracle: Any) -> None:
    time_s = np.linspace(0.0, 86_400.0, 500)
    latitude, longitude, height = Propagator(case.elements, case.start).subpoint(time_s)
    place = wgs84.geographic_position_of(oracle.satellite.at(oracle.times(time_s)))
    assert np.abs(latitude - place.latitude.degrees).max() < 1e-6
    turn = (longitude - place.longitude.degrees + 180.0) % 360.0 - 180.0
    assert np.abs(turn * np.cos(np.radians(latitude))).max() < 1e-6
    assert np.abs(height - place.elevation.m).max() < 0.01


def test_between_grid_times_the_ephemeris_is_good_to_microseconds(case: Any) -> None:
    propagator = Propagator(case.elements, case.start)
    ephemeris = propagator.ephemeris(86_400.0)
    time_s = np.random.default_rng(3).uniform(0.0, 86_400.0, 3_000)
    position, velocity = ephemeris.at(time_s)
    exact, exact_rate = propagator.ecef(time_s)
    # At 7.6 km/s: 40 microseconds.
    assert np.linalg.norm(position - exact, axis=0).max() < 0.3
    assert np.linalg.norm(velocity - exact_rate, axis=0).max() < 0.2


def test_the_grid_ends_with_the_run() -> None:
    elements = Elements(datetime(2025, 3, 1, tzinfo=UTC), 0.066, 0.0, 50.0, 0.0, 0.0, 0.0)
    ephemeris = Propagator(elements, elements.epoch).ephemeris(100.0)
    assert ephemeris.time_s.tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert ephemeris.end_s == 100.0


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_duration_that_is_none_is_refused(duration_s: float, sentinel: Any) -> None:
    with pytest.raises(InputError, match="allowed is more than 0 s"):
        Propagator(sentinel.elements, sentinel.start).ephemeris(duration_s)


def test_an_orbit_that_decays_is_named_with_the_time() -> None:
    epoch = datetime(2025, 3, 1, tzinfo=UTC)
    # 16.4 revolutions a day is 170 km, with the drag of a sheet of foil.
    heavy_drag = Elements(epoch, 16.4 * 2 * np.pi / 1440.0, 0.0, 50.0, 0.0, 0.0, 0.0, bstar=0.05)
    with pytest.raises(InputError, match=r"^orbit at 2025-03-\d\dT.*Z: .*SGP4") as caught:
        Propagator(heavy_drag, epoch).ephemeris(30 * 86_400.0)
    assert "\n" not in str(caught.value)
