"""A faulty line in real time between a host and a board, for tests of drivers and boards.

    host ──► socket ──► FaultyLine ──► port ──► board
    host ◄── socket ◄── FaultyLine ◄── port ◄── board

Open `address` in place of the board's port. Rates and delays hold in real time; `disconnect` and
`stall` are for the test to call, and a `Hook` sees every frame and may put others in its place. A
board's port that vanishes is opened again.
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
"""How much of the line's time may be read before it is due: what a UART's buffer holds."""
_LONGEST_WAIT_S: Final = 0.05


Hook = Callable[[bytes], list[bytes]]
"""Takes a frame without delimiters; returns what to send instead of it, with delimiters."""


class _Way:
    """One direction: bytes of one line, through the faults, into another."""

    def __init__(self, line: FaultyLine, hook: Hook | None) -> None:
        self.line = line
        self._hook = hook or (lambda frame: [DELIMITER + frame + DELIMITER])
        self._held = b""
        self._changed = threading.Condition()

    def take_in(self, data: bytes) -> None:
        """Put bytes on the line, frame by frame, as fast as it takes them."""
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
        """Return what has arrived, after a short wait at most."""
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
        """Lose what is on the way."""
        with self._changed:
            self.line.cut()
            self._held = b""


class LineProxy:
    """A faulty line in front of a board.

    Args:
        port: The board's port.
        seed: Of all faults.
        baud: Bits per second to hold the line to, each way; None is as fast as it goes.
        delay_s: Delay each way.
        faults: What goes wrong, each way.
        port_baud: Rate of the board's own port.
        to_board: Sees frames on their way to the board.
        to_host: Sees frames on their way to the host.
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
        """Wait for the board's port; one that is closed is never read, its number may be reused."""
        self._board.close()
        while not self._closing:
            with contextlib.suppress(PortError):
                self._board = self._open_board()
                return
            time.sleep(_LONGEST_WAIT_S)

    def _to_board(self) -> None:
        self._deliver(self._ways[0], self._write_board)

    def _write_board(self, data: bytes) -> None:
        with contextlib.suppress(PortLostError):  # whoever reads from it opens it again
            self._board.write(data)

    def _to_host(self) -> None:
        self._deliver(self._ways[1], self._write_host)

    def _write_host(self, data: bytes) -> None:
        host = self._host
        if host is not None:
            try:
                host.write(data)
            except PortLostError:
                return  # whoever reads from it hangs up

    def _deliver(self, way: _Way, write: Callable[[bytes], None]) -> None:
        while not self._closing:
            wait = self._stalled_until - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, _LONGEST_WAIT_S))
            elif data := way.due():
                write(data)
