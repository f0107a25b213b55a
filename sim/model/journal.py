"""What happened: one row an event, one record a frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .setup import Capture


class Event(StrEnum):
    """The kinds of event, as they stand in events.parquet."""

    CAPTURE = "capture"
    MISS = "miss"
    ENCODE_START = "encode-start"
    ENCODE_END = "encode-end"
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
    POWER_LOW = "power-low"
    POWER_OK = "power-ok"


class EventRow(NamedTuple):
    """One event. Indices are −1 and texts empty where they do not apply.

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


class FrameState(StrEnum):
    """Where a frame is in its one way from imager to archive."""

    QUEUED = "queued"
    ENCODING = "encoding"
    STORED = "stored"
    DELIVERED = "delivered"
    DROPPED = "dropped"


@dataclass(slots=True)
class FrameRecord:
    """What became of one captured frame; times in ticks, −1 for what never happened."""

    capture: Capture
    satellite: int
    state: FrameState = FrameState.QUEUED
    drop_cause: str = ""
    encode_start: int = -1
    encode_end: int = -1
    encode_ticks: int = 0
    encoded_bytes: int = 0
    stored: int = -1
    first_sent: int = -1
    delivered: int = -1
    station: int = -1
    received_bytes: int = 0
    duplicate_bytes: int = 0


@dataclass(slots=True)
class ContactUse:
    """What a contact was used for: ticks of transmission, bytes sent and received."""

    ticks: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    cause_unused: str = ""
