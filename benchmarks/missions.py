"""Compare missions with published figures: published beside simulated, and the ratio.

    python benchmarks/missions.py                  # the table of docs/missions.md
    python benchmarks/missions.py --sensitivity    # how each figure moves with what is assumed

Every mission is a scenario that ships. docs/missions.md names the sources of the published figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from downpass.sim.evaluate import evaluate
from downpass.sim.scenario.load import load_scenario
from downpass.sim.scenario.scenario import Scenario

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
DAY_S = 86_400.0
NIGHT_TOO = "satellites.0.imager.min_sun_elevation=null"

Row = Mapping[str, Any]


def delivered_tb(scenario: Scenario, row: Row) -> float:
    """Return the terabytes that reach the ground a day."""
    return float(row["total.bytes.delivered"]) / 1e12 * DAY_S / scenario.duration


def captured_frames(scenario: Scenario, row: Row) -> float:
    """Return the frames captured a day."""
    return float(row["total.frames.captured"]) * DAY_S / scenario.duration


def delivered_frames(scenario: Scenario, row: Row) -> float:
    """Return the frames delivered a day."""
    return float(row["total.frames.delivered"]) * DAY_S / scenario.duration


def delivered_km(scenario: Scenario, row: Row) -> float:
    """Return the kilometres of strip delivered a day."""
    return delivered_frames(scenario, row) * scenario.satellites[0].imager.frame_length / 1e3


def delivered_mkm2(scenario: Scenario, row: Row) -> float:
    """Return the million square kilometres delivered a day."""
    return float(row["total.delivered_km2"]) / 1e6 * DAY_S / scenario.duration


@dataclass(frozen=True)
class Mission:
    """One published figure.

    Attributes:
        name: Mission and figure.
        file: The scenario's name.
        measure: The figure, of a scenario and its results.
        unit: Unit of the figure.
        published: Least and greatest published value.
        overrides: Changes of the scenario that the figure needs.
        variants: Changes that show how the figure moves, by what they assume.
    """

    name: str
    file: str
    measure: Callable[[Scenario, Row], float]
    unit: str
    published: tuple[float, float]
    overrides: tuple[str, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def middle(self) -> float:
        """The middle of the published range, to which the ratio refers."""
        return sum(self.published) / 2

    def simulated(self, *more: str) -> float:
        """Run the scenario and return its figure."""
        scenario = load_scenario(SCENARIOS / f"{self.file}.yaml", (*self.overrides, *more))
        with tempfile.TemporaryDirectory() as cache:
            return self.measure(scenario, evaluate(scenario, Path(cache)))


def shown(value: float) -> str:
    """Return a value with three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def masks(stations: int, degrees: float) -> tuple[str, ...]:
    """Return the overrides that give all stations one elevation mask."""
    return tuple(f"stations.{n}.elevation_mask={degrees:g} deg" for n in range(stations))


SEASONS = {
    "March": ("start=2025-03-21T00:00:00Z",),
    "June": ("start=2025-06-21T00:00:00Z",),
    "December": ("start=2024-12-21T00:00:00Z",),
}
LANDSAT_SEASONS = {
    "June": ("start=2019-06-21T12:00:00Z",),
    "December": ("start=2018-12-21T12:00:00Z",),
}

