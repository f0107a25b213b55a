"""The ground sample distance, against lengths of a degree from the tables of WGS 84."""

from __future__ import annotations

import pytest
from downpass.payload.imager.groundsample import ground_sample_distance
from rasterio.crs import CRS

# Metres in a degree of latitude and of longitude on WGS 84 (NIMA TR8350.2).
LATITUDE = {0: 110_574.3, 45: 111_131.8, 60: 111_412.3}
LONGITUDE = {0: 111_319.5, 45: 78_846.8, 60: 55_800.0}


def wkt(code: str) -> str:
    return str(CRS.from_string(code).to_wkt())


@pytest.mark.parametrize("latitude", [0, 45, 60])
def test_degrees_are_told_in_metres(latitude: int) -> None:
    step = 0.001
    transform = (step, 0.0, 10.0, 0.0, -step, latitude + 50 * step)
    found = ground_sample_distance(wkt("EPSG:4326"), transform, 100, 100)
    assert found is not None
    assert found[0] == pytest.approx(LONGITUDE[latitude] * step, rel=1e-5)
    assert found[1] == pytest.approx(LATITUDE[latitude] * step, rel=1e-5)


@pytest.mark.parametrize(
    ("code", "transform", "metres", "within"),
    [
        # Half a metre of ground in a metre of Web Mercator at 60 degrees north.
        ("EPSG:3857", (10.0, 0.0, 0.0, 0.0, -10.0, 8_399_737.9), 5.0, 0.003),
        # US survey feet.
        ("EPSG:2263", (10.0, 0.0, 1_000_000.0, 0.0, -10.0, 200_000.0), 3.048, 1e-4),
        # On the central meridian UTM is 0.04 % short.
        ("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), 10 / 0.9996, 1e-5),
        # Turned by 37 degrees: 8 and 6 of a pixel of 10.
        ("EPSG:32633", (8.0, 6.0, 500_000.0, 6.0, -8.0, 4_000_000.0), 10 / 0.9996, 1e-5),
    ],
    ids=["web mercator", "feet", "utm", "rotated"],
)
def test_a_map_s_units_are_no_ground_distance(
    code: str, transform: tuple[float, ...], metres: float, within: float
) -> None:
    found = ground_sample_distance(wkt(code), transform, 40, 60)
    assert found == (pytest.approx(metres, rel=within), pytest.approx(metres, rel=within))


def test_it_holds_over_the_antimeridian() -> None:
    transform = (0.001, 0.0, 179.95, 0.0, -0.001, 0.05)
    found = ground_sample_distance(wkt("EPSG:4326"), transform, 100, 100)
    assert found is not None
    assert found[0] == pytest.approx(111.3195, rel=1e-5)


@pytest.mark.parametrize(
    ("code", "transform"),
    [
        ("", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)),
        ('LOCAL_CS["engineering",UNIT["metre",1]]', (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)),
        ("+proj=longlat +R=1737400", (0.001, 0.0, 10.0, 0.0, -0.001, 20.0)),
        ("EPSG:32633", (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        ("EPSG:3857", (10.0, 0.0, 1e30, 0.0, -10.0, 1e30)),
        ("EPSG:32633", (float("nan"), 0.0, 0.0, 0.0, -10.0, 0.0)),
        ("EPSG:32633", (10.0, 0.0, float("inf"), 0.0, -10.0, 0.0)),
    ],
    ids=["no crs", "local", "moon", "no extent", "off the map", "nan", "infinite"],
)
def test_a_scene_that_is_nowhere_has_none(code: str, transform: tuple[float, ...]) -> None:
    assert ground_sample_distance(wkt(code) if code else "", transform, 100, 100) is None
