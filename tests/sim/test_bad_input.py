"""What cannot be used gets one clear line and status 2; never a traceback, never a new folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scenarios import (
    Said,
    downpass,
    pixels,
    process,
    satellite,
    scenario,
    write,
    write_scene,
)

SHORT = "3 h"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif")
    return tmp_path


def run(folder: Path, content: Any, *arguments: str | Path) -> Said:
    file = content if isinstance(content, Path) else write(folder, content)
    return downpass(
        *("run", file, "--out", folder / "out", "--cache", folder / "cache", "--no-tradeoff"),
        *("--quiet", *arguments),
    )


def refused(folder: Path, said: Said, *parts: str) -> None:
    """One line that says all of `parts`; and nothing is left where the results would have been."""
    assert said.status == 2, said
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.endswith("\n")
    for part in parts:
        assert part in said.err
    assert len(said.err) < 1000
    assert not (folder / "out").exists()
    assert not list(folder.glob(".out*"))


# Scenes


def test_a_missing_scene(folder: Path) -> None:
    said = run(folder, scenario("absent.tif", targets=[one_target("absent.tif")]))
    refused(folder, said, "scenario.yaml:", "targets.0.scenes.0", "absent.tif", "no such file")


def one_target(*scenes: str) -> dict[str, Any]:
    return {"name": "alert", "at": [82.5, -62.3], "scenes": list(scenes)}


def test_every_bad_scene_has_its_own_line(folder: Path) -> None:
    (folder / "text.tif").write_text("not a raster")
    targets = [one_target("a.tif", "scene.tif", "text.tif", "b.tif")]
    said = run(folder, scenario(targets=targets))
    assert said.status == 2
    lines = said.err.splitlines()
    assert [line.split(": ")[1] for line in lines] == [f"targets.0.scenes.{n}" for n in (0, 2, 3)]
    assert not (folder / "out").exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_scene(folder: Path, share: float) -> None:
    whole = (folder / "scene.tif").read_bytes()
    (folder / "short.tif").write_bytes(whole[: int(share * len(whole))])
    said = run(folder, scenario(targets=[one_target("short.tif")]))
    refused(folder, said, "targets.0.scenes.0", "short.tif")


def test_a_scene_with_too_few_bands(folder: Path) -> None:
    write_scene(folder / "grey.tif", pixels(bands=1))
    said = run(folder, scenario(targets=[one_target("grey.tif")]))
    refused(folder, said, "targets.0.scenes.0", "band 3 asked for; it has bands 1 to 1")


def test_a_scene_of_nothing_but_nodata(folder: Path) -> None:
    write_scene(folder / "blank.tif", np.zeros((3, 80, 80), np.uint16))
    said = run(folder, scenario(targets=[one_target("blank.tif")]))
    refused(folder, said, "targets.0.scenes.0", "every pixel is nodata")


def test_a_scene_of_samples_that_no_imager_has(folder: Path) -> None:
    write_scene(folder / "float.tif", np.ones((3, 80, 80), np.float32))
    said = run(folder, scenario(targets=[one_target("float.tif")]))
    refused(folder, said, "targets.0.scenes.0", "float32", "uint8, uint16, int16")


def test_scenes_that_are_no_files(folder: Path) -> None:
    (folder / "loop.tif").symlink_to("loop.tif")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "folder.tif").mkdir()
    for name, reason in (
        ("loop.tif", "circle"),
        ("empty.tif", "empty"),
        ("folder.tif", "a folder"),
        ("scene.tif/deeper.tif", "no such file"),
    ):
        said = run(folder, scenario(targets=[one_target(name)]))
        refused(folder, said, "targets.0.scenes.0", reason)


def test_a_scene_that_is_taken_away_while_the_run_looks_at_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from downpass.sim import run as runs

    prepare = runs.prepare

    def then_gone(*arguments: Any) -> Any:
        mission = prepare(*arguments)
        (folder / "scene.tif").unlink()
        return mission

    monkeypatch.setattr(runs, "prepare", then_gone)
    said = run(folder, scenario(duration=SHORT))
    refused(folder, said, "scene.tif", "no such file")


# Where the results go


@pytest.mark.parametrize("place", ["file", "file/below", "loop", "/proc/out", "/dev/null"])
def test_an_output_that_cannot_be_written(folder: Path, place: str) -> None:
    (folder / "file").write_text("in the way")
    (folder / "loop").symlink_to("loop")
    file = write(folder, scenario(duration=SHORT))
    said = downpass("run", file, "--quiet", "--cache", folder / "c", "--out", folder / place)
    refused(folder, said, str(folder / place), "choose another --out")
    assert (folder / "file").read_text() == "in the way"
    said = downpass(
        *("compare", file, "--quiet", "--cache", folder / "c", "--out", folder / place),
        *("--codec", "jpeg2000:1bpp"),
    )
    refused(folder, said, str(folder / place), "choose another --out")


def test_a_cache_that_cannot_be_written(folder: Path) -> None:
    said = run(folder, scenario(duration=SHORT), "--cache", folder / "scene.tif")
    refused(folder, said, "cache folder", "--cache")


_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from downpass.sim.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("largest", [500, 5_000, 12_000])
def test_a_disk_that_is_full_in_the_middle(folder: Path, largest: int) -> None:
    # A file may not grow beyond the limit, which writes meet as they meet a full disk.
    assert downpass(
        *("run", write(folder, scenario(duration="8 h")), "--out", folder / "before"),
        *("--cache", folder / "cache", "--quiet", "--no-tradeoff"),
    ) == Said(0, "", "")
    said = process(
        *(str(largest), "run", folder / "scenario.yaml", "--out", folder / "out"),
        *("--cache", folder / "cache", "--no-tradeoff", "--quiet"),
        code=("-c", _LIMITED),
    )
    refused(folder, said, str(folder / "out"), "File too large")
    assert ".partial" not in said.err
    assert (folder / "before" / "summary.json").is_file()


# The scenario file


def test_an_unknown_station(folder: Path) -> None:
    said = run(folder, scenario(stations=["svalbart"]))
    refused(folder, said, "scenario.yaml:", "stations.0", "svalbart", "did you mean svalbard?")


def test_an_unknown_codec(folder: Path) -> None:
    satellites = [satellite(codec={"name": "jpeg2001", "bpp": 1.0})]
    said = run(folder, scenario(satellites=satellites))
    refused(folder, said, "satellites.0.codec.name", "jpeg2001", "did you mean jpeg2000?")
    file = write(folder, scenario())
    for choice in ("jpeg2001:1bpp", "jpeg2000", "jpeg2000:fast", "jpeg2000:-1bpp", ":1bpp"):
        said = downpass("compare", file, "--codec", choice, "--out", folder / "out")
        refused(folder, said)


def test_a_comparison_with_a_codec_that_the_processor_has_no_rate_for(folder: Path) -> None:
    processor = {"encode_rate": {"jpeg2000": "2 Mpx/s"}, "working_memory": "1 MB"}
    file = write(folder, scenario(satellites=[satellite(processor=processor)]))
    said = downpass("compare", file, "--codec", "jpegls:q90", "--out", folder / "out")
    refused(folder, said, "codec jpegls:q90", "no encode_rate", "allowed: jpeg2000")


def test_a_comparison_of_a_choice_with_itself(folder: Path) -> None:
    file = write(folder, scenario(None))
    choices = ("--codec", "jpeg2000:1bpp", "--codec", "jpeg2000:1.0bpp")
    said = downpass("compare", file, *choices, "--out", folder / "out")
    refused(folder, said, "--codec jpeg2000:1.0bpp: found jpeg2000:1bpp twice; allowed: each once")


def test_a_comparison_by_quality_where_there_are_no_pixels(folder: Path) -> None:
    file = write(folder, scenario(None))
    said = downpass("compare", file, "--codec", "jpeg2000:q90", "--out", folder / "out")
    refused(folder, said, "codec jpeg2000:q90", "alert has no scenes", "bpp")


def test_times_measured_of_a_codec_without_a_rate_are_no_fault(folder: Path) -> None:
    processor = {"encode_rate": {"jpeg2000": "2 Mpx/s"}, "working_memory": "1 MB"}
    choice = {"name": "jpegls", "quality": 90, "tile": 32}
    content = scenario(
        duration=SHORT,
        satellites=[satellite(processor=processor | {"encode_time": "host"}, codec=choice)],
    )
    said = downpass(
        *("run", write(folder, content), "--out", folder / "out", "--quiet"),
        *("--cache", folder / "cache"),
    )
    assert said == Said(0, "", "")


@pytest.mark.parametrize("name", ["jpeg2000", "jpegxl", "jpegls"])
def test_a_codec_that_cannot_meet_its_budget(folder: Path, name: str) -> None:
    satellites = [satellite(codec={"name": name, "bytes": "64 B", "tile": 32})]
    said = run(folder, scenario(satellites=satellites, duration=SHORT))
    refused(folder, said, "scenario.yaml:", "satellites.0.codec", name, "64 bytes", "smallest")
    file = write(folder, scenario(duration=SHORT))
    said = downpass(
        *("compare", file, "--codec", f"{name}:64B", "--out", folder / "out", "--quiet"),
        *("--cache", folder / "cache"),
    )
    refused(folder, said, name, "64 bytes", "smallest")


def test_times_of_frames_without_pixels_cannot_be_measured(folder: Path) -> None:
    said = run(
        folder,
        scenario(None, duration="8 h"),
        *("--set", "satellites.0.processor.encode_time=host"),
    )
    refused(folder, said, "encode_time")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("duration=-1 h", "duration"),
        ("duration=0 s", "duration"),
        ("duration=1e300 s", "duration"),
        ("duration=24", "duration"),
        ("seed=-1", "seed"),
        ("satellites.0.imager.gsd=-20 m", "gsd"),
        ("satellites.0.imager.gsd=1 nm", "gsd"),
        ("satellites.0.imager.gsd=1 cm", "imager"),
        ("satellites.0.imager.bands=[0]", "bands"),
        ("satellites.0.imager.bit_depth=17", "bit_depth"),
        ("satellites.0.recorder.capacity=-1 GB", "capacity"),
        ("satellites.0.transmitter.rate=0 bit/s", "rate"),
        ("satellites.0.transmitter.rate=.nan bit/s", "rate"),
        ("satellites.0.transmitter.packet_loss=1.5", "packet_loss"),
        ("satellites.0.transmitter.packet_loss=.nan", "packet_loss"),
        ("satellites.0.codec.bpp=0", "bpp"),
        ("satellites.0.codec.bpp=.inf", "bpp"),
        ("satellites.0.orbit.altitude=-500 km", "altitude"),
        ("satellites.0.orbit.altitude=1e9 km", "altitude"),
        ("targets.0.at=[91, 0]", "targets.0.at"),
        ("targets.0.priority=10", "priority"),
    ],
)
def test_negative_and_absurd_numbers(folder: Path, change: str, field: str) -> None:
    said = run(folder, scenario(), "--set", change)
    refused(folder, said, field, "found")


def test_several_faults_are_several_lines(folder: Path) -> None:
    content = scenario(duration="-1 h", seed=-1, stations=["nowhere"])
    said = run(folder, content)
    assert said.status == 2
    assert len(said.err.splitlines()) == 3
    for line in said.err.splitlines():
        assert line.startswith(f"{folder / 'scenario.yaml'}:")


def test_files_that_are_no_scenario(folder: Path) -> None:
    def file(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    (folder / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(folder / "pipe.yaml")
    for path, reason in (
        (file("list.yaml", "- a\n- b\n"), "allowed: a mapping"),
        (file("empty.yaml", ""), "an empty file"),
        (file("text.yaml", "hello"), "allowed: a mapping"),
        (file("large.yaml", "# x" + "x" * 10_000_000), "bytes; allowed: at most"),
        (file("broken.yaml", "name: [1, 2\nstart: 3"), "broken.yaml:"),
        (file("tabs.yaml", "name: a\n\tstart: b"), "tabs.yaml:2"),
        (file("latin.yaml", b"name: caf\xe9\n"), "latin.yaml:1"),
        (file("aliases.yaml", "a: &a [1]\nb: *nothing\n"), "aliases.yaml:2"),
        (folder / "loop.yaml", "loop of symbolic links"),
        (folder / "pipe.yaml", "no regular file"),
        (folder / "absent.yaml", "no such file"),
        (folder, "a folder"),
        (folder / "scene.tif", "scene.tif"),
    ):
        for command in (("passes", path), ("run", path, "--out", folder / "out")):
            refused(folder, downpass(*command), reason)


def test_an_override_that_means_nothing(folder: Path) -> None:
    for change in ("satellites.0.codec.bpp", "satellites.7.name=x", "=1", "nonsense=1"):
        said = run(folder, scenario(), "--set", change)
        refused(folder, said, "--set")


def test_a_passing_satellite_that_never_comes_is_no_fault(folder: Path) -> None:
    # An equatorial orbit never sees the far north.
    orbit = {"altitude": "500 km", "inclination": "0 deg"}
    content = scenario(
        satellites=[satellite(orbit=orbit)], targets=[one_target("scene.tif")], duration=SHORT
    )
    assert run(folder, content) == Said(0, "", "")
    assert (folder / "out" / "report.html").stat().st_size > 10_000
    said = downpass(
        *("run", folder / "scenario.yaml", "--out", folder / "out", "--json"),
        *("--cache", folder / "cache"),
    )
    assert said.status == 0
    import json

    total = json.loads(said.out)["total"]
    assert total["frames"]["captured"] == total["frames"]["delivered"] == 0
    assert total["pass_time_used"] in (None, 0.0)
    said = downpass(
        "compare",
        folder / "scenario.yaml",
        "--codec",
        "jpegxl:2bpp",
        "--quiet",
        "--out",
        folder / "compared",
        "--cache",
        folder / "cache",
    )
    assert said == Said(0, "", "")


@pytest.mark.parametrize("duration", ["1 ms", "1.5 ms", "1 s"])
def test_a_run_of_no_length_to_speak_of_ends_well(folder: Path, duration: str) -> None:
    assert run(folder, scenario(duration=duration)) == Said(0, "", "")
    assert (folder / "out" / "report.html").exists()
