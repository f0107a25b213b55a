"""From a scenario to whole ticks and bytes: contacts, rates, outages, captures, power."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from downpass.link.channel.downlink import RateSegment
from downpass.link.clock import TICKS_PER_MILLISECOND
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import Mission, prepare
from downpass.sim.mission.views import NoPixels, View
from downpass.sim.model.setup import Contact
from downpass.sim.orbit.passes import Pass
from downpass.sim.scenario.scenario import Scenario
from small_scenarios import scenario

START = datetime(2024, 12, 2, tzinfo=UTC)
TLE = """\
1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998
2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363
"""
STEPS = [
    {"elevation": 8.0, "rate": 1e6},
    {"elevation": 20.0, "rate": 5e6},
    {"elevation": 45.0, "rate": 9e6},
]


def si(content: dict[str, Any]) -> Scenario:
    """A scenario from Python, where values are in SI units."""
    sat = {
        "name": "sat",
        "orbit": {"altitude": 500e3, "sun_synchronous": True, "local_time": "10:30"},
        "imager": {
            "swath": 1280.0,
            "gsd": 20.0,
            "frame_length": 1280.0,
            "bands": [1, 2],
            "off_nadir_limit": 40.0,
            "min_sun_elevation": None,
            "bit_depth": 11,
        },
        "processor": {"encode_rate": {"jpeg2000": 1e6}, "working_memory": 10**6},
        "recorder": {"capacity": 10**6},
        "transmitter": {"rate": STEPS, "acknowledge_delay": 0.25},
        "codec": {"name": "jpeg2000", "bpp": 1.0},
    }
    plain = scenario(None, start=START, duration=43_200.0, satellites=[sat])
    return Scenario.model_validate(plain | content)


def with_satellite(**changes: Any) -> dict[str, Any]:
    sat = si({}).satellites[0].model_dump(by_alias=True)
    return {"satellites": [sat | changes]}


def mission(content: dict[str, Any]) -> Mission:
    made = si(content)
    return prepare(fly(made), NoPixels(made))


def segments(contact: Contact) -> list[RateSegment]:
    """A downlink's segments, read back through what it carries."""
    link = contact.downlink
    return [
        RateSegment(a, b, rate)
        for (a, b), rate in zip(pairwise(link._times), link._rates, strict=True)
    ]


@pytest.fixture(scope="module")
def flown() -> Mission:
    return mission({})


def test_a_contact_is_a_pass_with_the_rate_of_its_elevation(flown: Mission) -> None:
    assert len(flown.setup.contacts) == len(flown.flight.passes) > 5
    elevations = np.array([step["elevation"] for step in STEPS])
    seen = set()
    for contact, one in zip(flown.setup.contacts, flown.flight.passes, strict=True):
        assert contact.station == one.station
        assert contact.downlink.start == round(one.aos_s * 1000) * 1000
        assert contact.downlink.end == round(one.los_s * 1000) * 1000
        for segment in segments(contact):
            inside = (one.time_s * 1e6 > segment.start) & (one.time_s * 1e6 < segment.end)
            for elevation in one.elevation_deg[inside]:
                step = np.searchsorted(elevations, elevation, side="right") - 1
                assert segment.bits_per_second == (STEPS[step]["rate"] if step >= 0 else 0)
                seen.add(segment.bits_per_second)
    assert seen == {0, 1e6, 5e6, 9e6}


def test_everything_happens_on_whole_milliseconds(flown: Mission) -> None:
    moments = [flown.setup.duration]
    for contact in flown.setup.contacts:
        moments += [edge for s in segments(contact) for edge in (s.start, s.end)]
    for sat in flown.setup.satellites:
        moments += [edge for c in sat.captures for edge in (c.start, c.end)]
        moments.append(sat.acknowledge_ticks)
    assert all(moment % TICKS_PER_MILLISECOND == 0 for moment in moments)
    assert flown.setup.satellites[0].acknowledge_ticks == 250_000


def test_captures_are_the_shots_in_order_with_the_size_of_their_view(flown: Mission) -> None:
    captures = flown.setup.satellites[0].captures
    shots = flown.flight.timetables[0].shots
    assert len(captures) == len(shots) > 5
    assert [c.number for c in captures] == list(range(len(captures)))
    for capture, shot in zip(captures, shots, strict=True):
        assert capture.end - capture.start == pytest.approx(
            (shot.end_s - shot.start_s) * 1e6, abs=1001
        )
        assert capture.samples == 64 * 64 * 2
        assert capture.raw_bytes == 64 * 64 * 2 * 11 // 8
        target = flown.flight.accesses[capture.access].target
        assert capture.target == target
        assert capture.priority == 1 + target
    assert all(a.end <= b.start for a, b in pairwise(captures))


def test_raw_frames_are_packed_bits_rounded_up() -> None:
    assert View(3, 1, 1, 12).raw_bytes == 5  # 36 bits
    assert View(3, 1, 3, 8).raw_bytes == 9
    assert View(10, 10, 2, 12).samples == 200


def outage(passing: Pass, start: float, end: float) -> dict[str, datetime]:
    """An outage that begins and ends at shares of a pass."""

    def at(share: float) -> datetime:
        return START + timedelta(seconds=passing.aos_s + share * passing.duration_s)

    return {"from": at(start), "to": at(end)}


