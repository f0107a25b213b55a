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
    """The outcome of a run: plain values that another process can return.

    Attributes:
        setup: The simulated mission.
        satellites: Outcome of each satellite.
        received: The received parts of each file.
        events: All events in order of time; empty if another sink took them.
        uses: The use of each contact.
        backlogs: Backlog of each satellite's recorder.
        total_backlog: Backlog of all satellites together.
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
        sources: The source of each satellite's encoded frames.
        environment: SimPy's environment; a real-time one paces the run.
        sink: Takes the events; by default they are returned as a list.
        on_event: Called with each event as it happens.
        audit_every_event: Whether to audit the books after each event, not only at the end.

    Returns:
        The outcome of the run.

    Raises:
        LedgerError: An audit failed. This is a fault of the simulation, never of its input.
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
    # One more tick includes the events at the very end.
    env.run(until=setup.duration + 1)
    for satellite in satellites:
        audit(satellite.onboard)
    return Outcome(
        setup,
        tuple(satellite.outcome(setup.duration) for satellite in satellites),
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
