"""The ground stations' antennas, and which satellite in view gets which."""

from __future__ import annotations

import simpy

from .antennas import Antennas
from .events import Event
from .records import ContactUse
from .satellite import SatelliteModel
from .setup import Arbitration, Contact, MissionSetup
from .ticks import Process, TickEnvironment

ANTENNA_BUSY = "antenna busy"
ANTENNA_TURNING = "antenna turning"
ELSEWHERE = "sending to another station"
NO_POWER = "no power"
NOTHING = "nothing to send"
NO_LINK = "no link at this elevation"


class Network:
    """Grants antennas to satellites in view, one satellite per antenna, without pre-emption.

    A satellite keeps an antenna until the contact ends, its battery is low, or it has nothing left
    to send. If the antennas of several stations are free, the satellite gets the one whose contact
    can still carry most bytes. A contact that cannot carry another byte gets no antenna. Between
    two satellites an antenna needs its station's turn-around time (`antennas.py`).

    Attributes:
        uses: What each contact was used for, in the order of `setup.contacts`.
    """

    def __init__(
        self, env: TickEnvironment, setup: MissionSetup, satellites: list[SatelliteModel]
    ) -> None:
        self._env = env
        self._rule = setup.arbitration
        self._satellites = satellites
        self._contacts = setup.contacts
        self._antennas = [Antennas(s.antennas, s.turn_around) for s in setup.stations]
        self._wake = -1
        self._in_view: list[int] = []
        self._due = False
        self._sessions: dict[int, simpy.Process] = {}
        self.uses = [ContactUse() for _ in setup.contacts]
        for satellite in satellites:
            satellite.connect(self.allocate)
        for index in range(len(setup.contacts)):
            env.process(self._watch(index))

    def allocate(self) -> None:
        """Grant free antennas at the end of this tick, when every request of the tick is known."""
        if self._in_view and not self._due:
            self._due = True
            self._env.call_last(self._allocate)

    def _allocate(self) -> None:
        """Grant free antennas until no satellite in view wants one that is free."""
        self._due = False
        while True:
            asking = [i for i in self._in_view if self._may_serve(i)]
            open_to = [i for i in asking if self._antenna(i) is not None]
            if not open_to:
                self._wait(asking)
                return
            self._grant(min(open_to, key=self._rank))

    def _antenna(self, index: int) -> int | None:
        """Return the antenna that a contact's satellite can have now."""
        contact = self._contacts[index]
        return self._antennas[contact.station].ready_for(contact.satellite, self._env.now)

    def _wait(self, asking: list[int]) -> None:
        """Record why contacts wait, and allocate again when the first antenna has turned."""
        ready_at = []
        for index in asking:
            contact = self._contacts[index]
            ready = self._antennas[contact.station].next_ready(contact.satellite)
            if ready is not None:
                ready_at.append(ready)
            if self.uses[index].ticks == 0:
                self.uses[index].cause_unused = ANTENNA_BUSY if ready is None else ANTENNA_TURNING
        wake = min(ready_at, default=-1)
        if wake > self._env.now and not self._env.now < self._wake <= wake:
            self._wake = wake
            self._env.call_later(wake - self._env.now, self.allocate)

    def _may_serve(self, index: int) -> bool:
        contact = self._contacts[index]
        return self._satellites[contact.satellite].wants_link(contact) and self._left(contact) > 0

    def _left(self, contact: Contact) -> int:
        """Return the bytes that a contact can still carry."""
        return contact.downlink.capacity - contact.downlink.carried_by(self._env.now)

    def _rank(self, index: int) -> tuple[int, int, int, int]:
        """Return the rank of a contact; the lowest is served first."""
        contact = self._contacts[index]
        recorder = self._satellites[contact.satellite].onboard.recorder
        if self._rule is Arbitration.PRIORITY:
            claim = -(recorder.highest_priority or 0)
        elif self._rule is Arbitration.BACKLOG:
            claim = -recorder.ready_bytes
        else:
            claim = min(
                self._contacts[i].downlink.start
                for i in self._in_view
                if self._contacts[i].satellite == contact.satellite
            )
        return (claim, contact.satellite, -self._left(contact), index)

    def _grant(self, index: int) -> None:
        contact = self._contacts[index]
        satellite = self._satellites[contact.satellite]
        antenna = self._antenna(index)
        if antenna is None:
            raise ValueError("no antenna is ready for a contact that was chosen")
        self._antennas[contact.station].take(antenna, contact.satellite)
        satellite.onboard.transmitting = True  # set now, before the session's process first runs
        satellite.onboard.log(Event.GRANT, station=contact.station)
        self._sessions[index] = self._env.process(self._serve(index, antenna))

    def _serve(self, index: int, antenna: int) -> Process:
        contact = self._contacts[index]
        satellite = self._satellites[contact.satellite]
        yield from satellite.serve(contact, self.uses[index])
        del self._sessions[index]
        self._antennas[contact.station].release(antenna, self._env.now)
        satellite.onboard.log(Event.RELEASE, station=contact.station)
        self.allocate()

    def _watch(self, index: int) -> Process:
        contact = self._contacts[index]
        satellite, station = self._satellites[contact.satellite], contact.station
        yield self._env.timeout(contact.downlink.start)
        satellite.onboard.log(Event.AOS, station=station)
        self._in_view.append(index)
        self.allocate()
        yield self._env.timeout(contact.downlink.end - self._env.now)
        self._in_view.remove(index)
        session = self._sessions.get(index)
        if session is not None:
            yield session  # it ends in this tick; its last bytes come before LOS
        self._explain(index, satellite)
        satellite.onboard.log(Event.LOS, station=station)

    def _explain(self, index: int, satellite: SatelliteModel) -> None:
        """Record why a contact carried no bytes."""
        use = self.uses[index]
        if use.sent_bytes:
            use.cause_unused = ""
        elif not self._contacts[index].downlink.capacity:
            use.cause_unused = NO_LINK
        elif not satellite.onboard.has_power:
            use.cause_unused = NO_POWER
        elif satellite.onboard.transmitting:
            use.cause_unused = ELSEWHERE
        elif not use.cause_unused:
            use.cause_unused = NOTHING
