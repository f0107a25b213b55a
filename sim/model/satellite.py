"""One satellite: imager, processor, recorder and transmitter as processes that share a battery.

```
imager ─► working memory ─► processor ─► recorder ─► transmitter ─► station
             │ full                         │ full        │ LOS, power, packet loss
             ▼                              ▼             ▼
          dropped                        dropped     sent again, or lost
```
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import simpy

from ...ground.station import Station
from ...link.transfer import Span, lost_packets
from ...payload.recorder import Recorder, StoredFile
from ..ledger import Book, Ledger, account
from .journal import ContactUse, Event, EventRow, FrameRecord, FrameState
from .power_bus import PowerBus
from .setup import Capture, Contact, EncodeOrder, FrameSource, SatelliteSetup
from .ticks import Process, TickEnvironment

MEMORY_FULL = "working memory full"
RECORDER_FULL = "recorder full"
GAVE_WAY = "gave way in recorder"
GAVE_WAY_DELIVERED = "gave way in recorder, delivered but not yet confirmed"
NO_POWER = "no power"
CUT_OFF = "cut off"
PACKET_LOSS = "packet loss"


@dataclass(slots=True)
class _Flight:
    """A stretch of one file on its way: where it began in the file and in the contact."""

    file: StoredFile
    offset: int
    cursor: int
    count: int
    confirmed: bool = False


def _nobody() -> None:
    """Nobody listens yet."""


class Satellite:
    """The processes of one satellite and what they share.

    Attributes:
        ledger: its books.
        frames: a record of each captured frame, by number.
        events: its events in order of time, shared with the other satellites.
    """

    def __init__(
        self,
        env: TickEnvironment,
        index: int,
        setup: SatelliteSetup,
        *,
        seed: int,
        source: FrameSource,
        station: Station,
        events: list[EventRow],
    ) -> None:
        """Set the satellite up at tick 0; `network` must be told before the run starts."""
        self.index = index
        self.setup = setup
        self.ledger = Ledger()
        self.recorder = Recorder(setup.recorder_capacity, setup.downlink_order, setup.drop_rule)
        self.frames: dict[int, FrameRecord] = {}
        self.events = events
        self.working_bytes = 0
        self.transmitting = False
        self.encode_energy: int | None = 0
        """Nanojoules; None once something was encoded at a power that is not known."""
        self.missed: dict[int, str] = {}
        """Captures that were not taken, with their cause."""
        self._env = env
        self._seed = seed
        self._source = source
        self._station = station
        self._delivered_bytes = 0
        self._queue: list[tuple[tuple[int, int], Capture]] = []
        self._work_arrived: simpy.Event | None = None
        self._file_arrived: simpy.Event | None = None
        self._bus = PowerBus(env, setup.power, self._power_changed) if setup.power else None
        self._offer: Callable[[], None] = _nobody
        env.process(self._image())
        env.process(self._encode())

    def connect(self, offer: Callable[[], None]) -> None:
        """Name the function to call when there is something new to send."""
        self._offer = offer

    @property
    def has_power(self) -> bool:
        """Whether the battery lets the satellite work."""
        return self._bus is None or self._bus.ok

    @property
    def wants_link(self) -> bool:
        """Whether an antenna would be of use now."""
        return not self.transmitting and self.has_power and self.recorder.ready_bytes > 0

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
        """Write down an event with the state of the satellite after it."""
        self.events.append(
            EventRow(
                self._env.now,
                self.index,
                event,
                frame,
                target,
                station,
                amount,
                cause,
                self.working_bytes,
                self.recorder.used,
                self._delivered_bytes,
                self._bus.charge if self._bus else None,
            )
        )

    # Imager

    def _image(self) -> Process:
        env, bus = self._env, self._bus
        for capture in self.setup.captures:
            yield env.timeout(capture.start - env.now)
            powered = self.has_power
            if bus is None:
                yield env.timeout(capture.end - env.now)
            elif powered:
                bus.draw(bus.setup.imaging)
                yield env.timeout(capture.end - env.now) | bus.low
                bus.draw(-bus.setup.imaging)
                powered = env.now == capture.end
            if powered:
                self._capture(capture)
            else:
                self.missed[capture.number] = NO_POWER
                self.log(Event.MISS, frame=capture.number, target=capture.target, cause=NO_POWER)

    def _capture(self, capture: Capture) -> None:
        record = FrameRecord(capture, self.index)
        self.frames[capture.number] = record
        size = capture.raw_bytes
        fits = self.working_bytes + size <= self.setup.working_memory
        waits_in = "queued" if fits else account("dropped", MEMORY_FULL)
        self.ledger.move(Book.RAW, "captured", waits_in, size)
        if fits:
            self.working_bytes += size
        self.log(Event.CAPTURE, frame=capture.number, target=capture.target, amount=size)
        if not fits:
            self._drop(record, MEMORY_FULL, size)
            return
        rank = -capture.priority if self.setup.encode_order is EncodeOrder.PRIORITY else 0
        heapq.heappush(self._queue, ((rank, capture.number), capture))
        if self._work_arrived is not None:
            self._work_arrived.succeed()
            self._work_arrived = None

    # Processor

    def _encode(self) -> Process:
        env = self._env
        while True:
            if not self._queue:
                self._work_arrived = env.event()
                yield self._work_arrived
            if self._bus is not None and not self._bus.ok:
                yield self._bus.restored
                continue  # what has come meanwhile may be more important
            capture = self._queue[0][1]
            encoded = self._source.encode(capture)
            if encoded is None:
                return  # what waits goes on waiting
            heapq.heappop(self._queue)
            record = self.frames[capture.number]
            self.ledger.move(Book.RAW, "queued", "encoding", capture.raw_bytes)
            record.state = FrameState.ENCODING
            record.encode_start = env.now
            self.log(Event.ENCODE_START, frame=capture.number, target=capture.target)
            yield from self._compute(encoded.ticks)
            self.working_bytes -= capture.raw_bytes
            self.ledger.move(Book.RAW, "encoding", "encoded", capture.raw_bytes)
            record.encode_end = env.now
            record.encode_ticks = encoded.ticks
            record.encoded_bytes = encoded.size
            self._count_energy(encoded.ticks)
            self.log(
                Event.ENCODE_END,
                frame=capture.number,
                target=capture.target,
                amount=encoded.size,
            )
            self._store(record)

    def _count_energy(self, ticks: int) -> None:
        power = self.setup.encoding_milliwatts
        if power is None or self.encode_energy is None:
            self.encode_energy = None
        else:
            self.encode_energy += ticks * power

    def _compute(self, ticks: int) -> Process:
        """Work for `ticks`, standing still while the battery is low."""
        env, bus = self._env, self._bus
        if bus is None:
            yield env.timeout(ticks)
            return
        load = bus.setup.encoding
        while ticks > 0:
            if not bus.ok:
                yield bus.restored
            begun = env.now
            bus.draw(load)
            yield env.timeout(ticks) | bus.low
            bus.draw(-load)
            ticks -= env.now - begun

    # Recorder

    def _store(self, record: FrameRecord) -> None:
        capture, size = record.capture, record.encoded_bytes
        file = StoredFile(capture.number, size, capture.priority)
        victims = self.recorder.store(file)
        if victims is None:
            self.ledger.move(Book.FILES, "encoded", account("dropped", RECORDER_FULL), size)
            self._drop(record, RECORDER_FULL, size)
            return
        for victim in victims:
            cause = self._why_dropped(victim)
            self.ledger.move(Book.FILES, "recorder", account("dropped", cause), victim.size)
        self.ledger.move(Book.FILES, "encoded", "recorder", size)
        record.state = FrameState.STORED
        record.stored = self._env.now
        for victim in victims:
            self._drop(self.frames[victim.number], self._why_dropped(victim), victim.size)
        self.log(Event.STORE, frame=capture.number, target=capture.target, amount=size)
        if self._file_arrived is not None:
            self._file_arrived.succeed()
            self._file_arrived = None
        self._offer()

    def _why_dropped(self, victim: StoredFile) -> str:
        delivered = self.frames[victim.number].state is FrameState.DELIVERED
        return GAVE_WAY_DELIVERED if delivered else GAVE_WAY

    def _drop(self, record: FrameRecord, cause: str, amount: int) -> None:
        number = record.capture.number
        if record.state is not FrameState.DELIVERED:
            record.state = FrameState.DROPPED
            record.drop_cause = cause
            self.ledger.move(
                Book.GROUND, "partial", account("abandoned", cause), record.received_bytes
            )
        self.log(Event.DROP, frame=number, target=record.capture.target, amount=amount, cause=cause)

    # Transmitter

    def serve(self, contact: Contact, use: ContactUse) -> Process:
        """Send over a contact until it ends, the battery is low, or nothing is left to send."""
        env = self._env
        link = contact.downlink
        begun = env.now
        self.transmitting = True
        self._draw_transmitter(+1)
        flights: list[_Flight] = []
        cursor = link.carried_by(env.now)
        while self.has_power and env.now < link.end:
            file = self.recorder.next_to_send()
            if file is None:
                if all(flight.confirmed for flight in flights):
                    break
                # The antenna stays until the last packets are confirmed; a new file goes at once.
                wait = min(self.setup.acknowledge_ticks, link.end - env.now)
                self._file_arrived = env.event()
                yield self._until(env.now + wait) | self._file_arrived
                self._file_arrived = None
                cursor = max(cursor, link.carried_by(env.now))
                continue
            started = env.now
            flight = _Flight(file, file.acknowledged, cursor, file.size - file.acknowledged)
            flights = [other for other in flights if not other.confirmed]
            flights.append(flight)
            done = link.time_of(cursor + flight.count)
            yield self._until(link.end if done is None else max(done, env.now))
            sent = min(flight.count, link.carried_by(env.now) - cursor)
            cursor += sent
            record = self.frames[file.number]
            if sent and record.first_sent < 0:
                record.first_sent = started
            self._carry(contact, use, flight, sent)
            if sent < flight.count:
                break
            env.call_later(self.setup.acknowledge_ticks, partial(self._confirm, flight))
        self._hang_up(contact, flights)
        self._draw_transmitter(-1)
        self.transmitting = False
        use.ticks += env.now - begun

    def _until(self, tick: int) -> simpy.Event:
        wait = self._env.timeout(tick - self._env.now)
        return wait if self._bus is None else wait | self._bus.low

    def _draw_transmitter(self, sign: int) -> None:
        if self._bus is not None:
            self._bus.draw(sign * self._bus.setup.transmitting)

    def _carry(self, contact: Contact, use: ContactUse, flight: _Flight, sent: int) -> None:
        """Account for the bytes of one file that crossed, or did not, in this contact."""
        file, packet = flight.file, self.setup.packet
        record = self.frames[file.number]
        target = record.capture.target
        # A packet that the end of the contact cuts in two is of no use to the ground.
        whole = sent if sent == flight.count else sent // packet * packet
        arrived, lost = self._cross(flight, whole)
        new, duplicate = self._station.receive(file.number, file.size, arrived)
        move = self.ledger.move
        move(Book.AIR, "sent", "new", new)
        move(Book.AIR, "sent", "duplicate", duplicate)
        move(Book.AIR, "sent", account("lost", PACKET_LOSS), lost)
        move(Book.AIR, "sent", account("lost", CUT_OFF), sent - whole)
        delivered = record.state is FrameState.DELIVERED
        move(Book.GROUND, "new", "delivered" if delivered else "partial", new)
        record.received_bytes += new
        record.duplicate_bytes += duplicate
        if delivered:
            self._delivered_bytes += new
        use.sent_bytes += sent
        use.received_bytes += new
        for event, amount, cause in (
            (Event.SEND, sent, ""),
            (Event.RECEIVE, new, ""),
            (Event.DUPLICATE, duplicate, ""),
            (Event.LOSE, lost, PACKET_LOSS),
            (Event.LOSE, sent - whole, CUT_OFF),
        ):
            if amount:
                self.log(
                    event,
                    frame=file.number,
                    target=target,
                    station=contact.station,
                    amount=amount,
                    cause=cause,
                )
        if not delivered and flight.offset + whole == file.size:
            self._deliver(record, contact)

    def _cross(self, flight: _Flight, whole: int) -> tuple[list[Span], int]:
        """Return the byte ranges of the file that arrived and how many bytes were lost."""
        if whole == 0:
            return [], 0
        packet = self.setup.packet
        begin, end = flight.offset, flight.offset + whole
        if self.setup.packet_loss == 0:
            return [(begin, end)], 0
        key = f"{self._seed}/{self.setup.name}/{flight.file.number}/{begin}/{self._env.now}"
        rng = random.Random(key)  # noqa: S311 - a seeded draw, not a secret
        lost = lost_packets(rng, -(-whole // packet), self.setup.packet_loss)
        arrived, position, lost_bytes = [], begin, 0
        for index in lost:
            first = begin + index * packet
            last = min(end, first + packet)
            lost_bytes += last - first
            if first > position:
                arrived.append((position, first))
            position = last
        if position < end:
            arrived.append((position, end))
        return arrived, lost_bytes

    def _deliver(self, record: FrameRecord, contact: Contact) -> None:
        record.state = FrameState.DELIVERED
        record.delivered = self._env.now
        record.station = contact.station
        self.ledger.move(Book.GROUND, "partial", "delivered", record.received_bytes)
        self._delivered_bytes += record.received_bytes
        self.log(
            Event.DELIVER,
            frame=record.capture.number,
            target=record.capture.target,
            station=contact.station,
            amount=record.received_bytes,
        )

    def _confirm(self, flight: _Flight) -> None:
        """Free a file whose last packet the ground has acknowledged."""
        if not flight.confirmed and flight.file.in_flight:
            flight.confirmed = True
            self._free(flight.file)

    def _hang_up(self, contact: Contact, flights: list[_Flight]) -> None:
        """Put back what was not confirmed: the ground may have it, but the satellite can't know."""
        heard = contact.downlink.carried_by(self._env.now - self.setup.acknowledge_ticks)
        for flight in flights:
            if flight.confirmed:
                continue
            flight.confirmed = True  # a confirmation still under way finds nobody listening
            packet = self.setup.packet
            count = max(0, min(flight.count, heard - flight.cursor))
            if count < flight.count:
                self.recorder.put_back(flight.file, flight.offset + count // packet * packet)
            else:
                self._free(flight.file)

    def _free(self, file: StoredFile) -> None:
        self.recorder.release(file)
        self.ledger.move(Book.FILES, "recorder", "released", file.size)
        self.log(
            Event.FREE,
            frame=file.number,
            target=self.frames[file.number].capture.target,
            amount=file.size,
        )

    # Power

    def _power_changed(self, ok: bool) -> None:
        self.log(Event.POWER_OK if ok else Event.POWER_LOW)
        if ok:
            self._offer()
