"""Scenes of one file name in several folders are told apart in results."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq
import rasterio
from downpass.sim.scenario.scene_names import names_of
from hypothesis import given
from hypothesis import strategies as st
from small_scenarios import PLACES, downpass, pixels, scenario, write, write_scene

FILES = st.lists(st.sampled_from(["a", "b", "c.tif"]), min_size=1, max_size=4).map(
    lambda parts: Path(*parts)
)


@given(st.lists(FILES, max_size=12))
def test_no_two_files_have_one_name(paths: list[Path]) -> None:
    names = names_of(paths)
    assert set(names) == set(paths)
    assert len(set(names.values())) == len(names)
    for path, name in names.items():
        assert PurePosixPath(path).parts[-len(Path(name).parts) :] == Path(name).parts


def test_a_name_is_as_short_as_it_can_be() -> None:
    files = [Path(text) for text in ("/s/a/x.tif", "/s/b/x.tif", "/t/b/x.tif", "/s/y.tif")]
    names = names_of(files)
    assert [names[path] for path in files] == ["a/x.tif", "s/b/x.tif", "t/b/x.tif", "y.tif"]


def test_frames_and_pictures_say_which_scene_they_show(tmp_path: Path) -> None:
    for number, folder in enumerate(("north", "south")):
        (tmp_path / folder).mkdir()
        write_scene(tmp_path / folder / "scene.tif", pixels(50, 50, seed=number))
    targets = [
        {
            "name": name,
            "at": list(at),
            "scenes": ["north/scene.tif", "south/scene.tif"],
            "scene_fit": "mirror",
        }
        for name, at in PLACES.items()
    ]
    path = write(tmp_path, scenario(targets=targets))
    out = tmp_path / "out"
    said = downpass("run", path, "--out", out, "--cache", tmp_path / "cache", "--no-tradeoff")
    assert said.status == 0, said.err
    rows = pq.read_table(out / "frames.parquet").to_pylist()
    both = {"north/scene.tif", "south/scene.tif"}
    assert {row["scene"] for row in rows} == both
    repeated = json.loads((out / "summary.json").read_text())["total"]["repeated"]
    assert set(repeated["scenes"]) == both
    assert sum(repeated["scenes"].values()) == repeated["frames"] > 0
    tags = set()
    for picture in (out / "delivered").glob("*.tif"):
        with rasterio.open(picture) as file:
            tags.add(file.tags()["DOWNPASS_SCENE"])
    assert tags == both
