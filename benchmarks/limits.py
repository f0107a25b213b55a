"""Measure what a run costs at the limits: start-up, the quickstart, thirty days, a huge scene.

    python benchmarks/limits.py [FOLDER]     # the huge scene takes 0.4 GB there

Each runs in a process of its own, as a user starts it. Seconds are processor seconds of all its
threads (the wall time on one idle core); the quickstart's wall-clock seconds are printed, too.
Memory is the process's peak resident set.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
SIDE = 20_000


@dataclass(frozen=True, slots=True)
class Cost:
    """The time and memory that one process took."""

    seconds: float
    clock_s: float
    peak_mib: float


def cost(*arguments: str) -> Cost:
    """Run `downpass` with arguments and return what it took."""
    command = [sys.executable, "-m", "downpass.sim.cli", *arguments]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"downpass {' '.join(arguments)} failed: {status}")
    clock_s = time.monotonic() - start
    return Cost(usage.ru_utime + usage.ru_stime, clock_s, usage.ru_maxrss / 1024)


def huge_scene(path: Path) -> None:
    """Write 20,000 x 20,000 pixels: copies of a shipped scene, each a bit brighter."""
    with rasterio.open(SCENARIOS / "scenes" / "l8_oli_30m_bgrn_u16.tif") as source:
        piece = source.read(1)
        profile = source.profile
    profile.update(
        width=SIDE, height=SIDE, count=1, tiled=True, blockxsize=512, blockysize=512,
        compress="deflate", zlevel=1, predictor=2, bigtiff="yes",
    )  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for row in range(0, SIDE, 512):
            for column in range(0, SIDE, 512):
                height, width = min(512, SIDE - row), min(512, SIDE - column)
                brighter = piece[:height, :width] + np.uint16((row + column) // 100)
                target.write(brighter, 1, window=Window(column, row, width, height))


def main() -> None:
    """Print each figure beside its limit."""
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None))
    quickstart = str(SCENARIOS / "quickstart.yaml")
    helped = statistics.median(cost("--help").seconds for _ in range(9))
    print(f"downpass --help            {helped:6.2f} s      (limit 0.3 s)")
    for state in ("cold", "warm"):
        out = ("--cache", str(folder / "cache"), "--out", str(folder / "run"), "--quiet")
        took = cost("run", quickstart, *out)
        print(
            f"quickstart, cache {state}     {took.seconds:6.1f} s, {took.peak_mib:5.0f} MiB, "
            f"{took.clock_s:.1f} s by the clock (limit 60 s of two cores)"
        )
    month = cost("run", quickstart, "--set", "duration=30 d", *out)
    print(f"quickstart for 30 days     {month.seconds:6.1f} s, {month.peak_mib:5.0f} MiB "
          "(limit 1024 MiB)")  # fmt: skip
    scene = folder / "huge.tif"
    huge_scene(scene)
    size = scene.stat().st_size / 1e6
    polygon = "[[-36, 142], [-36, 148], [-30, 148], [-30, 142]]"
    targets = f"targets=[{{name: huge, polygon: {polygon}, scenes: [{scene}]}}]"
    bands = "satellites.0.imager.bands=1"
    huge = cost("run", quickstart, *out, "--set", bands, "--set", targets)
    print(f"a scene of {SIDE} x {SIDE}    {huge.seconds:6.1f} s, {huge.peak_mib:5.0f} MiB "
          f"(limit 1024 MiB; the file has {size:.0f} MB, the pixels 800 MB)")  # fmt: skip


if __name__ == "__main__":
    main()
