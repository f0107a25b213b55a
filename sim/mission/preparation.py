"""Builds the setup of the simulation from a scenario's flight.

```
scenario ─► flight (passes, accesses, eclipses, timetables) ─► captures and their views ─┐
                └─► contacts (rate, less outages; booked) ───────────────────────────────┴─► setup
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...link.clock import to_whole_milliseconds
from ..model.setup import Arbitration, Capture, MissionSetup, StationSetup
from ..scenario.scenario import Scenario
from .bookings import contact_plan
from .contacts import contacts
from .flight import Flight
from .satellite_setup import satellite_setup
from .views import View, Viewer
from .weather import weather_of


@dataclass(frozen=True, slots=True)
class Mission:
    """A scenario ready to run.

    Attributes:
        flight: Its geometry and timetables.
        setup: The input of the simulation.
        views: What each capture shows, by the capture's number.
        refused: Why a pass is not used, by its index, where it is not booked or too short.
    """

    flight: Flight
    setup: MissionSetup
    views: tuple[View, ...]
    refused: Mapping[int, str] = field(default_factory=dict)


def prepare(flight: Flight, viewer: Viewer) -> Mission:
    """Convert a flight to whole ticks and bytes, and choose what each frame shows.

    Args:
        flight: Geometry and timetables.
        viewer: Chooses the views.
    """
    scenario = flight.scenario
    views: list[View] = []
    satellites = []
    first_access = 0
    for index, satellite in enumerate(scenario.satellites):
        geometry = flight.geometries[index]
        captures = _captures(flight, index, first_access, viewer, views)
        first_access += len(geometry.accesses)
        satellites.append(satellite_setup(satellite, captures, geometry))
    plan = contact_plan(
        scenario,
        contacts(scenario, flight.passes, weather_of(scenario)),
        contacts(scenario, flight.passes) if _books_ahead_of_weather(scenario) else None,
    )
    setup = MissionSetup(
        duration=to_whole_milliseconds(scenario.duration),
        seed=scenario.seed,
        satellites=tuple(satellites),
        stations=tuple(
            StationSetup(s.name, s.antennas, to_whole_milliseconds(s.turn_around))
            for s in scenario.stations
        ),
        contacts=plan.contacts,
        arbitration=Arbitration(scenario.arbitration),
        targets=tuple(target.name for target in scenario.targets),
    )
    return Mission(flight, setup, tuple(views), plan.refused)


def _books_ahead_of_weather(scenario: Scenario) -> bool:
    """Return whether passes are booked by their length, of which weather may prevent some."""
    links = (satellite.transmitter.link for satellite in scenario.satellites)
    return any(link is not None and link.coding == "acm" for link in links) and any(
        station.bookings is not None and station.bookings.per_day is not None
        for station in scenario.stations
    )


def _captures(
    flight: Flight, satellite: int, first_access: int, viewer: Viewer, views: list[View]
) -> list[Capture]:
    """Return a satellite's captures and append the view of each to `views`."""
    scenario, accesses = flight.scenario, flight.geometries[satellite].accesses
    seen = accesses.column("target").tolist()
    counts: Counter[int] = Counter()
    captures: list[Capture] = []
    before: View | None = None
    raw_bytes = samples = 0
    for shot in flight.timetables[satellite].shots:
        target = seen[shot.access]
        view = viewer.view(satellite, target, counts[target])
        counts[target] += 1
        if view is not before:  # a month has a million captures, most of them alike
            before, raw_bytes, samples = view, view.raw_bytes, view.samples
        # Adjacent frames may overlap after rounding, but the imager takes one at a time.
        free = captures[-1].end if captures else 0
        captures.append(
            Capture(
                number=len(views),
                start=max(to_whole_milliseconds(shot.start_s), free),
                end=to_whole_milliseconds(shot.end_s),
                access=first_access + shot.access,
                target=target,
                priority=scenario.targets[target].priority,
                raw_bytes=raw_bytes,
                samples=samples,
                width=view.width,
                height=view.height,
            )
        )
        views.append(view)
    return captures
