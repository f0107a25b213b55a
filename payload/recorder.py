"""The mass memory: store encoded frames for the downlink, within a capacity in bytes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from ..link.channel.transfer import Transfer


class DownlinkOrder(StrEnum):
    """Which stored frame is sent next."""

    PRIORITY = "priority"  # the highest first; among equals, one already begun, then the oldest
    FIFO = "fifo"  # the oldest first
    NEWEST = "newest"  # the latest first


class DropRule(StrEnum):
    """Which frames are dropped if a new one does not fit."""

    LOWEST_PRIORITY = "lowest-priority"  # the oldest of them; never one above the new frame
    OLDEST = "oldest"
    NEWEST = "newest"  # the new frame itself


@dataclass(slots=True, eq=False)
class StoredFile:
    """One encoded frame in the recorder.

    Attributes:
        number: Unique number, rising with capture time.
        size: Size in bytes.
        priority: Priority; a higher one is sent earlier and dropped later.
        transfer: Which bytes still have to be sent.
        in_flight: True from the start of a transmission until its acknowledgement or loss; in
            this time the file is neither sent again nor dropped.
        stored: Whether the file is in the recorder.
        taken: Whether the file was ever taken out to be sent.
    """

    number: int
    size: int
    priority: int
    transfer: Transfer
    in_flight: bool = False
    stored: bool = field(default=False, repr=False)
    taken: bool = field(default=False, repr=False)


class Recorder:
    """A bounded store of files with an order for sending and a rule for dropping.

    Invariant: `used` is the sum of the sizes of the stored files and never exceeds `capacity`;
    `ready_bytes` is the number of bytes left to send of those that are not in flight.
    """

    def __init__(self, capacity: int, order: DownlinkOrder, rule: DropRule) -> None:
        if capacity < 0:
            raise ValueError(f"a capacity must not be negative; found {capacity}")
        self.capacity = capacity
        self.used = 0
        self.ready_bytes = 0
        self._order = order
        self._rule = rule
        # Heaps with lazy deletion: an entry whose file is gone or in flight is skipped.
        self._to_send: list[tuple[tuple[int, int, int], int, StoredFile]] = []
        self._to_drop: list[tuple[tuple[int, int], int, StoredFile]] = []
        self._entries = count()  # breaks ties, so that files need not be comparable

    def store(self, file: StoredFile) -> list[StoredFile] | None:
        """Store a file; return the files that were dropped for it, or None if it was refused.

        A file is refused if it is larger than the whole memory, or if the rule allows too little
        to be dropped. Nothing is dropped for a refused file.
        """
        victims = self._make_room(file)
        if victims is None:
            return None
        for victim in victims:
            self._forget(victim)
        file.stored = True
        self.used += file.size
        self.ready_bytes += file.transfer.remaining
        self._enter(file)
        return victims

    def next_to_send(self) -> StoredFile | None:
        """Return the next file to send and mark it as in flight; None if no file is ready."""
        while self._to_send:
            file = heapq.heappop(self._to_send)[2]
            if self._is_ready(file):
                file.in_flight = file.taken = True
                self.ready_bytes -= file.transfer.remaining
                return file
        return None

    def put_back(self, file: StoredFile) -> None:
        """Put a file back into the queue after a transmission was not acknowledged in full."""
        file.in_flight = False
        self.ready_bytes += file.transfer.remaining
        self._enter(file)

    def hold(self, file: StoredFile) -> None:
        """Mark a file that waits as in flight, without a turn in the queue; see `put_back`."""
        file.in_flight = True
        self.ready_bytes -= file.transfer.remaining

    def untouched(self) -> list[StoredFile]:
        """Return the files of which nothing was sent, in no certain order."""
        ready = (file for _, _, file in self._to_send if self._is_ready(file) and not file.taken)
        return list({file.number: file for file in ready}.values())

    def replace(self, file: StoredFile, size: int, transfer: Transfer) -> None:
        """Put a smaller file, of which nothing was sent, into the place of a held one.

        Raises:
            ValueError: The new size is larger, or the file is not held.
        """
        if size > file.size or not file.in_flight:
            raise ValueError(f"{size} bytes in place of {file}")
        self.used -= file.size - size
        file.size, file.transfer = size, transfer
        self.put_back(file)

    def release(self, file: StoredFile) -> None:
        """Free the memory of a file in flight that the ground has acknowledged in full."""
        file.stored = False
        file.in_flight = False
        self.used -= file.size

    @property
    def highest_priority(self) -> int | None:
        """Highest priority among the files that are ready to send; None if there are none."""
        if self._order is DownlinkOrder.PRIORITY:
            while self._to_send and not self._is_ready(self._to_send[0][2]):
                heapq.heappop(self._to_send)
            return self._to_send[0][2].priority if self._to_send else None
        return max((f.priority for _, _, f in self._to_send if self._is_ready(f)), default=None)

    def _make_room(self, file: StoredFile) -> list[StoredFile] | None:
        if file.size > self.capacity:
            return None
        victims: list[StoredFile] = []
        passed_over = []
        needed = self.used + file.size - self.capacity
        while needed > 0 and self._to_drop:
            entry = heapq.heappop(self._to_drop)
            victim = entry[2]
            if not self._is_ready(victim):
                continue  # gone, or in flight; put_back() adds a new entry
            if self._rule is DropRule.LOWEST_PRIORITY and victim.priority > file.priority:
                passed_over.append(entry)
                break
            if any(victim is other for other in victims):
                continue  # has two entries, from store() and from put_back()
            victims.append(victim)
            needed -= victim.size
        for entry in passed_over:
            heapq.heappush(self._to_drop, entry)
        if needed > 0:
            for victim in victims:
                heapq.heappush(self._to_drop, (self._drop_key(victim), next(self._entries), victim))
            return None
        return victims

    def _enter(self, file: StoredFile) -> None:
        if file.transfer.remaining:
            heapq.heappush(self._to_send, (self._send_key(file), next(self._entries), file))
        if self._rule is not DropRule.NEWEST:
            heapq.heappush(self._to_drop, (self._drop_key(file), next(self._entries), file))

    def _forget(self, file: StoredFile) -> None:
        file.stored = False
        self.used -= file.size
        self.ready_bytes -= file.transfer.remaining

    def _is_ready(self, file: StoredFile) -> bool:
        return file.stored and not file.in_flight

    def _send_key(self, file: StoredFile) -> tuple[int, int, int]:
        if self._order is DownlinkOrder.FIFO:
            return (0, 0, file.number)
        if self._order is DownlinkOrder.NEWEST:
            return (0, 0, -file.number)
        return (-file.priority, 0 if file.transfer.begun else 1, file.number)

    def _drop_key(self, file: StoredFile) -> tuple[int, int]:
        if self._rule is DropRule.OLDEST:
            return (0, file.number)
        return (file.priority, file.number)
