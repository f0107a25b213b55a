"""Passes over stations with a horizon, against dense sampling and against skyfield's azimuth."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.elements import circular
from downpass.sim.orbit.ephemeris import Ephemeris
from downpass.sim.orbit.horizon import Horizon, View
from downpass.sim.orbit.passes import GroundStation, passes
from downpass.sim.orbit.propagator import Propagator
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86_400.0
EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)
VALLEY = Horizon((0.0, 40.0, 41.0, 90.0, 180.0, 270.0), (5.0, 25.0, 2.0, 2.0, 30.0, 8.0))


def test_a_horizon_is_linear_between_its_corners_and_closes_over_north() -> None:
    azimuth = np.array([0.0, 20.0, 40.5, 65.0, 225.0, 315.0, 360.0, -45.0])
    assert VALLEY.at(azimuth) == pytest.approx([5.0, 15.0, 13.5, 2.0, 19.0, 6.5, 5.0, 6.5])
    assert Horizon((123.0,), (7.0,)).at(np.array([0.0, 123.0, 359.0])).tolist() == [7.0] * 3


@pytest.mark.parametrize(
    ("azimuths", "elevations", "message"),
    [
        ((), (), "horizon of 0 corners; allowed is 1 to 720"),
        ((0.0, 90.0), (5.0,), "horizon of 2 corners"),
        ((0.0, 360.0), (5.0, 5.0), "azimuth 360 deg; allowed is 0 to below 360"),
        ((10.0, 10.0), (5.0, 5.0), "do not ascend"),
        ((0.0,), (81.0,), "horizon of 81 deg; allowed is 0 to 80 deg"),
        ((0.0,), (float("nan"),), "horizon of nan deg"),
        ((float("nan"),), (1.0,), "azimuth nan deg"),
    ],
)
def test_a_horizon_that_is_none_is_refused(
    azimuths: tuple[float, ...], elevations: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Horizon(azimuths, elevations)


def test_azimuth_and_elevation_agree_with_skyfield(
    case: Any, oracle: Any, sites: list[Site]
) -> None:
    time_s = np.linspace(0.0, 6000.0, 41)
    ephemeris = Propagator(case.elements, case.start).ephemeris(6000.0)
    for site in sites:
        azimuth, elevation = View.of(site, ephemeris).azimuth_elevation_deg(time_s)
        expected_azimuth, expected_elevation = oracle.azimuth_elevation_deg(site, time_s)
        assert elevation == pytest.approx(expected_elevation, abs=2e-3)
        if abs(site.latitude_deg) == 90.0:
            continue  # at a pole, north is a matter of taste
        off = (azimuth - expected_azimuth + 180.0) % 360.0 - 180.0
        assert np.abs(off * np.cos(np.radians(elevation))).max() < 2e-3


corners = st.lists(
    st.tuples(st.integers(0, 3599), st.floats(0.0, 80.0)), min_size=1, max_size=20,
    unique_by=lambda corner: corner[0],
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    corner=corners,
    altitude_m=st.floats(300e3, 1500e3),
    inclination_deg=st.floats(30.0, 150.0),
    latitude_deg=st.floats(-80.0, 80.0),
    mask_deg=st.floats(0.0, 20.0),
)
def test_passes_are_what_sampling_sees_above_mask_and_horizon(
    corner: list[tuple[int, float]],
    altitude_m: float,
    inclination_deg: float,
    latitude_deg: float,
    mask_deg: float,
) -> None:
    corner.sort()
    horizon = Horizon(tuple(a / 10 for a, _ in corner), tuple(e for _, e in corner))
    site = Site(latitude_deg, 20.0)
    elements = circular(altitude_m, inclination_deg, 0.0, 0.0, EPOCH)
    ephemeris = Propagator(elements, EPOCH).ephemeris(0.6 * DAY)
    plain, hidden = GroundStation(site, mask_deg), GroundStation(site, mask_deg, horizon)
    whole, found = passes(ephemeris, [plain]), passes(ephemeris, [hidden])
    assert all(one.aos_s < one.los_s for one in found)
    assert all(early.los_s < late.aos_s for early, late in pairwise(found))
    time_s = np.concatenate(
        [np.linspace(one.aos_s + 0.002, one.los_s - 0.002, 3001) for one in whole] or [[0.0]]
    )
    clearance = _clearance(site, ephemeris, horizon, time_s)
    seen = np.zeros(len(time_s), dtype=bool)
    for one in found:
        seen |= (time_s >= one.aos_s) & (time_s <= one.los_s)
    # The elevation moves by up to 2 degrees a second, and times are rounded to the millisecond;
    # steep slopes of the horizon add to that.
    slope = _steepest(horizon)
    unclear = np.abs(clearance) < 0.002 * (2.0 + slope * 20.0)
    above = (time_s >= 0.0) & np.any(
        [(time_s >= one.aos_s) & (time_s <= one.los_s) for one in whole] or [time_s < 0.0], axis=0
    )
    assert np.array_equal(seen[~unclear], (above & (clearance > 0.0))[~unclear])
    for one in found:
        samples = np.clip(one.time_s, one.aos_s + 0.002, one.los_s - 0.002)
        assert np.all(_clearance(site, ephemeris, horizon, samples) > -0.002 * (2 + slope * 20))
        assert one.aos_s <= one.culmination_s <= one.los_s


def _steepest(horizon: Horizon) -> float:
    azimuth = np.array([*horizon.azimuth_deg, horizon.azimuth_deg[0] + 360.0])
    elevation = np.array([*horizon.elevation_deg, horizon.elevation_deg[0]])
    return float(np.abs(np.diff(elevation) / np.diff(azimuth)).max())


def _clearance(
    site: Site, ephemeris: Ephemeris, horizon: Horizon, time_s: np.ndarray
) -> np.ndarray:
    azimuth, elevation = View.of(site, ephemeris).azimuth_elevation_deg(time_s)
    corner, height = np.array(horizon.azimuth_deg), np.array(horizon.elevation_deg)
    following = np.searchsorted(corner, azimuth, side="right") % len(corner)
    before = following - 1
    width = (corner[following] - corner[before]) % 360.0
    width[width == 0.0] = 360.0
    share = (azimuth - corner[before]) % 360.0 / width
    return elevation - (height[before] + share * (height[following] - height[before]))


def test_a_hill_splits_a_pass_and_leaves_other_stations_alone(sentinel: Any) -> None:
    svalbard, matera = Site(78.23, 15.39), Site(40.65, 16.7)
    ephemeris = Propagator(sentinel.elements, sentinel.start).ephemeris(DAY)
    plain = passes(ephemeris, [GroundStation(svalbard), GroundStation(matera)])
    # A tower of 2 degrees' width, 60 degrees high, in the north-east.
    tower = Horizon((44.0, 45.0, 46.0, 47.0), (0.0, 60.0, 60.0, 0.0))
    split = passes(ephemeris, [GroundStation(svalbard, 5.0, tower), GroundStation(matera)])
    assert [one for one in split if one.station == 1] == [one for one in plain if one.station == 1]
    mine = [one for one in split if one.station == 0]
    whole = [one for one in plain if one.station == 0]
    assert len(mine) > len(whole)
    assert sum(one.duration_s for one in mine) < sum(one.duration_s for one in whole)
    # A horizon below the mask changes nothing, and one all around is a higher mask.
    low = passes(ephemeris, [GroundStation(svalbard, 5.0, Horizon((0.0, 180.0), (4.0, 1.0)))])
    assert [(one.aos_s, one.los_s) for one in low] == [(one.aos_s, one.los_s) for one in whole]
    wall = passes(ephemeris, [GroundStation(svalbard, 5.0, Horizon((0.0,), (20.0,)))])
    high = passes(ephemeris, [GroundStation(svalbard, 20.0)])
    assert np.allclose(
        [(one.aos_s, one.los_s) for one in wall],
        [(one.aos_s, one.los_s) for one in high],
        rtol=0.0,
        atol=1.1e-3,
    )
    steps = (10.0, 30.0)
    for one in mine:
        pieces = one.stretches(steps)
        assert (pieces[0].start_s, pieces[-1].end_s) == (one.aos_s, one.los_s)


def test_a_station_behind_a_wall_has_no_pass(sentinel: Any) -> None:
    ephemeris = Propagator(sentinel.elements, sentinel.start).ephemeris(3000.0)
    assert passes(ephemeris, [GroundStation(Site(0.0, 0.0), 5.0, Horizon((0.0,), (80.0,)))]) == []
