"""The recorder with its books: stores encoded frames, drops them for others, and frees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...link.channel.transfer import AcknowledgedPrefix
from ...payload.recorder import StoredFile
from .events import Event
from .ledger import Book
from .onboard import Onboard, Wakeup
from .records import FrameRecord, FrameState

RECORDER_FULL: Final = "recorder full"
GAVE_WAY: Final = "gave way in recorder"
GAVE_WAY_DELIVERED: Final = "gave way in recorder, delivered but not yet confirmed"


class FrameStore:
    """Moves frames into and out of the recorder, and keeps books, records and events consistent.

    Attributes:
        file_arrived: Wakes the transmitter when it waits for the next file.
    """

    def __init__(self, onboard: Onboard) -> None:
        self._onboard = onboard
        self._ask_for_link: Callable[[], None] = lambda: None
        self.file_arrived = Wakeup(onboard.env)

    def connect(self, ask_for_link: Callable[[], None]) -> None:
        """Set the function to call when there is something new to send."""
        self._ask_for_link = ask_for_link

    def store(self, record: FrameRecord) -> None:
        """Store an encoded frame. Other frames may be dropped for it, or it is dropped itself."""
        onboard = self._onboard
        capture, size = record.capture, record.encoded_bytes
        transfer = AcknowledgedPrefix(size, onboard.setup.packet)
        victims = onboard.recorder.store(
            StoredFile(capture.number, size, capture.priority, transfer)
        )
        if victims is None:
            onboard.ledger.move(Book.FILES, "encoded", "dropped", size, RECORDER_FULL)
            self.drop(record, RECORDER_FULL, size)
            return
        for victim in victims:
            cause = self._why_dropped(victim)
            onboard.ledger.move(Book.FILES, "recorder", "dropped", victim.size, cause)
        onboard.ledger.move(Book.FILES, "encoded", "recorder", size)
        record.state = FrameState.STORED
        record.stored = onboard.env.now
        for victim in victims:
            self.drop(onboard.frames[victim.number], self._why_dropped(victim), victim.size)
        onboard.log(Event.STORE, frame=capture.number, target=capture.target, amount=size)
        self.file_arrived.notify()
        self._ask_for_link()

    def drop(self, record: FrameRecord, cause: str, amount: int) -> None:
        """Record that a frame was dropped, unless it has been delivered already."""
        onboard = self._onboard
        if record.state is not FrameState.DELIVERED:
            record.state = FrameState.DROPPED
            record.drop_cause = cause
            onboard.ledger.move(Book.GROUND, "partial", "abandoned", record.received_bytes, cause)
        onboard.log(
            Event.DROP,
            frame=record.capture.number,
            target=record.capture.target,
            amount=amount,
            cause=cause,
        )

    def free(self, file: StoredFile) -> None:
        """Free the memory of a file that the ground has acknowledged completely."""
        onboard = self._onboard
        onboard.recorder.release(file)
        onboard.ledger.move(Book.FILES, "recorder", "released", file.size)
        onboard.log(
            Event.FREE,
            frame=file.number,
            target=onboard.frames[file.number].capture.target,
            amount=file.size,
        )

    def _why_dropped(self, victim: StoredFile) -> str:
        delivered = self._onboard.frames[victim.number].state is FrameState.DELIVERED
        return GAVE_WAY_DELIVERED if delivered else GAVE_WAY
