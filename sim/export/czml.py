"""A scene for Cesium in CZML: satellites, stations, targets, contacts and accesses over time.

Source: the CZML Guide of the czml-writer project (AnalyticalGraphicsInc/czml-writer, wiki), "CZML
Structure", "CZML Content" and "Packet". Positions are Earth-fixed: inertial ones would need Cesium
to load tables of the Earth's rotation before it could show anything.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from ...link.errors import InputError
from ...link.plurals import counted
from ..contact_plans.contact import moment_text
from ..mission.flight import Flight, land_area, orbit_of
from ..model.setup import Contact
from ..orbit.earth import ROTATION_RATE
from ..orbit.polygon import polygon_of
from ..orbit.region import region_of_land
from ..orbit.trajectory import trajectory
from ..scenario.ground import StationSpec, TargetSpec
from ..scenario.scenario import Scenario

MOST_SAMPLES: Final = 1_000_000
"""Positions in a document: about 40 MB."""
MOST_INTERVALS: Final = 200_000
MOST_PACKETS: Final = 100_000

DEGREE: Final = 5
_TURN: Final = 0.125
"""Largest angle, in radians, that a satellite goes from one sample to the next: Lagrange's
polynomial of degree 5 is then within 0.2 m in low orbit."""
_LARGEST_STEP_S: Final = 600.0
_PROBE_S: Final = 60.0
_SPEED_UP: Final = 60

Packet = dict[str, Any]
Rgba = list[int]
_COLOURS: Final[tuple[Rgba, ...]] = (
    # Okabe and Ito's colours, which the colour-blind can tell apart, without black.
    [86, 180, 233, 255],
    [230, 159, 0, 255],
    [0, 158, 115, 255],
    [240, 228, 66, 255],
    [204, 121, 167, 255],
    [213, 94, 0, 255],
    [0, 114, 178, 255],
)
_STATION: Final[Rgba] = [255, 255, 255, 255]
_TARGET: Final[Rgba] = [255, 200, 120, 255]
_CONTACT: Final[Rgba] = [120, 230, 120, 200]
_ACCESS: Final[Rgba] = [255, 200, 120, 160]


def czml(flight: Flight, contacts: Sequence[Contact], sent: Sequence[int] | None = None) -> str:
    """Return a document for Cesium.

    Args:
        flight: Satellites, stations, targets and accesses.
        contacts: The contacts.
        sent: Bytes sent in each contact, for a run: contacts without any are left out. None shows
            all contacts.

    Raises:
        InputError: The document would be too large.
    """
    scenario = flight.scenario
    shown = [
        (contact, None if sent is None else sent[index])
        for index, contact in enumerate(contacts)
        if sent is None or sent[index]
    ]
    _bound(len(shown) + len(flight.accesses), MOST_INTERVALS, "contacts and accesses")
    _bound(len(scenario.targets) + len(scenario.stations), MOST_PACKETS, "targets and stations")
    packets = [
        _document(scenario),
        *_satellites(flight),
        *(_station(station) for station in scenario.stations),
        *(_target(target) for target in scenario.targets),
        *_contacts(scenario, shown),
        *_accesses(flight),
    ]
    return json.dumps(packets, separators=(",", ":"), allow_nan=False) + "\n"


def _bound(count: int, most: int, what: str) -> None:
    if count > most:
        raise InputError(
            f"CZML: found {count} {what}; allowed: at most {most}, so shorten the scenario"
        )


def _document(scenario: Scenario) -> Packet:
    return {
        "id": "document",
        "name": scenario.name,
        "version": "1.0",
        "clock": {
            "interval": _interval(scenario, 0.0, scenario.duration),
            "currentTime": moment_text(scenario.start),
            "multiplier": _SPEED_UP,
            "range": "LOOP_STOP",
            "step": "SYSTEM_CLOCK_MULTIPLIER",
        },
    }


def _satellites(flight: Flight) -> Iterator[Packet]:
    """Yield the satellites with their sampled positions."""
    scenario = flight.scenario
    left = MOST_SAMPLES
    for index, satellite in enumerate(scenario.satellites):
        orbit = orbit_of(satellite, scenario)
        flown = trajectory(orbit, scenario.start)
        reach_s = min(orbit.period_s, scenario.duration)
        probe = np.linspace(0.0, reach_s, int(reach_s / _PROBE_S) + 2)
        position, velocity = flown.ecef(probe)
        x, y, _ = position
        inertial = velocity + ROTATION_RATE * np.stack([-y, x, np.zeros_like(x)])
        radius = np.sqrt(np.sum(position**2, axis=0))
        fastest = float((np.sqrt(np.sum(inertial**2, axis=0)) / radius).max())
        step_s = min(_TURN / fastest, _LARGEST_STEP_S)
        number = max(int(np.ceil(scenario.duration / step_s)) + 1, DEGREE + 1)
        left -= number
        if left < 0:
            _bound(MOST_SAMPLES - left, MOST_SAMPLES, "positions and more")
        time_s = np.round(np.linspace(0.0, scenario.duration, number), 3)
        samples = np.column_stack((time_s, np.round(flown.ecef(time_s)[0], 1).T))
        colour = _COLOURS[index % len(_COLOURS)]
        yield {
            "id": _satellite_id(satellite.name),
            "name": satellite.name,
            "availability": _interval(scenario, 0.0, scenario.duration),
            "position": {
                "epoch": moment_text(scenario.start),
                "referenceFrame": "FIXED",
                "interpolationAlgorithm": "LAGRANGE",
                "interpolationDegree": DEGREE,
                "cartesian": samples.ravel().tolist(),
            },
            "point": _point(9, colour),
            "label": _label(satellite.name, colour),
            "path": {
                "leadTime": 0,
                "trailTime": round(orbit.period_s / 2.0),
                "resolution": round(step_s),
                "width": 1,
                "material": {"solidColor": {"color": {"rgba": [*colour[:3], 160]}}},
            },
        }


def _station(station: StationSpec) -> Packet:
    latitude, longitude = station.at
    return {
        "id": _station_id(station.name),
        "name": station.name,
        "position": {"cartographicDegrees": [longitude, latitude, station.altitude]},
        "point": _point(7, _STATION),
        "label": _label(station.name, _STATION),
    }


def _target(target: TargetSpec) -> Packet:
    packet: Packet = {"id": _target_id(target.name), "name": target.name}
    if target.area is not None:
        latitude, longitude = region_of_land(land_area(target.area)).inner_point
        packet["point"] = _point(6, _TARGET)
    elif target.polygon is not None:
        latitude, longitude = polygon_of(target.polygon).middle
        corners = [
            value for latitude, longitude in target.polygon for value in (longitude, latitude, 0.0)
        ]
        packet["polygon"] = {
            "positions": {"cartographicDegrees": corners},
            "material": {"solidColor": {"color": {"rgba": [*_TARGET[:3], 60]}}},
            "outline": True,
            "outlineColor": {"rgba": _TARGET},
            "height": 0,
        }
    else:
        latitude, longitude = target.at or (0.0, 0.0)
        packet["point"] = _point(6, _TARGET)
    packet["position"] = {"cartographicDegrees": [round(longitude, 6), round(latitude, 6), 0.0]}
    packet["label"] = _label(target.name, _TARGET)
    return packet


def _contacts(scenario: Scenario, shown: Sequence[tuple[Contact, int | None]]) -> Iterator[Packet]:
    """Yield a line for each satellite and station, shown during their contacts."""
    links: dict[tuple[int, int], list[tuple[float, float]]] = {}
    sizes: dict[tuple[int, int], int] = {}
    for contact, size in shown:
        link = contact.satellite, contact.station
        span = contact.downlink.start / 1e6, contact.downlink.end / 1e6
        links.setdefault(link, []).append(span)
        sizes[link] = sizes.get(link, 0) + (size or 0)
    for (satellite, station), spans in sorted(links.items()):
        one, other = scenario.satellites[satellite].name, scenario.stations[station].name
        text = counted(len(spans), "contact") + (
            f", {sizes[satellite, station]:,} bytes sent" if sizes[satellite, station] else ""
        )
        ends = (_satellite_id(one), _station_id(other))
        yield _line(scenario, f"contact/{one}/{other}", ends, spans, text, _CONTACT)


def _accesses(flight: Flight) -> Iterator[Packet]:
    """Yield a line for each satellite and target, shown during their accesses."""
    scenario = flight.scenario
    pairs: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for access in flight.accesses:
        spans = pairs.setdefault((access.satellite, access.target), [])
        spans.append((access.start_s, access.end_s))
    for (satellite, target), spans in sorted(pairs.items()):
        one, other = scenario.satellites[satellite].name, scenario.targets[target].name
        ends = (_satellite_id(one), _target_id(other))
        text = counted(len(spans), "access")
        yield _line(scenario, f"access/{one}/{other}", ends, spans, text, _ACCESS)


def _line(
    scenario: Scenario,
    name: str,
    ends: tuple[str, str],
    spans: Iterable[tuple[float, float]],
    text: str,
    colour: Rgba,
) -> Packet:
    """Return a line between two packets that is shown in some times only."""
    show: list[Mapping[str, Any]] = [
        {"interval": _interval(scenario, 0.0, scenario.duration), "boolean": False}
    ]
    show += [
        {"interval": _interval(scenario, start, end), "boolean": True}
        for start, end in sorted(spans)
    ]
    return {
        "id": name,
        "name": name,
        "description": html.escape(text),
        "polyline": {
            "positions": {"references": [_position_of(end) for end in ends]},
            "show": show,
            "arcType": "NONE",
            "width": 2,
            "material": {"solidColor": {"color": {"rgba": colour}}},
        },
    }


def _position_of(packet: str) -> str:
    """Return a reference to a packet's position; a backslash protects `#`, which ends its name."""
    escaped = packet.replace("\\", "\\\\").replace("#", "\\#")
    return f"{escaped}#position"


def _satellite_id(name: str) -> str:
    return f"satellite/{name}"


def _station_id(name: str) -> str:
    return f"station/{name}"


def _target_id(name: str) -> str:
    return f"target/{name}"


def _point(size: int, colour: Rgba) -> Packet:
    return {"pixelSize": size, "color": {"rgba": colour}}


def _label(text: str, colour: Rgba) -> Packet:
    return {
        "text": text,
        "font": "11pt sans-serif",
        "fillColor": {"rgba": colour},
        "horizontalOrigin": "LEFT",
        "pixelOffset": {"cartesian2": [10, 0]},
    }


def _interval(scenario: Scenario, start_s: float, end_s: float) -> str:
    return f"{_at(scenario.start, start_s)}/{_at(scenario.start, end_s)}"


def _at(start: datetime, seconds: float) -> str:
    return moment_text(start + timedelta(seconds=round(seconds, 3)))
