"""CZML: another library's model of the format accepts it, and positions are the orbit's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from czml3 import Packet
from downpass.link.errors import InputError
from downpass.sim.export import czml as czml_module
from downpass.sim.mission.flight import fly, orbit_of
from downpass.sim.orbit.elements import circular
from downpass.sim.orbit.propagator import Propagator
from downpass.sim.orbit.trajectory import trajectory
from downpass.sim.scenario import load_scenario
from orbit_messages import oem_kvn, omm_json
from scipy.interpolate import KroghInterpolator
from small_scenarios import downpass, satellite, scenario, write

SQUARE = {"name": "São #1 \\ <b>", "polygon": [[80, 10], [80, 20], [79, 20], [79, 10]]}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orbits from elements, from an OMM (a transfer orbit to 36,000 km) and from an OEM."""
    folder = tmp_path_factory.mktemp("czml")
    transfer = omm_json(MEAN_MOTION=2.26, ECCENTRICITY=0.73, INCLINATION=24.7, BSTAR=0.0)
    (folder / "transfer.json").write_text(transfer)
    start, time_s = datetime(2024, 12, 2, tzinfo=UTC), np.arange(0.0, 9 * 3600.0, 60.0)
    states = Propagator(circular(700e3, 98.0, 0.0, 0.0, start), start).ecef(time_s)
    text = oem_kvn(start, time_s, *states, REF_FRAME="ITRF", OBJECT_NAME="c")
    (folder / "c.oem").write_text(text)
    given = scenario(None, duration="8 h", satellites=[satellite(name=name) for name in "abc"])
    given["satellites"][1]["orbit"] = {"omm": "transfer.json", "object": 140697}
    given["satellites"][2]["orbit"] = {"oem": "c.oem"}
    given["targets"].append(SQUARE)
    return write(folder, given)


@pytest.fixture(scope="module")
def planned(file: Path) -> list[dict[str, Any]]:
    out = file.with_name("plan.czml")
    said = downpass("export", file, "--czml", out)
    assert (said.status, said.out) == (0, f"{out}\n")
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


def check(packets: list[dict[str, Any]]) -> None:
    """The rules of the CZML Guide: the document first, ids once, references that lead somewhere."""
    for packet in packets:
        Packet(**packet)
    first = packets[0]
    assert (first["id"], first["version"]) == ("document", "1.0")
    begin, end = first["clock"]["interval"].split("/")
    assert first["clock"]["currentTime"] == begin < end
    ids = [packet["id"] for packet in packets]
    assert len(set(ids)) == len(ids)
    positions = {packet["id"] for packet in packets if "position" in packet}
    for packet in packets:
        line = packet.get("polyline")
        if line is None:
            continue
        for reference in line["positions"]["references"]:
            name, what = re.fullmatch(r"((?:[^\\#]|\\.)*)#(.*)", reference).groups()
            assert re.sub(r"\\(.)", r"\1", name) in positions and what == "position"
        whole, *spans = line["show"]
        assert whole == {"interval": f"{begin}/{end}", "boolean": False}
        assert spans
        edges = [edge for span in spans for edge in span["interval"].split("/")]
        assert edges == sorted(edges) and begin <= edges[0] and edges[-1] <= end


def test_the_structure_is_that_of_the_guide(planned: list[dict[str, Any]]) -> None:
    check(planned)
    kinds = {packet["id"].partition("/")[0] for packet in planned}
    assert kinds == {"document", "satellite", "station", "target", "contact", "access"}


def test_positions_are_those_of_the_orbit(file: Path, planned: list[dict[str, Any]]) -> None:
    """Interpolated as a viewer does: by the polynomial of degree 5 through the nearest samples."""
    found = load_scenario(file)
    for index, packet in enumerate(planned[1:4]):
        position = packet["position"]
        assert position["interpolationDegree"] == 5
        samples = np.array(position["cartesian"]).reshape(-1, 4)
        assert samples[0, 0] == 0.0 and samples[-1, 0] == 8 * 3600.0
        exact = trajectory(orbit_of(found.satellites[index], found), found.start)
        for start in range(0, len(samples) - 6, 7):
            six = samples[start : start + 6]
            middle = np.array([(six[2, 0] + six[3, 0]) / 2.0])
            shown = KroghInterpolator(six[:, 0], six[:, 1:])(middle)[0]
            assert np.linalg.norm(shown - exact.ecef(middle)[0][:, 0]) < 3.0


