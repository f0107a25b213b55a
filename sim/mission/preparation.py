"""From a scenario to what the simulation runs on: geometry, timetable, contacts, whole numbers.

```
Scenario ─► geometry (passes, accesses, eclipses) ─► timetable ─► captures ─┐
                    └─► contacts (rate by elevation, less outages) ─────────┴─► MissionSetup
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...link.clock import to_whole_milliseconds
from ...link.errors import InputError
from ...payload import processors
from ...payload.imager.frames import SceneFit
from ...payload.power import NANOJOULES_PER_JOULE
from ...payload.recorder import DownlinkOrder, DropRule
from ..model.setup import (
    Arbitration,
    Capture,
    EncodeOrder,
    MissionSetup,
    PowerSetup,
    SatelliteSetup,
    StationSetup,
)
from ..orbit.access import Access, Imaging
from ..orbit.earth import Site
from ..orbit.elements import Elements, circular, from_tle, sun_synchronous
from ..orbit.geometry import Geometry, compute
from ..orbit.passes import GroundStation, Pass
from ..orbit.polygon import Polygon, polygon_of
from ..scenario.ground import StationSpec, TargetSpec
from ..scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .contacts import contacts
from .planning import Pointing, Timetable, plan


@dataclass(frozen=True, slots=True)
class View:
    """What a frame shows: its size, and where its pixels come from, if anywhere.

    Attributes:
        width, height: pixels.
        bands: number of bands.
        bit_depth: bits a sample.
        scene: the scene that it is a part of, None where there are no pixels.
        column, row: of the frame's upper left pixel in the scene.
        fit: what the frame shows beyond its scene.
        beyond_columns, beyond_rows: how many of the frame's last columns and rows lie beyond the
            scene and repeat its content; 0 where the scene is large enough.
    """

    width: int
    height: int
    bands: int
    bit_depth: int
    scene: Path | None = None
    column: int = 0
    row: int = 0
    fit: SceneFit = SceneFit.CLIP
    beyond_columns: int = 0
    beyond_rows: int = 0

    @property
    def own_width(self) -> int:
        """Columns that are the scene's own, from the left."""
        return self.width - self.beyond_columns

    @property
    def own_height(self) -> int:
        """Rows that are the scene's own, from the top."""
        return self.height - self.beyond_rows

    @property
    def repeats(self) -> bool:
        """Whether some of the frame repeats what the rest of it shows."""
        return bool(self.beyond_columns or self.beyond_rows)

    @property
    def samples(self) -> int:
        """Pixels times bands."""
        return self.width * self.height * self.bands

    @property
    def raw_bytes(self) -> int:
        """Size as the imager reads it out: its bits packed, nothing coded."""
        return -(-self.samples * self.bit_depth // 8)


class Viewer(Protocol):
    """Says what each frame shows."""

    def view(self, satellite: int, target: int, count: int) -> View:
        """Return what the `count`-th frame that a satellite takes of a target shows."""


class NoPixels:
    """Frames of the imager's full size, of which only the size matters."""

    def __init__(self, scenario: Scenario) -> None:
        self._imagers = [satellite.imager for satellite in scenario.satellites]

    def view(self, satellite: int, target: int, count: int) -> View:  # noqa: ARG002
        """Return the imager's full frame."""
        imager = self._imagers[satellite]
        return View(
            imager.frame_width_px, imager.frame_height_px, len(imager.bands), imager.bit_depth
        )


@dataclass(frozen=True, slots=True)
class Flight:
    """The geometry of a scenario and its timetables; codecs and rates of coding do not matter.

    Attributes:
        geometries: of each satellite.
        timetables: of each satellite.
        passes: of all satellites, in order of AOS.
        accesses: of all satellites, one satellite after the other.
    """

    scenario: Scenario
    geometries: tuple[Geometry, ...]
    timetables: tuple[Timetable, ...]
    passes: tuple[Pass, ...]
    accesses: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Mission:
    """A scenario ready to run.

    Attributes:
        flight: its geometry.
        setup: what the simulation needs.
        views: of each capture, by number, what it shows.
    """

    flight: Flight
    setup: MissionSetup
    views: tuple[View, ...]


def fly(scenario: Scenario) -> Flight:
    """Work out where everything is and what is imaged when.

    Raises:
        InputError: an orbit that SGP4 cannot propagate, or a place that is none.
    """
    stations = [_ground_station(station) for station in scenario.stations]
    targets = [_place(target) for target in scenario.targets]
    geometries, timetables = [], []
    for index, satellite in enumerate(scenario.satellites):
        imager = satellite.imager
        elements = elements_of(satellite, scenario)
        try:
            geometry = compute(
                elements,
                scenario.start,
                scenario.duration,
                stations=stations,
                targets=targets,
                imaging=Imaging(imager.off_nadir_limit, imager.min_sun_elevation, imager.swath),
                satellite=index,
            )
        except InputError as error:
            raise InputError(f"satellite {satellite.name}: {error}") from None
        geometries.append(geometry)
        timetables.append(
            plan(
                geometry.accesses,
                [scenario.targets[access.target].priority for access in geometry.accesses],
                [
                    scenario.targets[access.target].polygon is not None
                    for access in geometry.accesses
                ],
                Pointing(
                    frame_m=imager.frame_length,
                    motion=geometry.motion,
                    slew_deg_s=imager.slew_rate,
                    settle_s=imager.settle_time,
                    duty_cycle=imager.duty_cycle,
                    period_s=elements.period_s,
                    off_nadir_limit_deg=imager.off_nadir_limit,
                ),
                scenario.duration,
            )
        )
    return Flight(
        scenario,
        tuple(geometries),
        tuple(timetables),
        tuple(
            sorted(
                (p for geometry in geometries for p in geometry.passes),
                key=lambda p: (to_whole_milliseconds(p.aos_s), p.satellite, p.station),
            )
        ),
        tuple(access for geometry in geometries for access in geometry.accesses),
    )


def prepare(flight: Flight, viewer: Viewer) -> Mission:
    """Turn a flight into whole ticks and bytes, with what each frame shows."""
    scenario = flight.scenario
    views: list[View] = []
    satellites = []
    first_access = 0
    for index, satellite in enumerate(scenario.satellites):
        accesses = flight.geometries[index].accesses
        counts = [0] * len(scenario.targets)
        captures: list[Capture] = []
        for shot in flight.timetables[index].shots:
            target = accesses[shot.access].target
            view = viewer.view(index, target, counts[target])
            counts[target] += 1
            # Frames that touch may overlap by rounding, and the imager takes one at a time.
            free = captures[-1].end if captures else 0
            captures.append(
                Capture(
                    number=len(views),
                    start=max(to_whole_milliseconds(shot.start_s), free),
                    end=to_whole_milliseconds(shot.end_s),
                    access=first_access + shot.access,
                    target=target,
                    priority=scenario.targets[target].priority,
                    raw_bytes=view.raw_bytes,
                    samples=view.samples,
                    width=view.width,
                    height=view.height,
                )
            )
            views.append(view)
        first_access += len(accesses)
        satellites.append(_satellite_setup(satellite, captures, flight.geometries[index]))
    setup = MissionSetup(
        duration=to_whole_milliseconds(scenario.duration),
        seed=scenario.seed,
        satellites=tuple(satellites),
        stations=tuple(StationSetup(s.name, s.antennas) for s in scenario.stations),
        contacts=tuple(contacts(scenario, flight.passes)),
        arbitration=Arbitration(scenario.arbitration),
        targets=tuple(target.name for target in scenario.targets),
    )
    return Mission(flight, setup, tuple(views))


def elements_of(satellite: SatelliteSpec, scenario: Scenario) -> Elements:
    """Return a satellite's mean elements; those given by angles hold at the scenario's start."""
    orbit = satellite.orbit
    match orbit:
        case TleOrbit():
            return from_tle(orbit.tle)
        case KeplerOrbit():
            return circular(
                orbit.altitude, orbit.inclination, orbit.raan, orbit.anomaly, scenario.start
            )
        case SunSynchronousOrbit():
            hours = orbit.local_time / 3600
            return sun_synchronous(orbit.altitude, hours, orbit.node, orbit.anomaly, scenario.start)


def _ground_station(station: StationSpec) -> GroundStation:
    return GroundStation(Site(*station.at, station.altitude), station.elevation_mask)


def _place(target: TargetSpec) -> Site | Polygon:
    if target.polygon is not None:
        return polygon_of(target.polygon)
    if target.at is None:
        raise ValueError(f"target {target.name} is neither a point nor a polygon")
    return Site(*target.at)


def _satellite_setup(
    satellite: SatelliteSpec, captures: Sequence[Capture], geometry: Geometry
) -> SatelliteSetup:
    policy, transmitter = satellite.policy, satellite.transmitter
    return SatelliteSetup(
        name=satellite.name,
        captures=tuple(captures),
        working_memory=satellite.processor.working_memory,
        encode_order=EncodeOrder(policy.encode),
        recorder_capacity=satellite.recorder.capacity,
        downlink_order=DownlinkOrder(policy.downlink),
        drop_rule=DropRule(policy.drop),
        packet=transmitter.packet,
        acknowledge_ticks=to_whole_milliseconds(transmitter.acknowledge_delay),
        encoding_milliwatts=encoding_milliwatts(satellite),
        power=_power_setup(satellite, geometry),
    )


def encoding_milliwatts(satellite: SatelliteSpec) -> int | None:
    """What encoding draws beyond idling: the power budget's load, or else the profile's.

    None where it is not known: a processor given by its own rates, without a power budget.
    """
    if satellite.power is not None:
        return _milliwatts(satellite.power.loads.encoding)
    if satellite.processor.profile is None:
        return None
    profile = processors.profile(satellite.processor.profile)
    return _milliwatts(profile.active_w - profile.idle_w)


def _power_setup(satellite: SatelliteSpec, geometry: Geometry) -> PowerSetup | None:
    power = satellite.power
    if power is None:
        return None
    capacity = round(power.battery * NANOJOULES_PER_JOULE)
    loads = power.loads
    return PowerSetup(
        capacity=capacity,
        charge=round(capacity * power.initial_charge),
        low=round(capacity * power.min_charge),
        resume=round(capacity * power.resume_charge),
        solar=_milliwatts(power.solar),
        idle=_milliwatts(loads.idle),
        imaging=_milliwatts(loads.imaging),
        encoding=_milliwatts(loads.encoding),
        transmitting=_milliwatts(loads.transmitting),
        eclipses=tuple(
            (to_whole_milliseconds(w.start_s), to_whole_milliseconds(w.end_s))
            for w in geometry.eclipses
        ),
    )


def _milliwatts(watts: float) -> int:
    return round(watts * 1000)