MISSIONS = (
    Mission(
        "Sentinel-2A, downlink",
        "sentinel-2",
        delivered_tb,
        "TB",
        (1.2, 1.2),
        (NIGHT_TOO, "duration=4 d"),
        {
            "masks of 10°": masks(4, 10),
            "without Fairbanks": ("stations=[svalbard, matera, maspalomas]",),
            "without Svalbard": ("stations=[fairbanks, matera, maspalomas]",),
        },
    ),
    Mission(
        "Sentinel-2A, daylight",
        "sentinel-2",
        delivered_tb,
        "TB",
        (1.2, 1.2),
        ("duration=4 d",),
        {
            **SEASONS,
            "June, Sun above 0°": (*SEASONS["June"], "satellites.0.imager.min_sun_elevation=0 deg"),
            "June, 490 Mbit/s": (*SEASONS["June"], "satellites.0.codec.bytes=1.705 Gbit"),
            "June, Sun above 0°, 490 Mbit/s": (
                *SEASONS["June"],
                "satellites.0.imager.min_sun_elevation=0 deg",
                "satellites.0.codec.bytes=1.705 Gbit",
            ),
            "June, no coast": (*SEASONS["June"], "targets.0.area.coast=0 km"),
        },
    ),
    Mission(
        "Landsat 8",
        "landsat-8",
        captured_frames,
        "scenes",
        (725, 750),
        (),
        {
            **LANDSAT_SEASONS,
            "frames of 180 km": ("satellites.0.imager.frame_length=180 km",),
            "no open water between": ("satellites.0.imager.strip.max_gap=0 km",),
            "gaps of 400 km": ("satellites.0.imager.strip.max_gap=400 km",),
            "Sun above 15°": ("satellites.0.imager.min_sun_elevation=15 deg",),
        },
    ),
    Mission(
        "EnMAP",
        "enmap",
        delivered_km,
        "km",
        (5000, 5000),
        (),
        {
            "mask of 10°": masks(1, 10),
            "mask of 5°": masks(1, 5),
            "compressed 1.6:1": ("satellites.0.codec.bytes=269 MB",),
            "orders for 5 % of the land": ("targets.0.area.share=0.05",),
            "orders for 20 % of the land": ("targets.0.area.share=0.2",),
            "Sun above 10°": ("satellites.0.imager.min_sun_elevation=10 deg",),
        },
    ),
    Mission(
        "RapidEye, five satellites",
        "rapideye",
        delivered_mkm2,
        "million km²",
        (4, 5),
        (),
        {
            "mask of 5°": masks(1, 5),
            "mask of 10°": masks(1, 10),
            "December": ("start=2012-12-21T00:00:00Z",),
            "strips of 300 km at most": tuple(
                f"satellites.{n}.imager.strip.max_length=300 km" for n in range(5)
            ),
            "only down": tuple(f"satellites.{n}.imager.off_nadir_limit=0 deg" for n in range(5)),
            "one antenna": ("stations.0.antennas=1",),
        },
    ),
    Mission(
        "Landsat 7",
        "landsat-7",
        delivered_frames,
        "scenes",
        (250, 250),
        (),
        {
            "masks of 5°": masks(2, 5),
            "masks of 10°": masks(2, 10),
            "Sioux Falls alone": ("stations=[{use: sioux-falls, elevation_mask: 8 deg}]",),
            "Svalbard for Poker Flat": (
                "stations.1={use: svalbard, antennas: 1, elevation_mask: 8 deg}",
            ),
            "a third of the land planned": ("targets.0.area.share=0.33",),
        },
    ),
    Mission(
        "SPOT 7",
        "spot-7",
        delivered_mkm2,
        "million km²",
        (3, 3),
        (),
        {
            "2.5:1": ("satellites.0.codec.bytes=600 MB",),
            "4:1": ("satellites.0.codec.bytes=375 MB",),
            "masks of 10°": masks(2, 10),
            "Kiruna alone": ("stations=[kiruna]",),
            "strips of any length": ("satellites.0.imager.strip.max_length=40000 km",),
        },
    ),
)


def main() -> None:
    """Print the table, or how the figures move."""
    parser = argparse.ArgumentParser(description="Compare missions with published figures.")
    parser.add_argument("--sensitivity", action="store_true", help="vary what is assumed")
    parser.add_argument("--only", default="", help="missions whose name contains this")
    arguments = parser.parse_args()
    chosen = [m for m in MISSIONS if arguments.only.lower() in m.name.lower()]
    if not chosen:
        sys.exit(f"no mission matches {arguments.only!r}")
    if arguments.sensitivity:
        print("| mission | with | a day | ratio |\n|---|---|---|---|")
    else:
        print("| mission | published a day | simulated a day | ratio | seconds |")
        print("|---|---|---|---|---|")
    for mission in chosen:
        begin = time.process_time()
        value = mission.simulated()
        seconds = time.process_time() - begin
        low, high = mission.published
        published = f"{low:g}" if low == high else f"{low:g}–{high:g}"
        ratio = value / mission.middle
        if not arguments.sensitivity:
            print(
                f"| {mission.name} | {published} {mission.unit} | {shown(value)} {mission.unit} | "
                f"{ratio:.2f} | {seconds:.0f} |",
                flush=True,
            )
            continue
        print(f"| {mission.name} | as it ships | {shown(value)} {mission.unit} | {ratio:.2f} |")
        for name, more in mission.variants.items():
            other = mission.simulated(*more)
            print(
                f"| | {name} | {shown(other)} {mission.unit} | {other / mission.middle:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
