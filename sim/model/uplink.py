"""The uplink of one session: PDUs of the ground follow each other at its rate, and may be lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from ...link.channel.downlink import PACKET_LOSS
from ...link.channel.transfer.pdus import UplinkPdu
from ...link.clock import TICKS_PER_SECOND
from .events import Event
from .ledger import CUT_OFF, Book
from .onboard import Onboard
from .setup import Contact, TransferSetup


class Uplink:
    """Sends the PDUs of files' receivers to one satellite, while a session lasts.

    A PDU that is already under way is not queued again. What is under way when the session ends is
    lost.

    Args:
        onboard: The satellite, with its books.
        transfer: Rate, delay and loss of the uplink.
        contact: The contact; it adds the signal's way there and back.
        seed: Seed of the losses.
        deliver: Called with a file's number and the PDU when it has been processed on board.
    """

    def __init__(
        self,
        onboard: Onboard,
        transfer: TransferSetup,
        contact: Contact,
        seed: int,
        deliver: Callable[[int, UplinkPdu], None],
    ) -> None:
        self._onboard = onboard
        self._rate = transfer.uplink_rate
        self._loss = transfer.uplink_loss
        self._delay = transfer.uplink_delay + 2 * contact.light_ticks
        self._station = contact.station
        self._seed = seed
        self._deliver = deliver
        self._under_way: dict[tuple[int, UplinkPdu], int] = {}
        self._open = True
        self.free_at = onboard.env.now
        """Tick at which everything in the queue has been sent."""

    def send(self, number: int, pdu: UplinkPdu, size: int) -> None:
        """Queue a PDU of `size` bytes about the file `number`."""
        if (number, pdu) in self._under_way:
            return
        onboard = self._onboard
        now = onboard.env.now
        self.free_at = max(now, self.free_at) - (-size * 8 * TICKS_PER_SECOND // self._rate)
        self._under_way[number, pdu] = size
        onboard.ledger.move(Book.UPLINK, "sent", "under way", size)
        onboard.log(
            Event.UPLINK,
            frame=number,
            target=onboard.frames[number].capture.target,
            station=self._station,
            amount=size,
        )
        onboard.env.call_later(
            self.free_at + self._delay - now, partial(self._arrive, number, pdu, size)
        )

    def close(self) -> None:
        """End the session: what is under way does not arrive."""
        self._open = False
        rest = sum(self._under_way.values())
        self._under_way.clear()
        if rest:
            self._onboard.ledger.move(Book.UPLINK, "under way", "lost", rest, CUT_OFF)

    def _arrive(self, number: int, pdu: UplinkPdu, size: int) -> None:
        if not self._open:
            return
        del self._under_way[number, pdu]
        ledger, now = self._onboard.ledger, self._onboard.env.now
        if self._loss:
            kind = type(pdu).__name__
            key = f"{self._seed}/{self._onboard.setup.name}/uplink/{number}/{kind}/{now}"
            if random.Random(key).random() < self._loss:  # noqa: S311 - a seeded draw
                ledger.move(Book.UPLINK, "under way", "lost", size, PACKET_LOSS)
                return
        ledger.move(Book.UPLINK, "under way", "received", size)
        self._deliver(number, pdu)
