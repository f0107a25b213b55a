"""What cannot run is refused by `validate` and by `run` alike, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.sim.frames import crops as crops_module
from downpass.sim.report import backlog
from small_scenarios import downpass, pixels, satellite, scenario, write, write_scene

CCSDS = {"processor": {"encode_rate": {"ccsds121": "1 Mpx/s"}, "working_memory": "1 MB"}}


def deep(folder: Path) -> None:
    """A scene of 15 bits in place of the one of 12."""
    write_scene(folder / "scene.tif", pixels() * np.uint16(7))


def with_codec(codec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    name = codec["name"]
    processor = {"encode_rate": {name: "1 Mpx/s"}, "working_memory": "1 MB"}
    return satellite(codec={"tile": 32} | codec, **({"processor": processor} | changes))


def both(folder: Path, content: dict[str, Any]) -> list[str]:
    """The lines with which `validate` and `run` refuse a scenario, which are the same."""
    file = write(folder, content)
    checked = downpass("validate", file)
    ran = downpass("run", file, "--out", folder / "out", "--cache", folder / "c", "--quiet")
    assert (checked.status, ran.status) == (2, 2), (checked, ran)
    lines = [line for line in ran.err.splitlines() if not line.startswith("warning: ")]
    assert checked.out.splitlines() == lines
    assert not (folder / "out").exists()
    return lines


IMAGER = satellite()["imager"]
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "AVIF beside 15 bits",
        with_codec({"name": "avif", "bpp": 4.0}, imager=IMAGER | {"bit_depth": 16}),
        "codec",
        "avif at bit depth 15: allowed are 1 to 12",
    ),
    (
        "a rate for a lossless codec",
        with_codec({"name": "ccsds121", "bpp": 4.0}),
        "codec",
        "allowed is lossless",
    ),
    (
        "a lossy quality for a lossless codec",
        with_codec({"name": "ccsds121", "quality": 90}),
        "codec",
        "allowed is lossless",
    ),
    (
        "a budget below the smallest bitstream",
        with_codec({"name": "jpeg2000", "bytes": "64 B"}),
        "codec",
        "the smallest that it can make is",
    ),
    (
        "a quality that a board cannot be told",
        with_codec(
            {"name": "jpeg2000", "quality": 80.00001},
            encoder={"backend": "board", "port": "emulator:agent"},
        ),
        "codec.quality",
        "thousandths",
    ),
]


@pytest.mark.parametrize(
    ("changed", "field", "text"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_validate_refuses_what_run_refuses(
    tmp_path: Path, changed: dict[str, Any], field: str, text: str
) -> None:
    deep(tmp_path)
    (line,) = both(tmp_path, scenario(satellites=[changed], duration="3 h"))
    assert line.startswith(f"{tmp_path / 'scenario.yaml'}:")
    assert f": satellites.0.{field}: " in line
    assert text in line


def test_an_orbit_that_decays_within_the_scenario(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    tle = (
        "1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-1 0  9996\n"
        "2 40697  98.5704  48.9920 0001011  93.0957 267.0342 16.00811188493362"
    )
    content = scenario(satellites=[satellite(orbit={"tle": tle})], duration="4 d")
    (line,) = both(tmp_path, content)
    assert ": satellites.0.orbit: " in line
    assert "decayed" in line


@pytest.mark.parametrize(
    "limits",
    [
        {"latitude": [-30, -29], "longitude": [-40, -30]},
        {"longitude": [180, -180]},
        {"latitude": [-90, -60], "exclude": ["antarctica"]},
    ],
    ids=["open sea", "no width", "all excluded"],
)
def test_an_area_without_land(tmp_path: Path, limits: dict[str, Any]) -> None:
    strips = satellite(imager=IMAGER | {"mode": "strip"})
    targets = [{"name": "sea", "area": limits}]
    (line,) = both(tmp_path, scenario(satellites=[strips], targets=targets))
    assert ": targets.0.area: found no land within its limits; allowed: limits of " in line
    for command in (("coverage", "--seen"), ("passes",)):
        said = downpass(*command, tmp_path / "scenario.yaml")
        assert (said.status, said.err.strip()) == (2, line)


def test_every_misfit_is_reported_at_once(tmp_path: Path) -> None:
    deep(tmp_path)
    board = {"backend": "board", "port": "emulator:agent"}
    blank = {"name": "blank", "at": [80.0, 0.0]}
    content = scenario(
        satellites=[
            with_codec({"name": "avif", "bpp": 4.0}, imager=IMAGER | {"bit_depth": 16}),
            with_codec({"name": "ccsds121", "bpp": 4.0}, name="second"),
            satellite(name="third", processor={"profile": "zynq-7020", "encode_time": "host"}),
        ]
    )
    content["targets"].append(blank)
    lines = both(tmp_path, content)
    assert [line.split(": ")[1] for line in lines] == [
        "satellites.2.processor.encode_time",
        "satellites.0.codec",
        "satellites.1.codec",
    ]
    by_board = [
        with_codec({"name": "jpeg2000", "quality": 80}, name=f"s{n}", encoder=board | extra)
        for n, extra in enumerate(({}, {"baud": 9600}))
    ]
    (line,) = both(tmp_path, scenario(satellites=by_board))
    assert ": satellites.1.encoder.port: found emulator:agent a second time" in line


def test_a_comparison_is_refused_before_its_first_choice_runs(tmp_path: Path) -> None:
    deep(tmp_path)
    file = write(
        tmp_path,
        scenario(satellites=[satellite(imager=IMAGER | {"bit_depth": 16})], duration="3 h"),
    )
    cache = tmp_path / "cache"
    said = downpass(
        *("compare", file, "--out", tmp_path / "out", "--cache", cache, "--quiet"),
        *("--codec", "jpeg2000:4bpp", "--codec", "avif:4bpp", "--codec", "ccsds121:q50"),
    )
    lines = said.err.splitlines()
    assert said.status == 2
    assert [line.split(": ")[0] for line in lines] == ["codec avif:4bpp", "codec ccsds121:q50"]
    assert not (cache / "rated-2").exists()
    assert not (tmp_path / "out").exists()


def test_a_port_that_is_not_there_is_a_warning_of_validate(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    board = {"backend": "board", "port": "/dev/ttyNO"}
    codec = {"name": "jpeg2000", "quality": 80}
    file = write(tmp_path, scenario(satellites=[with_codec(codec, encoder=board)]))
    said = downpass("validate", file)
    assert said.status == 0
    assert ": satellites.0.encoder.port: found /dev/ttyNO; there is no such port" in said.err


# What the report cannot show


def run(folder: Path, content: dict[str, Any], *more: str) -> tuple[dict[str, Any], str, str]:
    """Return the summary, the report's page and what went to standard error."""
    import json

    file, out = write(folder, content), folder / "out"
    said = downpass("run", file, "--out", out, "--cache", folder / "c", "--json", *more)
    assert said.status == 0, said
    summary = json.loads(said.out)
    assert summary == json.loads((out / "summary.json").read_text())
    return summary, (out / "report.html").read_text(), said.err


