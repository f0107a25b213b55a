"""Events of a run: one row each, passed to a sink as they happen."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol


class Event(StrEnum):
    """The kinds of event, as written to events.parquet."""

    CAPTURE = "capture"
    MISS = "miss"
    ENCODE_START = "encode-start"
    ENCODE_END = "encode-end"
    REQUANTISE_START = "requantise-start"
    REQUANTISE_END = "requantise-end"
    STORE = "store"
    DROP = "drop"
    AOS = "aos"
    LOS = "los"
    GRANT = "grant"
    RELEASE = "release"
    SEND = "send"
    RECEIVE = "receive"
    DUPLICATE = "duplicate"
    LOSE = "lose"
    DELIVER = "deliver"
    FREE = "free"
    UPLINK = "uplink"
    POWER_LOW = "power-low"
    POWER_OK = "power-ok"


class EventRow(NamedTuple):
    """One event. Where they do not apply, indices are −1 and texts are empty.

    `charge` is the battery's state of charge, 0 to 1; None without a power budget.
    """

    time: int
    satellite: int
    event: Event
    frame: int
    target: int
    station: int
    bytes: int
    cause: str
    queued_bytes: int
    backlog_bytes: int
    delivered_bytes: int
    charge: float | None


class EventSink(Protocol):
    """Takes the events of a run, in order of time: a list, a writer, or `NoEvents`."""

    def append(self, row: EventRow) -> None:
        """Take one event."""
        ...


class NoEvents:
    """Discards all events."""

    def append(self, row: EventRow) -> None:
        """Discard the event."""
