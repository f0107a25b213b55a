"""The limits that a host sets on a board's memory and time; no correct board exceeds them.

The host bounds a result by its tile, whatever the board announces. docs/serial-protocol.md, "What a
host does not take", lists the same bounds.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from .constants import LARGEST_WINDOW, Feature
from .messages import Capabilities, TileForm

LONGEST_CAUSE: Final = 200
"""Most characters kept of a reason that a board reports."""
LONGEST_ENCODE_S: Final = 86_400
"""Longest time that a board may report for encoding one tile, in seconds."""
MOST_ROUNDS: Final = 8
"""How often a board may discard one tile in a session."""
SLOWEST_BYTES_PER_S: Final = 30
"""Slowest mean rate of a session: a line of 300 baud, the slowest that can be configured."""

_OVERHEAD: Final = 4096
_SETTINGS: Final = Feature.QUALITY | Feature.BYTES | Feature.STEP


def capability_fault(board: Capabilities) -> str:
    """Return which of the capabilities is impossible; empty if all are plausible.

    `Capabilities` checks ranges. This checks values that are in range and still make no sense.
    """
    for what, value in (
        ("columns", board.most_columns),
        ("rows", board.most_rows),
        ("bands", board.most_bands),
    ):
        if value < 1:
            return f"tiles of at most {value} {what}"
    if not board.features & _SETTINGS:
        return "no kind of setting: neither quality nor bytes nor step"
    for what, text in (("name", board.name), ("software", board.software)):
        if not text.isprintable():
            return f"a {what} with control characters: {text!a}"
    return ""


def what_differs(before: Capabilities, now: Capabilities) -> str:
    """Return the first of the capabilities that has changed, and how; empty if none has.

    Tiles were made and times are counted by what the first session reported, so a board that is
    exchanged during a run would get wrong tiles and give wrong times.
    """
    for field in fields(Capabilities):
        old, new = getattr(before, field.name), getattr(now, field.name)
        if old != new:
            name = field.name.replace("_", " ")
            return f"its {name} was {_shown(old)}, and is {_shown(new)}"
    return ""


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def largest_payload(form: TileForm, board: Capabilities) -> int:
    """Return the most bytes that a result can have.

    No codec doubles a tile of noise. A margin covers headers, or the reason of a failure.
    """
    return min(board.largest_result, 2 * form.tile_bytes + _OVERHEAD)


def is_within_credit(index: int, first: int) -> bool:
    """Whether a chunk may be in flight while `first` is the first that has not arrived."""
    return index < first + LARGEST_WINDOW


def cause_of(payload: bytes) -> str:
    """Return the reason in a failed job's payload: printable, on one line, cut if long."""
    # A character takes at most four bytes in UTF-8.
    text = payload[: 4 * (LONGEST_CAUSE + 1)].decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    if len(text) > LONGEST_CAUSE:
        text = text[:LONGEST_CAUSE] + "…"
    return text or "it gave no reason"


def patience_s(stuck: float, forms: list[TileForm], board: Capabilities) -> float:
    """Return the seconds within which one of these tiles must be finished, even on a slow line.

    Args:
        stuck: Longest time without progress, in seconds.
        forms: The tiles that were given to the board.
        board: Its capabilities.
    """
    work = sum(form.tile_bytes + largest_payload(form, board) for form in forms)
    return stuck + work / SLOWEST_BYTES_PER_S
