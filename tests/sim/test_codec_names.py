"""Different codecs of one name have names and curves of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from downpass.link.foreign.permission import ALLOW
from downpass.sim.rate_distortion.tried_codecs import MOST_OWN, tried_codecs
from downpass.sim.report.wording import codec_label, codec_name
from downpass.sim.results.outputs import REPORT
from downpass.sim.scenario import load_scenario
from downpass.sim.scenario.codec_names import codec_labels, codec_names
from downpass.sim.scenario.scenario import Scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scenarios import downpass, satellite, scenario, write, write_scene

PROCESSOR = {"profile": "zynq-7020", "encode_rate": {"command": "1 Mpx/s", "onnx": "1 Mpx/s"}}


def command(encode: str, decode: str, **changes: Any) -> dict[str, Any]:
    """Return a codec of two shell scripts that read standard input and write standard output."""
    programs = {"encode": ["sh", f"{{folder}}/{encode}"], "decode": ["sh", f"{{folder}}/{decode}"]}
    return {"name": "command", "quality": 100, "tile": 32, **programs, **changes}


def onnx(folder: str, **changes: Any) -> dict[str, Any]:
    """Return a codec of the two graphs in a folder."""
    graphs = {way: f"{folder}/{way}.onnx" for way in ("encoder", "decoder")}
    return {"name": "onnx", "bpp": 1, "tile": 32, **graphs, **changes}


def loaded(folder: Path, codecs: Sequence[dict[str, Any]]) -> Scenario:
    """Return a scenario with a satellite for each codec, whose files exist and are empty."""
    satellites = [
        satellite(name=f"sat-{n}", codec=codec, processor=PROCESSOR)
        for n, codec in enumerate(codecs)
    ]
    return load_scenario(write(folder, scenario(None, satellites=satellites)))


A = command("a.sh", "x.sh", quality=None, bpp=1)
CASES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "one": ([A], ["command"]),
    "the same at two rates": ([A, A | {"bpp": 2}], ["command", "command"]),
    "other limits": ([A, A | {"time_limit": "1 s", "memory": "1 GB"}], ["command", "command"]),
    "another encoder": (
        [A, command("b.sh", "x.sh", quality=None, bpp=1)],
        ["command 1", "command 2"],
    ),
    "another decoder": (
        [A, A, command("a.sh", "y.sh", quality=None, bpp=1)],
        ["command 1", "command 1", "command 2"],
    ),
    "another order of samples": ([A, A | {"interleave": "bsq"}], ["command 1", "command 2"]),
    "other weights": ([A, A | {"files": ["w"]}, A], ["command 1", "command 2", "command 1"]),
    "another scale": ([A, A | {"qualities": [1, 9]}], ["command 1", "command 2"]),
    "graphs of one name in two folders": (
        [onnx("p"), A, onnx("q")],
        ["onnx 1", "command", "onnx 2"],
    ),
    "another layout": ([onnx("p"), onnx("p", layout="nhwc")], ["onnx 1", "onnx 2"]),
    "unused fields": (
        [
            A | {"name": "jpeg2000", "bpp": 1},
            command("b.sh", "y.sh", name="jpeg2000", quality=None, bpp=1),
        ],
        ["jpeg2000", "jpeg2000"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_different_codec_has_a_name(tmp_path: Path, case: str) -> None:
    codecs, names = CASES[case]
    cleaned = [{k: v for k, v in codec.items() if v is not None} for codec in codecs]
    satellites = loaded(tmp_path, cleaned).satellites
    assert codec_names(satellites) == names
    labels = codec_labels(satellites)
    assert [label.partition(":")[0] for label in labels.values()] == names
    assert list(labels) == [one.name for one in satellites]


def test_the_finest_quality_of_a_numbered_codec_is_not_called_lossless(tmp_path: Path) -> None:
    finest = [onnx(folder, bpp=None, quality=100) for folder in "pq"]
    satellites = [
        satellite(name=f"sat-{n}", codec=codec, processor=PROCESSOR)
        for n, codec in enumerate(finest)
    ]
    labels = codec_labels(
        load_scenario(write(tmp_path, scenario(satellites=satellites))).satellites
    )
    assert list(labels.values()) == ["onnx 1:q100", "onnx 2:q100"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["command", "onnx", "jpeg2000", "student"]),
            st.sampled_from("ab"),
            st.sampled_from([16, 32]),
            st.sampled_from([1, 2]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_curves_are_those_of_the_different_codecs(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str, int, int]]
) -> None:
    """Two satellites share a curve exactly if codec, programs and tiles are the same."""
    codecs = [
        {
            "name": name,
            "bpp": bpp,
            "tile": tile,
            "encode": ["sh", which],
            "decode": ["sh", which],
            "encoder": which,
            "decoder": which,
        }
        for name, which, tile, bpp in parts
    ]
    tried = tried_codecs(loaded(tmp_path_factory.mktemp("s"), codecs))
    assert len({codec.name for codec in tried}) == len(tried)
    assert {"student", "jpeg2000"} <= {codec.kind for codec in tried}
    of = {index: codec for codec in tried for index in codec.satellites}
    assert sorted(of) == list(range(len(parts)))
    for one, (name, which, tile, bpp) in enumerate(parts):
        assert (of[one].kind, of[one].tile) == (name, tile)
        assert bpp in {setting.bpp for setting in of[one].settings}
        for other, (name2, which2, tile2, _) in enumerate(parts):
            foreign = name in {"command", "onnx"}
            same = (name, tile) == (name2, tile2) and (which == which2 or not foreign)
            assert (of[one] is of[other]) == same


def test_names_as_people_read_them() -> None:
    assert codec_name("command 2") == "encoder program 2"
    assert codec_name("onnx 1 in tiles of 64") == "encoder graph 1 in tiles of 64"
    assert codec_name("jpeg2000 in tiles of 64") == "JPEG 2000 in tiles of 64"
    assert codec_label("command 2:0.5bpp") == "encoder program 2 at 0.5\u00a0bpp"


@pytest.fixture
def two_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario of three satellites: two with a program, one with a coarser one."""
    monkeypatch.setenv(ALLOW, "1")
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    write_scene(tmp_path / "scene.tif")
    (tmp_path / "copy.sh").write_text("cat\n")
    # Without the low four bits of each low byte; high bytes of twelve bits are below 16.
    given, kept = (
        "".join(f"\\{value & mask:03o}" for value in range(16, 256)) for mask in (0xFF, 0xF0)
    )
    (tmp_path / "coarse.sh").write_text(f"LC_ALL=C tr '{given}' '{kept}'\n")
    satellites = [
        satellite(name=name, codec=command(encode, "copy.sh"), processor=PROCESSOR)
        for name, encode in (("alpha", "copy.sh"), ("beta", "coarse.sh"), ("gamma", "copy.sh"))
    ]
    return write(tmp_path, scenario(satellites=satellites, duration="6 h"))


