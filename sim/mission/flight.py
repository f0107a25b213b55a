"""The flight: orbit geometry of all satellites, and what each images when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ...link.clock import to_whole_milliseconds
from ...link.errors import InputError
from ..orbit.access import Access, Imaging
from ..orbit.access_list import AccessList
from ..orbit.earth import Site
from ..orbit.elements import circular, from_tle, sun_synchronous
from ..orbit.geometry import Geometry, StripAreas, compute
from ..orbit.horizon import Horizon
from ..orbit.motion import GroundMotion
from ..orbit.passes import GroundStation, Pass
from ..orbit.polygon import Polygon, polygon_of
from ..orbit.region import LandArea, Region, region_of_land, region_of_polygon
from ..orbit.trajectory import Orbit
from ..scenario.area import AreaSpec
from ..scenario.ground import StationSpec, TargetSpec
from ..scenario.imager import ImagerSpec
from ..scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from ..scenario.orbit_files import OemOrbit, OmmOrbit
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .link import has_budget
from .planning import plan
from .strips import Strips
from .timetable import Pointing, Timetable
from .workers import in_order

NO_LAND: Final = (
    "found no land within its limits; allowed: limits of latitude and longitude between which "
    "there is land"
)
"""What is wrong with an area without land."""

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
        InputError: SGP4 cannot propagate an orbit, an ephemeris does not cover the run, a place is
            invalid, or there is no land in an area.
    """
    stations = [_ground_station(station) for station in scenario.stations]
    targets = [_place(target) for target in scenario.targets]
    regions = _regions(scenario, targets)
    count = len(scenario.satellites)
    if count * scenario.duration < _WORTH_PROCESSES_S or regions:
        workers = 1  # prepared maps of regions do not travel between processes
    work = partial(_fly_one, scenario, stations, targets, regions)
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
    targets: Sequence[Site | Polygon | LandArea],
    regions: dict[int, Region],
    index: int,
) -> tuple[Geometry, Timetable]:
    """Return the geometry and the timetable of one satellite."""
    satellite = scenario.satellites[index]
    imager = satellite.imager
    orbit = orbit_of(satellite, scenario)
    try:
        geometry = compute(
            orbit,
            scenario.start,
            scenario.duration,
            stations=stations,
            targets=targets,
            imaging=Imaging(imager.off_nadir_limit, imager.min_sun_elevation, imager.swath),
            strips=(
                StripAreas(regions, imager.frame_length, imager.strip.max_gap)
                if imager.mode == "strip"
                else None
            ),
            satellite=index,
        )
        timetable = plan(
            geometry.accesses,
            [scenario.targets[access.target].priority for access in geometry.accesses],
            [scenario.targets[access.target].polygon is not None for access in geometry.accesses],
            Pointing(
                frame_m=imager.frame_length,
                motion=geometry.motion,
                slew_deg_s=imager.slew_rate,
                settle_s=imager.settle_time,
                duty_cycle=_duty_cycle(imager, geometry.motion, orbit.period_s),
                period_s=orbit.period_s,
                off_nadir_limit_deg=imager.off_nadir_limit,
            ),
            scenario.duration,
            geometry.strip_views,
            _strips(scenario, index),
        )
    except InputError as error:
        raise InputError(f"satellite {satellite.name}: {error}") from None
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


def orbit_of(satellite: SatelliteSpec, scenario: Scenario) -> Orbit:
    """Return what describes a satellite's orbit: mean elements, or a table of states.

    Orbits given by angles have the run's start as epoch.
    """
    orbit = satellite.orbit
    match orbit:
        case TleOrbit():
            return from_tle(orbit.tle)
        case OmmOrbit():
            return orbit.elements
        case OemOrbit():
            return orbit.table
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


def _regions(scenario: Scenario, targets: Sequence[Site | Polygon | LandArea]) -> dict[int, Region]:
    """Return the region of each area, if any imager takes strips, by index of the target.

    Raises:
        InputError: There is no land in a target's area.
    """
    if all(satellite.imager.mode != "strip" for satellite in scenario.satellites):
        return {}
    found = {}
    for index, target in enumerate(targets):
        if isinstance(target, LandArea):
            found[index] = region_of_land(target)
            if found[index].is_empty:
                place = scenario.source.place_of(f"targets.{index}.area")
                raise InputError(f"{place}: {NO_LAND}")
        elif isinstance(target, Polygon):
            found[index] = region_of_polygon(target)
    return found


def _strips(scenario: Scenario, satellite: int) -> Strips:
    """Return how a satellite takes strips."""
    limits = scenario.satellites[satellite].imager.strip
    return Strips(
        least_m=limits.min_length,
        most_m=math.inf if limits.max_length is None else limits.max_length,
        gap_m=limits.max_gap,
        end_s=scenario.duration,
        seed=f"{scenario.seed}/{scenario.satellites[satellite].name}",
        plan_shares={
            index: target.area.share
            for index, target in enumerate(scenario.targets)
            if target.area is not None
        },
    )


def _duty_cycle(imager: ImagerSpec, motion: GroundMotion, period_s: float) -> float:
    """Return the largest share of imaging in one period, from share and length."""
    most = imager.strip.max_per_orbit
    share = math.inf if most is None else most / motion.way_m(period_s)
    return min(imager.duty_cycle, share)


def land_area(area: AreaSpec) -> LandArea:
    """Return the land area that a scenario names."""
    return LandArea(area.latitude, area.longitude, area.exclude, area.coast)


def _place(target: TargetSpec) -> Site | Polygon | LandArea:
    if target.area is not None:
        return land_area(target.area)
    if target.polygon is not None:
        return polygon_of(target.polygon)
    if target.at is None:
        raise ValueError(f"target {target.name} has no place")
    return Site(*target.at)
