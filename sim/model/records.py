"""Records of what happened to each frame and each contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ...payload.encoders.base import Setting
from .setup import Capture


class FrameState(StrEnum):
    """Where a frame is on its way from imager to archive."""

    QUEUED = "queued"
    ENCODING = "encoding"
    STORED = "stored"
    SENT = "sent"  # and freed on board; the ground still waits for the end of the file
    DELIVERED = "delivered"
    DROPPED = "dropped"


@dataclass(slots=True)
class FrameRecord:
    """The history of one captured frame. Times are ticks; −1 means that it never happened."""

    capture: Capture
    satellite: int
    state: FrameState = FrameState.QUEUED
    drop_cause: str = ""
    encode_start: int = -1
    encode_end: int = -1
    encode_ticks: int = 0
    encoded_bytes: int = 0
    requantised_bytes: int = 0  # by which requantisation has made it smaller
    requantise_ticks: int = 0
    budgets: tuple[int, ...] = ()  # of each requantisation, in bytes
    setting: Setting | None = None
    wrong_tiles: int | None = None  # as a board encoded it; None without a board
    stored: int = -1
    first_sent: int = -1
    delivered: int = -1
    station: int = -1
    received_bytes: int = 0
    duplicate_bytes: int = 0


@dataclass(slots=True)
class ContactUse:
    """The use of a contact: ticks of transmission; bytes sent, received, and lost by cause."""

    ticks: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    lost_bytes: dict[str, int] = field(default_factory=dict)
    cause_unused: str = ""

    def lose(self, lost: Mapping[str, int]) -> None:
        """Add bytes that were lost, by cause."""
        for cause, amount in lost.items():
            self.lost_bytes[cause] = self.lost_bytes.get(cause, 0) + amount


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of the file transfers of one satellite by CFDP.

    Attributes:
        ended: Number of transactions that ended, by the condition with which they did.
        open_on_board: Number of transactions that the satellite has not ended, by what it waits
            for. Files of which nothing was sent do not count.
        open_on_ground: Number of transactions that the ground has not ended, by what it waits for.
    """

    ended: Mapping[str, int]
    open_on_board: Mapping[str, int]
    open_on_ground: Mapping[str, int]
