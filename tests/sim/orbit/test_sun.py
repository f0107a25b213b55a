from __future__ import annotations

from typing import Any

import numpy as np
from downpass.sim.orbit.earth import Site, normals
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.sun import Sun, earth_fixed_rate
from skyfield.framelib import itrs


def test_the_sun_stands_where_de421_has_it(case: Any, oracle: Any, planets: Any) -> None:
    clock = Propagator(case.elements, case.start).clock
    time_s = np.linspace(0.0, 30 * 86_400.0, 2_000)
    apparent = planets["earth"].at(oracle.times(time_s)).observe(planets["sun"]).apparent()
    theirs = apparent.frame_xyz(itrs).m
    mine = Sun.over(clock, 30 * 86_400.0).position(time_s)
    distance = np.linalg.norm(theirs, axis=0)
    arcsec = np.degrees(np.linalg.norm(mine - theirs, axis=0) / distance) * 3_600.0
    assert arcsec.max() < 3.0


def test_elevations_of_the_sun_agree_with_skyfield(
    case: Any, oracle: Any, planets: Any, sites: list[Site]
) -> None:
    sun = Sun.over(Propagator(case.elements, case.start).clock, 86_400.0)
    time_s = np.linspace(0.0, 86_400.0, 200)
    for site in sites:
        up = normals(np.array([site.latitude_deg]), np.array([site.longitude_deg]))
        place = planets["earth"] + oracle.place(site)
        theirs = place.at(oracle.times(time_s)).observe(planets["sun"]).apparent().altaz()[0]
        # The Sun's parallax, 9 arcsec, is left out here.
        assert np.abs(sun.elevation_deg(up, time_s) - theirs.degrees).max() < 0.004


def test_the_rate_is_that_of_the_direction(sentinel: Any) -> None:
    sun = Sun.over(Propagator(sentinel.elements, sentinel.start).clock, 86_400.0)
    time_s = np.linspace(100.0, 86_000.0, 50)
    difference = (sun.direction(time_s + 1.0) - sun.direction(time_s - 1.0)) / 2.0
    # What is left is the Sun's own way among the stars, 2e-7 a second.
    assert np.abs(difference - earth_fixed_rate(sun.direction(time_s))).max() < 4e-7
