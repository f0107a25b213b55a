"""Records what a serial line carries in a pcapng file, one packet for each frame.

A packet's data are the bytes between two zeros as they were on the line, that is a frame in COBS
with its CRC-32, or whatever else lay between two zeros. Its time is that of the read or write that
ended it. docs/boards.md describes the file for users.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import Final, Protocol

from ..errors import InputError
from .framing import DELIMITER, LARGEST_STUFFED
from .pcapng import PcapngWriter

LARGEST_TRACE: Final = 256 << 20
"""Most bytes of a trace; later frames are counted and not kept."""
_FLUSH_S: Final = 1.0


class Tap(Protocol):
    """Sees what a port carries."""

    def record(self, data: bytes, outbound: bool) -> None:
        """See bytes that this computer has sent (`outbound`) or received."""

    def note(self, text: str) -> None:
        """See an event, such as a port that vanished."""


class Trace:
    """A pcapng file of what some ports carry.

    The file is written under its own name from the beginning, so that the trace of a program that
    is killed can be read. A disk without room ends the trace, not the program.

    Args:
        path: The file; an earlier one is replaced.
        largest: Most bytes of the file.

    Attributes:
        fault: Why the trace is incomplete; empty if nothing is missing.

    Raises:
        InputError: The file cannot be written.
    """

    def __init__(self, path: Path, largest: int = LARGEST_TRACE) -> None:
        self.fault = ""
        self._path = path
        self._largest = largest
        self._lock = threading.Lock()
        self._taps: list[_PortTap] = []
        # Times are as even as the monotonic clock, and begin at the time of day.
        self._epoch = time.time_ns() - time.monotonic_ns()
        self._flushed = time.monotonic()
        try:
            if path.exists() and not stat.S_ISREG(path.stat().st_mode):
                raise InputError(f"{path}: cannot be written (it is no regular file)")
            self._file = path.open("wb")
            self._writer = PcapngWriter(self._file, "downpass")
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({os.strerror(error.errno or 0)})"
            ) from None

    def tap(self, name: str, baud: int) -> Tap:
        """Return the tap for a port, which records until the trace is closed."""
        with self._lock:
            tap = _PortTap(self, self._writer.interface(name, baud))
            self._taps.append(tap)
        return tap

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            if self._file.closed:
                return
            for tap in self._taps:
                tap.finish()
            try:
                for tap in self._taps:
                    self._writer.statistics(tap.interface, self._now(), tap.seen, tap.dropped)
                self._file.close()
            except OSError as error:
                self._stop(error)
                with contextlib.suppress(OSError):
                    self._file.close()

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- called by the taps

    def locked(self) -> threading.Lock:
        """Return the lock that a tap holds while it writes."""
        return self._lock

    def write(self, interface: int, data: bytes, outbound: bool, comment: str = "") -> bool:
        """Write a packet; return whether it was kept."""
        if self.fault or self._file.closed:
            return False
        # Room for the packet's block and for the statistics of all taps.
        if self._writer.size + len(data) + len(comment) + 100 * (len(self._taps) + 2) > (
            self._largest
        ):
            self.fault = (
                f"{self._path}: holds {self._largest >> 20} MiB, the most that is kept; later "
                "frames are missing"
            )
            return False
        try:
            self._writer.packet(interface, self._now(), data, outbound, comment)
            if time.monotonic() - self._flushed > _FLUSH_S:
                self._file.flush()
                self._flushed = time.monotonic()
        except OSError as error:
            self._stop(error)
            return False
        return True

    def _stop(self, error: OSError) -> None:
        self.fault = f"{self._path}: the trace ends early ({os.strerror(error.errno or 0)})"

    def _now(self) -> int:
        return (self._epoch + time.monotonic_ns()) // 1000


class _PortTap:
    """Splits what one port carries into frames."""

    def __init__(self, trace: Trace, interface: int) -> None:
        self.interface = interface
        self.seen = self.dropped = 0
        self._trace = trace
        self._held = {False: b"", True: b""}

    def record(self, data: bytes, outbound: bool) -> None:
        """Write the frames that `data` ends."""
        with self._trace.locked():
            *ended, rest = (self._held[outbound] + data).split(DELIMITER)
            for piece in ended:
                self._write(piece, outbound)
            while len(rest) > LARGEST_STUFFED:
                self._write(rest[:LARGEST_STUFFED], outbound)
                rest = rest[LARGEST_STUFFED:]
            self._held[outbound] = rest

    def note(self, text: str) -> None:
        """Write an event as an empty packet with a comment."""
        with self._trace.locked():
            self._trace.write(self.interface, b"", False, text)

    def finish(self) -> None:
        """Write what no zero has ended; the caller holds the lock."""
        for outbound, piece in self._held.items():
            self._write(piece, outbound)
        self._held = {False: b"", True: b""}

    def _write(self, piece: bytes, outbound: bool) -> None:
        for start in range(0, len(piece), LARGEST_STUFFED):
            self.seen += 1
            part = piece[start : start + LARGEST_STUFFED]
            if not self._trace.write(self.interface, part, outbound):
                self.dropped += 1
