"""The command: the same table whoever runs it, interrupted or not."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import load_scenario
from downpass.sim.sweep.plan import check_plan, make_plan
from downpass.sim.sweep.run import SweepJob, cell_keys
from small_scenarios import Said, downpass, satellite, scenario, write, write_scene

BPP = "satellites.0.codec.bpp"
CAPACITY = "satellites.0.recorder.capacity"
AXES = ("--over", f"{BPP}=1,4", "--over", f"{CAPACITY}=3 kB,20 kB", "--seeds", "2")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    lossy = {"rate": "9600 bit/s", "packet": "64 B", "packet_loss": 0.01}
    return write(
        tmp_path,
        scenario(
            None, duration="24 h", satellites=[satellite(transmitter=lossy)], stations=["awarua"]
        ),
    )


def sweep(file: Path, out: str, *arguments: str) -> Said:
    given = {"--workers", "--scheduler"} & set(arguments)
    workers = () if given else ("--workers", "1")
    return downpass("sweep", file, "--out", file.parent / out, "--quiet", *workers, *arguments)


def rows(file: Path, out: str, name: str = "sweep") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(file.parent / out / f"{name}.parquet").to_pylist()
    return found


def same(file: Path, *outs: str) -> bool:
    names = ("sweep.parquet", "points.parquet", "sweep.json", "sweep.html")
    contents = [[(file.parent / out / name).read_bytes() for name in names] for out in outs]
    return all(content == contents[0] for content in contents)


def test_a_row_is_what_a_run_gives(file: Path) -> None:
    assert sweep(file, "out", *AXES) == Said(0, "", "")
    found = rows(file, "out")
    assert len(found) == 8
    for row in found:
        changes = [f"{BPP}={row[f'over.{BPP}']}", f"{CAPACITY}={row[f'over.{CAPACITY}']}",
                   f"seed={row['over.seed']}"]  # fmt: skip
        alone = evaluate(load_scenario(file, changes), file.parent / "cache")
        for name, value in alone.items():
            assert row[name] == value, name
        dropped = [v for n, v in alone.items() if n.startswith("total.frames.dropped.")]
        assert row["total.frames.dropped"] == sum(v for v in dropped if isinstance(v, int))
        others = row.keys() - alone.keys() - {"cell", "point", "error"}
        assert all(n.startswith("over.") or not row[n] or n in (
            "total.frames.dropped", "total.frames.missed") for n in others)  # fmt: skip
    assert len({(row["total.bytes.received"], row["total.frames.dropped"]) for row in found}) > 4


def test_points_are_medians_of_their_rows(file: Path) -> None:
    sweep(file, "out", "--over", f"{CAPACITY}=3 kB,20 kB", "--seeds", "3")
    cells, points = rows(file, "out"), rows(file, "out", "points")
    assert [point[f"over.{CAPACITY}"] for point in points] == ["3 kB", "20 kB"]
    for point in points:
        own = [row for row in cells if row["point"] == point["point"]]
        assert (point["runs"], point["failed"]) == (3, 0)
        for name in ("total.bytes.sent", "total.frames.dropped", "total.latency_s.median"):
            values = sorted(row[name] for row in own)
            assert [point[f"{name}.p5"], point[name], point[f"{name}.p95"]] == values


def test_points_of_a_sample_that_are_alike_are_run_once(file: Path) -> None:
    assert sweep(file, "out", "--over", f"{BPP}=1,2", "--sample", "6").status == 0
    assert (file.parent / "out" / "cells.log").read_bytes().count(b'"cell"') == 2
    found = rows(file, "out")
    assert sorted(row[f"over.{BPP}"] for row in found) == [1, 1, 1, 2, 2, 2]
    assert len({row["total.bytes.sent"] for row in found}) == 2


def test_options_of_the_page_make_the_point(file: Path) -> None:
    axes = ("--over", 'satellites.0.name="1e3",b', "--over", "stations=[awarua],[svalbard, awarua]")
    assert sweep(file, "out", *axes, "--set", "duration=20 h").status == 0
    page = (file.parent / "out" / "sweep.html").read_text()
    found = {}
    for number, options in re.findall(r'<tr id="p(\d+)">.*<code>(--set .*)</code>', page):
        words = shlex.split(html.unescape(options))
        assert words[::2] == ["--set"] * 3
        loaded = load_scenario(file, words[1::2])
        assert loaded.duration == 20 * 3600
        names = [station.name for station in loaded.stations]
        found[int(number)] = loaded.satellites[0].name, *names
    assert [found[n] for n in range(4)] == [
        ("1e3", "awarua"), ("1e3", "svalbard", "awarua"),
        ("b", "awarua"), ("b", "svalbard", "awarua"),
    ]  # fmt: skip


def test_the_same_bytes_whatever_the_workers(file: Path) -> None:
    for number in ("1", "3"):
        assert sweep(file, number, *AXES, "--workers", number).status == 0
    assert same(file, "1", "3")


def test_killed_and_run_again(file: Path) -> None:
    many = ("--over", f"{BPP}=1..6:6", "--over", f"{CAPACITY}=3 kB..40 kB:4", "--workers", "2")
    log = file.parent / "killed" / "cells.log"
    command = [sys.executable, "-m", "downpass.sim.cli", "sweep", str(file), "--quiet", *many,
               "--out", str(log.parent)]  # fmt: skip
    child = subprocess.Popen(command)
    finished = wait_for_cells(log, 5, child)
    child.kill()
    child.wait()
    assert not (log.parent / "sweep.parquet").exists()
    kept = log.read_bytes().count(b'"cell"')
    assert finished <= kept < 24
    before = log.read_bytes()
    assert sweep(file, "killed", *many).status == 0
    after = log.read_bytes()
    assert after.startswith(before[: before.rindex(b"\n") + 1])  # no cell is run twice
    assert after.count(b'"cell"') == 24
    assert sweep(file, "whole", *many).status == 0
    assert same(file, "killed", "whole")


def test_ctrl_c_ends_within_two_seconds_and_keeps_what_is_finished(file: Path) -> None:
    # Cells of some seconds, so that the workers are in the middle of one.
    long = ("--set", "duration=150 d", "--over", f"{CAPACITY}=2 kB..40 kB:8", "--workers", "2",
            "--over", "stations=[svalbard],[awarua]")  # fmt: skip
    log = file.parent / "out" / "cells.log"
    command = [sys.executable, "-m", "downpass.sim.cli", "sweep", str(file), "--quiet", *long,
               "--out", str(log.parent)]  # fmt: skip
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    kept = wait_for_cells(log, 1, child)
    workers = children(child.pid)
    assert len(workers) >= 2
    began = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    _, said = child.communicate(timeout=60)
    took = time.monotonic() - began
    assert child.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert f"finished cells are kept in {log.parent}" in said
    assert "Traceback" not in said
    assert took < 10  # two seconds of an idle machine
    assert log.read_bytes().count(b'"cell"') >= kept
    until = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < until, "a worker outlived the sweep"
        time.sleep(0.05)


def test_other_code_and_other_scenes_of_target_files_run_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)  # places are relative to the scenario's folder
    folder = file.parent
    write_scene(folder / "x.tif")
    targets = {"features": [{"type": "Feature", "properties": {"scene": "x.tif"}, "geometry": {
        "type": "Point", "coordinates": [10, 80]}}], "type": "FeatureCollection"}  # fmt: skip
    (folder / "targets.json").write_text(json.dumps(targets))
    given = "targets=[{file: targets.json, scenes_attribute: scene}]"

    def keys() -> list[str]:
        path = Path(file.name)
        text, loaded = path.read_text(), load_scenario(path, [given])
        plan = make_plan(loaded, seeds=2, base=[given])
        return cell_keys(SweepJob(path, text, plan, scenes=check_plan(plan, path, text)))

    first = keys()
    assert keys() == first
    os.utime(folder / "x.tif", (1000, 1000))
    assert not set(keys()) & set(first)
    first = keys()
    monkeypatch.setattr("downpass.sim.sweep.run.revision", lambda: "0.1.0 (another)")
    assert not set(keys()) & set(first)


def test_further_values_run_only_what_is_new(file: Path) -> None:
    log = file.parent / "out" / "cells.log"
    sweep(file, "out", "--over", f"{BPP}=1,2")
    first = log.read_bytes()
    sweep(file, "out", "--over", f"{BPP}=2,3,1")
    assert log.read_bytes().startswith(first)
    assert log.read_bytes().count(b'"cell"') == 3
    assert [row[f"over.{BPP}"] for row in rows(file, "out")] == [2, 3, 1]
    # Another file, other figures: nothing is reused.
    file.write_text(file.read_text().replace("priority: 1", "priority: 2"))
    sweep(file, "out", "--over", f"{BPP}=1")
    assert log.read_bytes().count(b'"cell"') == 4


def test_a_cell_that_cannot_be_run_is_a_row(file: Path) -> None:
    # No bitstream is that small, and the tile does not suit the student.
    write_scene(file.parent / "scene.tif")
    write(file.parent, scenario(duration="3 h"))
    said = sweep(file, "out", "--over", "satellites.0.codec.name=jpeg2000,student",
                 "--over", f"{BPP}=0.001,4", "--over", "satellites.0.codec.tile=24,32")  # fmt: skip
    assert said.status == 0
    assert said.err.startswith("5 of 8 cells cannot be run; the first: cell 0 (")
    errors = [row["error"] for row in rows(file, "out")]
    assert [error is None for error in errors] == [*[False] * 2, *[True] * 2, *[False] * 3, True]
    assert "tile: found 24" in errors[6]
    assert all(error.isprintable() for error in errors if error)
    page = (file.parent / "out" / "sweep.html").read_text()
    assert "Five points could not be run" in page.replace("\u00a0", " ")
    said = sweep(file, "none", "--over", f"{BPP}=0.001,0.002")
    assert said.status == 2
    assert said.err.startswith("2 of 2 cells cannot be run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--over", "satellites.0.codec.bbp=1"], "--over satellites.0.codec.bbp: no such key"),
        (["--over", "x"], "allowed: FIELD=VALUE"),
        ([], "nothing varies"),
        ([*AXES, "--workers", "0"], "--workers: found 0; allowed: 1 to 1024"),
        ([*AXES, "--scheduler", "http://x:1"], "allowed: tcp://HOST:PORT"),
        ([*AXES, "--sample", "0"], "found 0"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_runs(
    file: Path, arguments: list[str], message: str
) -> None:
    said = sweep(file, "out", *arguments)
    assert said.status == 2
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (file.parent / "out").exists()


def test_a_folder_with_other_files_is_left_alone(file: Path) -> None:
    out = file.parent / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("x")
    said = sweep(file, "out", *AXES)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "holds thesis.txt, which no sweep has written" in said.err
    assert [entry.name for entry in out.iterdir()] == ["thesis.txt"]


def test_json_and_table(file: Path) -> None:
    arguments = ("sweep", file, "--out", file.parent / "out", *AXES, "--workers", "1")
    content = json.loads(downpass(*arguments, "--json").out)
    assert [point["set"][CAPACITY] for point in content["points"]] == ["3 kB", "20 kB"] * 2
    assert all(point["runs"] == 2 and point["failed"] == 0 for point in content["points"])
    assert any(point["front"] for point in content["points"])
    printed = downpass(*arguments).out
    assert re.search(r"Pixels +Frames +Median\npoint .* delivered +dropped +latency", printed)
    assert printed.endswith("sweep.html\n")
    assert max(map(len, printed.splitlines()[:-1])) <= 80


def test_no_quality_leaves_only_quality_out(file: Path) -> None:
    write_scene(file.parent / "scene.tif")
    write(file.parent, scenario(duration="6 h"))
    sweep(file, "a", "--over", f"{BPP}=4")
    sweep(file, "b", "--over", f"{BPP}=4", "--no-quality")
    (full,), (quick,) = rows(file, "a"), rows(file, "b")
    assert full["total.psnr_db.pooled"] > 20
    assert quick["total.psnr_db.pooled"] is None
    for name in ("total.delivered_px", "total.bytes.sent", "total.latency_s.max"):
        assert full[name] == quick[name]


def wait_for_cells(log: Path, number: int, child: subprocess.Popen[Any]) -> int:
    until = time.monotonic() + 100
    while True:
        found = log.read_bytes().count(b'"cell"') if log.exists() else 0
        if found >= number:
            return found
        assert child.poll() is None, "it ended before it was interrupted"
        assert time.monotonic() < until
        time.sleep(0.01)


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(word) for word in text.split()]
