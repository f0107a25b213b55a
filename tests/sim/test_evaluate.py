"""One scenario as one flat row, here and in other processes."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import Scenario, load_scenario
from small_scenarios import downpass, pixels, satellite, scenario, write, write_scene


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with the user's cache beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def rate_only(folder: Path, *overrides: str, **changes: Any) -> Scenario:
    return load_scenario(write(folder, scenario(None, duration="6 h", **changes)), overrides)


def test_two_scenarios_in_other_processes(folder: Path) -> None:
    scenarios = [
        rate_only(folder, f"satellites.0.codec.bpp={bpp}", f"seed={seed}")
        for bpp, seed in ((1, 3), (2, 4))
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        rows = list(pool.map(evaluate, scenarios))
    assert rows == [evaluate(one) for one in scenarios]
    assert [row["set.satellites.0.codec.bpp"] for row in rows] == [1, 2]
    assert [row["seed"] for row in rows] == [row["set.seed"] for row in rows] == [3, 4]
    assert rows[0]["codecs.sat"] == "jpeg2000:1bpp"
    assert rows[0]["file"] == str(folder / "scenario.yaml")
    # The same frames, at twice the rate: 64 x 64 pixels of 1 and of 2 bits.
    assert rows[0]["total.bytes.encoded"] == rows[0]["total.frames.encoded"] * 64 * 64 // 8
    assert rows[1]["total.bytes.encoded"] == rows[1]["total.frames.encoded"] * 64 * 64 // 4
    assert not list((folder / "work").iterdir())


def test_the_figures_are_those_of_summary_json(folder: Path) -> None:
    path = write(folder, scenario(None, duration="6 h"))
    downpass("run", path, "--out", folder / "out", "--delivered", "none", "--quiet")
    summary = json.loads((folder / "out" / "summary.json").read_text())
    row = evaluate(load_scenario(path))
    assert all(isinstance(value, str | int | float | None) for value in row.values())

    def leaves(value: Any) -> int:
        parts = value.values() if isinstance(value, dict) else value
        return sum(map(leaves, parts)) if isinstance(value, dict | list) else 1

    for name, value in row.items():
        if name not in ("version", "file"):
            found = summary
            for step in name.split("."):
                found = found[step]
            assert value == found, name
    assert len(row) == leaves(summary) + 2


def test_scenario_and_row_can_be_pickled(folder: Path) -> None:
    loaded = rate_only(folder, "stations.1.antennas=2")
    again = pickle.loads(pickle.dumps(loaded))
    assert again == loaded
    assert again.source == loaded.source
    row = evaluate(again)
    assert pickle.loads(pickle.dumps(row)) == row
    assert row["set.stations.1.antennas"] == 2


def test_an_override_within_another_is_given_once(folder: Path) -> None:
    row = evaluate(rate_only(folder, "satellites.0.codec={name: jpeg2000, bpp: 1}",
                             "satellites.0.codec.bpp=2"))  # fmt: skip
    assert row["set.satellites.0.codec.bpp"] == 2


def test_overrides_have_the_values_of_their_entries(folder: Path) -> None:
    # The first entry stands for three satellites, and the first of the targets for two.
    walker = {"total": 3, "planes": 3, "altitude": "500 km", "inclination": "97 deg"}
    (folder / "places.csv").write_text("lat,lon\n1,2\n3,4\n")
    content = scenario(None, duration="1 h", satellites=[
        satellite(name="many", orbit={"walker": walker}), satellite(name="one")
    ])  # fmt: skip
    content["targets"].insert(0, {"file": "places.csv"})
    changes = {
        "satellites.0.codec.bpp": 3,
        "satellites.1.codec.bpp": 1,
        "satellites.0.recorder.capacity": "2 MB",
        "satellites.1.recorder.capacity": "3 MB",
        "satellites.0.orbit.walker.phasing": 2,
        "targets.0.priority": 7,
        "targets.1.priority": 8,
        "stations.0.use": "kiruna",
    }
    loaded = load_scenario(write(folder, content), [f"{k}={v}" for k, v in changes.items()])
    row = evaluate(loaded)
    si = {"2 MB": 2_000_000, "3 MB": 3_000_000}
    assert {name: row[f"set.{name}"] for name in changes} == {
        name: si.get(str(value), value) for name, value in changes.items()
    }


def test_a_field_of_a_file_of_targets_is_given_as_in_the_file(folder: Path) -> None:
    (folder / "places.csv").write_text("lat,lon\n1,2\n3,4\n")
    content = scenario(None, duration="1 h", targets={"file": "places.csv"})
    row = evaluate(load_scenario(write(folder, content), ["targets.priority=3"]))
    assert row["set.targets.priority"] == 3


def test_two_figures_of_one_name_are_refused(folder: Path) -> None:
    # Targets show a scene that is smaller than their frames and called like a figure.
    scene = write_scene(folder / "frames.captured", pixels(48, 48))
    satellites = [satellite(name=name) for name in ("a", "a.repeated.scenes")]
    given = scenario(scene.name, duration="3 h", satellites=satellites)
    with pytest.raises(InputError, match=r"^figure satellites\.a\.repeated.*frames\.captured"):
        evaluate(load_scenario(write(folder, given)))
