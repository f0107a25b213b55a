"""Books, records and events of what crosses a downlink by CFDP, and of deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...link.channel.packets import Span
from .events import Event
from .ledger import Book
from .onboard import Onboard
from .pdu_runs import CARRIES_DATA, PduRun
from .records import ContactUse, FrameState
from .setup import Contact

CUT_OFF: Final = "cut off"
PACKET_LOSS: Final = "packet loss"
TRANSFER_ENDED: Final = "transfer had ended"


@dataclass(slots=True)
class _Tally:
    """Bytes of one file that crossed in one transmission."""

    sent: int = 0
    new: int = 0
    duplicate: int = 0
    lost: int = 0
    late: int = 0
    cut_off: int = 0


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
        """Book a run of which `sent` bytes were sent; return the file data that arrived.

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
        overhead = crossed - lost - data
        late = 0
        if not accepted:
            arrived, late, data = [], data, 0
        record = onboard.frames[run.number]
        new, duplicate = 0, 0
        if arrived:
            new, duplicate = onboard.received.receive(run.number, record.encoded_bytes, arrived)
        move = onboard.ledger.move
        move(Book.AIR, "sent", "new", new)
        move(Book.AIR, "sent", "duplicate", duplicate)
        move(Book.AIR, "sent", "overhead", overhead)
        if lost:
            move(Book.AIR, "sent", "lost", lost, PACKET_LOSS)
        if late:
            move(Book.AIR, "sent", "lost", late, TRANSFER_ENDED)
        if sent > crossed:
            move(Book.AIR, "sent", "lost", sent - crossed, CUT_OFF)
        delivered = record.state is FrameState.DELIVERED
        move(Book.GROUND, "new", "delivered" if delivered else "partial", new)
        record.received_bytes += new
        record.duplicate_bytes += duplicate
        if delivered:
            onboard.delivered_bytes += new
        self._use.sent_bytes += sent
        self._use.received_bytes += new
        tally = self._tallies.setdefault(run.number, _Tally())
        tally.sent += sent
        tally.new += new
        tally.duplicate += duplicate
        tally.lost += lost
        tally.late += late
        tally.cut_off += sent - crossed
        return arrived

    def log(self) -> None:
        """Record the events of the transmission, file by file."""
        onboard = self._onboard
        for number, tally in self._tallies.items():
            target = onboard.frames[number].capture.target
            for event, amount, cause in (
                (Event.SEND, tally.sent, ""),
                (Event.RECEIVE, tally.new, ""),
                (Event.DUPLICATE, tally.duplicate, ""),
                (Event.LOSE, tally.lost, PACKET_LOSS),
                (Event.LOSE, tally.late, TRANSFER_ENDED),
                (Event.LOSE, tally.cut_off, CUT_OFF),
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