def test_a_curve_that_a_codec_cannot_have_is_left_out_with_its_reason(tmp_path: Path) -> None:
    deep(tmp_path)
    content = scenario(
        satellites=[
            with_codec({"name": "avif", "quality": 50}, imager=IMAGER | {"bit_depth": 10}),
            satellite(name="deep", imager=IMAGER | {"bit_depth": 16}),
            with_codec({"name": "ccsds121", "quality": 100}, name="exact"),
        ],
        duration="3 h",
    )
    summary, page, err = run(tmp_path, content)
    reason = "curve of avif: avif at bit depth 15: allowed are 1 to 12"
    assert summary["left_out"] == [reason]
    assert err == f"left out of the report: {reason}\n"
    assert reason in page
    curves = (tmp_path / "out" / "tradeoff.csv").read_text()
    assert {line.split(",")[0] for line in curves.splitlines()[1:]} == {
        *("ccsds121", "jpeg2000", "student"),
    }


def test_no_fault_of_an_extra_costs_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scene(tmp_path / "scene.tif")

    def fails(*_: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(crops_module, "_stretched", fails)
    monkeypatch.setattr("downpass.sim.run.curve", fails)
    monkeypatch.setattr(backlog, "picture", fails)
    summary, page, err = run(tmp_path, scenario(duration="6 h"))
    assert summary["total"]["frames"]["delivered"] > 0
    for what in ("curve of student", "curve of jpeg2000", "picture of frame", "backlog picture"):
        assert any(what in line for line in summary["left_out"])
        assert what in page
        assert what in err
    assert "This picture could not be drawn: MemoryError: no room." in page
    assert len(err.splitlines()) == len(summary["left_out"])


def test_a_report_that_cannot_be_made_leaves_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scene(tmp_path / "scene.tif")

    def fails(*_: Any) -> Any:
        raise RuntimeError("a fault")

    monkeypatch.setattr("downpass.sim.report.render", fails)
    file, out = write(tmp_path, scenario(duration="3 h")), tmp_path / "out"
    said = downpass("run", file, "--out", out, "--cache", tmp_path / "c", "--no-tradeoff")
    assert said.status == 0
    assert said.err == "left out of the report: report: RuntimeError: a fault\n"
    assert said.out.rstrip().endswith(str(out / "summary.json"))
    assert (out / "frames.parquet").is_file()
    assert not (out / "report.html").exists()
