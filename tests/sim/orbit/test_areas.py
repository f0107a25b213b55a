"""Areas in view, against brute force: dense points along the boundary and winding angles.

Nothing here uses the engine's geometry of edges: an area is seen when the point below the satellite
is wound round by the boundary, or a point of the boundary is within reach by the sine rule.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from downpass.sim.orbit.access import Access, Imaging, accesses
from downpass.sim.orbit.earth import Site, normals, positions
from downpass.sim.orbit.elements import Elements, circular, sun_synchronous
from downpass.sim.orbit.polygon import Polygon, polygon_of
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.sun import Sun
from hypothesis import assume, given, settings
from hypothesis import strategies as st

DAY = 86_400.0
EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)
# A Molniya orbit: 12 h, from 600 to 39,700 km high.
MOLNIYA = Elements(EPOCH, 2.0 * np.pi / 717.7, 0.74, 63.4, 40.0, 270.0, 0.0)
ORBITS = {
    "low": Propagator(sun_synchronous(500e3, 10.5, "descending", 0.0, EPOCH), EPOCH),
    "polar": Propagator(circular(700e3, 90.0, 15.0, 0.0, EPOCH), EPOCH),
    "inclined": Propagator(circular(420e3, 51.6, 100.0, 20.0, EPOCH), EPOCH),
    "molniya": Propagator(MOLNIYA, EPOCH),
}
EPHEMERIDES = {name: orbit.ephemeris(DAY) for name, orbit in ORBITS.items()}
SUNS = {name: Sun.over(orbit.clock, DAY) for name, orbit in ORBITS.items()}


def boundary(area: Polygon, spacing_rad: float) -> np.ndarray:
    """Geodetic directions along the edges, each edge a great circle of latitude and longitude."""
    corner = normals(*np.array(area.vertices).T)
    parts = []
    for start, end in zip(corner.T, np.roll(corner, -1, axis=1).T, strict=True):
        length = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
        share = np.linspace(0.0, 1.0, int(length / spacing_rad) + 2)[:-1, None]
        line = np.sin((1 - share) * length) * start + np.sin(share * length) * end
        parts.append(line / np.linalg.norm(line, axis=1)[:, None])
    return np.concatenate(parts).T


def winds_round(line: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Whether a closed line of directions goes round each place, shape ``(3, n)``."""
    result = []
    for centre in place.T:
        east = np.cross([0.0, 0.0, 1.0] if abs(centre[2]) < 0.9 else [1.0, 0.0, 0.0], centre)
        azimuth = np.arctan2(np.cross(centre, east) @ line, east @ line)
        steps = np.diff(np.append(azimuth, azimuth[0]))
        turned = ((steps + np.pi) % (2 * np.pi) - np.pi).sum()
        result.append(abs(turned) > np.pi)
    return np.array(result, dtype=bool)


def ground_places(line: np.ndarray) -> np.ndarray:
    latitude = np.degrees(np.arcsin(np.clip(line[2], -1, 1)))
    return positions(latitude, np.degrees(np.arctan2(line[1], line[0])))


def margins(
    area: Polygon, orbit: Propagator, time_s: np.ndarray, imaging: Imaging, spacing_rad: float
) -> np.ndarray:
    """How much farther than the area's nearest point the imager reaches, in radians."""
    line = boundary(area, spacing_rad)
    place = ground_places(line)
    ground = np.linalg.norm(place, axis=0)
    satellite, _ = orbit.ecef(time_s)
    distance = np.linalg.norm(satellite, axis=0)
    limit = np.radians(imaging.off_nadir_limit_deg)
    result = np.empty(len(time_s))
    below = satellite / distance
    foot = below.copy()
    foot[2] /= (1.0 - 1.0 / 298.257223563) ** 2
    foot /= np.linalg.norm(foot, axis=0)
    inside = winds_round(line, foot)
    for n, (r, u) in enumerate(zip(distance, below.T, strict=True)):
        unit = place / ground
        angle = np.arctan2(np.linalg.norm(np.cross(u, unit.T), axis=1), u @ unit)
        sine = r / ground * np.sin(limit)
        reach = np.arcsin(np.minimum(sine, 1.0)) - limit
        reach = np.where(sine < 1.0, reach, 4.0) + imaging.swath_m / 2 / ground
        sight = satellite[:, n, None] - place
        elevation = np.arcsin(
            np.clip(np.sum(sight * line, axis=0) / np.linalg.norm(sight, axis=0), -1, 1)
        )
        result[n] = np.minimum(reach - angle, elevation).max()
        if inside[n]:
            result[n] = max(result[n], 1e-3)
    return result


