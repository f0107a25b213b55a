"""The grade of a delivered frame: its quality, and how much of it reached the ground."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..model.records import FrameRecord, FrameState


@dataclass(frozen=True, slots=True)
class Grade:
    """The quality of a delivered frame, measured against its original.

    Attributes:
        psnr_db: Infinite if every pixel equals the original's; NaN if nothing could be decoded or
            the original has no valid pixel.
        ms_ssim: 0 to 1; NaN if nothing could be decoded or no window of the measure fits the
            valid pixels.
        tiles: Number of tiles that the frame was coded in.
        lost_tiles: Number of tiles of which bytes were lost on the way; they are concealed.
        decoded: Whether there is a picture; False if the bitstream's header is lost.
        undecodable_tiles: Number of tiles that arrived whole and that no decoder reads; they are
            concealed, too.
        why: Why the first of these cannot be decoded; empty if it is not known.
    """

    psnr_db: float
    ms_ssim: float
    tiles: int
    lost_tiles: int
    decoded: bool = True
    undecodable_tiles: int = 0
    why: str = ""

    @property
    def concealed_tiles(self) -> int:
        """Number of tiles that the ground had to conceal."""
        return self.lost_tiles + self.undecodable_tiles


class Delivery(StrEnum):
    """How much of a frame reached the ground: the column `delivery` of frames.parquet."""

    WHOLE = "whole"
    """Its transfer has ended; every packet arrived, and every tile could be decoded."""

    DAMAGED = "damaged"
    """Its transfer has ended; packets were lost, tiles failed, or nothing could be decoded."""

    WRONG = "wrong"
    """Its transfer has ended; a board had encoded some of its tiles wrongly, so what arrived is not
    what was captured, however much was lost on the way."""

    IN_PART = "in part"
    """Its transfer had begun and not ended: something may still be sent, or sent again."""


def delivery(record: FrameRecord, grade: Grade | None) -> Delivery | None:
    """Return how much of a frame reached the ground; None if sending has not begun.

    Args:
        record: What became of the frame.
        grade: Its grade; without one (a frame without pixels) the packets alone decide.
    """
    if record.state is not FrameState.DELIVERED:
        return Delivery.IN_PART if record.first_sent >= 0 else None
    if record.wrong_tiles:
        return Delivery.WRONG
    if record.received_bytes < record.encoded_bytes:
        return Delivery.DAMAGED
    if grade is not None and (grade.concealed_tiles or not grade.decoded):
        return Delivery.DAMAGED
    return Delivery.WHOLE


def shows_something(record: FrameRecord, grade: Grade | None) -> bool:
    """Return whether a frame's transfer has ended and something of the frame can be seen.

    Args:
        record: What became of the frame.
        grade: Its grade; without one, any byte that arrived counts.
    """
    if record.state is not FrameState.DELIVERED:
        return False
    return record.received_bytes > 0 if grade is None else grade.decoded
