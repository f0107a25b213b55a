"""Geometry is computed once for scenarios that share it, and never shared wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from downpass.sim.mission.flight import Flight, fly
from downpass.sim.scenario import Scenario, load_scenario
from downpass.sim.sweep.shared_flight import SharedFlights, geometry_key, matters
from small_scenarios import scenario, write

SAME = {
    "seed": "seed=9",
    "name": "name=other",
    "arbitration": "arbitration=priority",
    "codec": "satellites.0.codec.bpp=1",
    "codec name": "satellites.sat.codec.name=jpegxl",
    "recorder": "satellites.*.recorder.capacity=3 MB",
    "rate": "satellites.0.transmitter.rate=1 Mbit/s",
    "steps": "satellites.0.transmitter.rate=[{elevation: 5 deg, rate: 1 Mbit/s}]",
    "loss": "satellites.0.transmitter.packet_loss=0.1",
    "policy": "satellites.0.policy.drop=oldest",
    "processor": "satellites.0.processor.working_memory=100 MB",
    "power": "satellites.0.power={battery: 1 Wh, solar: 1 W, loads: {idle: 1 W, imaging: 1 W, "
    "encoding: 1 W, transmitting: 1 W}}",
    "antennas": "stations.0.antennas=2",
    "outages": "stations.0.outages=[{from: 2024-12-02T01:00:00Z, to: 2024-12-02T03:00:00Z}]",
    "station's rate": "stations.0.rate=1 Mbit/s",
    "transfer": "satellites.0.transmitter.transfer=acknowledged",
    "least pass": "satellites.0.transmitter.least_pass=3 min",
    "weather": "weather=none",
    "sweep": "sweep={seeds: 3}",
    "report": "report.sample_frames=1",
}
OTHER = {
    "start": "start=2024-12-03T00:00:00Z",
    "duration": "duration=5 h",
    "altitude": "satellites.0.orbit.altitude=510 km",
    "swath": "satellites.0.imager.swath=2.56 km",
    "off-nadir": "satellites.0.imager.off_nadir_limit=20 deg",
    "sun": "satellites.0.imager.min_sun_elevation=10 deg",
    "slew": "satellites.0.imager.slew_rate=0.1 deg/s",
    "duty cycle": "satellites.0.imager.duty_cycle=0.01",
    "length": "satellites.0.imager.frame_length=12 km",
    "station": "stations.1=kiruna",
    "mask": "stations.0.elevation_mask=20 deg",
    "horizon": "stations.0.horizon=[[0, 30], [180, 30]]",
    "stations": "stations=[svalbard]",
    "target": "targets.0.at=[70.0, 20.0]",
    "priority": "targets.0.priority=9",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("flights"), scenario(None, duration="6 h"))


def content(flight: Flight) -> tuple[Any, ...]:
    return flight.geometries, flight.timetables, flight.passes, flight.accesses


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_matter_shares_a_flight(path: Path, change: str) -> None:
    base, other = load_scenario(path), load_scenario(path, [change])
    assert not matters(change.partition("=")[0])
    assert geometry_key(base) == geometry_key(other)
    assert content(fly(base)) == content(fly(other))


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_matters_does_not(path: Path, change: str) -> None:
    assert matters(change.partition("=")[0])
    assert geometry_key(load_scenario(path)) != geometry_key(load_scenario(path, [change]))


@pytest.mark.parametrize(("share", "shared"), [(0.3, False), (1, True)])
def test_seeds_share_a_flight_unless_they_draw_the_timetable(
    tmp_path: Path, share: float, shared: bool
) -> None:
    content = scenario(None, duration="2 h")
    content["satellites"][0]["imager"]["mode"] = "strip"
    area = {"of": "land", "latitude": [60, 83], "share": share}
    content["targets"] = [{"name": "land", "area": area}]
    path = write(tmp_path, content)
    flights = SharedFlights()
    for seed in (1, 2):
        wanted = load_scenario(path, [f"seed={seed}"])
        assert flights(wanted).timetables == fly(wanted).timetables
    assert flights.computed == (1 if shared else 2)


def test_computed_once_each_and_with_the_scenarios_own_settings(path: Path) -> None:
    flights = SharedFlights(kept=2)

    def ask(*changes: str) -> tuple[Flight, Scenario]:
        wanted = load_scenario(path, changes)
        return flights(wanted), wanted

    first, _ = ask()
    second, wanted = ask("satellites.0.codec.bpp=1")
    assert flights.computed == 1
    assert second.scenario is wanted
    assert second.passes is first.passes
    ask("stations=[svalbard]")
    ask("stations=[awarua]")  # now the first is forgotten
    assert flights.computed == 3
    assert content(ask()[0]) == content(first)
    assert flights.computed == 4
