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

A movement takes bytes from one account and puts them into another, so a book always sums to
zero. What a movement cannot show is whether the accounts are right: `audit` compares them with
the queue, the recorder and the received files themselves.
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
    """The books of one satellite. An account is a name and, where bytes were lost, a cause."""

    __slots__ = ("_books",)

    def __init__(self) -> None:
        self._books: dict[Book, defaultdict[tuple[str, str], int]] = {
            book: defaultdict(int, {(source, ""): 0}) for book, source in SOURCES.items()
        }

    def move(self, book: Book, source: str, target: str, amount: int, cause: str = "") -> None:
        """Move `amount` bytes between two accounts of a book.

        Args:
            book: The book.
            source: Account that the bytes leave; it has no cause.
            target: Account that they enter.
            amount: Bytes.
            cause: Why they were dropped or lost, where `target` is such an account.

        Raises:
            ValueError: A negative amount, or more than the account holds.
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
        """Return all bytes that ever entered a book."""
        return -self._books[book][SOURCES[book], ""]

    def holds(self, book: Book, account: str) -> int:
        """Return the bytes in an account, those of all its causes together."""
        return sum(n for (name, _), n in self._books[book].items() if name == account)

    def by_cause(self, book: Book, account: str) -> dict[str, int]:
        """Return the bytes of an account by cause, in order of name, without empty ones."""
        return {
            cause: amount
            for (name, cause), amount in sorted(self._books[book].items())
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
