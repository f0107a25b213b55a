from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.access import Imaging
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.elements import sun_synchronous
from downpass.sim.orbit.geometry import compute
from downpass.sim.orbit.passes import GroundStation
from downpass.sim.orbit.polygon import Polygon, polygon_of
from skyfield.api import wgs84

DAY = 86_400.0


def test_all_of_a_run_comes_in_one_call(sentinel: Any, sites: list[Site]) -> None:
    geometry = compute(
        sentinel.elements,
        sentinel.start,
        6 * DAY,
        stations=[GroundStation(site) for site in sites],
        targets=[Site(38.7, -9.1), polygon_of([(41, 16), (41, 18), (40, 18)])],
        imaging=Imaging(25.0, 10.0),
        satellite=4,
    )
    assert len(geometry.eclipses) == pytest.approx(6 * 14.3, abs=2)
    assert {one.satellite for one in geometry.passes} == {4}
    assert {one.satellite for one in geometry.accesses} == {4}
    assert {one.target for one in geometry.accesses} == {0, 1}
    aos = [one.aos_s for one in geometry.passes]
    assert aos == sorted(aos)
    for first, second in pairwise(geometry.eclipses):
        assert 0.0 <= first.start_s < first.end_s < second.start_s < second.end_s <= 6 * DAY


def test_the_same_run_gives_the_same_geometry(sentinel: Any, sites: list[Site]) -> None:
    def run() -> Any:
        return compute(
            sentinel.elements,
            sentinel.start,
            DAY,
            stations=[GroundStation(site) for site in sites],
            targets=sites,
            imaging=Imaging(25.0, 10.0),
        )

    assert run() == run()


def test_the_ground_track_passes_below_the_satellite(sentinel: Any, oracle_of: Any) -> None:
    track = compute(sentinel.elements, sentinel.start, DAY).track
    assert len(track.time_s) == 1_441
    assert track.time_s[-1] == DAY
    oracle = oracle_of(sentinel.elements, sentinel.start)
    place = wgs84.geographic_position_of(oracle.satellite.at(oracle.times(track.time_s)))
    assert np.abs(track.latitude_deg - place.latitude.degrees).max() < 1e-6
    assert np.abs(track.altitude_m - place.elevation.m).max() < 0.1


def test_without_stations_targets_or_imager_there_is_nothing_to_find(sentinel: Any) -> None:
    geometry = compute(sentinel.elements, sentinel.start, 60.0, targets=[Site(0.0, 0.0)])
    assert geometry.passes == []
    assert geometry.accesses == []


def test_a_run_of_no_length_is_refused(sentinel: Any) -> None:
    with pytest.raises(InputError, match="duration 0 s; allowed is more than 0 s"):
        compute(sentinel.elements, sentinel.start, 0.0)


def test_a_month_with_hundreds_of_targets_stays_below_300_megabytes() -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    rng = np.random.default_rng(2)
    latitudes = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 400)))
    longitudes = rng.uniform(-180.0, 180.0, 400)
    sites = [Site(float(a), float(b)) for a, b in zip(latitudes, longitudes, strict=True)]
    areas: list[Site | Polygon] = [
        polygon_of([(lat, lon), (lat + 5, lon), (lat + 5, lon + 5), (lat, lon + 5)])
        for lat in (-50, -10, 30)
        for lon in (-150, -30, 90)
    ]
    tracemalloc.start()
    try:
        geometry = compute(
            sun_synchronous(500e3, 10.5, "descending", 0.0, start),
            start,
            30 * DAY,
            stations=[GroundStation(site) for site in sites[:10]],
            targets=[*sites, *areas],
            imaging=Imaging(25.0, 10.0),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(geometry.accesses) > 2_000
    assert peak < 300e6
