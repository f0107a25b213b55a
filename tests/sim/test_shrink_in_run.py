"""`recorder: {when_full: shrink}` in a run: real bitstreams become smaller, and are graded so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from downpass.ground.decoders import decode
from downpass.ground.quality import psnr
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.registry import encoder
from downpass.payload.encoders.student import shrink as module
from downpass.payload.encoders.student.shrink import shrink
from downpass.sim.frames.content_cache import ContentCache
from downpass.sim.frames.scenes import Scenes
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import prepare
from downpass.sim.scenario import load_scenario
from small_scenarios import Said, downpass, satellite, scenario, write, write_scene

CODEC = {"name": "student", "bpp": 4.0, "tile": 32}
SLOW = {"rate": "12 bit/s", "packet": "64 B", "packet_loss": 0.0}


def short_of_memory(scene: str | None = "scene.tif", **recorder: Any) -> dict[str, Any]:
    """A scenario whose recorder holds two frames of 2048 bytes, over a link that is slow."""
    memory = {"capacity": "4500 B", "when_full": "shrink"} | recorder
    sat = satellite(codec=CODEC, recorder=memory, transmitter=SLOW)
    return scenario(scene, satellites=[sat])


def run(folder: Path, out: str, content: dict[str, Any]) -> dict[str, Any]:
    path = write(folder, content)
    said = downpass("run", path, "--out", folder / out, "--quiet", "--no-tradeoff")
    assert (said.status, said.err) == (0, "")
    return json.loads((folder / out / "summary.json").read_text())["total"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    write_scene(tmp_path / "scene.tif")
    return tmp_path


def test_fewer_frames_are_dropped_and_the_shrunk_bitstream_is_graded(folder: Path) -> None:
    dropped = run(folder, "drop", short_of_memory(when_full="drop"))
    shrunk = run(folder, "shrink", short_of_memory())
    assert sum(dropped["frames"]["dropped"].values()) > sum(shrunk["frames"]["dropped"].values())
    assert shrunk["frames"]["delivered"] > dropped["frames"]["delivered"]
    assert "requantised" not in dropped["frames"]
    assert shrunk["frames"]["requantised"] > 0
    assert shrunk["encode_energy_j"] > dropped["encode_energy_j"]

    rows = pq.read_table(folder / "shrink" / "frames.parquet").to_pylist()
    saved = sum(row["requantised_bytes"] or 0 for row in rows)
    assert saved == shrunk["bytes"]["requantised"]
    sizes = sum(row["encoded_bytes"] or 0 for row in rows)
    assert sizes + saved == shrunk["bytes"]["encoded"]
    energy = sum(row["encode_energy_j"] or 0.0 for row in rows)
    assert energy == pytest.approx(shrunk["encode_energy_j"])

    loaded = load_scenario(folder / "scenario.yaml")
    scenes = Scenes(loaded)
    mission = prepare(fly(loaded), scenes)
    graded = [row for row in rows if row["requantised_bytes"] and row["state"] == "delivered"]
    assert graded
    for row in graded[:3]:
        frame = scenes.frame(0, mission.views[row["frame"]])
        first = encoder("student", 32).encode(frame, Setting(bpp=4.0))
        assert len(first) == row["encoded_bytes"] + row["requantised_bytes"]
        made = shrink(first, Setting(bytes=-(-len(first) // 4)))
        assert len(made) == row["encoded_bytes"]
        assert row["psnr_db"] == pytest.approx(psnr(frame, decode(made).frame), abs=6e-4)


def test_frames_without_pixels_shrink_too(folder: Path) -> None:
    found = run(folder, "out", short_of_memory(None))
    rows = pq.read_table(folder / "out" / "frames.parquet").to_pylist()
    assert found["frames"]["requantised"] > 0
    assert {row["encoded_bytes"] for row in rows if row["requantised_bytes"]} == {512}
    assert {row["encoded_bytes"] for row in rows if row["encoded_bytes"]} == {512, 2048}


def test_the_floor_holds(folder: Path) -> None:
    run(folder, "out", short_of_memory(least_bpp=2.5))
    rows = pq.read_table(folder / "out" / "frames.parquet").to_pylist()
    smaller = [row["bpp"] for row in rows if row["requantised_bytes"]]
    assert smaller
    assert 2.3 < min(smaller) <= max(smaller) <= 2.5


def test_the_same_run_twice_and_with_a_cache(folder: Path) -> None:
    tables = []
    for out in ("one", "two"):
        run(folder, out, short_of_memory())
        tables.append((folder / out / "events.parquet").read_bytes())
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"codec": {"name": "jpeg2000", "bpp": 1.0}},
            "codec jpeg2000; allowed: with codec student",
        ),
        (
            {
                "codec": {"name": "student", "quality": 50, "tile": 32},
                "encoder": {"backend": "board", "port": "loop://"},
            },
            "shrink with encoder.backend board; allowed: in-process",
        ),
        ({"recorder": {"capacity": "1 MB", "least_bpp": 1}}, "least_bpp with when_full drop"),
    ],
    ids=["codec", "board", "floor"],
)
def test_what_does_not_fit_together_is_refused(
    folder: Path, changes: dict[str, Any], words: str
) -> None:
    memory = {"capacity": "1 MB", "when_full": "shrink"}
    sat = satellite(**({"codec": CODEC, "recorder": memory} | changes))
    said: Said = downpass("validate", write(folder, scenario(satellites=[sat])))
    assert said.status == 2
    assert "scenario.yaml:" in said.out
    assert words in said.out
    assert len(said.out.splitlines()) == 1


def test_the_cache_keeps_what_was_requantised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ContentCache(tmp_path)
    rng = np.random.default_rng(1)
    from downpass.link.container.frame import Frame

    frame = Frame(rng.integers(0, 255, (64, 64, 3)).astype(np.uint8), 8)
    stream = encoder("student", 32).encode(frame, Setting(quality=80))
    made = cache.requantised(stream, len(stream) // 2).bitstream
    assert made == shrink(stream, Setting(bytes=len(stream) // 2))
    assert cache.requantised(stream, 10).bitstream == stream  # cannot be met

    def fail(*_: object) -> bytes:
        raise AssertionError("it is in the cache")

    monkeypatch.setattr(module, "shrink", fail)
    assert cache.requantised(stream, len(stream) // 2).bitstream == made
    assert cache.requantised(stream, 10).bitstream == stream
