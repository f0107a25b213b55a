from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.elements import Elements, circular
from downpass.sim.orbit.passes import GroundStation, Pass, passes
from downpass.sim.orbit.propagator import Propagator
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86_400.0
EPOCH = datetime(2025, 3, 1, 12, tzinfo=UTC)


def over(
    elements: Elements,
    start: datetime,
    duration_s: float,
    stations: list[GroundStation],
) -> list[Pass]:
    return passes(Propagator(elements, start).ephemeris(duration_s), stations)


def steps_of(one: Pass, elevations_deg: Sequence[float]) -> list[tuple[float, float, int]]:
    """Start, end and index of the largest elevation of a table at or below the satellite's."""
    return [
        (
            piece.start_s,
            piece.end_s,
            int(np.searchsorted(elevations_deg, piece.middle_deg, side="right")) - 1,
        )
        for piece in one.stretches(elevations_deg)
    ]


def test_rise_set_and_culmination_agree_with_skyfield(
    case: Any, oracle: Any, sites: list[Site]
) -> None:
    mask_deg = 5.0
    found = over(case.elements, case.start, 7 * DAY, [GroundStation(s, mask_deg) for s in sites])
    assert found
    for number, site in enumerate(sites):
        mine = [one for one in found if one.station == number]
        # skyfield drops a pass whose culmination lies outside the window: search wider.
        events = oracle.events(site, mask_deg, -0.1 * DAY, 7.1 * DAY)
        theirs = [event for event in events if event[2] > 0.0 and event[0] < 7 * DAY]
        assert len(mine) == len(theirs)
        for one, (rise, top, end) in zip(mine, theirs, strict=True):
            # find_events itself stops within half a second; the next test is sharper.
            assert one.aos_s == pytest.approx(max(rise, 0.0), abs=0.5)
            assert one.los_s == pytest.approx(min(end, 7 * DAY), abs=0.5)
            assert one.culmination_s == pytest.approx(np.clip(top, 0.0, 7 * DAY), abs=0.5)
        if not mine:
            continue
        aos, los, top_s = np.array([[o.aos_s, o.los_s, o.culmination_s] for o in mine]).T
        # The satellite as skyfield sees it crosses the mask within 5 ms of the times found.
        for edge, sign in ((aos, 1.0), (los, -1.0)):
            free = (edge > 0.0) & (edge < 7 * DAY)
            assert np.all(oracle.elevation_deg(site, edge[free] - sign * 0.005) < mask_deg)
            assert np.all(oracle.elevation_deg(site, edge[free] + sign * 0.005) > mask_deg)
        highest = oracle.elevation_deg(site, top_s)
        assert np.abs(highest - [one.max_elevation_deg for one in mine]).max() < 1e-3
        inner = (top_s > 1.0) & (top_s < 7 * DAY - 1.0)
        for offset in (-0.2, 0.2):
            assert np.all(oracle.elevation_deg(site, top_s[inner] + offset) < highest[inner])


def test_no_pass_is_missed_and_none_invented_looking_every_other_second(
    case: Any, oracle: Any, sites: list[Site]
) -> None:
    time_s = np.arange(0.0, 2 * 3_600.0, 2.0)
    found = over(case.elements, case.start, time_s[-1], [GroundStation(s, 1.0) for s in sites])
    times = oracle.times(time_s)
    for number, site in enumerate(sites):
        elevation_deg = oracle.elevation_deg(site, time_s, times)
        inside = np.zeros(len(time_s), dtype=bool)
        for one in found:
            if one.station == number:
                inside |= (time_s >= one.aos_s) & (time_s <= one.los_s)
        clear = np.abs(elevation_deg - 1.0) > 1e-3
        assert np.array_equal(inside[clear], elevation_deg[clear] > 1.0)


