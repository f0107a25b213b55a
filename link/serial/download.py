"""Receives a result from the board: tracks which chunks have arrived and requests missing ones."""

from __future__ import annotations

import zlib
from typing import Final

from .constants import LARGEST_WINDOW, MOST_CHUNKS, GotFlag
from .messages import Data, Got, Result
from .trust import is_within_credit

_CREDIT_PARTS: Final = 4
"""The host returns credit every quarter window; RELEASE acknowledges the rest."""


class Download:
    """Receives one result's chunks by selective repeat.

    Args:
        job: The job's number.
        chunk: Bytes of every chunk but the last.
        largest: Most bytes that the result can have.
        window: Most chunks that may be unacknowledged.
    """

    def __init__(self, job: int, chunk: int, largest: int, window: int) -> None:
        self.result: Result | None = None
        self.got_due = False
        """Whether a GOT is to be sent."""
        self._job = job
        self._chunk = chunk
        self._largest = min(largest, MOST_CHUNKS * chunk)
        self._window = window
        self._chunks: dict[int, bytes] = {}
        self._first_missing = 0
        self._asked_at: dict[int, float] = {}
        self._ask_again: set[int] = set()
        self._since_got = 0
        self._want_result = False

    def accepts(self, message: Data) -> bool:
        """Whether a chunk lies within the result, the window and the session's chunk size."""
        end = message.index * self._chunk + len(message.data)
        within = is_within_credit(message.index, self._first_missing)
        return end <= self._largest and within and len(message.data) <= self._chunk

    def can_mean(self, result: Result) -> bool:
        """Whether the result's length is within the limit."""
        return result.length <= self._largest

    def take(self, message: Data, now: float, timeout: float) -> bool:
        """Store a chunk that `accepts` allows; return whether it is new."""
        is_new = message.index not in self._chunks
        if is_new:
            self._chunks[message.index] = message.data
        while self._first_missing in self._chunks:
            self._first_missing += 1
        for index in range(self._first_missing, message.index):
            # A line keeps the order, so chunks missing before the newest one are lost.
            asked = self._asked_at.get(index)
            if index not in self._chunks and (asked is None or now - asked >= timeout):
                self._asked_at[index] = now
                self._ask_again.add(index)
        self._since_got += 1
        if self._ask_again or self._since_got >= max(1, self._window // _CREDIT_PARTS):
            self.got_due = True
        return is_new

    def take_result(self, result: Result) -> None:
        """Process the RESULT, which the board sends after the last chunk."""
        self.result = result
        missing = range(self._first_missing, self._chunk_count(result))
        self._ask_again.update(self._missing(missing[:LARGEST_WINDOW]))
        self.got_due = self.got_due or bool(self._ask_again)

    def ask_for_missing(self) -> None:
        """Request whatever has not arrived, because the board has been silent."""
        self.got_due = True
        self._want_result = self.result is None
        missing = range(self._first_missing, self._first_missing + LARGEST_WINDOW)
        self._ask_again.update(self._missing(missing))

    def acknowledgement(self) -> Got:
        """Return the GOT message, and clear `got_due`."""
        received = again = 0
        for bit in range(LARGEST_WINDOW):
            index = self._first_missing + bit
            received |= (index in self._chunks) << bit
            again |= (index in self._ask_again) << bit
        flags = GotFlag.RESULT if self._want_result else 0
        self.got_due = self._want_result = False
        self._since_got = 0
        self._ask_again.clear()
        return Got(self._job, flags, self._first_missing, received, again)

    def payload(self) -> bytes | None:
        """Return the finished tile; None while something is missing.

        Raises:
            ValueError: Its length or CRC-32 is not the RESULT's.
        """
        result = self.result
        if result is None or self._first_missing < self._chunk_count(result):
            return None
        payload = b"".join(self._chunks[index] for index in range(self._chunk_count(result)))
        if len(payload) != result.length or zlib.crc32(payload) != result.crc:
            # A damaged chunk may pass its own CRC-32, or the board is faulty.
            raise ValueError("a result's CRC-32 does not match its bytes")
        return payload

    def stop(self) -> None:
        """Request nothing more, and free the chunks."""
        self._chunks.clear()
        self.got_due = False

    def _chunk_count(self, result: Result) -> int:
        return -(-result.length // self._chunk)

    def _missing(self, indices: range) -> list[int]:
        return [index for index in indices if index not in self._chunks]
