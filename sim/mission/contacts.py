"""Contacts: when a satellite can send to a station, and at which rate.

```
pass ─► rate model ─► rate segments ─► less the station's outages ─► contacts
```
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ...link.channel.antenna import SPEED_OF_LIGHT_M_S
from ...link.channel.downlink import Downlink, RateSegment
from ...link.channel.fade import Fade, NoFade
from ...link.channel.rate_model import ElevationTable, RateModel
from ...link.clock import to_whole_milliseconds
from ..model.setup import Contact
from ..orbit.passes import Pass
from ..scenario.ground import StationSpec
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .link import adaptive_link, has_budget, why_no_contact

OUTAGE: Final = "station out of service"
NOT_CLOSED: Final = "link not closed"

Weather = Callable[[SatelliteSpec, StationSpec], Fade]
"""Gives the excess attenuation between a satellite with a `link` and a station with a receiver."""


def clear_sky(satellite: SatelliteSpec, station: StationSpec) -> Fade:  # noqa: ARG001
    """Return no excess attenuation, for any link."""
    return NoFade()


def contacts(
    scenario: Scenario, passes: Sequence[Pass], weather: Weather = clear_sky
) -> Iterator[Contact]:
    """Yield the contacts of passes, in the order of the passes.

    An outage of the station splits a pass into several contacts, or leaves none. There is none
    either if the station cannot receive the satellite, or no mode of it is ever sent.

    Args:
        scenario: Satellites and stations.
        passes: All passes, in order of AOS; a contact refers to its pass by index.
        weather: The excess attenuation of each link.
    """
    links: dict[tuple[int, int], list[Pass]] = {}
    for one in passes:
        links.setdefault((one.satellite, one.station), []).append(one)
    waiting: dict[tuple[int, int], deque[list[RateSegment]]] = {}
    for index, one in enumerate(passes):
        link = one.satellite, one.station
        satellite, station = scenario.satellites[one.satellite], scenario.stations[one.station]
        if link not in waiting:
            # All of the satellite's links at once, while its states are at hand.
            for place, other in enumerate(scenario.stations):
                theirs = links.pop((one.satellite, place), None)
                if theirs is not None:
                    segments_of = _segments(satellite, other, theirs, weather)
                    waiting[one.satellite, place] = deque(segments_of)
        segments = waiting[link].popleft()
        if not segments:
            continue
        outages = _outages(scenario, station)
        for start, end in _without(segments[0].start, segments[-1].end, outages):
            kept = _between(segments, start, end)
            if kept:
                light = _light_ticks(scenario.satellites[one.satellite], one)
                yield Contact(one.satellite, one.station, Downlink(kept), index, light)


def rate_model(satellite: SatelliteSpec, station: StationSpec, fade: Fade) -> RateModel:
    """Choose the rate model of a link: a budget, the station's own table, or the satellite's.

    Args:
        satellite: The sender.
        station: The receiver.
        fade: The excess attenuation of the path; it matters for a budget only.
    """
    if has_budget(satellite, station):
        return adaptive_link(satellite, station, fade)
    transmitter = satellite.transmitter
    steps = station.rate if station.rate is not None else transmitter.rate
    if steps is None:
        raise ValueError(f"no rate between {satellite.name} and {station.name}")
    return ElevationTable(
        tuple(step.elevation for step in steps),
        tuple(round(step.rate) for step in steps),
        transmitter.packet_loss,
    )


def _light_ticks(satellite: SatelliteSpec, one: Pass) -> int:
    """Return the light's time over a pass's longest distance, one way; 0 if nothing needs it."""
    transfer = satellite.transmitter.transfer
    if transfer.mode != "acknowledged" or transfer.uplink.delay is not None:
        return 0
    distances_m = one.slant_range_m_at(np.array([one.aos_s, one.los_s]))
    return to_whole_milliseconds(float(distances_m.max()) / SPEED_OF_LIGHT_M_S)


def why_unused(scenario: Scenario, one: Pass) -> str:
    """Return why a pass without any contact had none.

    Args:
        scenario: Satellites and stations.
        one: The pass.
    """
    station = scenario.stations[one.station]
    start, end = to_whole_milliseconds(one.aos_s), to_whole_milliseconds(one.los_s)
    in_service = any(True for _ in _without(start, end, _outages(scenario, station)))
    reason = why_no_contact(scenario.satellites[one.satellite], station)
    return reason or (NOT_CLOSED if in_service else OUTAGE)


def _outages(scenario: Scenario, station: StationSpec) -> list[tuple[int, int]]:
    """Return start and end tick of a station's outages."""
    return [
        (
            to_whole_milliseconds(scenario.seconds(outage.from_)),
            to_whole_milliseconds(scenario.seconds(outage.to)),
        )
        for outage in station.outages
    ]


def _segments(
    satellite: SatelliteSpec, station: StationSpec, passes: Sequence[Pass], weather: Weather
) -> list[list[RateSegment]]:
    """Return the segments of a link's passes; empty where there is no contact."""
    if not has_budget(satellite, station):
        return rate_model(satellite, station, NoFade()).segments_of(passes)
    if why_no_contact(satellite, station):
        return [[] for _ in passes]
    model = rate_model(satellite, station, weather(satellite, station))
    return [
        segments if any(segment.bits_per_second for segment in segments) else []
        for segments in model.segments_of(passes)
    ]


def _between(segments: Sequence[RateSegment], start: int, end: int) -> list[RateSegment]:
    """Return the parts of segments that lie between two ticks."""
    return [
        replace(segment, start=max(segment.start, start), end=min(segment.end, end))
        for segment in segments
        if segment.start < end and segment.end > start
    ]


def _without(start: int, end: int, outages: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of the time from `start` to `end` that are outside the outages."""
    for begin, over in sorted(outages):
        if over <= start or begin >= end:
            continue
        if begin > start:
            yield start, begin
        start = max(start, over)
    if start < end:
        yield start, end
