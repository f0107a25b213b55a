"""Contacts: when a satellite can send to a station, and at which rate.

```
pass ─► rate model ─► rate segments ─► less the station's outages ─► contacts
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...link.channel.antenna import SPEED_OF_LIGHT_M_S
from ...link.channel.downlink import Downlink, RateSegment
from ...link.channel.rate_model import ElevationTable, RateModel
from ...link.clock import to_whole_milliseconds
from ..model.setup import Contact
from ..orbit.passes import Pass
from ..scenario.ground import StationSpec
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario

OUTAGE = "station out of service"


def contacts(scenario: Scenario, passes: Sequence[Pass]) -> Iterator[Contact]:
    """Yield the contacts of passes, in the order of the passes.

    An outage of the station splits a pass into several contacts, or leaves none.

    Args:
        scenario: Satellites and stations.
        passes: All passes; a contact refers to its pass by index.
    """
    models = {
        link: rate_model(scenario.satellites[link[0]], scenario.stations[link[1]])
        for link in {(one.satellite, one.station) for one in passes}
    }
    for index, one in enumerate(passes):
        station = scenario.stations[one.station]
        segments = models[one.satellite, one.station].segments(one)
        outages = [
            (
                to_whole_milliseconds(scenario.seconds(outage.from_)),
                to_whole_milliseconds(scenario.seconds(outage.to)),
            )
            for outage in station.outages
        ]
        for start, end in _without(segments[0].start, segments[-1].end, outages):
            kept = _between(segments, start, end)
            if kept:
                light = _light_ticks(scenario.satellites[one.satellite], one)
                yield Contact(one.satellite, one.station, Downlink(kept), index, light)


def rate_model(satellite: SatelliteSpec, station: StationSpec) -> RateModel:  # noqa: ARG001
    """Choose the rate model of a link: always the table of the satellite's transmitter.

    Args:
        satellite: The sender.
        station: The receiver; unused, because no rate depends on the station yet.
    """
    transmitter = satellite.transmitter
    return ElevationTable(
        tuple(step.elevation for step in transmitter.rate),
        tuple(round(step.rate) for step in transmitter.rate),
        transmitter.packet_loss,
    )


def _light_ticks(satellite: SatelliteSpec, one: Pass) -> int:
    """Return the light's time over a pass's longest distance, one way; 0 if nothing needs it."""
    transfer = satellite.transmitter.transfer
    if transfer.mode != "acknowledged" or transfer.uplink.delay is not None:
        return 0
    distances_m = one.slant_range_m_at(np.array([one.aos_s, one.los_s]))
    return to_whole_milliseconds(float(distances_m.max()) / SPEED_OF_LIGHT_M_S)


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
