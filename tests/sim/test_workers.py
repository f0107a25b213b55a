"""What several processes compute is what one computes, in the same order, even if they die."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from multiprocessing import parent_process
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.sim.mission import flight
from downpass.sim.mission.flight import fly
from downpass.sim.mission.workers import in_order
from downpass.sim.scenario.load import load_scenario

FLEET = """
name: fleet
start: 2024-12-02T04:00:00Z
duration: 6 h
seed: 1
satellites:
  - name: sat
    orbit: {walker: {total: 10, planes: 2, altitude: 550 km, inclination: 97.6 deg}}
    imager: {swath: 40 km, gsd: 10 m, bands: 4, frame_length: 40 km, off_nadir_limit: 30 deg}
    processor: {profile: zynq-7020, working_memory: 10 GB}
    recorder: {capacity: 8 GB}
    transmitter: {rate: [{elevation: 5 deg, rate: 50 Mbit/s}, {elevation: 30 deg, rate: 1 Mbit/s}]}
    codec: {name: jpeg2000, bpp: 1}
targets:
  - {name: a, at: [10, 20]}
  - {name: b, polygon: [[40, 0], [50, 0], [50, 20], [40, 20]]}
stations:
  - {use: svalbard}
  - {use: matera}
"""


def test_processes_do_not_change_a_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    scenario = load_scenario(file)
    alone = fly(scenario)
    monkeypatch.setattr(flight, "_WORTH_PROCESSES_S", 0.0)
    together = fly(scenario, 2)
    assert len(alone.passes) > 20
    assert len(alone.accesses) >= 3
    assert together == alone
    for one, other in zip(alone.passes, together.passes, strict=True):
        assert one.stretches([5.0, 30.0]) == other.stretches([5.0, 30.0])
        assert one.stretches([12.0]) == other.stretches([12.0])  # not computed by the worker
        assert one.elevation_deg.tolist() == other.elevation_deg.tolist()


def square(large: str, number: int) -> int:
    return number * number + len(large)


def dies(at_start: bool, number: int) -> int:
    if parent_process() is not None and (at_start or number == 7):
        os._exit(1)
    return number


def refuses(number: int) -> int:
    raise InputError(f"number {number}")


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        # More than a pipe holds.
        pytest.param(
            partial(square, "x" * 300_000), [n * n + 300_000 for n in range(12)], id="big"
        ),
        pytest.param(partial(dies, False), list(range(12)), id="one dies"),
        pytest.param(partial(dies, True), list(range(12)), id="all die"),
    ],
)
def test_results_are_complete_and_in_order(work: Callable[[int], int], expected: list[int]) -> None:
    assert list(in_order(work, 12, 2)) == expected


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(InputError, match="number 0"):
        list(in_order(refuses, 4, 2))
