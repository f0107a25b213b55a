"""A second opinion by brahe, which shares no code with SGP4's Python package or with skyfield."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import brahe
import numpy as np
import pytest
from downpass.sim.orbit.access import Imaging
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.geometry import compute
from downpass.sim.orbit.passes import GroundStation

WEEK = 7 * 86_400.0
MASK_DEG = 10.0
LIMIT_DEG = 30.0


def theirs(sentinel: Any, targets: list[Site], constraint: Any) -> np.ndarray:
    """Target, start and end of every access that brahe finds, sorted."""
    # No polar motion and UT1 = UTC: 50 ms of the Earth's turning, 24 m, and no download.
    brahe.set_global_eop_provider_from_static_provider(brahe.StaticEOPProvider.from_zero())
    satellite = brahe.SGPPropagator.from_tle(*sentinel.elements.lines, 60.0)
    start = sentinel.start
    begin = brahe.Epoch(
        start.year, start.month, start.day, 0, 0, 0.0, time_system=brahe.TimeSystem.UTC
    )
    places = [brahe.PointLocation(s.longitude_deg, s.latitude_deg, 0.0) for s in targets]
    windows = brahe.location_accesses(
        places,
        satellite,
        begin,
        begin + WEEK,
        constraint,
        config=brahe.AccessSearchConfig(
            initial_time_step=20.0, time_tolerance=0.001, parallel=False
        ),
    )
    number = {
        (round(s.latitude_deg, 9), round(s.longitude_deg, 9)): i for i, s in enumerate(targets)
    }
    rows = [
        (
            number[round(one.center_lat, 9), round(one.center_lon, 9)],
            one.window_open - begin,
            one.window_close - begin,
        )
        for one in windows
    ]
    return np.array(sorted(rows))


@pytest.fixture(scope="module")
def targets() -> list[Site]:
    rng = np.random.default_rng(1)
    latitudes = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 100)))
    longitudes = rng.uniform(-180.0, 180.0, 100)
    return [Site(float(a), float(b)) for a, b in zip(latitudes, longitudes, strict=True)]


def compare(mine: np.ndarray, theirs: np.ndarray) -> None:
    """None missed, none invented, and the same times.

    brahe's steps miss windows shorter than they are, so those need not match.
    """
    mine = mine[np.lexsort((mine[:, 1], mine[:, 0]))]
    found = np.zeros(len(mine), dtype=bool)
    for item, start, end in theirs:
        same = (mine[:, 0] == item) & (mine[:, 1] < end) & (start < mine[:, 2])
        assert same.sum() == 1, f"missed: target {item:.0f} from {start:.1f} s to {end:.1f} s"
        found |= same
        row = mine[same][0]
        # Grazing windows turn the tens of metres between the two into tenths of a second.
        slack_s = 0.1 + 20.0 / (end - start)
        assert abs(row[1] - start) < slack_s
        assert abs(row[2] - end) < slack_s
    invented = mine[~found]
    assert np.all(invented[:, 2] - invented[:, 1] < 20.0)


def test_passes_over_100_places_in_a_week(sentinel: Any, targets: list[Site]) -> None:
    stations = [GroundStation(site, MASK_DEG) for site in targets]
    found = compute(sentinel.elements, sentinel.start, WEEK, stations=stations).passes
    mine = np.array([(one.station, one.aos_s, one.los_s) for one in found])
    other = theirs(sentinel, targets, brahe.ElevationConstraint(MASK_DEG))
    assert len(other) > 3_000
    compare(mine, other)


def test_accesses_to_100_targets_in_a_week(sentinel: Any, targets: list[Site]) -> None:
    found = compute(
        sentinel.elements, sentinel.start, WEEK, targets=targets, imaging=Imaging(LIMIT_DEG)
    ).accesses
    mine = np.array([(one.target, one.start_s, one.end_s) for one in found])
    constraint = brahe.ConstraintAll(
        [brahe.OffNadirConstraint(max_off_nadir_deg=LIMIT_DEG), brahe.ElevationConstraint(0.0)]
    )
    other = theirs(sentinel, targets, constraint)
    assert len(other) > 600
    compare(mine, other)


def test_the_second_opinion_starts_at_midnight(sentinel: Any) -> None:
    midnight = sentinel.start.replace(hour=0, minute=0, second=0, microsecond=0)
    assert sentinel.start - midnight == timedelta(0)
