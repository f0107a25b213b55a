"""The transmitter for resumable transfer: sends files, and resumes behind what was acknowledged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import simpy

from ...link.channel.downlink import PACKET_LOSS, LossRun
from ...link.channel.packets import Span, lost_packets
from ...link.channel.transfer import ResumableTransfer
from ...payload.recorder import StoredFile
from .events import Event
from .frame_store import FrameStore
from .ledger import CUT_OFF, Book
from .onboard import Onboard
from .records import ContactUse, FrameRecord, FrameState
from .setup import Contact
from .ticks import Process


@dataclass(slots=True)
class _Transmission:
    """A span of one file on its way to the ground.

    Attributes:
        file: The file.
        start: Offset of the span in the file, in bytes.
        count: Length of the span in bytes.
        position: Bytes that the contact carried before the span.
        settled: Whether the span was acknowledged, or given up at the end of the contact.
    """

    file: StoredFile
    start: int
    count: int
    position: int
    settled: bool = False


class Transmitter:
    """Sends files from the recorder while a contact lasts and there is power.

    Args:
        onboard: The satellite's state.
        store: The recorder with its books.
        seed: Seed of the packet losses.
    """

    def __init__(self, onboard: Onboard, store: FrameStore, seed: int) -> None:
        self._onboard = onboard
        self._store = store
        self._seed = seed

    def wants(self, contact: Contact) -> bool:  # noqa: ARG002 - each contact is as good
        """Whether a session over a contact would be of use."""
        return self._onboard.recorder.ready_bytes > 0

    def outcome(self) -> None:
        """Return nothing: resumable transfer has no transactions."""

    def serve(self, contact: Contact, use: ContactUse) -> Process:
        """Send over a contact until it ends, the battery is low, or nothing is left to send."""
        onboard = self._onboard
        env, setup, link = onboard.env, onboard.setup, contact.downlink
        begun = env.now
        onboard.transmitting = True
        self._draw(+1)
        under_way: list[_Transmission] = []
        position = link.carried_by(env.now)
        while onboard.has_power and env.now < link.end:
            file = onboard.recorder.next_to_send()
            if file is None:
                if all(transmission.settled for transmission in under_way):
                    break
                # Keep the antenna until the last packets are acknowledged. If a new file arrives
                # meanwhile, it is sent at once.
                wait = min(setup.acknowledge_ticks, link.end - env.now)
                file_arrived = self._store.file_arrived.wait()
                yield self._until(env.now + wait) | file_arrived
                self._store.file_arrived.cancel()
                position = max(position, link.carried_by(env.now))
                continue
            started = env.now
            start, end = _resumable(file).next_span()
            transmission = _Transmission(file, start, end - start, position)
            under_way = [other for other in under_way if not other.settled]
            under_way.append(transmission)
            done = link.time_of(position + transmission.count)
            yield self._until(link.end if done is None else max(done, env.now))
            sent = min(transmission.count, link.carried_by(env.now) - position)
            position += sent
            record = onboard.frames[file.number]
            if sent and record.first_sent < 0:
                record.first_sent = started
            self._cross(contact, use, transmission, sent)
            if sent < transmission.count:
                break
            env.call_later(setup.acknowledge_ticks, partial(self._acknowledge, transmission))
        self._end_contact(contact, under_way)
        self._draw(-1)
        onboard.transmitting = False
        use.ticks += env.now - begun

    def _until(self, tick: int) -> simpy.Event:
        env = self._onboard.env
        return self._onboard.unless_power_fails(env.timeout(tick - env.now))

    def _draw(self, sign: int) -> None:
        bus = self._onboard.bus
        if bus is not None:
            bus.draw(sign * bus.setup.transmitting)

    def _cross(
        self, contact: Contact, use: ContactUse, transmission: _Transmission, sent: int
    ) -> None:
        """Book the bytes of a transmission that arrived or were lost in this contact."""
        onboard, file = self._onboard, transmission.file
        packet = onboard.setup.packet
        record = onboard.frames[file.number]
        # The ground cannot use a packet that the end of the contact cuts off.
        whole = sent if sent == transmission.count else sent // packet * packet
        arrived, lost = self._arrivals(contact, transmission, whole)
        if sent > whole:
            lost[CUT_OFF] = sent - whole
        new, duplicate = onboard.received.receive(file.number, file.size, arrived)
        move = onboard.ledger.move
        move(Book.AIR, "sent", "new", new)
        move(Book.AIR, "sent", "duplicate", duplicate)
        # These two accounts are there from the first transmission on, even if they stay empty.
        for cause, amount in ({PACKET_LOSS: 0, CUT_OFF: 0} | lost).items():
            move(Book.AIR, "sent", "lost", amount, cause)
        delivered = record.state is FrameState.DELIVERED
        move(Book.GROUND, "new", "delivered" if delivered else "partial", new)
        record.received_bytes += new
        record.duplicate_bytes += duplicate
        if delivered:
            onboard.delivered_bytes += new
        use.sent_bytes += sent
        use.received_bytes += new
        use.lose(lost)
        for event, amount, cause in (
            (Event.SEND, sent, ""),
            (Event.RECEIVE, new, ""),
            (Event.DUPLICATE, duplicate, ""),
            *((Event.LOSE, amount, cause) for cause, amount in lost.items()),
        ):
            if amount:
                onboard.log(
                    event,
                    frame=file.number,
                    target=record.capture.target,
                    station=contact.station,
                    amount=amount,
                    cause=cause,
                )
        if not delivered and transmission.start + whole == file.size:
            self._deliver(record, contact)

    def _arrivals(
        self, contact: Contact, transmission: _Transmission, whole: int
    ) -> tuple[list[Span], dict[str, int]]:
        """Return the byte ranges of the file that arrived, and the bytes lost by each cause."""
        lost: dict[str, int] = {}
        if whole == 0:
            return [], lost
        onboard = self._onboard
        packet = onboard.setup.packet
        begin, end = transmission.start, transmission.start + whole
        runs = contact.downlink.packet_losses(transmission.position, -(-whole // packet), packet)
        if not any(run.probability for run in runs):
            return [(begin, end)], lost
        key = (
            f"{self._seed}/{onboard.setup.name}/{transmission.file.number}/{begin}/"
            f"{onboard.env.now}"
        )
        rng = random.Random(key)  # noqa: S311 - a seeded draw, not a secret
        arrived: list[Span] = []
        position, first = begin, 0
        for run in runs:
            for index, count in _lost(rng, run):
                first_byte = begin + (first + index) * packet
                last_byte = min(end, first_byte + count * packet)
                lost[run.cause] = lost.get(run.cause, 0) + last_byte - first_byte
                if first_byte > position:
                    arrived.append((position, first_byte))
                position = last_byte
            first += run.packets
        if position < end:
            arrived.append((position, end))
        return arrived, lost

    def _deliver(self, record: FrameRecord, contact: Contact) -> None:
        onboard = self._onboard
        record.state = FrameState.DELIVERED
        record.delivered = onboard.env.now
        record.station = contact.station
        onboard.ledger.move(Book.GROUND, "partial", "delivered", record.received_bytes)
        onboard.delivered_bytes += record.received_bytes
        onboard.log(
            Event.DELIVER,
            frame=record.capture.number,
            target=record.capture.target,
            station=contact.station,
            amount=record.received_bytes,
        )

    def _acknowledge(self, transmission: _Transmission) -> None:
        """Free a file whose last packet the ground has acknowledged."""
        if not transmission.settled and transmission.file.in_flight:
            self._settle(transmission, transmission.count)

    def _end_contact(self, contact: Contact, under_way: list[_Transmission]) -> None:
        """Put unacknowledged bytes back: the satellite cannot know whether they arrived."""
        onboard = self._onboard
        heard = contact.downlink.carried_by(onboard.env.now - onboard.setup.acknowledge_ticks)
        for transmission in under_way:
            if not transmission.settled:
                acknowledged = max(0, min(transmission.count, heard - transmission.position))
                self._settle(transmission, acknowledged)

    def _settle(self, transmission: _Transmission, acknowledged: int) -> None:
        """Report the acknowledged bytes to the transfer, and free the file or put it back."""
        transmission.settled = True  # an acknowledgement that is still under way has no effect
        file, start = transmission.file, transmission.start
        transfer = _resumable(file)
        transfer.acknowledge((start, start + acknowledged))
        if transfer.complete:
            self._store.free(file)
        else:
            self._onboard.recorder.put_back(file)


def _resumable(file: StoredFile) -> ResumableTransfer:
    transfer = file.transfer
    if not isinstance(transfer, ResumableTransfer):
        raise TypeError(f"frame {file.number} has another transfer: {transfer!r}")
    return transfer


def _lost(rng: random.Random, run: LossRun) -> Sequence[tuple[int, int]]:
    """Return the first and the number of lost packets in a row; all at once if all are lost."""
    if run.probability >= 1.0:
        return [(0, run.packets)]
    return [(index, 1) for index in lost_packets(rng, run.packets, run.probability)]
