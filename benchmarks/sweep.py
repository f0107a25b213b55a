"""How fast a sweep runs, and what sharing geometry and workers bring: python benchmarks/sweep.py.

It runs a week of one satellite, 100 targets and 4 stations, without pixels, at 120 settings that
share their geometry: alone with the geometry computed anew for each, alone with it shared, and in
two processes. Processor seconds are those of an idle core; wall seconds depend on what else runs.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import load_scenario
from downpass.sim.scenario.load import read_scenario
from downpass.sim.sweep.axes import parse_axis
from downpass.sim.sweep.plan import make_plan
from downpass.sim.sweep.run import SweepJob, run_sweep
from downpass.sim.sweep.workers import Workers, local_workers, this_process

TARGETS = 100
SCENARIO = """
name: week
start: 2024-12-02T00:00:00Z
duration: 7 d
satellites:
  - name: sparrow
    orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}
    imager: {swath: 10.24 km, gsd: 20 m, frame_length: 10.24 km, bands: 3}
    processor: {profile: zynq-7020}
    recorder: {capacity: 16 MB}
    transmitter: {rate: 128 kbit/s}
    codec: {name: jpeg2000, bpp: 1.0}
stations: [svalbard, awarua, matera, punta-arenas]
targets:
"""


def main() -> None:
    """Print one line for each way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "week.yaml")
        lines = [
            f"  - {{name: t{n}, at: [{-55 + 110 * n / TARGETS:.2f}, {(37 * n) % 360 - 180}]}}"
            for n in range(TARGETS)
        ]
        path.write_text(SCENARIO + "\n".join(lines) + "\n")
        text = read_scenario(path)
        axes = [
            "satellites.0.codec.bpp=0.25..2:10",
            "satellites.0.recorder.capacity=1 MB..16 MB:12",
        ]
        plan = make_plan(load_scenario(path, (), text), [parse_axis(axis) for axis in axes])
        job = SweepJob(path, text, plan, Path(folder, "cache"))
        evaluate(load_scenario(path))  # imports

        def alone() -> None:
            for cell in plan.cells():
                evaluate(load_scenario(path, cell.overrides, text), Path(folder, "cache"))

        def sweep(name: str, workers: Callable[[int], AbstractContextManager[Workers]]) -> None:
            run_sweep(job, Path(folder, name), workers)

        report("geometry computed for each cell", len(plan), alone)
        report("geometry shared", len(plan), lambda: sweep("one", lambda _: this_process()))
        report("two processes", len(plan), lambda: sweep("two", lambda _: local_workers(2)))
        same = Path(folder, "one", "sweep.parquet").read_bytes() == (
            Path(folder, "two", "sweep.parquet").read_bytes()
        )
        print(f"tables of one and of two workers: {'the same bytes' if same else 'DIFFERENT'}")


def report(what: str, cells: int, run: Callable[[], None]) -> None:
    """Print how long the cells took."""
    wall, processor = time.perf_counter(), seconds()
    run()
    wall, processor = time.perf_counter() - wall, seconds() - processor
    print(
        f"{what}: {cells} cells, {processor:.1f} processor seconds "
        f"({1000 * processor / cells:.0f} ms a cell), {wall:.1f} s by the clock"
    )


def seconds() -> float:
    """Return the processor seconds of this process and its children that have ended."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


if __name__ == "__main__":
    main()