def test_a_report_has_a_curve_for_each_program(two_programs: Path) -> None:
    out = two_programs.parent / "out"
    said = downpass("run", two_programs, "--out", out, "--quiet")
    assert (said.status, said.err) == (0, "")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["codecs"] == {
        "alpha": "command 1:q100",
        "beta": "command 2:q100",
        "gamma": "command 1:q100",
    }
    with (out / "tradeoff.csv").open() as rows:
        found = {row["codec"]: row for row in csv.DictReader(rows)}
    assert {"command 1", "command 2", "student", "jpeg2000"} == set(found)
    assert found["command 1"]["psnr_db"] == "inf"
    # Dropping four bits of twelve: errors 0 to 15, whose mean square is 77.5 of 4095².
    assert 34 < float(found["command 2"]["psnr_db"]) < 55
    assert {found[name]["setting"] for name in ("command 1", "command 2")} == {"q100"}
    page = (out / REPORT).read_text().replace("\u00a0", " ")
    assert "encoder program 1 is that of alpha and gamma" in page
    assert "encoder program 2 is that of beta" in page
    assert "sh coarse.sh and sh copy.sh" in page


def test_only_so_many_curves_are_measured(
    two_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_OWN >= 6
    monkeypatch.setattr("downpass.sim.run.MOST_OWN", 1)
    out = two_programs.parent / "out"
    assert downpass("run", two_programs, "--out", out, "--quiet").status == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["left_out"] == ["curve of command 2: only 1 codecs are tried"]
    with (out / "tradeoff.csv").open() as rows:
        found = {row["codec"] for row in csv.DictReader(rows)}
    assert found == {"command 1", "student", "jpeg2000"}
