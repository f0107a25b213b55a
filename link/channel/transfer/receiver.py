"""The receiving end of one file's transaction by CFDP, class 1 or class 2 (CCSDS 727.0-B-5, 4.6).

```
class 2    RECEIVING ──EOF──► AWAIT_DATA ──all arrived──► AWAIT_ACK ──ACK(Finished)──► CLOSED
               │               │    └──── NAK limit ────────►┘                            ▲
               └───────────────┴────────── EOF (cancel) ─────┴────────────────────────────┘
class 1    RECEIVING ──EOF or inactivity──► CLOSED
```

A `Receiver` knows neither the clock nor the channel. Each of its methods returns the PDUs to send
to the file's sender. `timer` says which of its timers has to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from ..packets import ByteRanges, Span
from .pdus import (
    METADATA_REQUEST,
    AckEof,
    Condition,
    Finished,
    UplinkPdu,
    nak_sequence,
)


class ReceiverState(StrEnum):
    """How far the receiving end has come."""

    RECEIVING = "receiving"
    AWAIT_DATA = "awaiting missing data"
    AWAIT_ACK = "awaiting ACK(Finished)"
    CLOSED = "closed"


class ReceiverEvent(StrEnum):
    """What moves the receiving end from one state to another."""

    EOF = "EOF"
    ALL_ARRIVED = "all arrived"
    NAK_LIMIT = "NAK limit"
    CANCELLED = "EOF (cancel)"
    ACK = "ACK(Finished)"
    INACTIVE = "inactivity"


class ReceiverTimer(StrEnum):
    """The timers of the receiving end."""

    NAK = "NAK"
    FINISHED = "Finished"


Transitions = Mapping[tuple[ReceiverState, ReceiverEvent], ReceiverState]

ACKNOWLEDGED: Final[Transitions] = {
    (ReceiverState.RECEIVING, ReceiverEvent.EOF): ReceiverState.AWAIT_DATA,
    (ReceiverState.AWAIT_DATA, ReceiverEvent.ALL_ARRIVED): ReceiverState.AWAIT_ACK,
    (ReceiverState.AWAIT_DATA, ReceiverEvent.NAK_LIMIT): ReceiverState.AWAIT_ACK,
    (ReceiverState.AWAIT_ACK, ReceiverEvent.ACK): ReceiverState.CLOSED,
    (ReceiverState.RECEIVING, ReceiverEvent.CANCELLED): ReceiverState.CLOSED,
    (ReceiverState.AWAIT_DATA, ReceiverEvent.CANCELLED): ReceiverState.CLOSED,
    (ReceiverState.AWAIT_ACK, ReceiverEvent.CANCELLED): ReceiverState.CLOSED,
}
"""The transitions of class 2. An event without an entry is late or repeated and changes nothing."""

UNACKNOWLEDGED: Final[Transitions] = {
    (ReceiverState.RECEIVING, ReceiverEvent.EOF): ReceiverState.CLOSED,
    (ReceiverState.RECEIVING, ReceiverEvent.CANCELLED): ReceiverState.CLOSED,
    (ReceiverState.RECEIVING, ReceiverEvent.INACTIVE): ReceiverState.CLOSED,
}
"""The transitions of class 1."""

_TIMERS: Final[Mapping[ReceiverState, ReceiverTimer]] = {
    ReceiverState.AWAIT_DATA: ReceiverTimer.NAK,
    ReceiverState.AWAIT_ACK: ReceiverTimer.FINISHED,
}


class Receiver:
    """The receiving end of one file.

    Args:
        size: Bytes of the file.
        arrived: Ranges of the file that have arrived. Who receives data adds to them first and
            then calls `data`.
        requests_per_nak: How many requests fit into one NAK PDU; longer lists are split.
        acknowledged: Whether the transfer is class 2.
        immediate: Whether a gap is requested as soon as it shows, and not only after the EOF.

    Attributes:
        state: How far it has come.
        condition: Why it ended.
        has_metadata: Whether the metadata arrived.
        expirations: How often the running timer has expired without progress.
    """

    __slots__ = (
        "_arrived",
        "_horizon",
        "_immediate",
        "_requested_until",
        "_requests_per_nak",
        "_size",
        "_transitions",
        "condition",
        "expirations",
        "has_metadata",
        "state",
    )

    def __init__(
        self,
        size: int,
        arrived: ByteRanges,
        *,
        requests_per_nak: int,
        acknowledged: bool,
        immediate: bool = False,
    ) -> None:
        self._size = size
        self._arrived = arrived
        self._requests_per_nak = requests_per_nak
        self._transitions = ACKNOWLEDGED if acknowledged else UNACKNOWLEDGED
        self._immediate = immediate and acknowledged
        self._horizon = 0  # one past the last byte that has been seen
        self._requested_until = 0  # up to where gaps were requested before the EOF
        self.state = ReceiverState.RECEIVING
        self.condition = Condition.NO_ERROR
        self.has_metadata = False
        self.expirations = 0

    @property
    def timer(self) -> ReceiverTimer | None:
        """The timer that has to run; it begins anew with each PDU that is sent or arrives."""
        return _TIMERS.get(self.state)

    @property
    def whole(self) -> bool:
        """Whether every byte of the file has arrived."""
        return self._arrived.total == self._size

    def metadata(self) -> list[UplinkPdu]:
        """Act on the metadata."""
        self.has_metadata = True
        return self._progress()

    def data(self, spans: Sequence[Span]) -> list[UplinkPdu]:
        """Act on file data that was added to the arrived ranges, in the order of its arrival."""
        gaps: list[Span] = []
        for start, end in spans:
            if self._immediate and start > self._horizon:
                gaps.append((self._horizon, start))
            self._horizon = max(self._horizon, end)
        answers = self._progress()
        if gaps and self.state is ReceiverState.RECEIVING:
            answers += self._naks(gaps, (self._requested_until, self._horizon))
            self._requested_until = self._horizon
        return answers

    def eof(self) -> list[UplinkPdu]:
        """Act on an EOF: acknowledge it, and request what is missing."""
        if self._transitions is UNACKNOWLEDGED:
            self._step(ReceiverEvent.EOF)
            return []
        answers: list[UplinkPdu] = [AckEof()]
        if self.state is not ReceiverState.RECEIVING:
            return answers  # it came before
        self._step(ReceiverEvent.EOF)
        answers += self._progress()
        if self.timer is ReceiverTimer.NAK:
            # What was requested before is on its way; the timer asks again if it is not.
            missing = self._missing(self._requested_until)
            answers += self._naks(missing, (self._requested_until, self._size))
        return answers

    def cancelled(self) -> list[UplinkPdu]:
        """Act on an EOF (cancel): keep what has arrived, and wait for nothing any more."""
        if self.state is not ReceiverState.CLOSED:
            if self.state is not ReceiverState.AWAIT_ACK:
                self.condition = Condition.CANCELLED
            self._step(ReceiverEvent.CANCELLED)
        return [AckEof(cancelled=True)] if self._transitions is ACKNOWLEDGED else []

    def finished_acknowledged(self) -> None:
        """Act on ACK(Finished): the sender knows that the transaction has ended."""
        self._step(ReceiverEvent.ACK)

    def inactive(self) -> None:
        """End an unacknowledged transaction whose EOF did not arrive."""
        if self._transitions is UNACKNOWLEDGED and self.state is ReceiverState.RECEIVING:
            self.condition = Condition.INACTIVITY
            self._step(ReceiverEvent.INACTIVE)

    def timer_expired(self, limit: int) -> list[UplinkPdu] | None:
        """Ask again, or report the end again; None if that was done `limit` times without effect.

        The caller then suspends the transaction until the next contact (`resume`) or gives it up
        (`give_up`).
        """
        if self.timer is None:
            return []
        self.expirations += 1
        if self.expirations > limit:
            return None
        if self.timer is ReceiverTimer.FINISHED:
            return [Finished(self.condition)]
        return self._naks(self._missing(0), (0, self._size))

    def resume(self) -> None:
        """Count expirations from zero: there is a new contact."""
        self.expirations = 0

    def give_up(self) -> list[UplinkPdu]:
        """End the transaction with what has arrived, because requests have no effect."""
        if self.state is not ReceiverState.AWAIT_DATA:
            return []
        self.condition = Condition.NAK_LIMIT
        self._step(ReceiverEvent.NAK_LIMIT)
        return [Finished(self.condition)]

    def _progress(self) -> list[UplinkPdu]:
        self.expirations = 0
        if self.state is ReceiverState.AWAIT_DATA and self.has_metadata and self.whole:
            self._step(ReceiverEvent.ALL_ARRIVED)
            return [Finished(self.condition)]
        return []

    def _missing(self, start: int) -> list[Span]:
        """Return what is missing from a position on; the metadata comes first."""
        gaps = [(max(a, start), b) for a, b in self._arrived.missing(self._size) if b > start]
        return gaps if self.has_metadata else [METADATA_REQUEST, *gaps]

    def _naks(self, requests: Iterable[Span], scope: Span) -> list[UplinkPdu]:
        return [*nak_sequence(list(requests), scope, self._requests_per_nak)]

    def _step(self, event: ReceiverEvent) -> None:
        before = self.state
        self.state = self._transitions.get((before, event), before)
        if self.state is not before:
            self.expirations = 0
