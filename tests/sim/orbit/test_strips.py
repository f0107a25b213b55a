"""Strip views: lines of sight against plain trigonometry, looks, shares, accesses."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from downpass.sim.orbit.access import Imaging
from downpass.sim.orbit.earth import EQUATORIAL_RADIUS_M, geodetic
from downpass.sim.orbit.elements import circular, sun_synchronous
from downpass.sim.orbit.geometry import Geometry, StripAreas, compute
from downpass.sim.orbit.polygon import polygon_of
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.region import LandArea, region_of_land, region_of_polygon
from downpass.sim.orbit.strips import Looks, best_look, ground_points, runs
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2024, 6, 1, tzinfo=UTC)


def test_lines_of_sight_over_the_equator() -> None:
    """A satellite 700 km above (0, 0), northbound: right is east, and the sine rule holds."""
    position = np.array([[EQUATORIAL_RADIUS_M + 700e3], [0.0], [0.0]])
    velocity = np.array([[0.0], [0.0], [7500.0]])
    sight = np.radians([-20.0, 0.0, 20.0])
    north, east, height = geodetic(ground_points(position, velocity, sight)[:, 0])
    tilt = math.radians(20)
    central = math.asin((EQUATORIAL_RADIUS_M + 700e3) / EQUATORIAL_RADIUS_M * math.sin(tilt)) - tilt
    assert east == pytest.approx([-math.degrees(central), 0, math.degrees(central)], abs=1e-9)
    assert north == pytest.approx(0, abs=1e-9)
    assert height == pytest.approx(0, abs=1e-5)


def test_a_line_of_sight_beside_the_earth_ends_nowhere() -> None:
    position = np.array([[EQUATORIAL_RADIUS_M + 700e3], [0.0], [0.0]])
    velocity = np.array([[0.0], [0.0], [7500.0]])
    points = ground_points(position, velocity, np.radians([60.0, 70.0, 120.0]))[:, 0]
    assert np.isfinite(points[:, 0]).all()
    assert np.isnan(points[:, 1:]).all()


@given(st.floats(0, 60), st.floats(1e3, 1e6), st.floats(200e3, 2000e3))
@settings(max_examples=100, deadline=None)
def test_looks_cover_the_reach(limit: float, swath: float, altitude: float) -> None:
    looks = Looks.of(Imaging(limit, None, swath), altitude)
    roll = looks.roll_deg
    assert 1 <= len(roll) <= 15
    assert 0.0 in roll
    assert roll == pytest.approx(-roll[::-1])
    assert np.abs(roll).max() == pytest.approx(limit if len(roll) > 1 else 0.0)
    view = 2 * math.degrees(math.atan(swath / 2 / altitude))
    # Neighbours adjoin, as far as fifteen looks reach.
    if len(roll) < 15:
        assert np.diff(roll) == pytest.approx(np.diff(roll)[:1].sum()) or len(roll) == 1
        assert (np.diff(roll) <= view * (1 + 1e-6)).all()
    lines = len(looks.sight) // len(roll)
    assert looks.sight[:lines].max() - looks.sight[:lines].min() < math.radians(view)


@pytest.mark.parametrize(
    ("wanted", "gap", "expected"),
    [
        ("", 0, []),
        ("000", 0, []),
        ("0110", 0, [(1, 3)]),
        ("1101", 0, [(0, 2), (3, 4)]),
        ("1101", 10, [(0, 4)]),
        ("1100111", 15, [(0, 2), (4, 7)]),
        ("1100111", 20, [(0, 7)]),
    ],
)
def test_runs(wanted: str, gap: float, expected: list[tuple[int, int]]) -> None:
    mask = np.array([c == "1" for c in wanted], dtype=np.bool_)
    assert runs(mask, np.arange(len(mask) + 1) * 10.0, gap) == expected


def test_the_best_look_is_the_fullest_then_the_straightest() -> None:
    roll = np.array([-20.0, 0.0, 20.0])
    assert best_look(np.array([1.0, 2.0, 3.0]), roll) == 2
    assert best_look(np.array([3.0, 3.0, 3.0]), roll) == 1
    assert best_look(np.array([3.0, 1.0, 3.0]), roll) == 0


def equatorial(longitudes: tuple[float, float], swath: float, limit: float = 0.0) -> Geometry:
    """Most of one revolution over the equator, above a belt between two longitudes."""
    west, east = longitudes
    polygon = polygon_of([(-2, west), (-2, east), (2, east), (2, west)])
    return compute(
        circular(600e3, 0.0, 0.0, 0.0, START),
        START,
        5400.0,
        targets=[polygon],
        imaging=Imaging(limit, None, swath),
        strips=StripAreas({0: region_of_polygon(polygon)}, 10e3),
    )


def test_a_belt_along_the_track_is_wanted_from_end_to_end() -> None:
    geometry = equatorial((20, 40), 100e3)
    ((index, view),) = geometry.strip_views.items()
    access = geometry.accesses[index]
    wanted = np.flatnonzero(view.share[:, 0] > 0)
    assert (view.share[wanted, 0] == 1.0).all()
    first, last = view.edge_m[wanted[0]], view.edge_m[wanted[-1] + 1]
    # 20 degrees of the equator, to within a cell at either end.
    assert last - first == pytest.approx(math.radians(20) * EQUATORIAL_RADIUS_M, abs=2 * 10e3)
    assert access.start_s < access.end_s


def test_half_a_swath_beside_the_area_is_a_share_of_one_half() -> None:
    """The belt's northern edge runs along the track: the left half of the swath sees nothing."""
    polygon = polygon_of([(-2, 20), (-2, 21), (0, 21), (0, 20)])
    geometry = compute(
        circular(600e3, 0.0, 0.0, 0.0, START),
        START,
        5400.0,
        targets=[polygon],
        imaging=Imaging(0.0, None, 200e3),
        strips=StripAreas({0: region_of_polygon(polygon)}, 10e3),
    )
    (view,) = geometry.strip_views.values()
    assert view.share.max() == pytest.approx(0.5, abs=0.05)


