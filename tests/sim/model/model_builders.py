"""Builders of small missions: a test sets what it is about, and the defaults are easy to add up.

By default a link carries one byte per millisecond (8000 bit/s), acknowledgements and encoding take
no time, and memory never runs out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from downpass.link.channel.downlink import Downlink, RateSegment
from downpass.payload.recorder import DownlinkOrder, DropRule
from downpass.sim.model.events import Event, EventRow
from downpass.sim.model.setup import (
    Arbitration,
    Capture,
    Contact,
    Encoded,
    EncodeOrder,
    MissionSetup,
    PowerSetup,
    SatelliteSetup,
    Situation,
    StationSetup,
)
from downpass.sim.model.simulation import Outcome, simulate

S = 1_000_000
MS = 1_000
JOULE = 1_000_000_000
WATT = 1000


@dataclass
class Frames:
    """Stands in for an encoder: frames of given sizes in bytes, each in `seconds`."""

    sizes: Mapping[int, int] = field(default_factory=dict)
    size: int = 10_000
    seconds: float = 0.0
    time_kind: str = "modelled"

    def encode(self, capture: Capture, situation: Situation) -> Encoded:
        return Encoded(self.sizes.get(capture.number, self.size), round(self.seconds * S))


def capture(
    number: int, end: float, *, start: float | None = None, priority: int = 5, raw: int = 10_000
) -> Capture:
    """A frame whose capture ends at `end` seconds."""
    begin = end if start is None else start
    return Capture(number, round(begin * S), round(end * S), number, 0, priority, raw, raw, raw, 1)


def satellite(*captures: Capture, name: str = "sat", **changes: Any) -> SatelliteSetup:
    """A satellite without effective limits, except for `changes`."""
    given: dict[str, Any] = {
        "working_memory": 10**9,
        "encode_order": EncodeOrder.FIFO,
        "recorder_capacity": 10**9,
        "downlink_order": DownlinkOrder.FIFO,
        "drop_rule": DropRule.NEWEST,
        "packet": 1000,
        "acknowledge_ticks": 0,
        "encoding_milliwatts": 0,
    }
    return SatelliteSetup(name=name, captures=captures, **(given | changes))


def power(**changes: Any) -> PowerSetup:
    """A 100 J battery holding 30 J; work stops at 20 J and resumes at 30 J; no load, no sun."""
    given: dict[str, Any] = {
        "capacity": 100 * JOULE,
        "charge": 30 * JOULE,
        "low": 20 * JOULE,
        "resume": 30 * JOULE,
        "eclipses": (),
    }
    given |= dict.fromkeys(("solar", "idle", "imaging", "encoding", "transmitting"), 0)
    return PowerSetup(**(given | changes))


def contact(
    start: float,
    end: float,
    *,
    satellite: int = 0,
    station: int = 0,
    rate: int = 8000,
    loss: float = 0.0,
) -> Contact:
    """A contact at one rate and one loss probability, in seconds."""
    link = Downlink([RateSegment(round(start * S), round(end * S), rate, loss)])
    return Contact(satellite, station, link, 0)


def mission(
    satellites: Sequence[SatelliteSetup],
    contacts: Sequence[Contact] = (),
    *,
    duration: float = 1000,
    antennas: Sequence[int] = (1,),
    arbitration: Arbitration = Arbitration.FIRST_COME,
    seed: int = 1,
) -> MissionSetup:
    """A mission of these satellites and contacts, with one target."""
    return MissionSetup(
        duration=round(duration * S),
        seed=seed,
        satellites=tuple(satellites),
        stations=tuple(StationSetup(f"station {i}", n) for i, n in enumerate(antennas)),
        contacts=tuple(contacts),
        arbitration=arbitration,
        targets=("target",),
    )


def fly(
    satellites: Sequence[SatelliteSetup],
    contacts: Sequence[Contact] = (),
    frames: Frames | Sequence[Frames] | None = None,
    *,
    duration: float = 1000,
    antennas: Sequence[int] = (1,),
    arbitration: Arbitration = Arbitration.FIRST_COME,
    seed: int = 1,
) -> Outcome:
    """Simulate, and audit the books against the state after every event."""
    sources = frames or Frames()
    setup = mission(
        satellites,
        contacts,
        duration=duration,
        antennas=antennas,
        arbitration=arbitration,
        seed=seed,
    )
    if isinstance(sources, Frames):
        sources = [sources] * len(satellites)
    return simulate(setup, sources, audit_every_event=True)


def events(outcome: Outcome, *kinds: Event) -> list[EventRow]:
    """Return the events of the given kinds."""
    return [row for row in outcome.events if row.event in kinds]


def times(outcome: Outcome, *kinds: Event) -> list[tuple[float, str]]:
    """Return the time in seconds and the kind of each event of the given kinds."""
    return [(row.time / S, str(row.event)) for row in events(outcome, *kinds)]
