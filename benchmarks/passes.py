"""Measure how long the geometry of a run takes: passes, accesses, eclipses, and each part of it.

    python benchmarks/passes.py

The scenario is one satellite (Sentinel-2A), 100 targets, 4 stations and 7 days, as in
`benchmarks/engine.py`; then the same for 30 days; then the passes over 100 stations, compared with
skyfield's `find_events`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from downpass.sim.orbit.access import Imaging, accesses
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.eclipse import eclipses
from downpass.sim.orbit.elements import from_tle
from downpass.sim.orbit.geometry import compute
from downpass.sim.orbit.passes import GroundStation, passes
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.sun import Sun
from skyfield.api import EarthSatellite, load, wgs84

DAY = 86_400.0
REPEATS = 7
ELEMENTS = from_tle(
    """
    1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998
    2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363
    """
)
START = datetime(2024, 12, 2, tzinfo=UTC)
STATIONS = [
    GroundStation(Site(78.23, 15.39), 5.0),
    GroundStation(Site(40.65, 16.70), 5.0),
    GroundStation(Site(27.76, -15.63), 5.0),
    GroundStation(Site(64.97, -147.52), 5.0),
]
IMAGING = Imaging(25.0, 10.0, 10e3)
STEPS = (5.0, 30.0)
T = TypeVar("T")


def best(what: str, work: Callable[[], T]) -> T:
    """Call `work` several times, print the shortest and the median time, and return its result."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begin)
    print(f"  {what:<44} {min(times) * 1e3:8.1f} ms   median {np.median(times) * 1e3:8.1f} ms")
    return result


def main() -> None:
    """Run the benchmark and print its results."""
    rng = np.random.default_rng(1)
    targets = [
        Site(float(north), float(east))
        for north, east in zip(
            np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 100))),
            rng.uniform(-180.0, 180.0, 100),
            strict=True,
        )
    ]

    def whole(days: float) -> object:
        return compute(
            ELEMENTS,
            START,
            days * DAY,
            stations=STATIONS,
            targets=targets,
            imaging=IMAGING,
        )

    def crossings() -> object:
        return [one.stretches(STEPS) for one in passes(ephemeris, STATIONS)]

    print("1 satellite, 100 targets, 4 stations, 7 days; shortest of", REPEATS)
    best("all of it", lambda: whole(7))
    propagator = Propagator(ELEMENTS, START)
    ephemeris = best("states every 30 s (SGP4, Earth-fixed)", lambda: propagator.ephemeris(7 * DAY))
    sun = best("the Sun", lambda: Sun.over(propagator.clock, 7 * DAY))
    over = best("passes", lambda: passes(ephemeris, STATIONS))
    best("passes and their crossings of the rate table", crossings)
    seen = best("accesses, daylight only", lambda: accesses(ephemeris, sun, targets, IMAGING))
    dark = best("eclipses", lambda: eclipses(ephemeris, sun))
    print(f"  found: {len(over)} passes, {len(seen)} accesses, {len(dark)} eclipses")
    print("the same for 30 days")
    best("all of it", lambda: whole(30))
    print("passes over 100 stations, mask 10 degrees, 7 days")
    stations = [GroundStation(site, 10.0) for site in targets]
    many = best("downpass", lambda: passes(ephemeris, stations))
    scale = load.timescale(builtin=True)
    satellite = EarthSatellite.from_satrec(ELEMENTS.satrec(), scale)
    first = scale.from_datetime(START)
    last = scale.tt_jd(first.tt + 7.0)
    begin = time.perf_counter()
    number = 0
    for site in targets:
        place = wgs84.latlon(site.latitude_deg, site.longitude_deg)
        number += int((satellite.find_events(place, first, last, 10.0)[1] == 1).sum())
    print(f"  {'skyfield find_events, once':<44} {(time.perf_counter() - begin) * 1e3:8.1f} ms")
    print(f"  found: {len(many)} passes; culminations by skyfield: {number}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
