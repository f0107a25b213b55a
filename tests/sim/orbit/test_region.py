"""Regions: the land, its limits and coasts; polygons across the antimeridian and around a pole."""

from __future__ import annotations

import math
from importlib.resources import files

import numpy as np
import pytest
import shapely
from downpass.sim.orbit.areas import Areas, geocentric
from downpass.sim.orbit.polygon import Polygon, polygon_of
from downpass.sim.orbit.region import (
    LandArea,
    Region,
    region_of_land,
    region_of_polygon,
)
from hypothesis import given, settings
from hypothesis import strategies as st

LAND = region_of_land(LandArea())


def holds(region: Region, latitude: float, longitude: float) -> bool:
    return bool(region.contains(np.array([latitude]), np.array([longitude]))[0])


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "land"),
    [
        ("Madrid", 40.4, -3.7, True),
        ("Nairobi", -1.3, 36.8, True),
        ("Alice Springs", -23.7, 133.9, True),
        ("Anadyr, beyond the antimeridian", 66.5, -179.0, True),
        ("the antimeridian itself", 66.5, 180.0, True),
        ("the same place from the west", 66.5, -180.0, True),
        ("Viti Levu", -17.8, 178.0, True),
        ("the South Pole", -90.0, 0.0, True),
        ("the South Pole, any longitude", -90.0, 123.0, True),
        ("the North Pole", 90.0, 0.0, False),
        ("mid-Atlantic", 30.0, -40.0, False),
        ("the Pacific at the antimeridian", 0.0, 180.0, False),
        ("the Mediterranean", 35.0, 18.0, False),
        ("the Baltic", 57.0, 19.5, False),
    ],
)
def test_the_land(place: str, latitude: float, longitude: float, land: bool) -> None:
    assert holds(LAND, latitude, longitude) is land


def test_the_land_has_its_area() -> None:
    """On an equal-area grid; reference works have 148.9 million km² with all islands."""
    north = np.degrees(np.arcsin((np.arange(300) + 0.5) / 150 - 1))
    east = (np.arange(600) + 0.5) / 600 * 360 - 180
    grid = np.array(np.meshgrid(north, east)).reshape(2, -1)
    share = float(LAND.contains(grid[0], grid[1]).mean())
    assert share * 510.07 == pytest.approx(146.7, abs=0.6)


def test_the_outline_is_valid_and_small() -> None:
    path = files("downpass.sim.orbit").joinpath("land.geojson")
    assert len(path.read_bytes()) <= 200_000
    shape = shapely.from_geojson(path.read_text("utf-8"))
    assert all(part.is_valid for part in shapely.get_parts(shape))
    assert LAND.shape.is_valid


@pytest.mark.parametrize(
    ("area", "latitude", "longitude", "wanted"),
    [
        (LandArea(exclude=("antarctica",)), -80.0, 0.0, False),
        (LandArea(exclude=("antarctica",)), 72.0, -40.0, True),
        (LandArea(exclude=("greenland",)), 72.0, -40.0, False),
        (LandArea(exclude=("greenland",)), -80.0, 0.0, True),
        (LandArea(latitude_deg=(-56, 83)), -80.0, 0.0, False),
        (LandArea(latitude_deg=(40.4, 83)), 40.4, -3.7, True),
        (LandArea(latitude_deg=(40.5, 83)), 40.4, -3.7, False),
        (LandArea(longitude_deg=(-10, 40)), 40.4, -3.7, True),
        (LandArea(longitude_deg=(0, 40)), 40.4, -3.7, False),
        (LandArea(longitude_deg=(170, -170)), 66.5, 179.0, True),
        (LandArea(longitude_deg=(170, -170)), 66.5, -179.0, True),
        (LandArea(longitude_deg=(170, -170)), 66.5, -171.5, True),
        (LandArea(longitude_deg=(170, -170)), 40.4, -3.7, False),
        (LandArea(longitude_deg=(170, -170)), 66.5, 169.0, False),
    ],
)
def test_limits_and_exclusions(
    area: LandArea, latitude: float, longitude: float, wanted: bool
) -> None:
    assert holds(region_of_land(area), latitude, longitude) is wanted


