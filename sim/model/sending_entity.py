"""The satellite's CFDP entity: sends files over contacts, and again what the ground requests.

```
directives due ─┐
requested data ─┼─► runs of PDUs ─► downlink ─► ReceivingEntity ─► Uplink ─► receive
a file's rest  ─┘
```

Of what can be sent, directives come first, then requested data, then the rest of the file that was
begun, then the recorder's next file. A PDU from the ground that asks for something interrupts a
file at the end of the PDU that is on its way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from functools import partial
from typing import Final

import simpy

from ...link.channel.transfer.pdus import AckEof, Condition, Finished, Nak, UplinkPdu
from ...link.channel.transfer.sender import Sender, SenderState
from ...payload.recorder import StoredFile
from .crossing import Crossing
from .frame_store import FrameStore
from .onboard import Onboard, Wakeup
from .pdu_runs import PduKind, PduRun, cut_after, draw_losses
from .receiving_entity import ReceivingEntity
from .records import ContactUse, FrameState, TransferOutcome
from .setup import Contact, TransferSetup
from .ticks import Process
from .uplink import Uplink

NO_ACKNOWLEDGEMENT: Final = "transfer: no acknowledgement"

_DIRECTIVES: Final = (PduKind.METADATA, PduKind.EOF, PduKind.EOF_CANCEL, PduKind.ACK_FINISHED)


class SendingEntity:
    """Sends files from the recorder by CFDP while a contact lasts and there is power.

    Args:
        onboard: The satellite's state.
        store: The recorder with its books.
        transfer: Class, sizes of PDUs, timers and limits.
        seed: Seed of the packet losses.
    """

    def __init__(
        self, onboard: Onboard, store: FrameStore, transfer: TransferSetup, seed: int
    ) -> None:
        self._onboard = onboard
        self._store = store
        self._transfer = transfer
        self._seed = seed
        self.ground = ReceivingEntity(onboard, transfer, store.file_arrived.notify)
        self._urgent = Wakeup(onboard.env)
        self._files: dict[int, StoredFile] = {}  # begun and not ended
        self._due: dict[int, None] = {}  # of them: those with a directive to send
        self._requested: dict[int, None] = {}  # those with requested data to send
        self._awaiting: dict[int, None] = {}  # those whose EOF is not acknowledged
        self._ended: dict[int, None] = {}  # files whose Finished has to be acknowledged
        self._unknown: dict[int, None] = {}  # files of which the ground asks, but which are gone
        self._suspended: set[int] = set()  # a part of those awaiting: no effect in `_contact`
        self._conditions = Counter[str]()
        self._contact: Contact | None = None
        self._current: StoredFile | None = None
        self._uplink: Uplink | None = None
        self._session = 0
        store.on_drop(self._dropped)

    def wants(self, contact: Contact) -> bool:
        """Whether a session over a contact would be of use to either end."""
        if self._onboard.recorder.ready_bytes > 0 or self._current is not None:
            return True
        if self._due or self._requested or self._ended or self._unknown:
            return True
        idle = len(self._suspended) if contact is self._contact else 0
        return len(self._awaiting) > idle or self.ground.wants(contact)

    def outcome(self) -> TransferOutcome:
        """Return how many transactions have ended, and what the others wait for."""
        senders = {number: _sender(file) for number, file in self._files.items()}
        states = Counter(str(sender.state) for sender in senders.values() if sender.begun)
        return TransferOutcome(
            dict(sorted(self._conditions.items())),
            dict(sorted(states.items())),
            self.ground.open_transactions(),
        )

    def serve(self, contact: Contact, use: ContactUse) -> Process:
        """Send over a contact until it ends, the battery is low, or nothing is left to do."""
        onboard = self._onboard
        env, link = onboard.env, contact.downlink
        begun = env.now
        onboard.transmitting = True
        self._draw(+1)
        self._open(contact)
        position = link.carried_by(env.now)
        while onboard.has_power and env.now < link.end:
            runs = self._next_runs()
            if not runs:
                if not self.wants(contact):
                    break
                wake = self._store.file_arrived.wait()
                yield self._until(link.end) | wake
                self._store.file_arrived.cancel()
                position = max(position, link.carried_by(env.now))
                continue
            key = f"{self._seed}/{onboard.setup.name}/pdus/{runs[0].number}/{env.now}"
            runs = draw_losses(runs, position, link, key, show_gap=self._transfer.immediate_nak)
            started = env.now
            held = self._hold(runs)
            sent = yield from self._transmit(contact, runs, position)
            position += sent
            self._cross(contact, use, runs, sent, started)
            for file in held:
                if file.stored and file.in_flight:
                    onboard.recorder.put_back(file)
        self._close()
        self._draw(-1)
        onboard.transmitting = False
        use.ticks += env.now - begun

    def _transmit(
        self, contact: Contact, runs: list[PduRun], position: int
    ) -> Generator[simpy.Event, object, int]:
        """Wait while runs are sent, at most until something urgent is due; return the bytes."""
        env, link = self._onboard.env, contact.downlink
        total = sum(run.bytes for run in runs)
        requested = [run.number for run in runs if run.kind is PduKind.RESENT]
        self.ground.on_air = requested[0] if requested else -1
        done = link.time_of(position + total)
        end = link.end if done is None else max(done, env.now)
        if self._transfer.acknowledged and runs[0].kind not in _DIRECTIVES[1:]:
            yield self._until(end) | self._urgent.wait()
            self._urgent.cancel()
            if env.now < end and self._onboard.has_power:
                total = cut_after(runs, max(0, link.carried_by(env.now) - position))
                done = link.time_of(position + total)
                yield self._until(link.end if done is None else max(done, env.now))
        else:
            yield self._until(end)
        self.ground.on_air = -1
        return min(total, max(0, link.carried_by(env.now) - position))

    def _hold(self, runs: list[PduRun]) -> list[StoredFile]:
        """Protect files of which something is sent from being dropped; return which were not."""
        held = []
        for number in dict.fromkeys(run.number for run in runs):
            file = self._files.get(number)
            if file is not None and file.stored and not file.in_flight:
                self._onboard.recorder.hold(file)
                held.append(file)
        return held

    def _until(self, tick: int) -> simpy.Event:
        env = self._onboard.env
        return self._onboard.unless_power_fails(env.timeout(tick - env.now))

    def _draw(self, sign: int) -> None:
        bus = self._onboard.bus
        if bus is not None:
            bus.draw(sign * bus.setup.transmitting)

    def _open(self, contact: Contact) -> None:
        """Begin a session: timers begin anew, and what was sent is protected in the recorder."""
        self._session += 1
        if self._transfer.acknowledged:
            self._uplink = Uplink(self._onboard, self._transfer, contact, self._seed, self._receive)
        again = contact is self._contact
        if not again:
            self._suspended.clear()
            self._contact = contact
        for number, file in self._files.items():
            sender = _sender(file)
            if file.stored and not sender.remaining and not file.in_flight:
                self._onboard.recorder.hold(file)
            if number in self._awaiting and number not in self._suspended:
                if not again:
                    sender.resume()
                self._start_timer(number, sender)
        self.ground.open_session(contact, self._uplink)

    def _close(self) -> None:
        """End a session: everything that is under way stops, and files wait for the next one."""
        self._session += 1
        self.ground.close_session()
        if self._uplink is not None:
            self._uplink.close()
            self._uplink = None
        self._current = None
        for file in self._files.values():
            if file.stored and file.in_flight:
                self._onboard.recorder.put_back(file)

    def _next_runs(self) -> list[PduRun]:
        """Return what to send next; empty where there is nothing."""
        pdus, frames = self._transfer.pdus, self._onboard.frames
        runs = [PduRun(number, PduKind.ACK_FINISHED, pdus.ack) for number in self._ended]
        for number in self._unknown:
            size = frames[number].encoded_bytes
            runs.append(PduRun(number, PduKind.EOF_CANCEL, pdus.eof(size, cancelled=True)))
        for number in self._due:
            sender = _sender(self._files[number])
            if sender.metadata_due:
                runs.append(self._metadata(number, sender))
            if sender.eof_due:
                runs.append(self._eof(number, sender))
        if runs:
            return runs
        if self._requested:
            number = next(iter(self._requested))
            sender = _sender(self._files[number])
            overhead = pdus.file_data_overhead(sender.size)
            return [
                PduRun(number, PduKind.RESENT, overhead, start, end, sender.segment)
                for start, end in sender.take_requests()
            ]
        if self._current is None:
            self._current = self._onboard.recorder.next_to_send()
            if self._current is None:
                return []
            self._files[self._current.number] = self._current
        file = self._current
        sender = _sender(file)
        if sender.metadata_due:
            runs.append(self._metadata(file.number, sender))
        overhead = pdus.file_data_overhead(sender.size)
        runs += [
            PduRun(file.number, PduKind.DATA, overhead, sender.sent, sender.size, sender.segment),
            self._eof(file.number, sender),
        ]
        return runs

    def _metadata(self, number: int, sender: Sender) -> PduRun:
        size = self._transfer.pdus.metadata(sender.size, self._transfer.name_bytes)
        return PduRun(number, PduKind.METADATA, size)

    def _eof(self, number: int, sender: Sender) -> PduRun:
        cancelled = sender.state is SenderState.CANCELLING
        kind = PduKind.EOF_CANCEL if cancelled else PduKind.EOF
        return PduRun(number, kind, self._transfer.pdus.eof(sender.size, cancelled=cancelled))

    def _cross(
        self, contact: Contact, use: ContactUse, runs: list[PduRun], sent: int, started: int
    ) -> None:
        """Book what crossed, tell the senders what was sent and the receivers what arrived."""
        crossing = Crossing(self._onboard, contact, use)
        arrivals: list[tuple[PduRun, bool, list[tuple[int, int]]]] = []
        for run in runs:
            part = min(sent, run.bytes)
            sent -= part
            if part and (record := self._onboard.frames[run.number]).first_sent < 0:
                record.first_sent = started
            arrived = crossing.run(run, part, accepted=self.ground.accepts(run.number))
            whole = run.whole(part)
            came = bool(arrived) or (whole > 0 and not run.segment and not run.lost)
            arrivals.append((run, came, arrived))
            self._sent(run, whole)
        crossing.book()
        for number in dict.fromkeys(run.number for run in runs):
            self._refresh(number)
        for run, came, arrived in arrivals:
            if came and (not run.segment or self.ground.accepts(run.number)):
                self.ground.arrive(run.number, run.kind, arrived, contact.station)
            elif run.lost and run.kind in (PduKind.EOF, PduKind.EOF_CANCEL):
                self.ground.eof_lost(run.number, contact.station)

    def _sent(self, run: PduRun, whole: int) -> None:
        """Tell the sender of a file which PDUs of a run were sent in full."""
        if run.kind is PduKind.ACK_FINISHED:
            if whole:
                self._ended.pop(run.number, None)
            return
        file = self._files.get(run.number)
        if file is None:
            if whole:
                self._unknown.pop(run.number, None)
            return
        sender = _sender(file)
        match run.kind:
            case PduKind.METADATA:
                if whole:
                    sender.metadata_sent()
            case PduKind.DATA:
                sender.data_sent(run.span(0, whole)[1])
            case PduKind.RESENT:
                rest = run.span(whole, run.count)
                if rest[0] < rest[1]:
                    sender.put_back_requests([rest])
            case PduKind.EOF | PduKind.EOF_CANCEL:
                if whole:
                    sender.eof_sent()
                    if sender.awaits_ack:
                        self._start_timer(run.number, sender)

    def _refresh(self, number: int) -> None:
        """Bring the lists of what has to be sent up to date with a file's sender."""
        file = self._files.get(number)
        if file is None:
            return
        sender = _sender(file)
        if file is self._current and not sender.remaining:
            self._current = None
        is_current = file is self._current
        for member, numbers in (
            (sender.eof_due or (sender.metadata_due and not is_current), self._due),
            (sender.requested_bytes > 0, self._requested),
            (sender.awaits_ack, self._awaiting),
        ):
            if member:
                numbers.setdefault(number)
            else:
                numbers.pop(number, None)
        if not sender.awaits_ack:
            self._suspended.discard(number)
        if sender.complete:
            del self._files[number]
            self._conditions[sender.condition] += 1
            if file is self._current:
                self._current = None
            if file.stored:
                self._store.free(file)
                record = self._onboard.frames[number]
                if record.state is FrameState.STORED:
                    record.state = FrameState.SENT

    def _receive(self, number: int, pdu: UplinkPdu) -> None:
        """Act on a PDU from the ground."""
        file = self._files.get(number)
        if isinstance(pdu, Finished):
            self._ended.setdefault(number)  # acknowledged even if the transaction is long over
        elif isinstance(pdu, Nak) and file is None:
            self._unknown.setdefault(number)
        if file is not None:
            _sender(file).receive(pdu)
            self._refresh(number)
        if not isinstance(pdu, AckEof):
            self._urgent.notify()
        self._store.file_arrived.notify()

    def _start_timer(self, number: int, sender: Sender) -> None:
        if self._transfer.acknowledged:
            self._onboard.env.call_later(
                self._transfer.ack_ticks,
                partial(self._ack_timer, number, sender, sender.eofs_sent, self._session),
            )

    def _ack_timer(self, number: int, sender: Sender, eofs_sent: int, session: int) -> None:
        if session != self._session or eofs_sent != sender.eofs_sent or not sender.awaits_ack:
            return
        if not sender.ack_timer_expired(self._transfer.limit):
            file = self._files[number]
            if not self._transfer.gives_up:
                self._suspended.add(number)
            elif sender.state is SenderState.CANCELLING:
                sender.abandon()
            else:
                sender.cancel(Condition.ACK_LIMIT)
                self._store.give_up(file, NO_ACKNOWLEDGEMENT)
        if sender.eof_due:
            self._urgent.notify()
        self._refresh(number)
        self._store.file_arrived.notify()

    def _dropped(self, file: StoredFile) -> None:
        """Cancel the transaction of a file that the recorder has dropped."""
        _sender(file).cancel(Condition.CANCELLED)
        self._refresh(file.number)


def _sender(file: StoredFile) -> Sender:
    sender = file.transfer
    if not isinstance(sender, Sender):
        raise TypeError(f"frame {file.number} has another transfer: {sender!r}")
    return sender
