"""The state shared by the processes of one satellite: books, memories, battery, event log."""

from __future__ import annotations

import simpy

from ...ground.received_files import ReceivedFiles
from ...payload.recorder import Recorder
from .events import Event, EventRow, EventSink
from .ledger import Ledger
from .power_bus import PowerBus
from .records import FrameRecord
from .setup import SatelliteSetup
from .ticks import TickEnvironment


class Onboard:
    """The state of one satellite.

    Attributes:
        env: SimPy's environment, which holds the clock.
        index: Index of the satellite.
        setup: The satellite's setup.
        ledger: The satellite's books.
        recorder: The mass memory.
        frames: A record of each captured frame, by number.
        missed: The cause of each capture that was not taken, by number.
        received: The received parts of the files of all satellites.
        bus: The power bus; None if power is not modelled.
        working_bytes: Bytes of raw frames in working memory.
        waiting_bytes: Bytes of the encoded frame that waits for room in the recorder, if any.
        delivered_bytes: Bytes of delivered frames on the ground.
        encode_energy: Nanojoules spent on encoding; None if the power is unknown.
        transmitting: Whether the satellite has an antenna.
    """

    def __init__(
        self,
        env: TickEnvironment,
        index: int,
        setup: SatelliteSetup,
        received: ReceivedFiles,
        events: EventSink,
    ) -> None:
        self.env = env
        self.index = index
        self.setup = setup
        transfer = setup.transfer
        self.ledger = Ledger(uplink=transfer is not None and transfer.acknowledged)
        self.recorder = Recorder(setup.recorder_capacity, setup.downlink_order, setup.drop_rule)
        self.frames: dict[int, FrameRecord] = {}
        self.missed: dict[int, str] = {}
        self.received = received
        self.bus: PowerBus | None = None
        self.working_bytes = 0
        self.waiting_bytes = 0
        self.delivered_bytes = 0
        self.encode_energy: int | None = 0
        self.transmitting = False
        self._events = events

    @property
    def has_power(self) -> bool:
        """Whether the battery allows work."""
        return self.bus is None or self.bus.ok

    def unless_power_fails(self, wait: simpy.Event) -> simpy.Event:
        """Return an event that also fires when the battery runs low."""
        return wait if self.bus is None else wait | self.bus.low

    def log(
        self,
        event: Event,
        *,
        frame: int = -1,
        target: int = -1,
        station: int = -1,
        amount: int = 0,
        cause: str = "",
    ) -> None:
        """Record an event together with the state of the satellite after it."""
        self._events.append(
            EventRow(
                self.env.now,
                self.index,
                event,
                frame,
                target,
                station,
                amount,
                cause,
                self.working_bytes,
                self.recorder.used,
                self.delivered_bytes,
                self.bus.charge if self.bus else None,
            )
        )


class Wakeup:
    """Wakes the one process that waits for something to arrive."""

    def __init__(self, env: TickEnvironment) -> None:
        self._env = env
        self._waiting: simpy.Event | None = None

    def wait(self) -> simpy.Event:
        """Return an event that the next `notify` fires."""
        self._waiting = self._env.event()
        return self._waiting

    def cancel(self) -> None:
        """Stop waiting."""
        self._waiting = None

    def notify(self) -> None:
        """Wake the process that waits, if any."""
        if self._waiting is not None:
            self._waiting.succeed()
            self._waiting = None
