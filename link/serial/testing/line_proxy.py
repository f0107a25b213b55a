"""Puts a faulty line in real time between a host and a board, to test drivers and boards.

    host ──► socket ──► FaultyLine ──► port ──► board
    host ◄── socket ◄── FaultyLine ◄── port ◄── board

The host opens `address` instead of the board's port. Rates and delays apply in real time. A test
may call `disconnect` and `stall`. A `Hook` sees every frame and may replace it by others. If the
board's port vanishes, the proxy opens it again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final

from ..constants import DEFAULT_BAUD
from ..framing import DELIMITER
from ..lines import Line, ListeningSource
from ..port import Port, PortError, PortLostError
from .faulty_line import Faults, FaultyLine

_AHEAD_S: Final = 0.05
"""How many seconds of line time the proxy may read ahead, like a UART's buffer."""
_LONGEST_WAIT_S: Final = 0.05


Hook = Callable[[bytes], list[bytes]]
"""Takes a frame without delimiters; returns what to send instead of it, with delimiters."""


class _Way:
    """One direction: passes bytes of one line through the faults into another."""

    def __init__(self, line: FaultyLine, hook: Hook | None) -> None:
        self.line = line
        self._hook = hook or (lambda frame: [DELIMITER + frame + DELIMITER])
        self._held = b""
        self._changed = threading.Condition()

    def take_in(self, data: bytes) -> None:
        """Write bytes to the line, frame by frame, as fast as it accepts them."""
        *frames, self._held = (self._held + data).split(DELIMITER)
        if len(self._held) > 1 << 16:
            frames.append(self._held)
            self._held = b""
        for frame in frames:
            if frame:
                instead = self._hook(frame)
                with self._changed:
                    for one in instead:
                        self.line.write(one, time.monotonic())
                    self._changed.notify_all()
                    ahead = self.line.free_at() - time.monotonic() - _AHEAD_S
                if ahead > 0:
                    time.sleep(ahead)

    def due(self) -> bytes:
        """Return the bytes that have arrived; wait briefly if there are none."""
        with self._changed:
            now = time.monotonic()
            data = self.line.read(now)
            if not data:
                following = self.line.next_arrival()
                wait = _LONGEST_WAIT_S if following is None else following - now
                if wait > 0:
                    self._changed.wait(min(wait, _LONGEST_WAIT_S))
            return data

    def cut(self) -> None:
        """Lose everything that is in transit."""
        with self._changed:
            self.line.cut()
            self._held = b""


class LineProxy:
    """A faulty line in front of a board.

    Args:
        port: The board's port.
        seed: Seed of all faults.
        baud: Bits per second in each direction; None means no limit.
        delay_s: Delay in each direction, in seconds.
        faults: Fault rates in each direction.
        port_baud: Rate of the board's own port, in bits per second.
        to_board: Hook for frames to the board.
        to_host: Hook for frames to the host.
    """

    def __init__(
        self,
        port: str,
        seed: int = 1,
        baud: float | None = None,
        delay_s: float = 0.0,
        faults: Faults | None = None,
        port_baud: int = DEFAULT_BAUD,
        to_board: Hook | None = None,
        to_host: Hook | None = None,
    ) -> None:
        chosen = faults or Faults()
        self.down = FaultyLine(seed, baud, delay_s, chosen)
        self.up = FaultyLine(seed + 1, baud, delay_s, chosen)
        self._ways = _Way(self.down, to_board), _Way(self.up, to_host)
        self._source = ListeningSource("127.0.0.1:0")
        self.address = self._source.address
        self._open_board: Callable[[], Port] = lambda: Port(port, port_baud)
        self._board = self._open_board()
        self._host: Line | None = None
        self._stalled_until = 0.0
        self._closing = False
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._from_host, self._to_board, self._from_board, self._to_host)
        ]
        for thread in self._threads:
            thread.start()

    def disconnect(self) -> None:
        """Close the connection to the host, which may connect again at once."""
        host, self._host = self._host, None
        if host is not None:
            host.close()
        for way in self._ways:
            way.cut()

    def stall(self, seconds: float) -> None:
        """Hold all bytes back for some seconds, both ways; none are lost."""
        self._stalled_until = time.monotonic() + seconds

    def close(self) -> None:
        """Stop, and close both ends."""
        self._closing = True
        for thread in self._threads:
            thread.join()
        self.disconnect()
        self._source.close()
        self._board.close()

    def __enter__(self) -> LineProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _from_host(self) -> None:
        while not self._closing:
            host = self._host
            if host is None:
                self._host = self._source.open()
                continue
            try:
                self._ways[0].take_in(host.read())
            except PortLostError:
                if self._host is host:
                    self.disconnect()

    def _from_board(self) -> None:
        while not self._closing:
            try:
                self._ways[1].take_in(self._board.read())
            except PortLostError:
                self._reopen_board()

    def _reopen_board(self) -> None:
        """Open the board's port again; never read the old one, whose number may be reused."""
        self._board.close()
        while not self._closing:
            with contextlib.suppress(PortError):
                self._board = self._open_board()
                return
            time.sleep(_LONGEST_WAIT_S)

    def _to_board(self) -> None:
        self._deliver(self._ways[0], self._write_board)

    def _write_board(self, data: bytes) -> None:
        with contextlib.suppress(PortLostError):  # the reading thread opens it again
            self._board.write(data)

    def _to_host(self) -> None:
        self._deliver(self._ways[1], self._write_host)

    def _write_host(self, data: bytes) -> None:
        host = self._host
        if host is not None:
            try:
                host.write(data)
            except PortLostError:
                return  # the reading thread disconnects

    def _deliver(self, way: _Way, write: Callable[[bytes], None]) -> None:
        while not self._closing:
            wait = self._stalled_until - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, _LONGEST_WAIT_S))
            elif data := way.due():
                write(data)
