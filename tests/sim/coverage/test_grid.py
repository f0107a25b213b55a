"""Equal-area cells, against areas by numerical integration over the ellipsoid."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from downpass.sim.coverage.grid import (
    EARTH_AREA_M2,
    authalic_sine,
    cells_of_region,
    latitude_of,
)
from downpass.sim.orbit.earth import ECCENTRICITY_SQUARED, EQUATORIAL_RADIUS_M
from downpass.sim.orbit.polygon import polygon_of
from downpass.sim.orbit.region import LandArea, Region, region_of_land, region_of_polygon
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad


def zone_m2(south: float, north: float, west: float, east: float) -> float:
    """Area between parallels and meridians: the integral of M N cos(latitude)."""

    def element(latitude: float) -> float:
        w2 = 1.0 - ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
        return EQUATORIAL_RADIUS_M**2 * (1.0 - ECCENTRICITY_SQUARED) * math.cos(latitude) / w2**2

    area, _ = quad(element, math.radians(south), math.radians(north), epsabs=1.0)
    return area * math.radians(east - west)


def test_the_earth_has_the_area_of_wgs_84() -> None:
    assert pytest.approx(510_065_621.724e6, rel=1e-9) == EARTH_AREA_M2
    assert zone_m2(-90, 90, -180, 180) == pytest.approx(EARTH_AREA_M2, rel=1e-9)


@given(st.floats(-90, 90))
def test_authalic_latitude_and_back(latitude: float) -> None:
    back = latitude_of(authalic_sine(np.array([latitude])))
    assert back[0] == pytest.approx(latitude, abs=1e-4)


@pytest.mark.parametrize(
    ("south", "north", "west", "east"),
    [(0, 10, 0, 10), (60, 80, -20, 40), (-90, -70, -180, 180), (-5, 5, 170, -170)],
    ids=["equator", "north", "polar cap", "antimeridian"],
)
def test_a_zone_has_its_area_in_cells(south: float, north: float, west: float, east: float) -> None:
    shape = shapely.box(-180, -90, 180, 90)
    region = Region(shape, (south, north), (west, east))
    cells = cells_of_region(region, 5_000)
    area = zone_m2(south, north, west, east if east > west else east + 360)
    assert cells.area_m2 == pytest.approx(area, rel=1e-6)
    assert len(cells.latitude_deg) * cells.cell_m2 == pytest.approx(area, rel=0.03)
    assert len(cells.latitude_deg) == pytest.approx(5_000, rel=0.03)
    assert region.contains(cells.latitude_deg, cells.longitude_deg).all()
    places = {*zip(cells.latitude_deg.tolist(), cells.longitude_deg.tolist(), strict=True)}
    assert len(places) == len(cells.latitude_deg)


def test_cells_of_the_whole_earth_are_spread_evenly() -> None:
    cells = cells_of_region(Region(shapely.box(-180, -90, 180, 90)), 200_000)
    assert len(cells.latitude_deg) * cells.cell_m2 == pytest.approx(EARTH_AREA_M2, rel=1e-9)
    for south, north in ((-90, -80), (-30, 0), (45, 50), (80, 90)):
        inside = (cells.latitude_deg > south) & (cells.latitude_deg < north)
        area = inside.sum() * cells.cell_m2
        assert area == pytest.approx(zone_m2(south, north, -180, 180), rel=0.06)


def test_land_has_its_published_area() -> None:
    cells = cells_of_region(region_of_land(LandArea()), 10_000)
    # CIA World Factbook: 148.94 million km² of land; here with lakes, without small islands.
    assert len(cells.latitude_deg) * cells.cell_m2 == pytest.approx(148.94e12, rel=0.02)


def test_an_area_narrower_than_any_cell_is_one_cell() -> None:
    thin = polygon_of([[0.0, 0.0], [40.0, 40.0], [40.0, 40.00001]])
    cells = cells_of_region(region_of_polygon(thin), 1_000_000)
    assert len(cells.latitude_deg) <= 1_000
    assert cells.area_m2 > 0


def test_a_long_area_of_no_width_has_few_cells() -> None:
    """A degree of longitude is 111 km; of 100 m from pole to pole, square cells are a meter."""
    for width in (1e-9, 1e-3):
        cells = cells_of_region(Region(shapely.box(10.0, -90.0, 10.0 + width, 90.0)), 1_000_000)
        assert 1 <= len(cells.latitude_deg) <= 20_000
        turned = 2.0 * EQUATORIAL_RADIUS_M**2 * math.radians(width)
        assert cells.area_m2 == pytest.approx(turned, rel=0.01)


def test_the_cells_of_a_garden() -> None:
    """Of the Earth's twenty million rings of a metre, only those of the garden are made."""
    garden = Region(shapely.box(10.0, 50.0, 10.001, 50.001))
    cells = cells_of_region(garden, 1_000_000)
    assert len(cells.latitude_deg) * cells.cell_m2 == pytest.approx(cells.area_m2, rel=0.01)
    assert 7000 < len(cells.latitude_deg) < 9000  # 71.7 m x 111.2 m


def test_a_region_without_ground_has_a_point_within_its_limits() -> None:
    sea = region_of_land(LandArea((-30.0, -29.0), (-40.0, -30.0)))
    assert sea.is_empty
    cells = cells_of_region(sea, 100)
    assert (cells.latitude_deg[0], cells.longitude_deg[0]) == (-29.5, -40.0)
    assert cells.area_m2 == 0.0


@pytest.mark.parametrize(
    ("corners", "share"),
    [
        # Of the square of the radius, 111.694 km: a degree of latitude at the pole (WGS 84).
        ([(89, 0), (89, 120), (89, -120)], 3 * math.sqrt(3) / 4),
        ([(-89, 0), (-89, 120), (-89, -120)], 3 * math.sqrt(3) / 4),
        ([(89, 0), (89, 90), (89, 180), (89, -90)], 2.0),
        ([(89, 0), (89, 90), (89, 180)], 1.0),  # an edge over the pole
        ([(-89, 180), (-89, -90), (-89, 0)], 1.0),
        ([(90, 0), (89, 0), (89, 90)], 0.5),  # a corner on it
    ],
    ids=["triangle", "south", "square", "over the pole", "over the south pole", "corner"],
)
def test_areas_at_the_poles_are_bounded_by_great_circles(
    corners: list[tuple[float, float]], share: float
) -> None:
    cells = cells_of_region(region_of_polygon(polygon_of(corners)), 2000)
    assert cells.area_m2 == pytest.approx(share * 111_694.0**2, rel=1e-3)
    assert len(cells.latitude_deg) * cells.cell_m2 == pytest.approx(cells.area_m2, rel=0.02)
