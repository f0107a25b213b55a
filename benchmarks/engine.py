"""Measure how much faster than real time the engine runs: passes, planning, simulation, books.

    OPENBLAS_NUM_THREADS=1 python benchmarks/engine.py     # the comparison needs [bench]

The scenario is one satellite (Sentinel-2A), 100 targets, 4 stations and 7 days, with frame sizes
from a rate instead of pixels, on one core. It runs with a table of rates, and with a link budget
whose modes follow the drawn weather. For comparison, Basilisk (Kenneally, Piggott, Schaub:
Journal of Aerospace Information Systems 17(9), 2020) runs its nearest equivalent: a spacecraft on
a two-body orbit, the same stations, an instrument, a storage unit and a transmitter, at steps of 1
s and 10 s.

Times are processor times (`time.process_time`), which are the wall time of an idle core: both
programs run on one thread, and other work on the machine does not count.
"""

from __future__ import annotations

import itertools
import random
import resource
import statistics
import time
from collections.abc import Callable, Mapping

from downpass.sim.frames.rated_frames import RatedFrames
from downpass.sim.mission.flight import fly
from downpass.sim.mission.preparation import prepare
from downpass.sim.mission.views import NoPixels
from downpass.sim.model.simulation import simulate
from downpass.sim.scenario.scenario import Scenario

DAY = 86_400.0
REPEATS = 5
TLE = (
    "1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998\n"
    "2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363"
)
STATIONS = ("svalbard", "matera", "maspalomas", "fairbanks")
STEPS = {
    "rate": [{"elevation": 5.0, "rate": 50e6}, {"elevation": 30.0, "rate": 150e6}],
}
LINK = {
    "link": {
        "frequency": 8.1e9,
        "power": 5.0,
        "antenna_gain": 10.0,
        "symbol_rate": 75e6,
        "modes": "dvb-s2",
        "coding": "acm",
    }
}
RECEIVER = {"g_over_t": 24.0}


def scenario(days: float, transmitter: Mapping[str, object] = STEPS, seed: int = 1) -> Scenario:
    """Return the scenario, in which half of the targets are areas imaged frame by frame.

    Args:
        days: Length of the run.
        transmitter: A table of rates, or a link; with a link, the weather is drawn.
        seed: Seed of the weather.
    """
    draw = random.Random(1)
    targets = []
    for number in range(100):
        latitude, longitude = draw.uniform(-60, 60), draw.uniform(-170, 170)
        place: dict[str, object] = {"at": [latitude, longitude]}
        if number % 2:
            place = {
                "polygon": [
                    [latitude, longitude],
                    [latitude + 3, longitude],
                    [latitude + 3, longitude + 3],
                ]
            }
        targets.append({"name": f"target-{number}", "priority": 1 + number % 9} | place)
    return Scenario.model_validate(
        {
            "name": "engine",
            "start": "2024-12-02T04:00:00Z",
            "duration": days * DAY,
            "seed": seed,
            "satellites": [
                {
                    "name": "satellite",
                    "orbit": {"tle": TLE},
                    "imager": {
                        "swath": 40_960.0,
                        "gsd": 10.0,
                        "bands": 4,
                        "frame_length": 40_960.0,
                    },
                    "processor": {"profile": "zynq-7020", "working_memory": 10**10},
                    "power": {
                        "battery": 3.6e6,
                        "solar": 400.0,
                        "loads": {
                            "idle": 100.0,
                            "imaging": 200.0,
                            "encoding": 20.0,
                            "transmitting": 150.0,
                        },
                    },
                    "recorder": {"capacity": 8 * 10**9},
                    "transmitter": transmitter,
                    "codec": {"name": "jpeg2000", "bpp": 1.0},
                }
            ],
            "targets": targets,
            "stations": [{"use": station, "receiver": RECEIVER} for station in STATIONS],
        }
    )


def timed(work: Callable[[], object]) -> float:
    """Return the median processor time of several runs, after a warm-up run."""
    work()
    spans = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        spans.append(time.process_time() - begun)
    return statistics.median(spans)


def engine(days: float, transmitter: Mapping[str, object] = STEPS) -> dict[str, float]:
    """Return the seconds that the parts of a run take, and what they processed."""
    given = scenario(days, transmitter)
    flight = fly(given)
    mission = prepare(flight, NoPixels(given))

    def run() -> object:
        return simulate(mission.setup, [RatedFrames(s) for s in given.satellites])

    outcome = simulate(mission.setup, [RatedFrames(s) for s in given.satellites])
    # A flight caches the elevation crossings that it has computed, so each run needs a new one,
    # and another seed, because drawn weather is cached as well.
    seeds = itertools.count(2)

    def ready_anew() -> object:
        return prepare(fly(scenario(days, transmitter, next(seeds))), NoPixels(given))

    flying, ready, running = (timed(lambda: fly(given)), timed(ready_anew), timed(run))
    preparing = max(0.0, ready - flying)
    return {
        "orbit, passes, timetable": flying,
        "captures and contacts": preparing,
        "simulation": running,
        "all": flying + preparing + running,
        "events": len(outcome.events),
        "frames": len(mission.views),
        "passes": len(flight.passes),
    }