def test_contacts_and_accesses_are_those_of_the_plan(
    file: Path, planned: list[dict[str, Any]]
) -> None:
    listed = json.loads(downpass("passes", file, "--json").out)
    for kind, rows, other in (("contact", "contacts", "station"), ("access", "accesses", "target")):
        wanted = {
            (f"{kind}/{row['satellite']}/{row[other]}", f"{row['start']}/{row['end']}")
            for row in listed[rows]
        }
        found = {
            (packet["id"], span["interval"])
            for packet in planned
            if packet["id"].startswith(f"{kind}/")
            for span in packet["polyline"]["show"][1:]
        }
        assert found == wanted
        assert len(wanted) > 5


def test_places_have_longitude_first(planned: list[dict[str, Any]]) -> None:
    by_id = {packet["id"]: packet for packet in planned}
    assert by_id["target/lisbon"]["position"]["cartographicDegrees"] == [-9.14, 38.72, 0.0]
    corners = by_id[f"target/{SQUARE['name']}"]["polygon"]["positions"]["cartographicDegrees"]
    assert corners[:6] == [10.0, 80.0, 0.0, 20.0, 80.0, 0.0]
    longitude, latitude, _ = by_id[f"target/{SQUARE['name']}"]["position"]["cartographicDegrees"]
    assert (longitude, latitude) == pytest.approx((15.0, 79.5), abs=0.1)


def test_a_run_shows_the_contacts_that_it_used(file: Path, tmp_path: Path) -> None:
    out, target = tmp_path / "out", tmp_path / "run.czml"
    said = downpass("run", file, "--out", out, "--no-tradeoff", "--quiet", "--czml", target)
    assert said.status == 0
    packets = json.loads(target.read_text())
    check(packets)
    start = datetime.fromisoformat(json.loads((out / "summary.json").read_text())["start"])
    used = {
        (f"contact/{row['satellite']}/{row['station']}", row["aos_s"])
        for row in pq.read_table(out / "passes.parquet").to_pylist()
        if row["sent_bytes"]
    }
    shown = set()
    for packet in packets:
        if packet["id"].startswith("contact/"):
            assert "bytes sent" in packet["description"]
            for span in packet["polyline"]["show"][1:]:
                begin = datetime.fromisoformat(span["interval"].partition("/")[0])
                shown.add((packet["id"], (begin - start) / timedelta(seconds=1)))
    assert shown == used
    assert used


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/run.czml", "run.czml: cannot be written"),
        ("out/run.czml", "lies in the output folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_run(
    file: Path, tmp_path: Path, name: str, message: str
) -> None:
    out = tmp_path / "out"
    if name.startswith("out"):
        out.mkdir()
    said = downpass("run", file, "--out", out, "--quiet", "--czml", tmp_path / name)
    assert said.status == 2
    assert message in said.err.splitlines()[-1]
    assert not out.exists() or not any(out.iterdir())


def test_a_document_that_is_too_large_costs_no_results(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(czml_module, "MOST_SAMPLES", 3)
    out, target = tmp_path / "out", tmp_path / "run.czml"
    said = downpass("run", file, "--out", out, "--no-tradeoff", "--json", "--czml", target)
    assert said.status == 2
    assert "positions and more" in said.err
    assert json.loads(said.out) == json.loads((out / "summary.json").read_text())
    assert not target.exists()


def test_documents_are_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flight = fly(load_scenario(file))
    for name, problem in (
        ("MOST_SAMPLES", "positions and more; allowed: at most 3"),
        ("MOST_INTERVALS", "contacts and accesses; allowed: at most 3"),
        ("MOST_PACKETS", "targets and stations; allowed: at most 3"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(czml_module, name, 3)
            with pytest.raises(InputError, match=problem):
                czml_module.czml(flight, [])
