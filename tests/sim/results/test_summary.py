"""summary.json: its time of contact, and that its work grows with the contacts alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from downpass.sim.coverage.coverage import Delivered
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.results.summary import summarise
from downpass.sim.run import graded
from downpass.sim.scenario import load_scenario
from small_scenarios import satellite, scenario, write


class Counted(tuple[Any, ...]):
    """A tuple that counts how often it is walked through."""

    walks = 0

    def __iter__(self) -> Iterator[Any]:
        Counted.walks += 1
        return super().__iter__()


def test_contact_times_of_satellites_and_of_all(tmp_path: Path) -> None:
    orbits = [
        {"altitude": "500 km", "sun_synchronous": True, "local_time": time}
        for time in ("10:30", "13:00", "18:00")
    ]
    satellites = [satellite(name=f"s{i}", orbit=orbit) for i, orbit in enumerate(orbits)]
    given = scenario(None, duration="6 h", satellites=satellites)
    loaded = load_scenario(write(tmp_path, given))
    with graded(loaded, cache=ContentCache(None)) as simulated:
        mission, outcome, kinds = simulated.mission, simulated.outcome, simulated.time_kinds
    contacts = outcome.setup.contacts
    counted = replace(outcome, setup=replace(outcome.setup, contacts=Counted(contacts)))
    Counted.walks = 0
    summary = summarise(mission, counted, kinds, {})
    assert Counted.walks == 1  # and not once for each satellite
    blocks = [(f"s{i}", {i}, summary["satellites"][f"s{i}"]) for i in range(3)]
    for name, members, block in [*blocks, ("total", {0, 1, 2}, summary["total"])]:
        own = [i for i, contact in enumerate(contacts) if contact.satellite in members]
        used = sum(outcome.uses[i].ticks for i in own)
        length = sum(contacts[i].downlink.end - contacts[i].downlink.start for i in own)
        assert 0 < used < length, name
        assert block["pass_time_used"] == pytest.approx(used / length, rel=1e-12), name


@pytest.mark.parametrize("transfer", ["resumable", "unacknowledged"])
def test_a_frame_of_which_nothing_arrived_shows_no_ground(tmp_path: Path, transfer: str) -> None:
    transmitter = satellite()["transmitter"] | {"packet_loss": 1, "transfer": transfer}
    given = scenario(None, satellites=[satellite(transmitter=transmitter)])
    path = write(tmp_path, given)
    for loss, some in (("1", False), ("0", True)):
        loaded = load_scenario(path, [f"satellites.0.transmitter.packet_loss={loss}"])
        with graded(loaded, cache=ContentCache(None)) as simulated:
            mission, outcome, kinds = simulated.mission, simulated.outcome, simulated.time_kinds
        total = summarise(mission, outcome, kinds, {})["total"]
        assert total["frames"]["delivered"] > 0
        assert (total["bytes"]["received"] > 0) is some
        assert (total["delivered_px"] > 0) is some
        assert (total["delivered_km2"] > 0) is some
        assert Delivered.of(outcome).any.sum() == (total["frames"]["delivered"] if some else 0)


@pytest.mark.parametrize(
    ("start", "written"),
    [
        ("2024-12-02T01:00:00+01:00", "2024-12-02T00:00:00Z"),
        ("2024-12-02T00:00:00.25Z", "2024-12-02T00:00:00.250000Z"),
    ],
)
def test_the_start_is_the_scenarios_to_the_microsecond(
    tmp_path: Path, start: str, written: str
) -> None:
    loaded = load_scenario(write(tmp_path, scenario(None, start=start, duration="1 h")))
    with graded(loaded, cache=ContentCache(None)) as simulated:
        found = summarise(simulated.mission, simulated.outcome, simulated.time_kinds, {})
    assert found["start"] == written
