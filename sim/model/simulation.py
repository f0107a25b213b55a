"""Simulates a mission: builds the processes, runs the clock, and returns the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...ground.received_files import ReceivedFiles
from .audit import audit
from .backlog import Backlog, BacklogMeter
from .events import EventRow, EventSink
from .network import Network
from .records import ContactUse
from .satellite import SatelliteModel, SatelliteOutcome
from .setup import FrameSource, MissionSetup
from .ticks import TickEnvironment


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a run: plain values, which another process can return.

    Attributes:
        setup: What was simulated.
        satellites: What became of each satellite.
        received: What the ground holds of each file.
        events: Everything that happened, in order of time; empty where another sink took it.
        uses: What each contact was used for.
        backlogs: Bytes in each satellite's recorder over the run.
        total_backlog: The same of all satellites together.
    """

    setup: MissionSetup
    satellites: tuple[SatelliteOutcome, ...]
    received: ReceivedFiles
    events: list[EventRow]
    uses: list[ContactUse]
    backlogs: list[Backlog]
    total_backlog: Backlog


def simulate(
    setup: MissionSetup,
    sources: Sequence[FrameSource],
    *,
    environment: TickEnvironment | None = None,
    sink: EventSink | None = None,
    on_event: Callable[[EventRow], None] | None = None,
    audit_every_event: bool = False,
) -> Outcome:
    """Simulate a mission from tick 0 to its end.

    Args:
        setup: The mission.
        sources: Where each satellite's encoded frames come from.
        environment: SimPy's clock; a real-time one paces the run.
        sink: Takes the events; by default they are returned as a list.
        on_event: Called with each event as it happens.
        audit_every_event: Compare the books with the memories and the ground after each event,
            and not only at the end of the run.

    Returns:
        What happened.

    Raises:
        LedgerError: The books do not balance: a fault of the simulation, never of its input.
    """
    env = environment or TickEnvironment()
    received = ReceivedFiles()
    satellites: list[SatelliteModel] = []
    events: list[EventRow] = []
    meter = BacklogMeter(len(setup.satellites))

    def follow(row: EventRow) -> None:
        if audit_every_event:
            audit(satellites[row.satellite].onboard)
        if on_event is not None:
            on_event(row)

    stream = _Stream(
        events if sink is None else sink,
        meter,
        follow if on_event or audit_every_event else None,
    )
    satellites += [
        SatelliteModel(
            env, index, satellite, seed=setup.seed, source=source, received=received, events=stream
        )
        for index, (satellite, source) in enumerate(zip(setup.satellites, sources, strict=True))
    ]
    network = Network(env, setup, satellites)
    # One tick more, so that what happens at the very end still counts.
    env.run(until=setup.duration + 1)
    for satellite in satellites:
        audit(satellite.onboard)
    return Outcome(
        setup,
        tuple(satellite.outcome() for satellite in satellites),
        received,
        events,
        network.uses,
        meter.each(setup.duration),
        meter.total(setup.duration),
    )


class _Stream:
    """Passes each event to the sink, the backlog meter and the function that follows the run."""

    __slots__ = ("_follow", "_meter", "_sink")

    def __init__(
        self,
        sink: EventSink,
        meter: BacklogMeter,
        follow: Callable[[EventRow], None] | None,
    ) -> None:
        self._sink = sink
        self._meter = meter
        self._follow = follow

    def append(self, row: EventRow) -> None:
        self._sink.append(row)
        self._meter.note(row.time, row.satellite, row.backlog_bytes)
        if self._follow is not None:
            self._follow(row)
