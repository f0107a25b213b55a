"""The ground's CFDP entity for one satellite: its files' receivers, with their timers.

Stations forward what they receive, so a transaction that begins over one station may end over
another. Timers stand still while there is no session and begin anew with the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...link.channel.packets import Span
from ...link.channel.transfer.pdus import UplinkPdu
from ...link.channel.transfer.receiver import Receiver, ReceiverState, ReceiverTimer
from .crossing import deliver
from .onboard import Onboard
from .pdu_runs import PduKind
from .setup import Contact, TransferSetup
from .uplink import Uplink


@dataclass(slots=True)
class _Reception:
    """A file's receiver and its timer.

    Attributes:
        receiver: The receiver.
        station: The station over which its last PDU came.
        deadline: Tick at which its timer expires.
        armed: Session in which a call at the deadline or before is due; −1 for none.
    """

    receiver: Receiver
    station: int
    deadline: int = 0
    armed: int = -1


class ReceivingEntity:
    """Receives the files of one satellite.

    Args:
        onboard: The satellite, with its books.
        transfer: Class, timers and limits.
        wake: Called when the session may have to go on or to end.

    Attributes:
        on_air: Number of the file whose requested data is being sent, or −1.
    """

    def __init__(self, onboard: Onboard, transfer: TransferSetup, wake: Callable[[], None]) -> None:
        self._onboard = onboard
        self._transfer = transfer
        self._wake = wake
        self._receptions: dict[int, _Reception] = {}
        self._waiting: dict[int, _Reception] = {}  # those whose timer has to run
        self._suspended: set[int] = set()  # a part of them: no effect in `_contact`
        self._contact: Contact | None = None
        self._uplink: Uplink | None = None
        self._session = 0
        self.on_air = -1

    def open_session(self, contact: Contact, uplink: Uplink | None) -> None:
        """Begin a session; all timers begin anew."""
        self._uplink = uplink
        self._session += 1
        if contact is not self._contact:
            self._suspended.clear()
            self._contact = contact
            for reception in self._waiting.values():
                reception.receiver.resume()
        for number, reception in self._waiting.items():
            if number not in self._suspended:
                self._restart(number, reception)

    def close_session(self) -> None:
        """End a session; timers stand still."""
        self._session += 1
        self._uplink = None

    def wants(self, contact: Contact) -> bool:
        """Whether a session over a contact would be of use to the ground."""
        idle = len(self._suspended) if contact is self._contact else 0
        return len(self._waiting) > idle

    def accepts(self, number: int) -> bool:
        """Whether data of a file is still wanted."""
        reception = self._receptions.get(number)
        return reception is None or reception.receiver.state in (
            ReceiverState.RECEIVING,
            ReceiverState.AWAIT_DATA,
        ) or reception.receiver.whole  # fmt: skip

    def arrive(self, number: int, kind: PduKind, spans: Sequence[Span], station: int) -> None:
        """Act on PDUs of one kind that have arrived; `spans` is their file data."""
        reception = self._reception(number, station)
        receiver = reception.receiver
        before = receiver.state
        answers: list[UplinkPdu] = []
        match kind:
            case PduKind.METADATA:
                answers = receiver.metadata()
            case PduKind.DATA | PduKind.RESENT:
                answers = receiver.data(spans)
            case PduKind.EOF:
                answers = receiver.eof()
            case PduKind.EOF_CANCEL:
                answers = receiver.cancelled()
            case PduKind.ACK_FINISHED:
                receiver.finished_acknowledged()
        # An EOF that comes again says nothing about the missing data.
        again = kind is PduKind.EOF and receiver.state is before
        self._after(number, reception, before, answers, progress=not again)

    def eof_lost(self, number: int, station: int) -> None:
        """Expect nothing more of an unacknowledged file after the time of inactivity."""
        reception = self._reception(number, station)

        def end() -> None:
            before = reception.receiver.state
            reception.receiver.inactive()
            self._after(number, reception, before, [])

        if not self._transfer.acknowledged:
            self._onboard.env.call_later(self._transfer.inactivity_ticks, end)

    def open_transactions(self) -> dict[str, int]:
        """Return the number of transactions that have not ended, by what they wait for."""
        states = Counter(str(one.receiver.state) for one in self._receptions.values())
        del states[str(ReceiverState.CLOSED)]
        return dict(sorted(states.items()))

    def _reception(self, number: int, station: int) -> _Reception:
        reception = self._receptions.get(number)
        if reception is None:
            size, transfer = self._onboard.frames[number].encoded_bytes, self._transfer
            reception = _Reception(
                Receiver(
                    size,
                    self._onboard.received.open(number, size).arrived,
                    requests_per_nak=transfer.pdus.requests_per_nak(size, transfer.uplink_packet),
                    acknowledged=transfer.acknowledged,
                    immediate=transfer.immediate_nak,
                ),
                station,
            )
            self._receptions[number] = reception
        reception.station = station
        return reception

    def _after(
        self,
        number: int,
        reception: _Reception,
        before: ReceiverState,
        answers: Sequence[UplinkPdu],
        *,
        progress: bool = True,
    ) -> None:
        """Send answers, deliver what has ended, and begin the timer anew if there is progress."""
        receiver, uplink = reception.receiver, self._uplink
        if receiver.state is not before and self._has_ended(receiver):
            deliver(self._onboard, number, reception.station)
        if uplink is not None:
            size = self._onboard.frames[number].encoded_bytes
            for answer in answers:
                uplink.send(number, answer, self._transfer.pdus.uplink_pdu(answer, size))
        if receiver.timer is None:
            self._waiting.pop(number, None)
            self._suspended.discard(number)
        elif progress:
            self._waiting[number] = reception
            self._suspended.discard(number)
            self._restart(number, reception)

    def _has_ended(self, receiver: Receiver) -> bool:
        """Return whether the file is as whole as it will get, and not given up by its sender."""
        return receiver.state is ReceiverState.AWAIT_ACK or (
            receiver.state is ReceiverState.CLOSED and not self._transfer.acknowledged
        )

    def _restart(self, number: int, reception: _Reception) -> None:
        if self._uplink is None:
            return
        transfer, now = self._transfer, self._onboard.env.now
        nak = reception.receiver.timer is ReceiverTimer.NAK
        # The answer cannot come before what is queued has been sent.
        begin = max(now, self._uplink.free_at)
        reception.deadline = begin + (transfer.nak_ticks if nak else transfer.ack_ticks)
        if reception.armed != self._session:
            self._arm(number, reception)

    def _arm(self, number: int, reception: _Reception) -> None:
        reception.armed = self._session
        self._onboard.env.call_later(
            reception.deadline - self._onboard.env.now,
            partial(self._due, number, reception, self._session),
        )

    def _due(self, number: int, reception: _Reception, session: int) -> None:
        if session != self._session:
            return
        reception.armed = -1
        receiver = reception.receiver
        if receiver.timer is None or number in self._suspended:
            return
        if self._onboard.env.now < reception.deadline:
            self._arm(number, reception)
            return
        if number == self.on_air:
            self._restart(number, reception)  # requested data is arriving just now
            return
        before = receiver.state
        answers = receiver.timer_expired(self._transfer.limit)
        if answers is None and self._transfer.gives_up:
            answers = receiver.give_up() or None
        if answers is None:
            self._suspended.add(number)
            self._wake()
            return
        self._after(number, reception, before, answers)
        self._wake()