def star(
    latitude_deg: float, longitude_deg: float, radii_deg: list[float], stretch: float = 1.0
) -> Polygon:
    """A simple polygon with corners at some distances all around a place, stretched one way."""
    middle = normals(np.array([latitude_deg]), np.array([longitude_deg]))[:, 0]
    side = np.cross(middle, [1.0, 0.0, 0.0] if abs(middle[0]) < 0.9 else [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    turn = np.linspace(0.0, 2 * np.pi, len(radii_deg), endpoint=False)
    flat = np.tan(np.radians(radii_deg))
    x, y = flat * np.cos(turn), flat * np.sin(turn) * stretch
    corner = middle[:, None] + side[:, None] * x + np.cross(middle, side)[:, None] * y
    corner /= np.linalg.norm(corner, axis=0)
    return polygon_of(np.degrees([np.arcsin(corner[2]), np.arctan2(corner[1], corner[0])]).T)


def seen(orbit: str, targets: list[Site | Polygon], imaging: Imaging) -> list[Access]:
    return accesses(EPHEMERIDES[orbit], SUNS[orbit], targets, imaging)


def check(area: Polygon, orbit: str, imaging: Imaging, step_s: float = 20.0) -> list[Access]:
    """Hold the accesses of one area to brute force."""
    found = seen(orbit, [area], imaging)
    size = boundary(area, 0.02)
    spacing = max(2e-5, np.arccos(np.clip(size[:, :1].T @ size, -1, 1)).max() / 1_000)
    # A foot lies at most half a spacing from the nearest point of the line.
    tolerance = 0.6 * spacing + 2e-5
    edges = np.array([t for one in found for t in (one.start_s, one.end_s)])
    edges = edges[(edges > 0.0) & (edges < DAY)]
    if len(edges):
        at_edges = margins(area, ORBITS[orbit], edges, imaging, spacing)
        assert np.abs(at_edges).max() <= tolerance
    time_s = np.arange(0.0, DAY, step_s)
    satellite, _ = ORBITS[orbit].ecef(time_s)
    unit = satellite / np.linalg.norm(satellite, axis=0)
    centre = normals(*np.array([area.middle]).T)[:, 0]
    near = (
        np.arccos(centre @ unit) < np.radians(25.0) + np.arccos(np.clip(centre @ size, -1, 1)).max()
    )
    time_s = time_s[near]
    expected = margins(area, ORBITS[orbit], time_s, imaging, spacing)
    inside = np.zeros(len(time_s), dtype=bool)
    for one in found:
        inside |= (time_s >= one.start_s) & (time_s <= one.end_s)
    clear = np.abs(expected) > tolerance
    assert np.array_equal(inside[clear], expected[clear] > 0.0)
    return found


SHAPES = {
    "country": polygon_of([(-13, 116), (-13, 150), (-37, 150), (-37, 116)]),
    "concave": star(20.0, 80.0, [12.0, 3.0, 12.0, 3.0, 12.0, 3.0, 12.0, 3.0]),
    "thin": star(-10.0, -60.0, [10.0, 10.0, 10.0, 10.0], 0.002),
    "pole": polygon_of([(75, 0), (82, 90), (75, 180), (70, -90)]),
    "antimeridian": polygon_of([(-16, 177), (-16, -175), (-25, -175), (-20, 170)]),
    "tiny": star(45.0, 10.0, [0.02, 0.03, 0.02]),
    "huge": star(0.0, 20.0, [55.0, 50.0, 52.0, 45.0, 50.0]),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("limit_deg", "swath_m"),
    [(0.0, 185e3), (0.05, 0.0), (2.0, 20e3), (30.0, 10e3), (60.0, 100e3)],
    ids=["nadir", "narrow", "little", "agile", "wide"],
)
def test_an_area_is_in_view_exactly_when_the_swath_touches_it(
    shape: str, limit_deg: float, swath_m: float
) -> None:
    check(SHAPES[shape], "polar" if shape == "pole" else "low", Imaging(limit_deg, None, swath_m))


@settings(max_examples=15, deadline=None)
@given(
    latitude_deg=st.floats(-90.0, 90.0),
    longitude_deg=st.floats(-180.0, 180.0),
    size_deg=st.floats(-2.0, 1.4).map(lambda power: 10.0**power),
    shares=st.lists(st.floats(0.1, 1.0), min_size=3, max_size=15),
    stretch=st.sampled_from([1.0, 1.0, 0.1, 0.005]),
    limit_deg=st.one_of(st.just(0.0), st.floats(0.05, 60.0), st.floats(60.0, 85.0)),
    swath_m=st.sampled_from([0.0, 1e3, 50e3, 300e3]),
    orbit=st.sampled_from(sorted(ORBITS)),
)
def test_any_area_is_in_view_exactly_when_the_swath_touches_it(
    latitude_deg: float,
    longitude_deg: float,
    size_deg: float,
    shares: list[float],
    stretch: float,
    limit_deg: float,
    swath_m: float,
    orbit: str,
) -> None:
    assume(limit_deg or swath_m)
    try:
        area = star(latitude_deg, longitude_deg, [size_deg * s for s in shares], stretch)
    except ValueError:
        assume(False)
    check(area, orbit, Imaging(limit_deg, None, swath_m), 60.0)


@pytest.mark.parametrize("shape", ["country", "concave", "pole", "huge"])
@pytest.mark.parametrize(("limit_deg", "swath_m"), [(0.0, 185e3), (30.0, 10e3), (60.0, 0.0)])
def test_the_sun_stands_over_what_is_imaged(shape: str, limit_deg: float, swath_m: float) -> None:
    # Brute force over many points in the area: is any of them in reach and in the light?
    least_deg = 3.0 if shape == "pole" else 20.0  # it is the first of March
    orbit, area = ("polar", SHAPES[shape]) if shape == "pole" else ("low", SHAPES[shape])
    found = seen(orbit, [area], Imaging(limit_deg, least_deg, swath_m))
    edge = boundary(area, 0.005)
    rng = np.random.default_rng(3)
    middle = normals(*np.array([area.middle]).T)
    inner = middle + rng.normal(size=(3, 5_000)) * (0.8 if shape == "huge" else 0.2)
    inner /= np.linalg.norm(inner, axis=0)
    inner = inner[:, (middle.T @ inner)[0] > 0.4]  # a line winds round the antipodes too
    line = np.concatenate((edge, inner[:, winds_round(edge, inner)]), axis=1)
    place = ground_places(line)
    ground = np.linalg.norm(place, axis=0)
    limit = np.radians(limit_deg)
    time_s = np.arange(0.0, DAY, 30.0)
    satellite, _ = ORBITS[orbit].ecef(time_s)
    light = SUNS[orbit].direction(time_s)
    for moment, r, s in zip(time_s, satellite.T, light.T, strict=True):
        distance = np.linalg.norm(r)
        angle = np.arccos(np.clip(r @ place / distance / ground, -1, 1))
        reach = np.arcsin(distance / ground * np.sin(limit)) - limit + swath_m / 2 / ground
        sun_deg = np.degrees(np.arcsin(s @ line))
        inside = any(one.start_s <= moment <= one.end_s for one in found)
        # The points are up to some 100 km apart, and the engine's cap for the Sun is a sphere's.
        if np.any((angle < reach - 0.003) & (sun_deg > least_deg + 0.2)):
            assert inside, moment
        if not np.any((angle < reach + 0.03) & (sun_deg > least_deg - 2.0)):
            assert not inside, moment
    assert found
    for one in found:
        assert one.sun_elevation_deg >= least_deg - 1e-6
        up = normals(np.array([one.latitude_deg]), np.array([one.longitude_deg]))
        at = np.array([one.best_s])
        assert SUNS[orbit].elevation_deg(up, at)[0] == pytest.approx(
            one.sun_elevation_deg, abs=1e-4
        )


def test_a_track_that_leaves_a_concave_area_and_comes_back_has_two_accesses() -> None:
    # A U that opens to the west, crossed from north to south over its two arms.
    area = polygon_of([(12, 0), (12, 30), (-12, 30), (-12, 0), (-8, 0), (-8, 28), (8, 28), (8, 0)])
    time_s = np.arange(0.0, DAY, 1.0)
    north, east, _ = ORBITS["low"].subpoint(time_s)
    found = check(area, "low", Imaging(0.0, None, 20e3))
    over = (np.abs(north) < 7.0) & (east > 3.0) & (east < 25.0)
    assert over.any()
    for moment in time_s[over]:
        assert not any(one.start_s <= moment <= one.end_s for one in found)
        before = [one for one in found if 0.0 < moment - one.end_s < 300.0]
        after = [one for one in found if 0.0 < one.start_s - moment < 300.0]
        assert len(before) == len(after) == 1


@pytest.mark.parametrize("limit_deg", [0.0, 5.0, 40.0])
@pytest.mark.parametrize("orbit", ["low", "molniya"])
def test_a_point_is_imaged_while_the_swath_covers_it(orbit: str, limit_deg: float) -> None:
    swath_m, limit = 200e3, np.radians(limit_deg)
    rng = np.random.default_rng(11)
    latitude, longitude = rng.uniform(-70, 70, 40), rng.uniform(-180, 180, 40)
    sites: list[Site | Polygon] = [
        Site(float(a), float(b)) for a, b in zip(latitude, longitude, strict=True)
    ]
    found = seen(orbit, sites, Imaging(limit_deg, None, swath_m))
    assert found
    time_s = np.arange(0.0, DAY, 10.0)
    satellite, _ = ORBITS[orbit].ecef(time_s)
    distance = np.linalg.norm(satellite, axis=0)
    for number, place in enumerate(positions(latitude, longitude).T):
        ground = np.linalg.norm(place)
        angle = np.arccos(np.clip(place @ satellite / ground / distance, -1, 1))
        # Tilted as far as needed or allowed; where that looks past the Earth, to its limb.
        sine = distance / ground * np.sin(limit)
        looked = np.where(sine < 1, np.arcsin(np.minimum(sine, 1)) - limit, np.pi)
        up = normals(latitude[number : number + 1], longitude[number : number + 1])
        sight = satellite - place[:, None]
        elevation = np.arcsin(np.sum(sight * up, axis=0) / np.linalg.norm(sight, axis=0))
        margin = np.minimum(looked + swath_m / 2 / ground - angle, elevation)
        inside = np.zeros(len(time_s), dtype=bool)
        for one in found:
            if one.target == number:
                inside |= (time_s >= one.start_s) & (time_s <= one.end_s)
                assert one.first_s == one.last_s == one.best_s
        clear = np.abs(margin) > 1e-5
        assert np.array_equal(inside[clear], margin[clear] > 0.0)
