"""`downpass validate` and `downpass schema`."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.transform
from downpass.sim.commands.scenario import add_parsers
from small_scenarios import downpass, scenario, write, write_scene

SOURCE = Path(__file__).parents[1] / "scenario" / "example.yaml"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example with the scene that it names."""
    file = tmp_path / "example.yaml"
    shutil.copy(SOURCE, file)
    scene = tmp_path / "scenes" / "x.tif"
    scene.parent.mkdir()
    pixels = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64)
    place = rasterio.transform.from_origin(0, 0, 20, 20)
    options = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint16"}
    with rasterio.open(scene, "w", crs="EPSG:32618", transform=place, **options) as file_of_scene:
        file_of_scene.write(pixels)
    return file


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers(required=True))
    arguments = parser.parse_args(words)
    return int(arguments.run(arguments))


def test_a_good_file(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(example)) == 0
    out, err = capsys.readouterr()
    assert out == (
        f"ok: {example}: 1 satellite, 500 km sun-synchronous; 2 targets, none at sea; 3 stations; "
        "24 h from 2024-12-02T00:00:00Z\n"
    )
    assert err == (
        f"warning: {example}:18: targets.1: found no scenes for delta; "
        "their frames have a size, and neither pixels nor PSNR\n"
        f"warning: {example}:17: targets.0.scenes.0: found a scene of 64 x 64 pixels and frames of "
        "512 x 512 from sat-a; the rest of the frame shows the scene mirrored\n"
        f"note: {example}:7: satellites.0.imager.bit_depth: found 12 bits, and samples of 14 in "
        "x.tif; the lowest 2 are not seen, and delivered frames have 4 times the scale\n"
    )


@pytest.mark.parametrize(
    ("duration", "words"),
    [("90 s", "90 s"), ("5 min", "5 min"), ("7 d", "7 d"), ("1.5 h", "90 min")],
)
def test_durations_in_words(
    example: Path, capsys: pytest.CaptureFixture[str], duration: str, words: str
) -> None:
    assert run("validate", str(example), "--set", f"duration={duration}") == 0
    assert capsys.readouterr().out.endswith(f"; {words} from 2024-12-02T00:00:00Z\n")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("[38.72, -9.14]", "2 targets, none at sea"),
        ("[-9.14, 38.72]", "2 targets, none at sea"),  # Tanzania: land too
        ("[52.0, 4.4]", "2 targets, none at sea"),
        ("[4.4, -52.0]", "2 targets, none at sea"),
        ("[47.6, -30.0]", "2 targets, 1 at sea or on a small island"),
        ("[-30.0, -140.0]", "2 targets, 1 at sea or on a small island"),
    ],
)
def test_targets_at_sea_are_counted(
    example: Path, capsys: pytest.CaptureFixture[str], at: str, words: str
) -> None:
    assert run("validate", str(example), "--set", f"targets.lisbon.at={at}") == 0
    assert f"; {words}; " in capsys.readouterr().out


def test_several_files_and_faults(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\n")
    assert run("validate", str(bad), str(example), str(tmp_path / "none.yaml")) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{bad}:1: duration: missing; for example duration: 24 h"
    assert [line.split(": ")[1] for line in lines[:5]] == [
        "duration",
        "satellites",
        "start",
        "stations",
        "targets",
    ]
    assert lines[5].startswith(f"ok: {example}")
    assert lines[6] == f"{tmp_path}/none.yaml: no such file"


def test_a_scene_that_is_missing_is_named_at_its_line(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = example.parent / "scenes" / "x.tif"
    scene.unlink()
    assert run("validate", str(example)) == 2
    assert capsys.readouterr().out == (
        f"{example}:17: targets.0.scenes.0: scene {scene}: no such file\n"
    )


def test_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "downpass scenario"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from downpass.sim.commands import scenario; "
        "print([m for m in ('pydantic', 'pint', 'shapely', 'ruamel.yaml') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    assert out == "[]\n"


@pytest.mark.parametrize("victim", ["scenario.yaml", "scene.tif", "link.yaml"])
@pytest.mark.parametrize(
    "command",
    [
        ("coverage", "--seen", "--cells", "1000", "--out"),
        ("export", "--czml"),
        ("run", "--no-tradeoff", "--czml"),
    ],
    ids=lambda command: command[0],
)
def test_no_scenario_and_no_scene_is_written_over(
    tmp_path: Path, command: tuple[str, ...], victim: str
) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="2 h"))
    (tmp_path / "link.yaml").symlink_to(file)
    before = (tmp_path / victim).read_bytes()
    name, *options = command
    said = downpass(name, file, *options, tmp_path / victim)
    assert said.status == 2
    assert said.err.startswith(f"{tmp_path / victim}: is the same file as {tmp_path}")
    assert said.err.count("\n") == 1
    assert (tmp_path / victim).read_bytes() == before
