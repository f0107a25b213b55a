"""Frames that a codec cannot encode, or only just, within a run."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from small_scenarios import downpass, satellite, scenario, write, write_scene


class LibraryError(RuntimeError):
    """An exception that cannot be made of its `args`, as those of imagecodecs."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function} returned {code}")


class WorkerError(Exception):
    """One that no codec raises, for what nobody has thought of."""

    def __init__(self, one: str, *, two: str) -> None:
        super().__init__(f"{one}\n{two}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    write_scene(tmp_path / "scene.tif")
    codec = {"name": "jpegls", "quality": 100, "tile": 32}
    write(tmp_path, scenario(satellites=[satellite(codec=codec)]))
    return tmp_path


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LibraryError("encode", 5), "jpegls cannot encode a tile of 32 x 32 pixels"),
        (MemoryError(), "jpegls cannot encode a tile of 32 x 32 pixels"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_a_codec_raises_in_a_run_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr(imagecodecs, "jpegls_encode", fail)
    said = downpass("run", folder / "scenario.yaml", "--out", folder / "out", "--quiet")
    assert said.status == 2
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) == 1
    for part in (words, "scenario.yaml:", "satellites.0.codec", "frame ", " of scene.tif: "):
        assert part in said.err
    assert not (folder / "out").exists()


def test_what_nobody_has_thought_of_is_one_line_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise WorkerError("this", two="and that")

    monkeypatch.setattr("downpass.sim.frames.scenes.Scenes.frame", fail)
    said = downpass("run", folder / "scenario.yaml", "--out", folder / "out", "--quiet")
    assert said.status == 2
    assert said.err.splitlines()[-1].endswith("of scene.tif: WorkerError: this and that")


def test_a_run_of_noise_ends_with_results(folder: Path) -> None:
    noise = np.random.default_rng(1).integers(1, 4096, (3, 96, 128)).astype(np.uint16)
    write_scene(folder / "scene.tif", noise)
    said = downpass("run", folder / "scenario.yaml", "--out", folder / "out", "--quiet")
    assert (said.status, said.err) == (0, "")
    assert (folder / "out" / "summary.json").exists()