@pytest.mark.parametrize(
    "area",
    [
        LandArea(),
        LandArea(latitude_deg=(-56, 10)),
        LandArea(longitude_deg=(170, -170)),
        LandArea(exclude=("antarctica", "greenland"), latitude_deg=(-90, -50)),
    ],
)
def test_a_point_within_stands_for_the_region(area: LandArea) -> None:
    region = region_of_land(area)
    assert holds(region, *region.inner_point)


def test_a_coast_is_as_wide_as_it_says() -> None:
    """South of Sri Lanka's and of Africa's coast, along the meridian."""
    wide = region_of_land(LandArea(coast_m=50e3))
    for latitudes, longitude, seawards in (((0, 8), 80.5, -1), ((-38, -30), 20.0, -1)):
        north = np.arange(latitudes[0], latitudes[1], 0.002)
        at = [
            north[r.contains(north, np.full(len(north), longitude))][::-seawards][0]
            for r in (LAND, wide)
        ]
        # 0.45 degrees are 50 km; a slanting coast is nearer than along the meridian.
        assert 0.43 <= (at[1] - at[0]) * seawards <= 0.6


def test_a_coast_crosses_the_antimeridian() -> None:
    wide = region_of_land(LandArea(coast_m=200e3))
    for longitude in (179.9, -179.9):
        assert not holds(LAND, 67.9 + 2.5, longitude)
        assert holds(wide, 70.3, longitude)
    assert wide.shape.bounds[0] >= -180 and wide.shape.bounds[2] <= 180


@given(
    st.floats(-85, 85),
    st.floats(-180, 180),
    st.floats(1, 50),
    st.integers(3, 9),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_a_polygon_holds_what_its_great_circles_enclose(
    north: float, east: float, radius: float, corners: int, seed: int
) -> None:
    """Compared with the search of accesses, which knows the polygon on the sphere."""
    polygon = star(north, east, radius, corners)
    areas = Areas.of([polygon])
    rng = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 400)))
    longitude = rng.uniform(-180, 180, 400)
    direction = geocentric(latitude, longitude)
    area = np.zeros(400, dtype=np.intp)
    query, edge, begin = areas._pairs(area)
    expected = areas._contains(area, direction, query, edge, begin)
    found = region_of_polygon(polygon).contains(latitude, longitude)
    # Straight pieces of half a degree are off by less than 0.2 % of a degree at 70 degrees.
    sure = np.abs(margin(polygon, latitude, longitude)) > 0.05
    assert np.array_equal(found[sure], expected[sure])


def star(north: float, east: float, radius: float, corners: int) -> Polygon:
    """A polygon around a place: corners at one distance, so that its edges cannot cross."""
    lat, lon, far = map(math.radians, (north, east, radius))
    points = []
    for n in range(corners):
        turn = 2 * math.pi * n / corners + 0.1
        y = math.asin(
            math.sin(lat) * math.cos(far) + math.cos(lat) * math.sin(far) * math.cos(turn)
        )
        x = lon + math.atan2(
            math.sin(turn) * math.sin(far) * math.cos(lat),
            math.cos(far) - math.sin(lat) * math.sin(y),
        )
        points.append((math.degrees(y), (math.degrees(x) + 180) % 360 - 180))
    return polygon_of(points)


def margin(polygon: Polygon, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Least angle, in degrees, from places to the great circles of a polygon's edges."""
    corner = geocentric(*np.array(polygon.vertices).T)
    normal = np.cross(corner, np.roll(corner, -1, axis=1), axis=0)
    normal /= np.linalg.norm(normal, axis=0)
    return np.degrees(np.abs(normal.T @ geocentric(latitude, longitude)).min(axis=0))
