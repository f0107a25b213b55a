"""What a host takes from a board: bounds that no sound board meets, so that none can fill memory.

Whatever a board announces, the host holds it to what the job can come to. docs/serial-protocol.md,
"What a host does not take", lists the same bounds.
"""

from __future__ import annotations

from typing import Final

from .constants import LARGEST_WINDOW
from .messages import Capabilities, TileForm

LONGEST_CAUSE: Final = 200
"""Characters of a board's own words in a message."""
LONGEST_ENCODE_S: Final = 86_400
"""Seconds that a board may say one tile was encoded for."""
MOST_ROUNDS: Final = 8
"""How often a board may throw one tile away in a session."""
SLOWEST_BYTES_PER_S: Final = 30
"""The pace that a board must keep over all: a line of 300 baud, the slowest that can be asked."""

_OVERHEAD: Final = 4096


def capability_fault(own: Capabilities) -> str:
    """Say what a board cannot mean by its CAPS; empty if all can be.

    CAPS itself bounds what has a range on the line; this is what fits its field and no board.
    """
    for what, value in (
        ("columns", own.most_columns),
        ("rows", own.most_rows),
        ("bands", own.most_bands),
    ):
        if value < 1:
            return f"tiles of at most {value} {what}"
    for what, text in (("name", own.name), ("software", own.software)):
        if not text.isprintable():
            return f"a {what} with control characters: {text!a}"
    return ""


def largest_payload(form: TileForm, own: Capabilities) -> int:
    """Bytes of the largest finished tile that a board can mean.

    No codec doubles a tile of noise; its headers, or the words of a failure, come on top.
    """
    return min(own.largest_result, 2 * form.tile_bytes + _OVERHEAD)


def is_within_credit(index: int, first: int) -> bool:
    """Whether a chunk may be on its way while `first` is the first that has not come."""
    return index < first + LARGEST_WINDOW


def cause_of(payload: bytes) -> str:
    """A failed job's payload as words for a message: printable, in one line, cut if long."""
    # UTF-8 takes four bytes a character at most.
    text = payload[: 4 * (LONGEST_CAUSE + 1)].decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    if len(text) > LONGEST_CAUSE:
        text = text[:LONGEST_CAUSE] + "…"
    return text or "it gave no reason"


def patience_s(stuck: float, forms: list[TileForm], own: Capabilities) -> float:
    """Seconds after which one of these tiles must be finished, however slow the line.

    Args:
        stuck: Seconds that a board may stand still.
        forms: The tiles that are with the board.
        own: What the board says of itself.
    """
    work = sum(form.tile_bytes + largest_payload(form, own) for form in forms)
    return stuck + work / SLOWEST_BYTES_PER_S
