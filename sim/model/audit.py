"""Audits the ledger: compares each account with the actual contents."""

from __future__ import annotations

from .ledger import Book
from .onboard import Onboard


class LedgerError(Exception):
    """The books disagree with the contents of the memory, the recorder or the ground."""


def audit(onboard: Onboard) -> None:
    """Check every account of a satellite whose bytes can be counted independently.

    Raises:
        LedgerError: An account is wrong; the error names the first one.
    """
    ledger, frames = onboard.ledger, onboard.frames.values()
    on_ground = [onboard.received.reception(record.capture.number) for record in frames]
    recorder, name = onboard.recorder, onboard.setup.name
    for what, booked, counted in (
        (
            "raw bytes captured",
            ledger.came_in(Book.RAW),
            sum(record.capture.raw_bytes for record in frames),
        ),
        (
            "raw bytes in working memory",
            ledger.holds(Book.RAW, "queued") + ledger.holds(Book.RAW, "encoding"),
            onboard.working_bytes,
        ),
        (
            "encoded bytes that wait for room",
            ledger.holds(Book.FILES, "waiting"),
            onboard.waiting_bytes,
        ),
        (
            "bytes saved by requantisation",
            ledger.holds(Book.FILES, "requantised"),
            sum(record.requantised_bytes for record in frames),
        ),
        ("bytes in the recorder", ledger.holds(Book.FILES, "recorder"), recorder.used),
        (
            "bytes on the ground",
            ledger.came_in(Book.GROUND),
            sum(reception.new_bytes for reception in on_ground if reception),
        ),
        (
            "bytes that arrived for the first time",
            ledger.holds(Book.AIR, "new"),
            ledger.came_in(Book.GROUND),
        ),
        (
            "bytes that arrived again",
            ledger.holds(Book.AIR, "duplicate"),
            sum(reception.duplicate_bytes for reception in on_ground if reception),
        ),
    ):
        if booked != counted:
            raise LedgerError(f"{name}: {what}: the ledger says {booked} B, counted {counted} B")
    for what, used, limit in (
        ("working memory", onboard.working_bytes, onboard.setup.working_memory),
        ("recorder", recorder.used, recorder.capacity),
    ):
        if used > limit:
            raise LedgerError(f"{name}: {what} holds {used} B of {limit} B")
