"""Books, records and events of what crosses a downlink by CFDP, and of deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...link.channel.packets import Span
from .events import Event
from .ledger import CUT_OFF, TRANSFER_ENDED, Book
from .onboard import Onboard
from .pdu_runs import CARRIES_DATA, PduRun
from .records import ContactUse, FrameState
from .setup import Contact


@dataclass(slots=True)
class _Tally:
    """Bytes of one file that crossed in one transmission."""

    sent: int = 0
    new: int = 0
    duplicate: int = 0
    overhead: int = 0
    lost: dict[str, int] = field(default_factory=dict)


class Crossing:
    """Books one transmission: runs of PDUs that followed each other over a contact.

    Args:
        onboard: The sender's state.
        contact: The contact.
        use: The use of the contact.
    """

    def __init__(self, onboard: Onboard, contact: Contact, use: ContactUse) -> None:
        self._onboard = onboard
        self._contact = contact
        self._use = use
        self._tallies: dict[int, _Tally] = {}

    def run(self, run: PduRun, sent: int, *, accepted: bool) -> list[Span]:
        """Count a run of which `sent` bytes were sent; return the file data that arrived.

        Args:
            run: The run, with its losses.
            sent: Bytes of it that crossed.
            accepted: Whether the ground still wants data of the file.
        """
        onboard = self._onboard
        whole = run.whole(sent)
        lost = run.lost_bytes(whole)
        crossed = run.bytes if whole == run.count else whole * run.pdu
        arrived = run.arrived(whole) if run.kind in CARRIES_DATA else []
        data = sum(end - start for start, end in arrived)
        overhead = crossed - sum(lost.values()) - data
        if data and not accepted:
            arrived, lost[TRANSFER_ENDED] = [], data
        if sent > crossed:
            lost[CUT_OFF] = sent - crossed
        record = onboard.frames[run.number]
        new, duplicate = 0, 0
        if arrived:
            new, duplicate = onboard.received.receive(run.number, record.encoded_bytes, arrived)
        tally = self._tallies.get(run.number)
        if tally is None:
            tally = self._tallies[run.number] = _Tally()
        tally.sent += sent
        tally.new += new
        tally.duplicate += duplicate
        tally.overhead += overhead
        for cause, amount in lost.items():
            tally.lost[cause] = tally.lost.get(cause, 0) + amount
        return arrived

    def book(self) -> None:
        """Book all runs of the transmission, and then record its events, file by file."""
        onboard, use = self._onboard, self._use
        move = onboard.ledger.move
        for number, tally in self._tallies.items():
            move(Book.AIR, "sent", "new", tally.new)
            move(Book.AIR, "sent", "duplicate", tally.duplicate)
            move(Book.AIR, "sent", "overhead", tally.overhead)
            for cause, amount in tally.lost.items():
                move(Book.AIR, "sent", "lost", amount, cause)
            record = onboard.frames[number]
            delivered = record.state is FrameState.DELIVERED
            move(Book.GROUND, "new", "delivered" if delivered else "partial", tally.new)
            record.received_bytes += tally.new
            record.duplicate_bytes += tally.duplicate
            if delivered:
                onboard.delivered_bytes += tally.new
            use.sent_bytes += tally.sent
            use.received_bytes += tally.new
            use.lose(tally.lost)
        for number, tally in self._tallies.items():
            target = onboard.frames[number].capture.target
            for event, amount, cause in (
                (Event.SEND, tally.sent, ""),
                (Event.RECEIVE, tally.new, ""),
                (Event.DUPLICATE, tally.duplicate, ""),
                *((Event.LOSE, amount, cause) for cause, amount in tally.lost.items()),
            ):
                if amount:
                    onboard.log(
                        event,
                        frame=number,
                        target=target,
                        station=self._contact.station,
                        amount=amount,
                        cause=cause,
                    )


def deliver(onboard: Onboard, number: int, station: int) -> None:
    """Book a frame as delivered: its transfer has ended on the ground, whole or damaged."""
    record = onboard.frames[number]
    if record.state in (FrameState.DELIVERED, FrameState.DROPPED):
        return
    record.state = FrameState.DELIVERED
    record.delivered = onboard.env.now
    record.station = station
    onboard.ledger.move(Book.GROUND, "partial", "delivered", record.received_bytes)
    onboard.delivered_bytes += record.received_bytes
    onboard.log(
        Event.DELIVER,
        frame=number,
        target=record.capture.target,
        station=station,
        amount=record.received_bytes,
    )
