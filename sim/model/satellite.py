"""One satellite: imager, processor, recorder and transmitter as processes that share a battery.

```
imager ─► working memory ─► processor ─► recorder ─► transmitter ─► ground
             │ full                         │ full        │ LOS, power, packet loss
             ▼                              ▼             ▼
          dropped                        dropped     sent again, or lost
```
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...ground.received_files import ReceivedFiles
from .charge_meter import ChargeHistory
from .events import Event, EventSink
from .frame_store import FrameStore
from .imager import Imager
from .ledger import Ledger
from .onboard import Onboard
from .power_bus import PowerBus
from .processor import Processor
from .records import ContactUse, FrameRecord, TransferOutcome
from .sending_entity import SendingEntity
from .setup import Contact, FrameSource, SatelliteSetup
from .ticks import Process, TickEnvironment
from .transmitter import Transmitter


@dataclass(frozen=True, slots=True)
class SatelliteOutcome:
    """The state of one satellite after a run: plain values that another process can return.

    Attributes:
        name: Name of the satellite.
        ledger: The satellite's books at the end.
        frames: A record of each captured frame, by number.
        missed: The cause of each capture that was not taken, by number.
        working_bytes: Bytes of raw frames left in working memory.
        recorder_bytes: Bytes of encoded frames left in the recorder.
        ready_bytes: Bytes in the recorder that still have to be sent.
        encode_energy: Nanojoules spent on encoding; None if the power is unknown.
        transmitting: Whether the satellite had an antenna at the end.
        transfers: What became of its file transfers by CFDP; None if it has none.
        charge: The battery's charge over the run; None if power is not modelled.
    """

    name: str
    ledger: Ledger
    frames: dict[int, FrameRecord]
    missed: dict[int, str]
    working_bytes: int
    recorder_bytes: int
    ready_bytes: int
    encode_energy: int | None
    transmitting: bool
    transfers: TransferOutcome | None = None
    charge: ChargeHistory | None = None


class SatelliteModel:
    """The processes of one satellite, connected to each other.

    Attributes:
        onboard: The state that the processes share.
    """

    def __init__(
        self,
        env: TickEnvironment,
        index: int,
        setup: SatelliteSetup,
        *,
        seed: int,
        source: FrameSource,
        received: ReceivedFiles,
        events: EventSink,
    ) -> None:
        """Set the satellite up at tick 0; `connect` it to the network before the run starts."""
        self.onboard = onboard = Onboard(env, index, setup, received, events)
        self._ask_for_link: Callable[[], None] = lambda: None
        store = FrameStore(onboard)
        self._store = store
        self._transmitter = (
            Transmitter(onboard, store, seed)
            if setup.transfer is None
            else SendingEntity(onboard, store, setup.transfer, seed)
        )
        if setup.power is not None:
            onboard.bus = PowerBus(env, setup.power, self._power_changed)
        processor = Processor(onboard, source, store)
        env.process(Imager(onboard, processor).run())
        env.process(processor.run())

    def connect(self, ask_for_link: Callable[[], None]) -> None:
        """Set the function to call when there is something new to send."""
        self._ask_for_link = ask_for_link
        self._store.connect(ask_for_link)

    def wants_link(self, contact: Contact) -> bool:
        """Whether an antenna would be of use now, over a contact."""
        onboard = self.onboard
        return not onboard.transmitting and onboard.has_power and self._transmitter.wants(contact)

    def serve(self, contact: Contact, use: ContactUse) -> Process:
        """Send over a contact until it ends, the battery is low, or nothing is left to send."""
        return self._transmitter.serve(contact, use)

    def outcome(self, end: int) -> SatelliteOutcome:
        """Return the state of the satellite at the run's end, tick `end`."""
        onboard = self.onboard
        return SatelliteOutcome(
            name=onboard.setup.name,
            ledger=onboard.ledger,
            frames=onboard.frames,
            missed=onboard.missed,
            working_bytes=onboard.working_bytes,
            recorder_bytes=onboard.recorder.used,
            ready_bytes=onboard.recorder.ready_bytes,
            encode_energy=onboard.encode_energy,
            transmitting=onboard.transmitting,
            transfers=self._transmitter.outcome(),
            charge=None if onboard.bus is None else onboard.bus.history(end),
        )

    def _power_changed(self, ok: bool) -> None:
        self.onboard.log(Event.POWER_OK if ok else Event.POWER_LOW)
        if ok:
            self._ask_for_link()
