"""The command line: quick to help, quiet when asked, and readable by programs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from downpass.sim.cli import main
from downpass.sim.orbit.access import Imaging
from downpass.sim.orbit.earth import Site
from downpass.sim.orbit.elements import sun_synchronous
from downpass.sim.orbit.geometry import compute
from downpass.sim.orbit.passes import GroundStation
from downpass.sim.scenario import load_scenario
from small_scenarios import PLACES, Said, downpass, process, scenario, write, write_scene

COMMANDS = ["run", "compare", "passes", "validate", "schema"]
HEAVY = ["numpy", "rasterio", "matplotlib", "imagecodecs", "skyfield", "shapely", "pyarrow"]
HEAVY += ["pydantic", "pint", "simpy", "rich", "jinja2", "ruamel.yaml"]

_SEES = """
import sys
from downpass.sim.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted(sys.modules)))
"""


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)])
def test_help_says_how_and_does_not_wait_for_numpy(command: list[str]) -> None:
    said = process(*command, "--help", code=("-c", _SEES))
    assert said.status == 0
    assert said.out.startswith("usage: downpass")
    loaded = set(said.err.split())
    assert "downpass.sim.cli" in loaded
    assert not loaded & set(HEAVY)


def test_help_of_the_whole_names_every_command_and_status() -> None:
    said = downpass("--help")
    assert said.status == 0
    for command in COMMANDS:
        assert f"\n    {command} " in said.out
    assert "Exit status: 0 done" in said.out


def test_the_version_is_that_of_the_package() -> None:
    assert downpass("--version") == Said(0, f"downpass {version('downpass')}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["run", "a.yaml", "--quiet", "--json"],
        ["run", "a.yaml", "--no-such"],
        ["compare", "a.yaml"],
        ["validate"],
    ],
)
def test_a_command_that_is_none_is_bad_input(arguments: list[str]) -> None:
    said = downpass(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert said.err.startswith("usage: downpass")
    assert "Traceback" not in said.err


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    write_scene(folder / "scene.tif")
    return write(folder, scenario(duration="3 h"))


def test_validate_counts_what_is_there_and_fails_with_any_file(file: Path, tmp_path: Path) -> None:
    said = downpass("validate", file)
    assert said == Said(
        0,
        f"ok: {file}: 1 satellite, 500 km sun-synchronous; 6 targets, "
        "1 at sea or on a small island; 2 stations; "
        "3 h from 2024-12-02T00:00:00Z\n",
        "",
    )
    bad = write(tmp_path, scenario(seed=-1))
    said = downpass("validate", file, bad)
    assert said.status == 2
    assert said.out.splitlines()[0].startswith("ok: ")
    assert f"{bad}:" in said.out.splitlines()[1]


def test_the_schema_is_json_and_shipped() -> None:
    said = downpass("schema")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out)["title"]
    shipped = Path(__file__).parents[2] / "scenarios" / "scenario.schema.json"
    assert said.out == shipped.read_text(encoding="utf-8")


def test_passes_are_those_of_the_geometry(file: Path) -> None:
    said = downpass("passes", file, "--json")
    assert (said.status, said.err) == (0, "")
    listed = json.loads(said.out)
    loaded = load_scenario(file)
    geometry = compute(
        sun_synchronous(500e3, 10.5, "descending", 0.0, loaded.start),
        loaded.start,
        3 * 3600.0,
        stations=[
            GroundStation(Site(*s.at, s.altitude), s.elevation_mask) for s in loaded.stations
        ],
        targets=[Site(*at) for at in PLACES.values()],
        imaging=Imaging(40.0, None, 1280.0),
    )
    assert len(geometry.passes) == len(listed["passes"]) > 0
    for row, one in zip(listed["passes"], geometry.passes, strict=True):
        assert row["station"] == loaded.stations[one.station].name
        assert (row["aos_s"], row["los_s"]) == (one.aos_s, one.los_s)
        assert row["max_elevation_deg"] == round(one.max_elevation_deg, 2)
        assert row["duration_s"] == round(one.los_s - one.aos_s, 3)
        hours, minutes, seconds = (float(part) for part in row["aos"][11:-1].split(":"))
        assert hours * 3600 + minutes * 60 + seconds == pytest.approx(row["aos_s"])
    assert len(geometry.accesses) == len(listed["accesses"]) > 0
    names = list(PLACES)
    for row, seen in zip(
        listed["accesses"], sorted(geometry.accesses, key=lambda a: a.start_s), strict=True
    ):
        assert row["target"] == names[seen.target]
        assert (row["start_s"], row["end_s"]) == (seen.start_s, seen.end_s)
        assert (row["frames_planned"] == 0) == (row["cause_skipped"] is not None)


def test_passes_as_tables_have_a_row_each(file: Path) -> None:
    listed = json.loads(downpass("passes", file, "--json").out)
    said = downpass("passes", file)
    assert said.status == 0
    assert len(listed["passes"]) == 1
    assert "\n1 pass of sat in 2024\n" in said.out
    assert len(listed["accesses"]) == 1
    assert "\n1 imaging opportunity of sat in 2024\n" in said.out
    for row in listed["passes"]:
        assert row["aos"][5:19].replace("T", " ") in said.out


def test_run_is_quiet_prints_json_or_a_table(file: Path, tmp_path: Path) -> None:
    common = ("run", file, "--cache", tmp_path / "c", "--no-tradeoff", "--no-delivered", "--out")
    assert downpass(*common, tmp_path / "a", "--quiet") == Said(0, "", "")
    said = downpass(*common, tmp_path / "b", "--json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out) == json.loads((tmp_path / "b" / "summary.json").read_text())
    said = downpass(*common, tmp_path / "c2")
    assert (said.status, said.err) == (0, "")
    assert "frames delivered whole" in said.out
    assert said.out.rstrip().endswith(str(tmp_path / "c2" / "report.html"))


def test_run_writes_into_runs_by_the_scenarios_name(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("run", file, "--cache", tmp_path / "c", "--no-tradeoff", "--quiet")
    assert downpass(*command) == Said(0, "", "")
    assert {p.name for p in (tmp_path / "runs" / "small").iterdir()} == {
        *("summary.json", "report.html", "delivered", "stac"),
        *(f"{name}.parquet" for name in ("events", "frames", "passes", "accesses")),
    }


def test_compare_runs_once_for_each_choice(file: Path, tmp_path: Path) -> None:
    said = downpass(
        *("compare", file, "--cache", tmp_path / "c", "--out", tmp_path / "out", "--json"),
        *("--codec", "jpeg2000:1bpp", "--codec", "jpegls:q90"),
    )
    assert (said.status, said.err) == (0, "")
    listed = json.loads(said.out)
    assert list(listed) == ["jpeg2000:1bpp", "jpegls:q90"]
    for label, summary in listed.items():
        folder = tmp_path / "out" / label.replace(":", "-")
        assert json.loads((folder / "summary.json").read_text()) == summary
        assert summary["codecs"] == {"sat": label}
    captured = {summary["total"]["frames"]["captured"] for summary in listed.values()}
    assert len(captured) == 1
    sizes = [summary["total"]["bytes"]["encoded"] for summary in listed.values()]
    assert sizes[0] < sizes[1]
    assert (tmp_path / "out" / "comparison.html").is_file()


def test_a_reader_that_goes_away_gets_no_traceback(file: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "downpass.sim.cli", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(1)
    child.stdout.close()
    complaint = child.stderr.read()
    child.stderr.close()
    assert child.wait(60) in (0, 1)
    assert b"Traceback" not in complaint


def test_a_fault_of_ours_is_no_bad_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from downpass.sim.mission import flight

    def fails(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(flight, "fly", fails)
    with pytest.raises(RuntimeError):  # Python ends with a traceback and status 1
        main(["passes", str(file)])
