"""The flight: orbit geometry of all satellites, and what each images when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ...link.clock import to_whole_milliseconds
from ...link.errors import InputError
from ..orbit.access import Access, Imaging
from ..orbit.access_list import AccessList
from ..orbit.earth import Site
from ..orbit.elements import Elements, circular, from_tle, sun_synchronous
from ..orbit.geometry import Geometry, compute
from ..orbit.horizon import Horizon
from ..orbit.passes import GroundStation, Pass
from ..orbit.polygon import Polygon, polygon_of
from ..scenario.ground import StationSpec, TargetSpec
from ..scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .link import has_budget
from .planning import Pointing, Timetable, plan
from .workers import in_order

_WORTH_PROCESSES_S: Final = 200 * 86_400.0
"""Seconds of all satellites from which the start of processes pays: some three seconds of work."""


@dataclass(frozen=True, slots=True)
class Flight:
    """Geometry and timetables of a scenario. They do not depend on codecs or data rates.

    Attributes:
        scenario: The scenario.
        geometries: Geometry of each satellite.
        timetables: Timetable of each satellite.
        passes: Passes of all satellites, in order of AOS.
        accesses: Accesses of all satellites, one satellite after the other.
    """

    scenario: Scenario
    geometries: tuple[Geometry, ...]
    timetables: tuple[Timetable, ...]
    passes: tuple[Pass, ...]
    accesses: Sequence[Access]


def fly(scenario: Scenario, workers: int = 1) -> Flight:
    """Compute passes, accesses and eclipses, and plan what each satellite images when.

    Args:
        scenario: What to fly.
        workers: Number of processes; the result does not depend on it. More than one are spawned,
            so a script that asks for them must be one that can be imported (`if __name__ ==
            "__main__"`). Few satellites or a short run are always computed in this process.

    Raises:
        InputError: SGP4 cannot propagate an orbit, or a place is invalid.
    """
    stations = [_ground_station(station) for station in scenario.stations]
    targets = [_place(target) for target in scenario.targets]
    count = len(scenario.satellites)
    if count * scenario.duration < _WORTH_PROCESSES_S:
        workers = 1
    work = partial(_fly_one, scenario, stations, targets)
    geometries, timetables = [], []
    for geometry, timetable in in_order(work, count, workers):
        geometries.append(geometry)
        timetables.append(timetable)
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
        AccessList.joined([geometry.accesses for geometry in geometries]),
    )


def _fly_one(
    scenario: Scenario,
    stations: Sequence[GroundStation],
    targets: Sequence[Site | Polygon],
    index: int,
) -> tuple[Geometry, Timetable]:
    """Return the geometry and the timetable of one satellite."""
    satellite = scenario.satellites[index]
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
    timetable = plan(
        geometry.accesses,
        [scenario.targets[access.target].priority for access in geometry.accesses],
        [scenario.targets[access.target].polygon is not None for access in geometry.accesses],
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
    _cut_at_rates(satellite, scenario.stations, geometry.passes)
    return geometry, timetable


def _cut_at_rates(
    satellite: SatelliteSpec, stations: Sequence[StationSpec], passes: Sequence[Pass]
) -> None:
    """Cut passes at the elevations of the tables of rates, while the states are at hand."""
    for one in passes[:1]:  # they share what is computed
        tables = {
            tuple(step.elevation for step in station.rate or satellite.transmitter.rate or ())
            for station in stations
            if not has_budget(satellite, station)
        }
        for elevations_deg in tables:
            one.curves.cut(elevations_deg)


def elements_of(satellite: SatelliteSpec, scenario: Scenario) -> Elements:
    """Return a satellite's mean elements. Orbits given by angles have the run's start as epoch."""
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
        case WalkerOrbit():
            raise ValueError(f"satellite {satellite.name} stands for a whole constellation")


def _ground_station(station: StationSpec) -> GroundStation:
    horizon = None
    if station.horizon is not None:
        azimuths, elevations = zip(*station.horizon, strict=True)
        horizon = Horizon(azimuths, elevations)
    return GroundStation(Site(*station.at, station.altitude), station.elevation_mask, horizon)


def _place(target: TargetSpec) -> Site | Polygon:
    if target.polygon is not None:
        return polygon_of(target.polygon)
    if target.at is None:
        raise ValueError(f"target {target.name} is neither a point nor a polygon")
    return Site(*target.at)
