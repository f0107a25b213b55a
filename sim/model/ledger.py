"""Ledger: double-entry books that track every byte and balance at every event.

Each satellite has four books, and a fifth if the ground answers over an uplink. Each book begins
with a source and ends in accounts that no byte leaves. In the accounts between, bytes wait.

```
raw     captured ─► queued ─► encoding ─► encoded
                      └──────────┴──────► dropped (memory full)
files   encoded ─► waiting ─► recorder ─► released
                      └──────────┴──────► dropped (recorder full, …) | requantised
air     sent ─► new | duplicate | overhead | lost (packet loss, rain, margin, cut off)
ground  new ─► partial ─► delivered
                  └─────► abandoned
uplink  sent ─► under way ─► received | lost (cut off, packet loss)
```

Encoded files wait only while others are requantised to make room; what that saves is booked as
requantised. Overhead is what a file transfer protocol adds: headers and directives that arrived.

A movement takes bytes from one account and puts them into another, so a book always sums to
zero. That does not prove the accounts right, so `audit` compares them with the contents of the
queue, the recorder and the received files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ...link.channel.downlink import MARGIN, PACKET_LOSS, RAIN

CUT_OFF: Final = "cut off"
"""The contact ended before the whole packet had crossed."""

TRANSFER_ENDED: Final = "transfer ended"
"""The packet arrived, but the ground had given its file up and discards it."""

LOSS_CAUSES: Final = (PACKET_LOSS, RAIN, MARGIN, CUT_OFF, TRANSFER_ENDED)
"""Why bytes that were sent are lost; each lost byte has exactly one of these causes."""


class Book(StrEnum):
    """The books, one for each kind of bytes; within a book, bytes keep their kind."""

    RAW = "raw"
    FILES = "files"
    AIR = "air"
    GROUND = "ground"
    UPLINK = "uplink"


SOURCES = {
    Book.RAW: "captured",
    Book.FILES: "encoded",
    Book.AIR: "sent",
    Book.GROUND: "new",
    Book.UPLINK: "sent",
}
"""The source account of each book; its balance is minus the bytes that ever entered the book."""


class Ledger:
    """The books of one satellite. An account is a name and, where bytes were lost, a cause.

    Args:
        uplink: Whether there is a book for the uplink.
    """

    __slots__ = ("_books",)

    def __init__(self, *, uplink: bool = False) -> None:
        self._books: dict[Book, defaultdict[tuple[str, str], int]] = {
            book: defaultdict(int, {(source, ""): 0})
            for book, source in SOURCES.items()
            if uplink or book is not Book.UPLINK
        }

    def move(self, book: Book, source: str, target: str, amount: int, cause: str = "") -> None:
        """Move `amount` bytes between two accounts of a book.

        Args:
            book: The book.
            source: Account that the bytes leave; it has no cause.
            target: Account that the bytes enter.
            amount: Number of bytes.
            cause: Why the bytes were dropped or lost, if `target` is such an account.

        Raises:
            ValueError: The amount is negative or exceeds what the account holds.
        """
        accounts = self._books[book]
        if amount < 0 or (source != SOURCES[book] and accounts[source, ""] < amount):
            raise ValueError(
                f"{book} book: cannot move {amount} B from {source!r}, "
                f"which holds {accounts[source, '']} B, to {target!r}"
            )
        accounts[source, ""] -= amount
        accounts[target, cause] += amount

    def came_in(self, book: Book) -> int:
        """Return all bytes that ever entered a book; 0 for a book that there is not."""
        return -self._books[book][SOURCES[book], ""] if book in self._books else 0

    def holds(self, book: Book, account: str) -> int:
        """Return the bytes in an account, summed over its causes."""
        accounts: Mapping[tuple[str, str], int] = self._books.get(book, {})
        return sum(n for (name, _), n in accounts.items() if name == account)

    def by_cause(self, book: Book, account: str) -> dict[str, int]:
        """Return the bytes of an account by cause, in order of cause, without zeros."""
        return {
            cause: amount
            for (name, cause), amount in sorted(self._books.get(book, {}).items())
            if name == account and cause and amount
        }

    def balances(self) -> dict[str, dict[str, int]]:
        """Return every account of every book, with the sources as positive totals."""
        return {
            str(book): {
                title: -amount if title == SOURCES[book] else amount
                for title, amount in sorted(
                    (f"{name} ({cause})" if cause else name, amount)
                    for (name, cause), amount in accounts.items()
                )
            }
            for book, accounts in self._books.items()
        }
