"""Where every byte is: double-entry books, in whole bytes, that balance at every event.

One satellite has four books. Each begins with a source and ends in accounts that nothing
leaves; in between, bytes wait.

```
raw     captured ─► queued ─► encoding ─► encoded
                      └──────────┴──────► dropped (memory full)
files   encoded ─► recorder ─► released
                      └──────► dropped (recorder full, …)
air     sent ─► new | duplicate | lost (cut off, packet loss)
ground  new ─► partial ─► delivered
                  └─────► abandoned
```

A movement takes bytes from one account and puts them into another, so that a book always sums
to zero. What a movement cannot show is whether the accounts tell the truth: `audit` in the
model holds them against the queues, the recorder and the station themselves.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum


class Book(StrEnum):
    """One kind of bytes, which never turn into another kind within a book."""

    RAW = "raw"
    FILES = "files"
    AIR = "air"
    GROUND = "ground"


SOURCES = {Book.RAW: "captured", Book.FILES: "encoded", Book.AIR: "sent", Book.GROUND: "new"}
"""The account of each book that bytes come from; its balance is minus all that ever came."""


class Ledger:
    """The books of one satellite."""

    __slots__ = ("_books",)

    def __init__(self) -> None:
        self._books: dict[Book, defaultdict[str, int]] = {
            book: defaultdict(int, {source: 0}) for book, source in SOURCES.items()
        }

    def move(self, book: Book, source: str, target: str, amount: int) -> None:
        """Move `amount` bytes between two accounts of a book.

        Raises:
            ValueError: a negative amount, or more than the account holds.
        """
        accounts = self._books[book]
        if amount < 0 or (source != SOURCES[book] and accounts[source] < amount):
            raise ValueError(
                f"{book} book: cannot move {amount} B from {source!r}, "
                f"which holds {accounts[source]} B, to {target!r}"
            )
        accounts[source] -= amount
        accounts[target] += amount

    def came_in(self, book: Book) -> int:
        """Return all bytes that ever entered a book."""
        return -self._books[book][SOURCES[book]]

    def holds(self, book: Book, account: str) -> int:
        """Return the bytes in an account."""
        return self._books[book].get(account, 0)

    def by_cause(self, book: Book, account: str) -> dict[str, int]:
        """Return the bytes of the accounts named `account (cause)`, by cause, in order of name."""
        prefix = f"{account} ("
        return {
            name[len(prefix) : -1]: amount
            for name, amount in sorted(self._books[book].items())
            if name.startswith(prefix) and amount
        }

    def balances(self) -> dict[str, dict[str, int]]:
        """Return every account of every book, with the sources as positive totals."""
        return {
            str(book): {
                name: -amount if name == SOURCES[book] else amount
                for name, amount in sorted(accounts.items())
            }
            for book, accounts in self._books.items()
        }


def account(name: str, cause: str) -> str:
    """Return the account that holds what left for `cause`: `dropped (recorder full)`."""
    return f"{name} ({cause})"