def test_an_area_aside_is_seen_at_a_roll_only() -> None:
    """3 degrees south of an eastbound satellite at 600 km: to its right, at about 29 degrees."""
    polygon = polygon_of([(-4, 20), (-4, 24), (-2.5, 24), (-2.5, 20)])
    for limit, rolls in ((40.0, True), (10.0, False)):
        geometry = compute(
            circular(600e3, 0.0, 0.0, 0.0, START),
            START,
            5400.0,
            targets=[polygon],
            imaging=Imaging(limit, None, 60e3),
            strips=StripAreas({0: region_of_polygon(polygon)}, 10e3),
        )
        assert bool(geometry.strip_views) is rolls
        for view in geometry.strip_views.values():
            seen = view.roll_deg[view.share.max(axis=0) > 0]
            assert seen.min() > 15
            best = view.roll_deg[best_look(view.share.sum(axis=0), view.roll_deg)]
            assert 25 <= best <= 35


def test_a_day_over_the_land() -> None:
    geometry = compute(
        sun_synchronous(705e3, 10.2, "descending", 0.0, START),
        START,
        86_400.0,
        targets=[LandArea()],
        imaging=Imaging(0.0, 5.0, 185e3),
        strips=StripAreas({0: region_of_land(LandArea())}, 160e3),
    )
    starts = [access.start_s for access in geometry.accesses]
    assert starts == sorted(starts)
    assert set(geometry.strip_views) == set(range(len(starts)))
    for one, other in zip(geometry.accesses, geometry.accesses[1:], strict=False):
        assert one.end_s <= other.start_s + 1e-3
    assert all(access.sun_elevation_deg >= 4.9 for access in geometry.accesses)
    length = sum(view.edge_m[-1] - view.edge_m[0] for view in geometry.strip_views.values())
    assert length == pytest.approx(plainly(185e3, 5.0), rel=0.02)


def plainly(swath: float, least_sun_deg: float) -> float:
    """Metres of track whose swath meets sunlit land, on a sphere and from a mean Sun."""
    step = 5.0
    propagator = Propagator(sun_synchronous(705e3, 10.2, "descending", 0.0, START), START)
    time = np.arange(0.0, 86_400.0, step)
    position = propagator.ecef(time)[0]
    up = position / np.linalg.norm(position, axis=0)
    ahead = np.gradient(up, axis=1)
    ahead /= np.linalg.norm(ahead, axis=0)
    aside = np.cross(ahead, up, axis=0)
    # On 1 June the Sun's declination is 22.1 degrees, and clocks run 2 minutes behind it.
    hour = np.radians(180.0 - (time + 130.0) / 240.0)
    tilt = math.radians(22.1)
    sun = np.stack(
        [np.cos(tilt) * np.cos(hour), np.cos(tilt) * np.sin(hour), np.full_like(hour, np.sin(tilt))]
    )
    land = region_of_land(LandArea())
    seen = np.zeros(len(time), dtype=bool)
    for part in np.linspace(-0.48, 0.48, 15):
        place = up + aside * (part * swath / 6.371e6)
        place /= np.linalg.norm(place, axis=0)
        latitude, longitude, _ = geodetic(place * 6.371e6)
        lit = np.degrees(np.arcsin(np.sum(place * sun, axis=0))) >= least_sun_deg
        seen |= lit & land.contains(latitude, longitude)
    way = np.linalg.norm(np.diff(up, axis=1), axis=0) * 6.371e6
    return float(way[seen[:-1]].sum())