def test_an_equatorial_orbit_over_an_equatorial_station_by_hand() -> None:
    # In the plane of the equator everything is a circle. The station sees the satellite within
    # the angle acos(R cos(e) / r) - e at the Earth's centre, on each side.
    elements = circular(700e3, 0.0, 0.0, 0.0, EPOCH)
    position, velocity = (v[:, 0] for v in Propagator(elements, EPOCH).ecef(np.array([0.0])))
    radius = float(np.hypot(*position[:2]))
    rate = float(position[0] * velocity[1] - position[1] * velocity[0]) / radius**2
    mask = np.radians(10.0)
    half = np.arccos(6_378_137.0 * np.cos(mask) / radius) - mask
    found = over(elements, EPOCH, DAY, [GroundStation(Site(0.0, 77.0), 10.0)])
    # r = 7078 km: 17.36 degrees each side at 0.0565 deg/s, some ten minutes.
    assert 2.0 * half / rate == pytest.approx(10.2 * 60.0, abs=20.0)
    whole = [one for one in found if one.aos_s > 0.0 and one.los_s < DAY]
    assert len(whole) == pytest.approx(DAY * rate / (2.0 * np.pi), abs=1.0)
    for one in whole:
        assert one.duration_s == pytest.approx(2.0 * half / rate, abs=0.05)
        assert one.max_elevation_deg == pytest.approx(90.0, abs=0.01)
        assert one.culmination_s == pytest.approx((one.aos_s + one.los_s) / 2.0, abs=0.05)
    periods = np.diff([one.aos_s for one in whole])
    assert periods == pytest.approx(2.0 * np.pi / rate, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(
    altitude_m=st.floats(200e3, 1_500e3),
    inclination_deg=st.floats(0.0, 180.0),
    raan_deg=st.floats(0.0, 360.0),
    latitude_deg=st.floats(-90.0, 90.0),
    longitude_deg=st.floats(-180.0, 180.0),
    mask_deg=st.floats(0.0, 80.0),
    duration_s=st.floats(60.0, 1.5 * DAY),
    share=st.floats(0.05, 0.95),
)
def test_passes_are_in_order_end_at_the_mask_and_survive_a_split(
    altitude_m: float,
    inclination_deg: float,
    raan_deg: float,
    latitude_deg: float,
    longitude_deg: float,
    mask_deg: float,
    duration_s: float,
    share: float,
) -> None:
    elements = circular(altitude_m, inclination_deg, raan_deg, 0.0, EPOCH)
    stations = [GroundStation(Site(latitude_deg, longitude_deg), mask_deg)]
    steps = (mask_deg / 2.0, mask_deg, (mask_deg + 90.0) / 2.0)
    found = over(elements, EPOCH, duration_s, stations)
    before = 0.0
    for one in found:
        assert before <= one.aos_s < one.los_s <= duration_s
        before = one.los_s
        assert one.aos_s <= one.culmination_s <= one.los_s
        assert one.time_s[0] == one.aos_s
        assert one.time_s[-1] == one.los_s
        assert np.all(np.diff(one.time_s) > 0.0)
        assert np.all(np.diff(one.time_s) <= 10.0 + 1e-9)
        # Half a millisecond, at 2 degrees a second when it is low and overhead.
        assert one.elevation_deg.max() == pytest.approx(one.max_elevation_deg, abs=2e-3)
        assert np.all(one.elevation_deg > mask_deg - 2e-3)
        if one.aos_s > 0.0:
            assert one.elevation_deg[0] == pytest.approx(mask_deg, abs=2e-3)
        if one.los_s < duration_s:
            assert one.elevation_deg[-1] == pytest.approx(mask_deg, abs=2e-3)
        pieces = one.stretches(steps)
        assert (pieces[0].start_s, pieces[-1].end_s) == (one.aos_s, one.los_s)
        assert all(piece.start_s < piece.end_s for piece in pieces)
        assert all(early.end_s == late.start_s for early, late in pairwise(pieces))

    cut = share * duration_s
    first = over(elements, EPOCH, cut, stations)
    # A datetime has microseconds, so the second run starts at one.
    cut = round(cut, 6)
    second = over(elements, EPOCH + timedelta(seconds=cut), duration_s - cut, stations)
    parts = [(one.aos_s, one.los_s) for one in first]
    parts += [(one.aos_s + cut, one.los_s + cut) for one in second]
    expected: list[tuple[float, float]] = []
    for one in found:
        if one.aos_s < cut < one.los_s:
            expected += [(one.aos_s, cut), (cut, one.los_s)]
        else:
            expected.append((one.aos_s, one.los_s))
    # Where the cut falls within a millisecond of an edge, a sliver may or may not be there.
    parts = [part for part in parts if part[1] - part[0] > 2e-3]
    expected = [part for part in expected if part[1] - part[0] > 2e-3]
    # Nor does it matter what becomes of a pass that only just reaches the mask.
    if all(one.max_elevation_deg - mask_deg > 1e-6 for one in found):
        assert np.shape(parts) == np.shape(expected)
        assert np.allclose(parts, expected, rtol=0.0, atol=2e-3)


def test_however_short_a_pass_is_found(sentinel: Any) -> None:
    site = Site(47.0, 8.0)
    all_of_them = over(sentinel.elements, sentinel.start, 3 * DAY, [GroundStation(site, 0.0)])
    assert len(all_of_them) > 15
    tops = [one for one in all_of_them if 0.0 < one.culmination_s < 3 * DAY]
    for below_deg, longest_s in ((1e-2, 60.0), (1e-4, 6.0), (1e-6, 0.6)):
        lengths = []
        for one in tops:
            mask_deg = one.max_elevation_deg - below_deg
            found = over(
                sentinel.elements, sentinel.start, 3 * DAY, [GroundStation(site, mask_deg)]
            )
            (same,) = [two for two in found if two.aos_s < one.culmination_s < two.los_s]
            lengths.append(same.duration_s)
        assert max(lengths) < longest_s


def test_a_pass_under_way_at_the_start_and_one_at_the_end_are_cut(sentinel: Any) -> None:
    station = [GroundStation(Site(78.23, 15.39), 5.0)]
    whole = over(sentinel.elements, sentinel.start, DAY, station)[2]
    # Start after the culmination: the highest moment of what is left is the start itself.
    late = round(whole.culmination_s + 60.0)
    rest = over(sentinel.elements, sentinel.start + timedelta(seconds=late), 1_200.0, station)[0]
    assert rest.aos_s == 0.0
    assert rest.culmination_s == 0.0
    assert rest.los_s == pytest.approx(whole.los_s - late, abs=1e-3)
    assert rest.max_elevation_deg == pytest.approx(rest.elevation_deg[0], abs=1e-6)
    assert rest.max_elevation_deg < whole.max_elevation_deg - 0.1
    # End before the culmination: it is the end.
    early = whole.culmination_s - 60.0
    head = over(sentinel.elements, sentinel.start, early, station)[-1]
    assert head.aos_s == pytest.approx(whole.aos_s, abs=1e-3)
    assert head.los_s == early
    assert head.culmination_s == early
    # A run within a pass is one pass from end to end.
    inside = over(
        sentinel.elements,
        sentinel.start + timedelta(seconds=round(whole.aos_s) + 60),
        30.0,
        station,
    )
    assert [(one.aos_s, one.los_s) for one in inside] == [(0.0, 30.0)]


def test_the_steps_of_a_table_change_where_the_satellite_crosses_them(
    case: Any, oracle: Any, sites: list[Site]
) -> None:
    steps = (5.0, 12.5, 30.0, 60.0)
    stations = [GroundStation(site, 7.0) for site in sites]
    found = over(case.elements, case.start, 2 * DAY, stations)
    seen: set[int] = set()
    for one in found:
        stretches = steps_of(one, steps)
        assert stretches[0][0] == one.aos_s
        assert stretches[-1][1] == one.los_s
        site = sites[one.station]
        for (_, end, step), (start, _, following) in pairwise(stretches):
            assert end == start
            assert abs(step - following) == 1
            level = steps[max(step, following)]
            assert oracle.elevation_deg(site, start) == pytest.approx(level, abs=1e-3)
        middles = np.array([(start + end) / 2.0 for start, end, _ in stretches])
        heights = np.atleast_1d(oracle.elevation_deg(site, middles))
        for (_, _, step), height in zip(stretches, heights, strict=True):
            assert step == sum(height >= level for level in steps) - 1
            seen.add(step)
    assert {0, 1, 2} <= seen


def test_a_pass_that_crosses_no_elevation_is_one_stretch(sentinel: Any) -> None:
    station = [GroundStation(Site(78.23, 15.39), 5.0)]
    found = over(sentinel.elements, sentinel.start, DAY, station)
    for one in found:
        (whole,) = one.stretches(())
        assert (whole.start_s, whole.end_s) == (one.aos_s, one.los_s)
        assert 5.0 < whole.middle_deg <= one.max_elevation_deg + 1e-6
        assert len(one.stretches((-90.0, 2.0, 5.0))) == 1  # at or below the mask
        assert len(one.stretches((20.0,))) == (3 if one.max_elevation_deg > 20.0 else 1)
    assert any(one.max_elevation_deg > 20.0 for one in found)


def test_elevation_and_slant_range_over_time_agree_with_skyfield(
    case: Any, oracle: Any, sites: list[Site]
) -> None:
    for one in over(case.elements, case.start, DAY, [GroundStation(s, 5.0) for s in sites])[:12]:
        time_s = np.linspace(one.aos_s, one.los_s, 7)
        site = sites[one.station]
        assert one.elevation_deg_at(time_s) == pytest.approx(
            oracle.elevation_deg(site, time_s), abs=1e-3
        )
        assert one.slant_range_m_at(time_s) == pytest.approx(
            oracle.slant_range_m(site, time_s), abs=30.0
        )


def test_a_geosynchronous_satellite_culminates_more_than_once_in_a_pass() -> None:
    # Inclined by 60 degrees it draws a figure of eight, and one pass has two summits.
    elements = circular(35_786e3, 60.0, 0.0, 0.0, EPOCH)
    propagator = Propagator(elements, EPOCH)
    _, longitude, _ = propagator.subpoint(np.array([0.0]))
    station = GroundStation(Site(0.0, float(longitude[0])), 10.0)
    found = over(elements, EPOCH, 2 * DAY, [station])
    time_s = np.arange(0.0, 2 * DAY, 60.0)
    inside = np.zeros(len(time_s), dtype=bool)
    step = np.full(len(time_s), -1)
    for one in found:
        for start, end, index in steps_of(one, (20.0, 60.0)):
            within = (time_s >= start) & (time_s <= end)
            inside |= within
            step[within] = index
    position, _ = propagator.ecef(time_s)
    place = np.array([np.cos(np.radians(longitude[0])), np.sin(np.radians(longitude[0])), 0.0])
    line = position - 6_378_137.0 * place[:, None]
    elevation_deg = np.degrees(np.arcsin(place @ line / np.linalg.norm(line, axis=0)))
    assert np.array_equal(inside, elevation_deg >= 10.0)
    assert np.array_equal(step[inside], np.digitize(elevation_deg[inside], [20.0, 60.0]) - 1)
    assert max(one.max_elevation_deg for one in found) == pytest.approx(
        elevation_deg.max(), abs=0.01
    )


def test_ten_seconds_of_grid_or_a_minute_give_the_same_passes(
    sentinel: Any, sites: list[Site]
) -> None:
    propagator = Propagator(sentinel.elements, sentinel.start)
    stations = [GroundStation(site, 3.0) for site in sites]
    fine = passes(propagator.ephemeris(3 * DAY, 10.0), stations)
    coarse = passes(propagator.ephemeris(3 * DAY, 60.0), stations)
    assert len(fine) == len(coarse)
    for one, two in zip(fine, coarse, strict=True):
        assert one.aos_s == pytest.approx(two.aos_s, abs=5e-3)
        assert one.los_s == pytest.approx(two.los_s, abs=5e-3)


def test_no_station_gives_no_pass_and_nor_does_one_never_in_view(sentinel: Any) -> None:
    assert over(sentinel.elements, sentinel.start, DAY, []) == []
    equatorial = circular(500e3, 0.0, 0.0, 0.0, EPOCH)
    assert over(equatorial, EPOCH, DAY, [GroundStation(Site(80.0, 0.0), 0.0)]) == []


@pytest.mark.parametrize("mask_deg", [-1.0, 90.0, float("nan")])
def test_a_mask_that_is_none_is_refused(mask_deg: float) -> None:
    with pytest.raises(InputError, match=r"elevation mask .* allowed is 0 to below 90 deg"):
        GroundStation(Site(0.0, 0.0), mask_deg)