@pytest.mark.parametrize(
    ("shares", "left"),
    [
        ([(0.25, 0.5)], [(0, 0.25), (0.5, 1)]),
        ([(0.2, 0.4), (0.6, 0.8)], [(0, 0.2), (0.4, 0.6), (0.8, 1)]),
        ([(0.6, 0.8), (0.2, 0.7)], [(0, 0.2), (0.8, 1)]),  # out of order, one into the other
        ([(0.2, 0.8), (0.4, 0.5)], [(0, 0.2), (0.8, 1)]),  # one within the other
        ([(-1.0, 0.5)], [(0.5, 1)]),
        ([(0.5, 2.0)], [(0, 0.5)]),
        ([(0.0, 1.0)], []),
        ([(-0.5, 1.5)], []),
        ([(-2.0, -1.0), (2.0, 3.0)], [(0, 1)]),
        ([(-1.0, 0.0), (1.0, 2.0)], [(0, 1)]),
    ],
)
def test_an_outage_splits_a_pass(
    flown: Mission, shares: list[tuple[float, float]], left: list[tuple[float, float]]
) -> None:
    whole = next(p for p in flown.flight.passes if p.station == 0 and p.max_elevation_deg > 50)
    row = flown.flight.passes.index(whole)
    stations = [
        si({}).stations[0].model_dump(by_alias=True)
        | {"outages": [outage(whole, *share) for share in shares]},
        "awarua",
    ]
    made = mission({"stations": stations})
    assert made.flight.passes == flown.flight.passes  # the geometry knows nothing of it
    parts = [c for c in made.setup.contacts if c.pass_index == row]
    expected = [tuple(whole.aos_s + share * whole.duration_s for share in part) for part in left]
    found = [(c.downlink.start / 1e6, c.downlink.end / 1e6) for c in parts]
    assert found == [pytest.approx(part, abs=0.002) for part in expected]
    # Where the station works, it works as it would have without.
    (before,) = [c for c in flown.setup.contacts if c.pass_index == row]
    for part in parts:
        link = part.downlink
        carried = before.downlink.carried_by(link.end) - before.downlink.carried_by(link.start)
        assert link.capacity == pytest.approx(carried, abs=1)
    others = [c for c in made.setup.contacts if c.station == 1]
    assert len(others) == sum(c.station == 1 for c in flown.setup.contacts)


@pytest.mark.parametrize(
    "orbit",
    [
        {"tle": TLE},
        {"altitude": 500e3, "sun_synchronous": True, "local_time": "22:30", "node": "ascending"},
        {"altitude": 700e3, "inclination": 51.6, "raan": 30.0, "anomaly": 120.0},
        {"altitude": 500e3, "inclination": 0.0},
    ],
    ids=["tle", "sun-synchronous", "kepler", "equatorial"],
)
def test_every_form_of_orbit_flies(orbit: dict[str, Any]) -> None:
    stations = [{"name": "equator", "at": [1.0, 20.0]}, "svalbard"]
    made = mission({**with_satellite(orbit=orbit), "stations": stations})
    assert made.setup.contacts
    assert all(c.downlink.end <= made.setup.duration for c in made.setup.contacts)
    assert all(c.end <= made.setup.duration for s in made.setup.satellites for c in s.captures)


def test_several_satellites_keep_their_own_and_share_the_numbers() -> None:
    one = si({}).satellites[0].model_dump(by_alias=True)
    later = one | {"name": "later", "orbit": one["orbit"] | {"anomaly": 340.0}}
    made = mission({"satellites": [one, later]})
    first, second = (s.captures for s in made.setup.satellites)
    numbers = [c.number for c in (*first, *second)]
    assert numbers == list(range(len(made.views)))
    for index, captures in enumerate((first, second)):
        assert captures
        for capture in captures:
            assert made.flight.accesses[capture.access].satellite == index
            seen = made.flight.accesses[capture.access]
            assert seen.start_s * 1e6 - 1001 <= capture.start
            assert capture.end <= seen.end_s * 1e6 + 1001
    aos = [c.downlink.start for c in made.setup.contacts]
    assert aos == sorted(aos)
    assert {c.satellite for c in made.setup.contacts} == {0, 1}


def test_watts_and_shares_become_whole_milliwatts_and_nanojoules() -> None:
    power = {
        "battery": 7200.0,
        "initial_charge": 0.9,
        "min_charge": 0.3,
        "resume_charge": 0.4,
        "solar": 40.5,
        "loads": {"idle": 8.0, "imaging": 12.0} | {"encoding": 4.001, "transmitting": 15},
    }
    made = mission(with_satellite(power=power))
    (sat,) = made.setup.satellites
    assert sat.power is not None
    assert (sat.power.capacity, sat.power.charge) == (7200 * 10**9, 6480 * 10**9)
    assert (sat.power.low, sat.power.resume) == (2160 * 10**9, 2880 * 10**9)
    assert (sat.power.solar, sat.power.idle, sat.power.encoding) == (40_500, 8000, 4001)
    assert sat.encoding_milliwatts == 4001
    assert sat.power.eclipses
    assert all(a < b for a, b in sat.power.eclipses)
    assert all(a[1] <= b[0] for a, b in pairwise(sat.power.eclipses))


def test_a_plain_rate_holds_at_every_elevation() -> None:
    made = mission(with_satellite(transmitter={"rate": 2.5e6}))
    for contact in made.setup.contacts:
        length = contact.downlink.end - contact.downlink.start
        assert contact.downlink.capacity == length * 2_500_000 // 8_000_000