def basilisk(step_s: float) -> float:
    """Return Basilisk's processor seconds for one day at a step, without its setup."""
    from Basilisk.simulation import (
        groundLocation,
        partitionedStorageUnit,
        simpleInstrument,
        spacecraft,
        spaceToGroundTransmitter,
    )
    from Basilisk.utilities import (
        SimulationBaseClass,
        macros,
        orbitalMotion,
        simIncludeGravBody,
    )

    sim = SimulationBaseClass.SimBaseClass()
    sim.SetProgressBar(False)
    task = "task"
    sim.CreateNewProcess("process").addTask(sim.CreateNewTask(task, macros.sec2nano(step_s)))
    craft = spacecraft.Spacecraft()
    earth = simIncludeGravBody.gravBodyFactory().createEarth()
    earth.isCentralBody = True
    craft.gravField.gravBodies = spacecraft.GravBodyVector([earth])
    elements = orbitalMotion.ClassicElements()
    elements.a, elements.e, elements.i = 7_164_000.0, 0.0001, 98.57 * macros.D2R
    elements.Omega, elements.omega, elements.f = 48.99 * macros.D2R, 0.0, 0.0
    position, velocity = orbitalMotion.elem2rv(earth.mu, elements)
    craft.hub.r_CN_NInit, craft.hub.v_CN_NInit = position, velocity
    sim.AddModelToTask(task, craft)
    transmitter = spaceToGroundTransmitter.SpaceToGroundTransmitter()
    transmitter.nodeBaudRate = -50e6
    transmitter.packetSize = -8e6
    transmitter.numBuffers = 1
    grounds = []
    for place in ((78.23, 15.39), (40.65, 16.70), (27.76, -15.63), (64.86, -147.85)):
        ground = groundLocation.GroundLocation()
        ground.planetRadius = orbitalMotion.REQ_EARTH * 1e3
        ground.specifyLocation(place[0] * macros.D2R, place[1] * macros.D2R, 0.0)
        ground.minimumElevation = 5.0 * macros.D2R
        ground.addSpacecraftToModel(craft.scStateOutMsg)
        sim.AddModelToTask(task, ground)
        transmitter.addAccessMsgToTransmitter(ground.accessOutMsgs[-1])
        grounds.append(ground)
    instrument = simpleInstrument.SimpleInstrument()
    instrument.nodeBaudRate = 5e6
    instrument.nodeDataName = "imager"
    storage = partitionedStorageUnit.PartitionedStorageUnit()
    storage.storageCapacity = int(64e9)
    storage.addDataNodeToModel(instrument.nodeDataOutMsg)
    storage.addDataNodeToModel(transmitter.nodeDataOutMsg)
    transmitter.addStorageUnitToTransmitter(storage.storageUnitDataOutMsg)
    for model in (instrument, transmitter, storage):
        sim.AddModelToTask(task, model)
    sim.InitializeSimulation()
    sim.ConfigureStopTime(macros.sec2nano(DAY))
    begun = time.process_time()
    sim.ExecuteSimulation()
    return time.process_time() - begun


def printed(what: str, found: dict[str, float]) -> float:
    """Print the parts of a run of seven days; return its ratio to real time."""
    print(
        f"7 days, {what}: {found['frames']:.0f} frames, {found['passes']:.0f} passes, "
        f"{found['events']:.0f} events"
    )
    for part in ("orbit, passes, timetable", "captures and contacts", "simulation", "all"):
        print(f"  {part:26s} {found[part] * 1000:8.1f} ms")
    ratio = 7 * DAY / found["all"]
    print(f"  {ratio:,.0f} x real time")
    return ratio


def main() -> None:
    """Print the parts, the ratio to real time, and the ratio to Basilisk."""
    ours = printed("rate from a table", engine(7))
    printed("link budget, ACM and drawn weather", engine(7, LINK))
    try:
        for step in (1.0, 10.0):
            theirs = DAY / min(basilisk(step) for _ in range(2))
            print(
                f"Basilisk, {step:g} s step: {theirs:,.0f} x real time; "
                f"ours is {ours / theirs:,.0f} times as fast"
            )
    except ImportError:
        print("Basilisk is not installed: pip install -e '.[bench]'")
    month = engine(30)
    print(f"30 days: {month['all'] * 1000:.0f} ms, {30 * DAY / month['all']:,.0f} x real time")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
