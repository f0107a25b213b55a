"""The ground stations' antennas, and which satellite in view gets which."""

from __future__ import annotations

from functools import partial

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

    At the end of each tick, no contact in view that asks for an antenna has a free one. So in the
    next tick only those can get one whose satellite has changed (it came into view, has something
    new to send, has power again, or has let go of an antenna), or whose station has an antenna
    again. Only these are looked at, which keeps the work proportional to what happens, however
    many satellites are in view.

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
        # When the first antenna of each station has turned to another satellite.
        self._wake = [-1] * len(setup.stations)
        # Contacts in view, in the order in which they came, of each satellite and each station.
        self._seen_from: list[dict[int, None]] = [{} for _ in satellites]
        self._seen_by: list[dict[int, None]] = [{} for _ in setup.stations]
        self._changed: set[int] = set()
        self._freed: set[int] = set()
        self._due = False
        self._sessions: dict[int, simpy.Process] = {}
        self.uses = [ContactUse() for _ in setup.contacts]
        for index, satellite in enumerate(satellites):
            satellite.connect(partial(self.allocate, index))
        env.process(self._watch_all())

    def allocate(self, satellite: int) -> None:
        """Grant free antennas at the end of this tick, when every request of the tick is known.

        Args:
            satellite: The satellite that may want an antenna now.
        """
        if self._seen_from[satellite]:
            self._changed.add(satellite)
            self._call_allocate()

    def _call_allocate(self) -> None:
        if not self._due:
            self._due = True
            self._env.call_last(self._allocate)

    def _allocate(self) -> None:
        """Grant free antennas until no satellite in view wants one that is free."""
        self._due = False
        concerned = {i for satellite in self._changed for i in self._seen_from[satellite]}
        concerned.update(i for station in self._freed for i in self._seen_by[station])
        self._changed.clear()
        self._freed.clear()
        asking = [i for i in concerned if self._may_serve(i)]
        granted = set()
        while open_to := [i for i in asking if self._antenna(i) is not None]:
            chosen = min(open_to, key=self._rank)
            self._grant(chosen)
            granted.add(self._contacts[chosen].station)
            served = self._contacts[chosen].satellite
            asking = [i for i in asking if self._contacts[i].satellite != served]
        # Those that wait for another antenna of these stations may wait for something else now.
        others = {i for station in granted for i in self._seen_by[station]} - set(asking)
        self._wait([*asking, *(i for i in others if self._may_serve(i))])

    def _antenna(self, index: int) -> int | None:
        """Return the antenna that a contact's satellite can have now."""
        contact = self._contacts[index]
        return self._antennas[contact.station].ready_for(contact.satellite, self._env.now)

    def _wait(self, asking: list[int]) -> None:
        """Record why contacts wait, and allocate again when the first antenna has turned."""
        for index in asking:
            contact = self._contacts[index]
            ready = self._antennas[contact.station].next_ready(contact.satellite)
            if self.uses[index].ticks == 0:
                self.uses[index].cause_unused = ANTENNA_BUSY if ready is None else ANTENNA_TURNING
            if ready is not None:
                self._call_when_turned(contact.station, ready)

    def _call_when_turned(self, station: int, ready: int) -> None:
        """Allocate a station's antennas again at a tick, unless that is done before it anyway."""
        now = self._env.now
        if ready > now and not now < self._wake[station] <= ready:
            self._wake[station] = ready
            self._env.call_later(ready - now, partial(self._turned, station))

    def _turned(self, station: int) -> None:
        self._freed.add(station)
        self._call_allocate()

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
                self._contacts[i].downlink.start for i in self._seen_from[contact.satellite]
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
        self._freed.add(contact.station)
        self._changed.add(contact.satellite)
        self._call_allocate()

    def _watch_all(self) -> Process:
        """Wait for each contact to begin, without a process for each."""
        for index, contact in enumerate(self._contacts):
            self._env.call_later(contact.downlink.start, partial(self._begin, index))
        yield self._env.event()  # nothing ends this process

    def _begin(self, index: int) -> None:
        contact = self._contacts[index]
        self._satellites[contact.satellite].onboard.log(Event.AOS, station=contact.station)
        self._seen_from[contact.satellite][index] = None
        self._seen_by[contact.station][index] = None
        self.allocate(contact.satellite)
        self._env.call_later(contact.downlink.end - self._env.now, partial(self._end, index))

    def _end(self, index: int) -> None:
        contact = self._contacts[index]
        del self._seen_from[contact.satellite][index]
        del self._seen_by[contact.station][index]
        session = self._sessions.get(index)
        if session is None or session.callbacks is None:
            self._lose_sight(index)
        else:  # it ends in this tick; its last bytes come before LOS
            session.callbacks.append(lambda _: self._lose_sight(index))

    def _lose_sight(self, index: int) -> None:
        contact = self._contacts[index]
        satellite = self._satellites[contact.satellite]
        self._explain(index, satellite)
        satellite.onboard.log(Event.LOS, station=contact.station)

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
