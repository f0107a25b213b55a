"""The sending end of one file's transaction by CFDP, class 1 or class 2 (CCSDS 727.0-B-5, 4.6).

```
class 2    SENDING ──EOF sent──► AWAIT_ACK ──ACK(EOF)──► AWAIT_FINISHED ──Finished──► ENDED
              └───────┬──────────────┴─────────────────────────┘                        ▲
                    cancel ─► CANCELLING ── ACK(EOF (cancel)) or Finished ──────────────┘
class 1    SENDING ──EOF sent──► ENDED;   SENDING ──cancel──► CANCELLING ──EOF sent──► ENDED
```

A `Sender` knows neither the clock nor the channel. Whoever drives it asks what to send, reports
what was sent, passes on what the receiver answered, and tells it when its timer has expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from ..packets import ByteRanges, Span
from .pdus import METADATA_REQUEST, AckEof, Condition, Finished, Nak, UplinkPdu


class SenderState(StrEnum):
    """How far the sending end has come."""

    SENDING = "sending"
    AWAIT_ACK = "awaiting ACK(EOF)"
    AWAIT_FINISHED = "awaiting Finished"
    CANCELLING = "cancelling"
    ENDED = "ended"


class SenderEvent(StrEnum):
    """What moves the sending end from one state to another."""

    EOF_SENT = "EOF sent"
    ACK = "ACK(EOF)"
    FINISHED = "Finished"
    CANCEL = "cancel"
    CANCEL_SENT = "EOF (cancel) sent"
    CANCEL_ACK = "ACK(EOF (cancel))"


Transitions = Mapping[tuple[SenderState, SenderEvent], SenderState]

ACKNOWLEDGED: Final[Transitions] = {
    (SenderState.SENDING, SenderEvent.EOF_SENT): SenderState.AWAIT_ACK,
    (SenderState.SENDING, SenderEvent.FINISHED): SenderState.ENDED,
    (SenderState.SENDING, SenderEvent.CANCEL): SenderState.CANCELLING,
    (SenderState.AWAIT_ACK, SenderEvent.ACK): SenderState.AWAIT_FINISHED,
    (SenderState.AWAIT_ACK, SenderEvent.FINISHED): SenderState.ENDED,
    (SenderState.AWAIT_ACK, SenderEvent.CANCEL): SenderState.CANCELLING,
    (SenderState.AWAIT_FINISHED, SenderEvent.FINISHED): SenderState.ENDED,
    (SenderState.AWAIT_FINISHED, SenderEvent.CANCEL): SenderState.CANCELLING,
    (SenderState.CANCELLING, SenderEvent.CANCEL_ACK): SenderState.ENDED,
    (SenderState.CANCELLING, SenderEvent.FINISHED): SenderState.ENDED,
}
"""The transitions of class 2. An event without an entry is late or repeated and changes nothing."""

UNACKNOWLEDGED: Final[Transitions] = {
    (SenderState.SENDING, SenderEvent.EOF_SENT): SenderState.ENDED,
    (SenderState.SENDING, SenderEvent.CANCEL): SenderState.CANCELLING,
    (SenderState.CANCELLING, SenderEvent.CANCEL_SENT): SenderState.ENDED,
}
"""The transitions of class 1."""


class Sender:
    """The sending end of one file.

    Attributes:
        size: Bytes of the file.
        segment: Bytes of the file in one File Data PDU; the last of a file may be shorter.
        state: How far it has come.
        condition: Why it ended, or why it is being cancelled.
        sent: Bytes from the file's start that were sent at least once.
        metadata_due: Whether the metadata has to be sent (again).
        eof_due: Whether the EOF, or the EOF (cancel), has to be sent (again).
        eofs_sent: How often an EOF was sent; it tells the driver which timer is the last one.
        expirations: How often the timer of the EOF has expired without an answer.
    """

    __slots__ = (
        "_requested",
        "_transitions",
        "condition",
        "eof_due",
        "eofs_sent",
        "expirations",
        "metadata_due",
        "segment",
        "sent",
        "size",
        "state",
    )

    def __init__(self, size: int, segment: int, *, acknowledged: bool) -> None:
        self.size = size
        self.segment = segment
        self._transitions = ACKNOWLEDGED if acknowledged else UNACKNOWLEDGED
        self.state = SenderState.SENDING
        self.condition = Condition.NO_ERROR
        self.sent = 0
        self.metadata_due = True
        self.eof_due = False
        self.eofs_sent = 0
        self.expirations = 0
        self._requested = ByteRanges()

    @property
    def remaining(self) -> int:
        """Bytes of the file that still have to be sent for the first time."""
        return self.size - self.sent

    @property
    def begun(self) -> bool:
        """Whether anything of the file has been sent."""
        return self.sent > 0 or not self.metadata_due or self.eofs_sent > 0

    @property
    def complete(self) -> bool:
        """Whether the transaction has ended, so that the file's memory may be freed."""
        return self.state is SenderState.ENDED

    @property
    def awaits_ack(self) -> bool:
        """Whether an EOF was sent and its acknowledgement is still missing."""
        waiting = self.state in (SenderState.AWAIT_ACK, SenderState.CANCELLING)
        return waiting and not self.eof_due

    @property
    def requested_bytes(self) -> int:
        """Bytes that the receiver has requested and that were not yet sent again."""
        return self._requested.total

    def take_requests(self) -> list[Span]:
        """Return the requested ranges, which the caller now sends; see `put_back_requests`."""
        spans = list(self._requested)
        self._requested = ByteRanges()
        return spans

    def put_back_requests(self, spans: Iterable[Span]) -> None:
        """Take requested ranges back that could not be sent."""
        if self.state in (SenderState.ENDED, SenderState.CANCELLING):
            return
        for start, end in spans:
            self._requested.add(start, end)

    def metadata_sent(self) -> None:
        """Take note that the metadata was sent."""
        self.metadata_due = False

    def data_sent(self, end: int) -> None:
        """Take note that the file was sent for the first time up to a position.

        Raises:
            ValueError: The position is behind what was sent, beyond the end, or within a segment.
        """
        if not self.sent <= end <= self.size or (end % self.segment and end != self.size):
            raise ValueError(
                f"sent up to byte {end} of {self.size}, in segments of {self.segment} bytes; "
                f"sent before: {self.sent}"
            )
        self.sent = end
        if end == self.size and self.state is SenderState.SENDING:
            self.eof_due = True

    def eof_sent(self) -> None:
        """Take note that the EOF, or the EOF (cancel), was sent."""
        self.eof_due = False
        self.eofs_sent += 1
        cancelling = self.state is SenderState.CANCELLING
        self._step(SenderEvent.CANCEL_SENT if cancelling else SenderEvent.EOF_SENT)

    def receive(self, pdu: UplinkPdu) -> None:
        """Act on what the receiver sent. What is late or repeated changes nothing.

        Raises:
            ValueError: A NAK asks for bytes that the file does not have.
        """
        match pdu:
            case AckEof(cancelled=cancelled):
                self._step(SenderEvent.CANCEL_ACK if cancelled else SenderEvent.ACK)
                self.expirations = 0
            case Finished(condition=condition):
                if self.state is not SenderState.CANCELLING:
                    self.condition = condition
                self._step(SenderEvent.FINISHED)
            case Nak(requests=requests):
                self._requests(requests)

    def _requests(self, requests: Iterable[Span]) -> None:
        if self.state in (SenderState.ENDED, SenderState.CANCELLING):
            return
        self.expirations = 0  # the receiver is there
        for start, end in requests:
            if (start, end) == METADATA_REQUEST:
                self.metadata_due = True
                continue
            if not 0 <= start < end <= self.size:
                raise ValueError(f"a NAK of bytes {start} to {end} of a file of {self.size} bytes")
            # What was not sent yet comes anyway.
            self._requested.add(start, min(end, self.sent))

    def ack_timer_expired(self, limit: int) -> bool:
        """Send the EOF again, unless that was done `limit` times; return whether it is sent."""
        if not self.awaits_ack:
            return False
        self.expirations += 1
        if self.expirations > limit:
            return False
        self.eof_due = True
        return True

    def resume(self) -> None:
        """Count the timer's expirations from zero: there is a new contact."""
        self.expirations = 0

    def cancel(self, condition: Condition) -> None:
        """Give the file up. The receiver is told, if it can know of the file at all."""
        if self.state in (SenderState.ENDED, SenderState.CANCELLING):
            return
        self.condition = condition
        if not self.begun:
            self._end()
            return
        self._step(SenderEvent.CANCEL)
        self.eof_due = True
        self.metadata_due = False
        self.expirations = 0
        self._requested = ByteRanges()

    def abandon(self) -> None:
        """End a cancelled transaction whose EOF (cancel) nobody acknowledges."""
        self._end()

    def _step(self, event: SenderEvent) -> None:
        self.state = self._transitions.get((self.state, event), self.state)
        if self.state is SenderState.ENDED:
            self._end()

    def _end(self) -> None:
        self.state = SenderState.ENDED
        self._requested = ByteRanges()
        self.metadata_due = self.eof_due = False
