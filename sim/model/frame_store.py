"""The recorder with its books: stores encoded frames, drops them for others, and frees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...link.channel.transfer import ResumableTransfer, Transfer
from ...link.channel.transfer.sender import Sender
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
        self._on_drop: Callable[[StoredFile], None] | None = None
        self.file_arrived = Wakeup(onboard.env)

    def connect(self, ask_for_link: Callable[[], None]) -> None:
        """Set the function to call when there is something new to send."""
        self._ask_for_link = ask_for_link

    def on_drop(self, call: Callable[[StoredFile], None]) -> None:
        """Set the function to call with each file that is dropped from the recorder."""
        self._on_drop = call

    def store(self, record: FrameRecord) -> None:
        """Store an encoded frame. Other frames may be dropped for it, or it is dropped itself."""
        onboard = self._onboard
        capture, size = record.capture, record.encoded_bytes
        origin = "waiting" if onboard.waiting_bytes else "encoded"
        onboard.waiting_bytes = 0
        victims = onboard.recorder.store(
            StoredFile(capture.number, size, capture.priority, self._transfer(size))
        )
        if victims is None:
            onboard.ledger.move(Book.FILES, origin, "dropped", size, RECORDER_FULL)
            self.drop(record, RECORDER_FULL, size)
            return
        for victim in victims:
            cause = self._why_dropped(victim)
            onboard.ledger.move(Book.FILES, "recorder", "dropped", victim.size, cause)
        onboard.ledger.move(Book.FILES, origin, "recorder", size)
        record.state = FrameState.STORED
        record.stored = onboard.env.now
        for victim in victims:
            self.drop(onboard.frames[victim.number], self._why_dropped(victim), victim.size)
            if self._on_drop is not None:
                self._on_drop(victim)
        onboard.log(Event.STORE, frame=capture.number, target=capture.target, amount=size)
        self.announce()

    def announce(self) -> None:
        """Tell the transmitter and the network that there is something to send."""
        self.file_arrived.notify()
        self._ask_for_link()

    def keep_waiting(self, record: FrameRecord) -> None:
        """Book an encoded frame as one that waits for room in the recorder."""
        onboard = self._onboard
        onboard.ledger.move(Book.FILES, "encoded", "waiting", record.encoded_bytes)
        onboard.waiting_bytes = record.encoded_bytes

    def shrink(self, file: StoredFile | None, size: int, saved: int) -> None:
        """Put a requantised frame into the place of the frame before.

        Args:
            file: The frame's file, which is held in the recorder; None for the frame that waits.
            size: Bytes of the requantised frame.
            saved: Bytes by which it became smaller.
        """
        onboard = self._onboard
        origin = "waiting" if file is None else "recorder"
        onboard.ledger.move(Book.FILES, origin, "requantised", saved)
        if file is None:
            onboard.waiting_bytes -= saved
        else:
            onboard.recorder.replace(file, size, self._transfer(size))

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
        """Free the memory of a file whose transfer is complete."""
        onboard = self._onboard
        onboard.recorder.release(file)
        onboard.ledger.move(Book.FILES, "recorder", "released", file.size)
        onboard.log(
            Event.FREE,
            frame=file.number,
            target=onboard.frames[file.number].capture.target,
            amount=file.size,
        )

    def give_up(self, file: StoredFile, cause: str) -> None:
        """Drop a file that was sent but that the ground never acknowledges."""
        onboard = self._onboard
        onboard.recorder.release(file)
        onboard.ledger.move(Book.FILES, "recorder", "dropped", file.size, cause)
        self.drop(onboard.frames[file.number], cause, file.size)

    def _transfer(self, size: int) -> Transfer:
        """Return the transfer of a new file, as the satellite's setup says."""
        setup = self._onboard.setup
        if setup.transfer is None:
            return ResumableTransfer(size, setup.packet)
        return Sender(size, setup.packet, acknowledged=setup.transfer.acknowledged)

    def _why_dropped(self, victim: StoredFile) -> str:
        delivered = self._onboard.frames[victim.number].state is FrameState.DELIVERED
        return GAVE_WAY_DELIVERED if delivered else GAVE_WAY
