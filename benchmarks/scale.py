"""Measure how time and memory of a run grow with its satellites and its days.

    python benchmarks/scale.py                      # 10 to 1000 satellites, one day
    python benchmarks/scale.py 100x300x1 300x300x30 # satellites x targets x days
    python benchmarks/scale.py 10000x300x1

Each run is `downpass run` in processes of its own, with all tables, summary and report: a Walker
constellation at 550 km, points as targets, four stations with an antenna each, and sizes from a
rate instead of pixels. Printed are the seconds on the wall, the processor seconds of all its
processes (which do not depend on what else the machine does, and are about the wall time of an
idle core), and the largest proportional set size of all its processes together, in which shared
pages count once; it is sampled, so a peak of less than the sampling time may be missed. The
exponent b of a power law a * n**b, fitted to processor seconds, memory and frames over the number
of satellites, stands below.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

SIZES = ("10x300x1", "30x300x1", "100x300x1", "300x300x1", "1000x300x1")
STATIONS = ("svalbard", "matera", "maspalomas", "fairbanks")
SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, and what it was about."""

    satellites: int
    wall_s: float
    processor_s: float
    peak_mib: float
    frames: int
    events: int


def scenario(satellites: int, targets: int, days: float) -> str:
    """Return the scenario as YAML."""
    planes = max(n for n in range(1, int(satellites**0.5) + 1) if satellites % n == 0)
    draw = random.Random(1)
    places = [(draw.uniform(-60, 60), draw.uniform(-170, 170)) for _ in range(targets)]
    walker = (
        f"{{total: {satellites}, planes: {planes}, phasing: {int(planes > 1)}, "
        "altitude: 550 km, inclination: 97.6 deg}"
    )
    imager = (
        "{swath: 40.96 km, gsd: 10 m, bands: 4, frame_length: 40.96 km, off_nadir_limit: 30 deg}"
    )
    rates = "[{elevation: 5 deg, rate: 50 Mbit/s}, {elevation: 30 deg, rate: 150 Mbit/s}]"
    lines = [
        "name: scale",
        "start: 2024-12-02T04:00:00Z",
        f"duration: {days:g} d",
        "seed: 1",
        "satellites:",
        "  - name: sat",
        f"    orbit: {{walker: {walker}}}",
        f"    imager: {imager}",
        "    processor: {profile: zynq-7020, working_memory: 10 GB}",
        "    recorder: {capacity: 8 GB}",
        f"    transmitter: {{rate: {rates}}}",
        "    codec: {name: jpeg2000, bpp: 1}",
        "targets:",
        *(
            f"  - {{name: target-{n}, at: [{north:.4f}, {east:.4f}], priority: {1 + n % 9}}}"
            for n, (north, east) in enumerate(places)
        ),
        "stations:",
        *(f"  - {{use: {station}}}" for station in STATIONS),
    ]
    return "\n".join(lines) + "\n"


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended
    return found


def held_mib(pid: int) -> float:
    """Return the proportional set size of a process and its descendants."""
    total = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def cost(satellites: int, targets: int, days: float, folder: Path) -> Cost:
    """Run one scenario and return what it took."""
    file, out = folder / "scale.yaml", folder / "run"
    file.write_text(scenario(satellites, targets, days), encoding="utf-8")
    arguments = ("run", str(file), "--out", str(out), "--cache", str(folder / "cache"), "--quiet")
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "downpass.sim.cli", *arguments])
    peak, ended = 0.0, 0
    while not ended:
        peak = max(peak, held_mib(process.pid))
        time.sleep(SAMPLE_S)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    if status:
        raise SystemExit(f"downpass {' '.join(arguments)} failed: {status}")
    return Cost(
        satellites,
        time.monotonic() - begun,
        usage.ru_utime + usage.ru_stime,
        max(peak, usage.ru_maxrss / 1024),
        pq.read_metadata(out / "frames.parquet").num_rows,
        pq.read_metadata(out / "events.parquet").num_rows,
    )


def exponent(costs: list[Cost], figure: str) -> float:
    """Return the exponent of the power law that fits a figure over the number of satellites."""
    size = np.log([one.satellites for one in costs])
    return float(np.polyfit(size, np.log([getattr(one, figure) for one in costs]), 1)[0])


def main() -> None:
    """Print a line for each size, and the exponents."""
    print("satellites x targets x days    wall    processor     memory    frames    events")
    costs = []
    for size in sys.argv[1:] or SIZES:
        satellites, targets, days = size.split("x")
        with tempfile.TemporaryDirectory() as folder:
            one = cost(int(satellites), int(targets), float(days), Path(folder))
        costs.append(one)
        print(
            f"{size:>27s} {one.wall_s:7.1f} s {one.processor_s:9.1f} s {one.peak_mib:6.0f} MiB "
            f"{one.frames:9d} {one.events:9d}",
            flush=True,
        )
    if len({one.satellites for one in costs}) > 2:
        for figure, words in (
            ("processor_s", "processor seconds"),
            ("peak_mib", "memory"),
            ("frames", "frames"),
        ):
            print(f"{words} grow with satellites ** {exponent(costs, figure):.2f}")
            largest = [one for one in costs if one.satellites >= 100]
            if len(largest) > 1:
                print(f"    from 100 satellites on   ** {exponent(largest, figure):.2f}")


if __name__ == "__main__":
    main()
