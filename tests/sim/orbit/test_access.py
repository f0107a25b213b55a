from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.access import Access, Imaging, accesses
from downpass.sim.orbit.earth import Site, normals, positions
from downpass.sim.orbit.elements import circular, sun_synchronous
from downpass.sim.orbit.passes import GroundStation, passes
from downpass.sim.orbit.polygon import Polygon, polygon_of
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.sun import Sun
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86_400.0
EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)
MORNING = Propagator(sun_synchronous(500e3, 10.5, "descending", 0.0, EPOCH), EPOCH)


def to(
    targets: list[Site | Polygon],
    imaging: Imaging,
    duration_s: float = DAY,
    propagator: Propagator = MORNING,
) -> list[Access]:
    sun = Sun.over(propagator.clock, duration_s)
    return accesses(propagator.ephemeris(duration_s), sun, targets, imaging)


def angles_deg(
    target: Site, time_s: np.ndarray, propagator: Propagator = MORNING
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Off-nadir angle, elevation of the satellite and of the Sun, the long way round."""
    satellite, _ = propagator.ecef(time_s)
    latitude, longitude = np.array([target.latitude_deg]), np.array([target.longitude_deg])
    place, up = positions(latitude, longitude, target.altitude_m), normals(latitude, longitude)
    line = place - satellite
    across = np.linalg.norm(np.cross(-satellite.T, line.T), axis=1)
    off_nadir = np.degrees(np.arctan2(across, np.sum(-satellite * line, axis=0)))
    height = np.sum(-line * up, axis=0)
    elevation = np.degrees(np.arcsin(np.clip(height / np.linalg.norm(line, axis=0), -1.0, 1.0)))
    sun = Sun.over(propagator.clock, float(time_s.max()))
    return off_nadir, elevation, sun.elevation_deg(up, time_s)


@pytest.mark.parametrize("limit_deg", [5.0, 25.0, 60.0, 66.5, 75.0, 89.0])
@pytest.mark.parametrize("least_sun_deg", [None, 10.0, 40.0])
def test_accesses_are_where_all_three_angles_allow(
    limit_deg: float, least_sun_deg: float | None
) -> None:
    targets: list[Site | Polygon] = [
        Site(78.2, 15.4),
        Site(-64.0, -60.0, 300.0),
        Site(0.5, 32.0, 1_200.0),
        Site(45.0, 179.9),
        Site(-89.9, 0.0),
    ]
    # And some that are seen straight down, by day and by night.
    north, east, _ = MORNING.subpoint(np.arange(2_000.0, DAY, 9_000.0))
    targets += [Site(float(a), float(b)) for a, b in zip(north, east, strict=True)]
    found = to(targets, Imaging(limit_deg, least_sun_deg))
    time_s = np.arange(0.0, DAY, 10.0)
    for number, target in enumerate(targets):
        assert isinstance(target, Site)
        off_nadir, elevation, sun = angles_deg(target, time_s)
        margins = [limit_deg - off_nadir, elevation]
        if least_sun_deg is not None:
            margins.append(sun - least_sun_deg)
        margin = np.min(margins, axis=0)
        inside = np.zeros(len(time_s), dtype=bool)
        for one in found:
            if one.target == number:
                inside |= (time_s >= one.start_s) & (time_s <= one.end_s)
        clear = np.abs(margin) > 1e-3
        assert np.array_equal(inside[clear], margin[clear] > 0.0)
    assert len(found) >= 2


def test_what_an_access_says_of_itself_is_so() -> None:
    rng = np.random.default_rng(5)
    targets: list[Site | Polygon] = [
        Site(float(lat), float(lon))
        for lat, lon in zip(rng.uniform(-80, 80, 60), rng.uniform(-180, 180, 60), strict=True)
    ]
    found = to(targets, Imaging(30.0, 15.0), 3 * DAY)
    assert len(found) > 50
    assert [one.start_s for one in found] == sorted(one.start_s for one in found)
    for one in found:
        target = targets[one.target]
        assert isinstance(target, Site)
        assert (one.latitude_deg, one.longitude_deg) == pytest.approx(
            (target.latitude_deg, target.longitude_deg)
        )
        assert 0.0 <= one.start_s <= one.best_s <= one.end_s <= 3 * DAY
        off_nadir, _, sun = angles_deg(target, np.array([one.start_s, one.best_s, one.end_s]))
        # Half a millisecond on the way is up to half a thousandth of a degree.
        assert off_nadir[1] == pytest.approx(one.off_nadir_deg, abs=1e-3)
        assert sun[1] == pytest.approx(one.sun_elevation_deg, abs=1e-4)
        inside, _, _ = angles_deg(target, np.linspace(one.start_s, one.end_s, 50))
        assert one.off_nadir_deg <= inside.min() + 1e-5
        # Each end is the limit of the angle, or of the Sun, or of the run.
        for edge, time_s in ((0, one.start_s), (2, one.end_s)):
            at_limit = abs(off_nadir[edge] - 30.0) < 1e-3 or abs(sun[edge] - 15.0) < 1e-4
            assert at_limit or time_s in (0.0, 3 * DAY)


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_sunrise_and_sunset_cut_an_access_where_they_fall(share: float) -> None:
    orbit = Propagator(circular(2_000e3, 0.0, 0.0, 0.0, EPOCH), EPOCH)
    target = Site(0.0, 0.0)
    for whole in to([target], Imaging(45.0), DAY, orbit)[1:-1]:
        inside = np.array([whole.start_s, whole.start_s + share * whole.duration_s, whole.end_s])
        _, _, sun = angles_deg(target, inside, orbit)
        if sun[0] < sun[1] < sun[2]:
            expected = (inside[1], whole.end_s)
        elif sun[0] > sun[1] > sun[2]:
            expected = (whole.start_s, inside[1])
        else:
            continue
        lit = to([target], Imaging(45.0, float(sun[1])), DAY, orbit)
        (part,) = [one for one in lit if whole.start_s < one.end_s and one.start_s < whole.end_s]
        assert (part.start_s, part.end_s) == pytest.approx(expected, abs=1e-3)
        assert part.sun_elevation_deg >= sun[1] - 5e-6


def test_a_limit_beyond_the_horizon_is_the_horizon() -> None:
    site = Site(40.0, -100.0)
    found = to([site], Imaging(89.9))
    over = passes(MORNING.ephemeris(DAY), [GroundStation(site, 0.0)])
    assert [one.start_s for one in found] == pytest.approx([o.aos_s for o in over], abs=1e-3)
    assert [one.end_s for one in found] == pytest.approx([o.los_s for o in over], abs=1e-3)


def test_a_narrow_imager_still_finds_what_lies_on_its_track() -> None:
    # The field of regard is 900 m wide, crossed in an eighth of a second.
    time_s = np.linspace(1_000.0, 80_000.0, 40)
    satellite, _ = MORNING.ecef(time_s)
    # Places on the lines to the Earth's centre, so that each is seen straight down once.
    east = np.degrees(np.arctan2(satellite[1], satellite[0]))
    geocentric = np.arctan2(satellite[2], np.hypot(satellite[0], satellite[1]))
    north = np.degrees(np.arctan(np.tan(geocentric) / (1.0 - 1.0 / 298.257223563) ** 2))
    targets: list[Site | Polygon] = [
        Site(float(a), float(b)) for a, b in zip(north, east, strict=True)
    ]
    found = to(targets, Imaging(0.05))
    for number, moment in enumerate(time_s):
        (one,) = [a for a in found if a.target == number and a.start_s <= moment <= a.end_s]
        assert one.duration_s < 0.2
        assert one.best_s == pytest.approx(moment, abs=0.01)
        assert one.off_nadir_deg < 0.01


@settings(max_examples=25, deadline=None)
@given(
    latitude_deg=st.floats(-85.0, 85.0),
    longitude_deg=st.floats(-180.0, 180.0),
    size_deg=st.floats(0.05, 6.0),
    limit_deg=st.floats(2.0, 50.0),
)
def test_a_polygon_is_accessible_when_any_point_of_it_is(
    latitude_deg: float, longitude_deg: float, size_deg: float, limit_deg: float
) -> None:
    turn = np.radians([10.0, 80.0, 170.0, 200.0, 290.0])
    wide = size_deg / max(np.cos(np.radians(latitude_deg)), 0.1)
    area = polygon_of(
        [
            (
                float(np.clip(latitude_deg + size_deg * np.sin(a), -89.0, 89.0)),
                float((longitude_deg + wide * np.cos(a) + 180.0) % 360.0 - 180.0),
            )
            for a in turn
        ]
    )
    imaging = Imaging(limit_deg, 5.0)
    whole = to([area], imaging)
    before = -1.0
    for one in whole:
        assert before < one.start_s < one.end_s
        before = one.end_s
        assert one.start_s <= one.first_s <= one.last_s <= one.end_s
        point = Site(one.latitude_deg, one.longitude_deg)
        off_nadir, elevation, sun = angles_deg(point, np.array([one.best_s]))
        assert off_nadir[0] == pytest.approx(one.off_nadir_deg, abs=1e-3)
        assert off_nadir[0] <= limit_deg + 1e-3
        assert elevation[0] > 0.0
        assert sun[0] == pytest.approx(one.sun_elevation_deg, abs=1e-4)
        assert sun[0] >= 5.0 - 1e-4
    corners: list[Site | Polygon] = [Site(*vertex) for vertex in area.vertices]
    for part in to(corners, imaging):
        assert any(
            one.start_s - 2e-3 <= part.start_s and part.end_s <= one.end_s + 2e-3 for one in whole
        )


def test_a_polygon_over_the_antimeridian_is_written_either_way() -> None:
    one_way = polygon_of([(-16, 177), (-16, -179), (-19, -179), (-19, 177)])
    other_way = polygon_of([(-16, 177), (-16, 181), (-19, 181), (-19, 177)])
    imaging = Imaging(25.0)
    found = to([one_way], imaging, 3 * DAY)
    assert found
    for one, two in zip(found, to([other_way], imaging, 3 * DAY), strict=True):
        assert one.start_s == pytest.approx(two.start_s, abs=1e-3)
    # Nothing on the other side of the Earth counts, as it would for a box from -179 to 177.
    far = to([Site(-17.5, 0.0)], imaging, 3 * DAY)
    for one in far:
        assert not any(two.start_s < one.end_s and one.start_s < two.end_s for two in found)


def test_a_polygon_round_a_pole_is_seen_from_near_it() -> None:
    polar = Propagator(circular(500e3, 90.0, 0.0, 0.0, EPOCH), EPOCH)
    cap = polygon_of([(80.0, longitude) for longitude in range(0, 360, 30)])
    found = to([cap], Imaging(20.0), DAY, polar)
    time_s = np.arange(0.0, DAY, 1.0)
    latitude, _, _ = polar.subpoint(time_s)
    over = latitude > 80.0
    for one in found:
        within = (time_s > one.start_s) & (time_s < one.end_s)
        assert over[within].any()
        assert one.off_nadir_deg == 0.0  # every orbit crosses the cap's middle
    seen = np.zeros(len(time_s), dtype=bool)
    for one in found:
        seen |= (time_s >= one.start_s) & (time_s <= one.end_s)
    assert np.all(seen[over])


def test_many_polygons_in_one_call_are_as_each_alone() -> None:
    areas: list[Site | Polygon] = [
        polygon_of([(lat, lon), (lat + 4, lon), (lat + 4, lon + 4), (lat, lon + 4)])
        for lat in (-40, 0, 40)
        for lon in (-120, 0, 120)
    ]
    imaging = Imaging(25.0, 10.0)
    together = to([*areas, Site(10.0, 10.0)], imaging)
    for number, area in enumerate([*areas, Site(10.0, 10.0)]):
        mine = [(one.start_s, one.end_s) for one in together if one.target == number]
        assert mine == [(one.start_s, one.end_s) for one in to([area], imaging)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"off_nadir_limit_deg": -1.0}, "off-nadir limit -1 deg"),
        ({"off_nadir_limit_deg": 0.0}, "off-nadir limit 0 deg and swath 0 m"),
        ({"off_nadir_limit_deg": 90.0}, "off-nadir limit 90 deg"),
        ({"off_nadir_limit_deg": float("nan")}, "off-nadir limit nan deg"),
        ({"off_nadir_limit_deg": 20.0, "min_sun_elevation_deg": 91.0}, "Sun elevation 91 deg"),
        ({"off_nadir_limit_deg": 20.0, "swath_m": -1.0}, "swath -1 m"),
    ],
)
def test_limits_that_are_none_are_refused(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Imaging(**arguments)


def test_no_target_gives_no_access_and_nor_does_one_never_seen() -> None:
    assert to([], Imaging(25.0)) == []
    equatorial = Propagator(circular(500e3, 0.0, 0.0, 0.0, EPOCH), EPOCH)
    area = polygon_of([(60, 10), (61, 10), (61, 12)])
    assert to([Site(70.0, 0.0), area], Imaging(25.0, 10.0), DAY, equatorial) == []
