"""The flight: orbit geometry of all satellites, and what each images when."""

from __future__ import annotations

from dataclasses import dataclass

from ...link.clock import to_whole_milliseconds
from ...link.errors import InputError
from ..orbit.access import Access, Imaging
from ..orbit.earth import Site
from ..orbit.elements import circular, from_tle, sun_synchronous
from ..orbit.geometry import Geometry, compute
from ..orbit.horizon import Horizon
from ..orbit.passes import GroundStation, Pass
from ..orbit.polygon import Polygon, polygon_of
from ..orbit.trajectory import Orbit
from ..scenario.ground import StationSpec, TargetSpec
from ..scenario.orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from ..scenario.orbit_files import OemOrbit, OmmOrbit
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .planning import Pointing, Timetable, plan


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
    accesses: tuple[Access, ...]


def fly(scenario: Scenario) -> Flight:
    """Compute passes, accesses and eclipses, and plan what each satellite images when.

    Raises:
        InputError: SGP4 cannot propagate an orbit, an ephemeris does not cover the run, or a place
            is invalid.
    """
    stations = [_ground_station(station) for station in scenario.stations]
    targets = [_place(target) for target in scenario.targets]
    geometries, timetables = [], []
    for index, satellite in enumerate(scenario.satellites):
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
                    period_s=orbit.period_s,
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


def _place(target: TargetSpec) -> Site | Polygon:
    if target.polygon is not None:
        return polygon_of(target.polygon)
    if target.at is None:
        raise ValueError(f"target {target.name} is neither a point nor a polygon")
    return Site(*target.at)
