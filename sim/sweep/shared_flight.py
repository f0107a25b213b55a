"""Computes geometry once for the scenarios that share it, within one process.

Passes, accesses and timetables are the same for all cells that differ only in what comes after
them: codec, recorder, rate, policy. So a worker keeps its last flights. The key is everything in
the scenario except the fields that are known not to matter, so a field that nobody thought of
makes the geometry be computed again, and never be wrong. The seed matters only if the timetable is
drawn from it, as it is for an area of which a `share` is asked for.

Flights are not shared between processes: computing one takes about as long as reading it back
would (30 ms for a day of the quickstart), and only plain values could be read back safely.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import replace
from typing import Any, Final

from ..mission.flight import Flight, fly
from ..scenario.scenario import Scenario

IRRELEVANT: Final = {
    "": ("name", "description", "seed", "arbitration", "weather", "realtime", "report", "sweep"),
    "satellites": ("processor", "power", "recorder", "transmitter", "codec", "encoder", "policy"),
    "targets": ("scenes", "scene_fit"),
    "stations": ("antennas", "outages", "rate"),
}
"""By section: the fields on which no geometry depends; but see `geometry_key` for the seed."""

_KEPT: Final = 4


def matters(field: str) -> bool:
    """Return whether geometry may depend on a field, given as for `--set`."""
    section, *rest = field.split(".")
    if not rest or section not in IRRELEVANT:
        return section not in IRRELEVANT[""]
    # `satellites.0.codec.bpp`: the part after the element's number or name, which may hold dots.
    return not any(part in IRRELEVANT[section] for part in rest[1:])


def geometry_key(scenario: Scenario) -> str:
    """Return a digest of everything in a scenario that its geometry may depend on."""
    content = scenario.model_dump(mode="json", by_alias=True)
    relevant = {key: value for key, value in content.items() if key not in IRRELEVANT[""]}
    if any(target.area is not None and target.area.share < 1 for target in scenario.targets):
        relevant["seed"] = scenario.seed
    for section, fields in IRRELEVANT.items():
        if section:
            relevant[section] = [_without(part, fields) for part in relevant[section]]
    text = json.dumps(relevant, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _without(part: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in fields}


class SharedFlights:
    """Computes flights and keeps the last few."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._flights: OrderedDict[str, Flight] = OrderedDict()
        self.computed = 0
        """Flights computed so far, for tests."""

    def __call__(self, scenario: Scenario) -> Flight:
        """Return the flight of a scenario.

        Raises:
            InputError: As `fly`. Errors are not kept.
        """
        key = geometry_key(scenario)
        found = self._flights.get(key)
        if found is None:
            found = fly(scenario)
            self.computed += 1
            self._flights[key] = found
            if len(self._flights) > self._kept:
                self._flights.popitem(last=False)
        self._flights.move_to_end(key)
        # What comes after the flight reads codecs and rates from its scenario.
        return replace(found, scenario=scenario)
