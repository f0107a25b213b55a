"""Delivered frames on a disk that has an end: estimated before, sampled by default, stopped."""

from __future__ import annotations

import json
import random
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from downpass.ground.archive import write_cog
from downpass.link.container.frame import Frame
from downpass.sim.mission.views import View
from downpass.sim.results import delivered
from downpass.sim.results.delivered import DeliveredPlan, picture_bytes
from hypothesis import given
from hypothesis import strategies as st
from small_scenarios import Said, downpass, satellite, scenario, write, write_scene

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_scene(tmp_path / "scene.tif")
    fast = satellite(transmitter={"rate": "1 Mbit/s", "packet": "256 B"})
    return write(tmp_path, scenario(duration="12 h", satellites=[fast]))


def run(file: Path, *more: str) -> tuple[Said, dict[str, Any], list[str]]:
    """Run it; return what was said, the summary's block of pictures and the pictures' names."""
    out = file.parent / "out"
    said = downpass(
        *("run", file, "--out", out, "--cache", file.parent / "c", "--no-tradeoff", "--quiet"),
        *more,
    )
    if not (out / "summary.json").exists():
        return said, {}, []
    block = json.loads((out / "summary.json").read_text())["pictures"]
    folder = out / "delivered"
    return said, block, sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def disk(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    """Let the disk of ten gigabytes have so many bytes left, one answer after the other."""
    answers = list(free)

    def usage(_: object) -> Usage:
        left = answers.pop(0) if len(answers) > 1 else answers[0]
        return Usage(10**10, 10**10 - left, left)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def test_all_frames_where_they_are_small(file: Path) -> None:
    said, block, names = run(file)
    assert said.status == 0
    assert block["choice"] == "all"
    assert block["written"] == block["delivered"] == len(names) > 3
    assert block["how"].startswith(f"{len(names)} of {len(names)} delivered frames")


def test_a_sample_above_the_bound_is_drawn_from_the_seed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, everything = run(file)
    size = picture_bytes(View(64, 64, 2, 12))
    monkeypatch.setattr(delivered, "LARGEST_BY_DEFAULT", 3 * size)
    said, block, first = run(file)
    assert said.status == 0
    assert block["choice"] == "sample"
    assert block["written"] == len(first) == 3
    assert set(first) < set(everything)
    assert f"3 of {len(everything)} delivered frames" in block["how"]
    assert "drawn with seed 1" in block["how"]
    page = (file.parent / "out" / "report.html").read_text()
    assert block["how"] in page
    assert run(file)[2] == first
    assert len({tuple(run(file, "--set", f"seed={seed}")[2]) for seed in (2, 3, 4)}) > 1
    assert run(file, "--delivered", "all")[2] == everything
    assert run(file, "--set", "report.delivered=all")[2] == everything


def test_what_the_command_line_says_goes_before_what_the_scenario_says(file: Path) -> None:
    for arguments, choice in (
        (["--delivered", "none"], "none"),
        (["--no-delivered"], "none"),
        (["--delivered", "sample"], "sample"),
        (["--set", "report.delivered=none"], "none"),
        (["--set", "report.delivered=none", "--delivered", "all"], "all"),
    ):
        said, block, names = run(file, *arguments)
        assert said.status == 0
        assert block["choice"] == choice
        assert block["written"] == len(names)
        assert (file.parent / "out" / "delivered").exists() == (choice != "none")


def test_a_disk_that_the_frames_would_fill_is_refused_before_the_run(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(file)[0].status == 0
    before = (file.parent / "out" / "summary.json").read_bytes()
    disk(monkeypatch, 300_000_000 // 2)
    cache = file.parent / "fresh"
    said = downpass("run", file, "--out", file.parent / "out", "--cache", cache, "--set", "seed=2")
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{file.parent / 'out'}/delivered: ")
    assert "150.0 MB of the disk are left; allowed: --delivered sample or none" in said.err
    assert not (cache / "quality").exists()  # nothing was decoded yet
    assert (file.parent / "out" / "summary.json").read_bytes() == before
    assert run(file, "--delivered", "none")[0].status == 0


def test_a_disk_that_fills_during_the_run_stops_it_and_keeps_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(file)[0].status == 0
    before = (file.parent / "out" / "summary.json").read_bytes()
    disk(monkeypatch, 10**9, 10**9, 10**9, 10**8)
    said, _, _ = run(file, "--set", "seed=2")
    assert said.status == 2
    assert said.err == (
        f"{file.parent / 'out'}/delivered: the disk is nearly full (100.0 MB left); allowed: "
        "--delivered sample or none, or an --out on another disk\n"
    )
    assert (file.parent / "out" / "summary.json").read_bytes() == before
    assert not list(file.parent.glob(".out*"))


@given(
    st.integers(0, 100),
    st.integers(1, 10**9),
    st.integers(0, 2**63),
    st.randoms(use_true_random=False),
)
def test_a_sample_is_of_the_frames_within_its_bounds_and_depends_on_nothing_else(
    count: int, largest: int, seed: int, draw: random.Random
) -> None:
    sizes = {number * 7: draw.randint(1, largest) for number in range(count)}
    plan = DeliveredPlan(Path("x"), "sample", True, 0, 0, seed)
    chosen = plan.chosen(sizes)
    assert chosen <= set(sizes)
    assert len(chosen) <= delivered.SAMPLE_FRAMES
    assert bool(chosen) == bool(sizes)
    total = sum(sizes[number] for number in chosen)
    assert total <= delivered.LARGEST_BY_DEFAULT or len(chosen) == 1
    assert plan.chosen(dict(reversed(sizes.items()))) == chosen


@pytest.mark.parametrize("side", [1, 64, 300, 1000])
@pytest.mark.parametrize(("bands", "depth"), [(1, 8), (3, 12), (4, 16), (13, 12)])
def test_noise_takes_no_more_than_the_estimate_and_smooth_scenes_far_less(
    tmp_path: Path, side: int, bands: int, depth: int
) -> None:
    view = View(side, side, bands, depth)
    kind = np.uint8 if depth == 8 else np.uint16
    noise = np.random.default_rng(1).integers(0, 1 << depth, (side, side, bands)).astype(kind)
    write_cog(tmp_path / "noise.tif", Frame(noise, depth))
    assert (tmp_path / "noise.tif").stat().st_size <= picture_bytes(view)
    rows = np.arange(side)[:, None, None]
    smooth = np.broadcast_to(rows % (1 << depth), noise.shape).astype(kind)
    write_cog(tmp_path / "smooth.tif", Frame(smooth, depth))
    with rasterio.open(tmp_path / "smooth.tif") as picture:
        assert picture.compression.name == "deflate"
        assert picture.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR", "2") == "2"
    if side == 1000:
        assert (tmp_path / "smooth.tif").stat().st_size < picture_bytes(view) / 20
