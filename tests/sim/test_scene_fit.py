"""Scenes smaller than a frame, or of another resolution: what the frames are, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from downpass.sim.frames.scene_advice import scene_advice
from downpass.sim.frames.scenes import Scenes
from downpass.sim.scenario import load_scenario
from small_scenarios import TRANSFORM, downpass, pixels, satellite, scenario, write, write_scene

WIDTH, HEIGHT = 40, 96  # of the scene; a frame has 64 x 64
OWN = pixels(HEIGHT, WIDTH)


def small(folder: Path, fit: str | None) -> Path:
    write_scene(folder / "scene.tif", OWN)
    codec = {"name": "jpegls", "quality": 100, "tile": 32}
    targets = [{"name": "alert", "at": [82.5, -62.3], "scenes": ["scene.tif"]}]
    if fit is not None:
        targets[0]["scene_fit"] = fit
    satellites = [satellite(codec=codec, transmitter={"rate": "1 Mbit/s"})]
    return write(folder, scenario(satellites=satellites, targets=targets, duration="8 h"))


def flown(folder: Path, fit: str | None) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    file, out = small(folder, fit), folder / "out"
    said = downpass("run", file, "--out", out, "--no-tradeoff", "--cache", folder / "cache")
    assert (said.status, said.err) == (0, "")
    summary = json.loads((out / "summary.json").read_text())["total"]
    return summary, pq.read_table(out / "frames.parquet").to_pylist(), said.out


@pytest.mark.parametrize(
    ("fit", "mode"),
    [(None, "symmetric"), ("mirror", "symmetric"), ("repeat", "wrap")],
    ids=["default", "mirror", "repeat"],
)
def test_a_frame_has_the_imager_s_size_and_its_repeated_content_is_told(
    tmp_path: Path, fit: str | None, mode: Any
) -> None:
    summary, frames, said = flown(tmp_path, fit)
    assert frames
    for frame in frames:
        assert (frame["width"], frame["height"]) == (64, 64)
        assert (frame["window_width"], frame["window_height"]) == (WIDTH, 64)
        assert frame["scene_fit"] == (fit or "mirror")
        assert frame["raw_bytes"] == 64 * 64 * 2 * 12 // 8
    assert summary["repeated"] == {"frames": len(frames), "scenes": {"scene.tif": len(frames)}}
    assert "larger than their scene" in said
    assert "scene.tif" in said
    report = (tmp_path / "out" / "report.html").read_text().replace("\u00a0", " ")
    assert "larger than the scene" in report
    assert "repeated content" in report

    delivered = [f for f in frames if f["delivery"] == "whole"]
    assert delivered
    assert summary["delivered_km2"] == pytest.approx(1.28**2 * len(delivered))
    for frame in delivered:
        row, column = frame["window_row"], frame["window_col"]
        own = OWN[[0, 2], row : row + 64, column : column + WIDTH]
        whole = np.pad(own, ((0, 0), (0, 0), (0, 64 - WIDTH)), mode=mode)
        name = f"{frame['frame']:06d}-sat-alert.tif"
        with rasterio.open(tmp_path / "out" / "delivered" / name) as picture:
            assert np.array_equal(picture.read(), whole)
            # The scene's own part lies where the scene does.
            assert picture.transform == TRANSFORM @ TRANSFORM.translation(column, row)
            assert picture.tags()["DOWNPASS_SCENE_FIT"] == (fit or "mirror")
            assert picture.tags()["DOWNPASS_SCENE_PIXELS"] == "40 x 64 from the upper left"


def test_a_clipped_frame_is_as_small_as_its_scene(tmp_path: Path) -> None:
    summary, frames, said = flown(tmp_path, "clip")
    assert frames
    assert {(f["width"], f["height"], f["scene_fit"]) for f in frames} == {(WIDTH, 64, None)}
    assert summary["repeated"] == {"frames": 0, "scenes": {}}
    assert "larger than their scene" not in said
    for path in (tmp_path / "out" / "delivered").iterdir():
        with rasterio.open(path) as picture:
            assert "DOWNPASS_SCENE_FIT" not in picture.tags()


def test_a_small_scene_can_be_refused(tmp_path: Path) -> None:
    file = small(tmp_path, "refuse")
    for command in (("validate", file), ("run", file, "--out", tmp_path / "out")):
        said = downpass(*command)
        assert said.status == 2
        (line,) = (said.out + said.err).splitlines()
        assert "targets.0.scenes.0: scene" in line
        assert "40 x 96 pixels, and a frame of sat has 64 x 64" in line
    large = ("--set", "satellites.0.imager.swath=800 m")
    assert downpass("validate", file, *large).status == 0


def test_a_fit_that_is_none_is_refused(tmp_path: Path) -> None:
    said = downpass("validate", small(tmp_path, "mirrored"))
    assert said.status == 2
    assert "targets.0.scene_fit: found mirrored; allowed: mirror, repeat, clip, refuse" in said.out


def test_a_scene_large_enough_is_never_extended(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    loaded = load_scenario(write(tmp_path, scenario()))
    scenes = Scenes(loaded)
    assert not any(scenes.view(0, 0, count).repeats for count in range(9))
    assert scene_advice(loaded, scenes) == ()


def test_a_large_frame_of_a_small_scene_takes_no_more_than_itself(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif", pixels(256, 256))
    imager = satellite()["imager"] | {"swath": "100 km", "frame_length": "100 km"}
    loaded = load_scenario(write(tmp_path, scenario(satellites=[satellite(imager=imager)])))
    scenes = Scenes(loaded)
    view = scenes.view(0, 0, 0)
    assert (view.width, view.height, view.own_width, view.own_height) == (5000, 5000, 256, 256)
    frame = scenes.frame(0, view)
    assert frame.pixels.shape == (5000, 5000, 2)
    assert np.array_equal(frame.pixels[256:512, 4864:5000], frame.pixels[255::-1, 4863:4727:-1])


# What validate says


@pytest.mark.parametrize(
    ("gsd", "transform", "crs", "words"),
    [
        ("20 m", TRANSFORM, "EPSG:32629", None),
        ("18.5 m", TRANSFORM, "EPSG:32629", None),
        ("10 m", TRANSFORM, "EPSG:32629", "a scene of 20 m a pixel and a GSD of 10 m for sat"),
        # A ten-thousandth of a degree at 60 degrees north: 5.6 m by 11.1 m.
        ("11 m", (1e-4, 0, 5, 0, -1e-4, 60), "EPSG:4326", "a scene of 5.58 x 11.1 m a pixel"),
        ("20 m", None, None, None),
    ],
    ids=["alike", "within a tenth", "half", "degrees", "nowhere"],
)
def test_validate_warns_of_another_resolution(
    tmp_path: Path, gsd: str, transform: Any, crs: str | None, words: str | None
) -> None:
    place = {
        "crs": crs,
        "transform": None if transform is None else rasterio.Affine(*transform[:6]),
    }
    write_scene(tmp_path / "scene.tif", **place)
    imager = satellite()["imager"] | {"gsd": gsd, "swath": "400 m", "frame_length": "400 m"}
    file = write(tmp_path, scenario(satellites=[satellite(imager=imager)]))
    said = downpass("validate", file)
    assert said.status == 0
    if words is None:
        assert said.err == ""
    else:
        (line,) = said.err.splitlines()  # once, though six targets name it
        assert "targets.0.scenes.0: found " + words in line
        assert "the same for 5 other targets" in line


def test_validate_warns_of_a_small_scene_once_for_all_satellites(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif", OWN)
    many = [satellite(name=f"s{n}") for n in range(20)]
    said = downpass("validate", write(tmp_path, scenario(satellites=many)))
    (line,) = said.err.splitlines()
    assert "40 x 96 pixels and frames of 64 x 64 from s0 and 19 other satellites" in line
    assert "mirrored" in line
