"""Runs a mission: builds the processes, lets the time go by, and returns what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...ground.station import Station
from .audit import audit
from .journal import ContactUse, EventRow
from .network import Network
from .satellite import Satellite
from .setup import FrameSource, MissionSetup
from .ticks import TickEnvironment


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a run.

    Attributes:
        setup: what was simulated.
        satellites: their books, frames and missed captures, at the end.
        station: what the ground holds.
        events: everything that happened, in order of time.
        uses: what each contact was used for.
    """

    setup: MissionSetup
    satellites: tuple[Satellite, ...]
    station: Station
    events: list[EventRow]
    uses: list[ContactUse]


def simulate(
    setup: MissionSetup,
    sources: Sequence[FrameSource],
    *,
    environment: TickEnvironment | None = None,
    on_event: Callable[[EventRow], None] | None = None,
    audit_every_event: bool = False,
) -> Outcome:
    """Simulate a mission from tick 0 to its end.

    Args:
        setup: the mission.
        sources: where each satellite's encoded frames come from.
        environment: SimPy's clock; a real-time one paces the run.
        on_event: called with each event as it is written down.
        audit_every_event: hold the books against the world after each event, and not only at
            the end of the run.

    Returns:
        What happened, all satellites' events in one list.

    Raises:
        LedgerError: the books do not hold; a fault of the simulation, never of its input.
    """
    env = environment or TickEnvironment()
    station = Station()
    satellites: list[Satellite] = []

    def follow(row: EventRow) -> None:
        if audit_every_event:
            audit(satellites[row.satellite], station)
        if on_event is not None:
            on_event(row)

    events = _Watched(follow) if on_event or audit_every_event else list[EventRow]()
    satellites += [
        Satellite(
            env, index, satellite, seed=setup.seed, source=source, station=station, events=events
        )
        for index, (satellite, source) in enumerate(zip(setup.satellites, sources, strict=True))
    ]
    network = Network(env, setup, satellites)
    # One tick more, so that what happens at the very end still counts.
    env.run(until=setup.duration + 1)
    for satellite in satellites:
        audit(satellite, station)
    return Outcome(setup, tuple(satellites), station, list(events), network.uses)


class _Watched(list[EventRow]):
    """A list of events that somebody follows."""

    def __init__(self, on_event: Callable[[EventRow], None]) -> None:
        super().__init__()
        self._on_event = on_event

    def append(self, row: EventRow) -> None:
        super().append(row)
        self._on_event(row)
