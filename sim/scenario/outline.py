"""Summarise a loaded scenario in one line, so that swapped coordinates or dates show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import shapely

from ...link.plurals import counted
from .fields import moment_text
from .orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from .orbit_files import OemOrbit, OmmOrbit
from .satellite import SatelliteSpec
from .scenario import Scenario

# The map's coasts are accurate to 0.15 degree, and small islands are missing. A point closer to
# land than this does not count as at sea.
_COAST_DEG = 0.5


def outline(scenario: Scenario) -> str:
    """Return `1 satellite, 500 km sun-synchronous; 12 targets, 2 at sea; 3 stations; 3 d …`."""
    targets = [
        [target.at] if target.at is not None else list(target.polygon or ())
        for target in scenario.targets
        if target.area is None
    ]
    sea = sum(_at_sea(targets))
    where = f"{sea if sea else 'none'} at sea" + (" or on a small island" if sea else "")
    return "; ".join(
        (
            ", ".join([counted(len(scenario.satellites), "satellite"), *_orbit(scenario)]),
            f"{counted(len(scenario.targets), 'target')}, {where}",
            counted(len(scenario.stations), "station"),
            f"{_duration(scenario.duration)} from {moment_text(scenario.start)}",
        )
    )


def _orbit(scenario: Scenario) -> list[str]:
    """Return the satellites' orbit if all have the same form and height."""
    found = {_form(satellite) for satellite in scenario.satellites}
    return list(found) if len(found) == 1 else []


def _form(satellite: SatelliteSpec) -> str:
    match satellite.orbit:
        case SunSynchronousOrbit(altitude=altitude):
            return f"{altitude / 1000:g} km sun-synchronous"
        case KeplerOrbit(altitude=altitude, inclination=inclination):
            return f"{altitude / 1000:g} km at {inclination:g} deg"
        case TleOrbit(epoch=epoch) | OmmOrbit(epoch=epoch):
            return f"elements of {epoch:%Y-%m-%d}"
        case OemOrbit():
            return "from an ephemeris"
        case WalkerOrbit():
            return "a constellation"


def _duration(seconds: float) -> str:
    for unit, size, from_ in (("d", 86400, 3), ("h", 3600, 1), ("min", 60, 1)):
        if seconds >= size * from_ and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.6g} h" if seconds >= 3600 else f"{seconds:g} s"


@cache
def _land() -> shapely.STRtree:
    """Return the report's map of the land (`sim/report/SOURCES.md`)."""
    text = (
        files(f"{__package__.rpartition('.')[0]}.report").joinpath("land.json").read_text("utf-8")
    )
    rings = [[v / 10 for v in ring] for ring in json.loads(text)["rings"]]
    return shapely.STRtree(
        [
            shapely.make_valid(shapely.Polygon(list(zip(ring[::2], ring[1::2], strict=True))))
            for ring in rings
        ]
    )


def _at_sea(targets: Sequence[Sequence[tuple[float, float]]]) -> list[bool]:
    """Return for each target whether all its corners (latitude, longitude) are far from land.

    A target without corners is an area of land by its definition.
    """
    owners = [index for index, corners in enumerate(targets) for _ in corners]
    if not owners:
        return [False] * len(targets)
    points = shapely.points([(lon, lat) for corners in targets for lat, lon in corners])
    near, _ = _land().query(points, predicate="dwithin", distance=_COAST_DEG)
    on_land = {owners[point] for point in near}
    return [bool(corners) and index not in on_land for index, corners in enumerate(targets)]
