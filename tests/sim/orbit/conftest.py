"""Orbits, stations and an independent oracle (skyfield) for the tests of this folder."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.elements import Elements, circular, from_tle, sun_synchronous
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.iokit import Loader

SENTINEL_2A = (
    "1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998",
    "2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363",
)
LANDSAT_8 = (
    "1 39084U 13008A   19096.49276745  .00000042  00000-0  19423-4 0  9994",
    "2 39084  98.1930 167.4492 0001375  87.8678 272.2685 14.57117477326927",
)
_EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    name: str
    elements: Elements
    start: datetime


CASES = [
    Case("sentinel-2a", from_tle(SENTINEL_2A), datetime(2024, 12, 2, tzinfo=UTC)),
    Case("landsat-8", from_tle(LANDSAT_8), datetime(2019, 4, 6, 6, 30, tzinfo=UTC)),
    Case("low", circular(300e3, 65.0, 10.0, 20.0, _EPOCH), _EPOCH),
    Case("station-like", circular(420e3, 51.6, 100.0, 20.0, _EPOCH), _EPOCH),
    Case("equatorial", circular(600e3, 0.0, 0.0, 0.0, _EPOCH), _EPOCH),
    Case("sun-synchronous", sun_synchronous(500e3, 10.5, "descending", 0.0, _EPOCH), _EPOCH),
]
SITES = [
    Site(78.23, 15.39, 450.0),
    Site(90.0, 0.0),
    Site(-90.0, 0.0),
    Site(0.0, 0.0),
    Site(-35.4, 148.98, 680.0),
    Site(5.25, -52.8),
    Site(-77.84, 166.67),
    Site(40.65, 179.99),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="session")
def sentinel() -> Case:
    return CASES[0]


@pytest.fixture(scope="session")
def sites() -> list[Site]:
    return SITES


class Oracle:
    """Skyfield's results for one satellite, at times in seconds since the start of a run."""

    def __init__(self, elements: Elements, start: datetime) -> None:
        self.scale = load.timescale(builtin=True)
        self.satellite = EarthSatellite.from_satrec(elements.satrec(), self.scale)
        self.start = self.scale.from_datetime(start)

    def times(self, time_s: Any) -> Any:
        fraction = self.start.tt_fraction + np.asarray(time_s) / 86_400.0
        return self.scale.tt_jd(self.start.whole, fraction)

    def place(self, site: Site) -> Any:
        return wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)

    def elevation_deg(self, site: Site, time_s: Any, times: Any = None) -> Any:
        """Elevations over a site; passing `times()` as `times` avoids computing nutation again."""
        moments = self.times(time_s) if times is None else times
        return (self.satellite - self.place(site)).at(moments).altaz()[0].degrees

    def azimuth_elevation_deg(self, site: Site, time_s: Any) -> tuple[Any, Any]:
        """Azimuths from north over east, and elevations, over a site."""
        elevation, azimuth, _ = (self.satellite - self.place(site)).at(self.times(time_s)).altaz()
        return azimuth.degrees, elevation.degrees

    def slant_range_m(self, site: Site, time_s: Any) -> Any:
        """Distances to a site in metres."""
        return (self.satellite - self.place(site)).at(self.times(time_s)).distance().m

    def events(self, site: Site, mask_deg: float, begin_s: float, end_s: float) -> list[Any]:
        """Rise, first culmination and set in seconds of each pass entirely between the times."""
        moments, kinds = self.satellite.find_events(
            self.place(site), self.times(begin_s), self.times(end_s), mask_deg
        )
        whole = moments.whole - self.start.whole
        seconds = (whole + moments.tt_fraction - self.start.tt_fraction) * 86_400.0
        found: list[Any] = []
        current: list[float] = []
        for second, kind in zip(seconds, kinds, strict=True):
            if kind == 0:
                current = [second]
            elif kind == 1 and len(current) == 1:
                current.append(second)
            elif kind == 2 and len(current) == 2:
                found.append((*current, second))
                current = []
        return found


@pytest.fixture
def oracle(case: Case) -> Oracle:
    return Oracle(case.elements, case.start)


@pytest.fixture(scope="session")
def oracle_of() -> type[Oracle]:
    return Oracle


@pytest.fixture(scope="session")
def planets() -> Any:
    """The ephemeris DE421, which comes from a package, so that no test downloads it."""
    with warnings.catch_warnings():
        # The package warns about its table of polar motion, which nothing here uses.
        warnings.simplefilter("ignore")
        from skyfield_data import get_skyfield_data_path

        return Loader(get_skyfield_data_path())("de421.bsp")
