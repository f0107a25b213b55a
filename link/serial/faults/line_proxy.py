"""Puts a faulty line in real time between a host and a board.

    host ──► socket ──► FaultyPair ──► port ──► board
    host ◄── socket ◄── FaultyPair ◄── port ◄──┘

The host opens `address` instead of the board's port. Rates and delays apply in real time. The
injector adds the faults of a board, and gives each frame its own random numbers, so that the same
seed has the same frames lost. A test may also call `disconnect` and `stall`, and give a `Hook`
that sees every frame and may replace it by others. If the board's port vanishes, the proxy opens
it again.
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
from .board_faults import SOUND, BoardFaultCounts, BoardFaults
from .faulty_line import Faults, FaultyLine
from .faulty_pair import FaultyPair
from .injector import FaultInjector, nothing

_AHEAD_S: Final = 0.05
"""How many seconds of line time the proxy may read ahead, like a UART's buffer."""
_LONGEST_WAIT_S: Final = 0.05
MOST_IN_TRANSIT: Final = 1 << 24
"""Bytes that a line may hold back in each direction; with more, nothing is read from its end."""


Hook = Callable[[bytes], list[bytes]]
"""Takes a frame without delimiters; returns what to send instead of it, with delimiters."""


class _Way:
    """One direction: passes bytes of one line through the faults into another.

    Args:
        line: The line.
        changed: Guards both lines; notified when one of them has got something.
        enter: Puts a frame onto the line, at a time in seconds.
    """

    def __init__(
        self,
        line: FaultyLine,
        changed: threading.Condition,
        enter: Callable[[bytes, float], None],
    ) -> None:
        self.line = line
        self._enter = enter
        self._partial = b""
        self._changed = changed
        self._closing = threading.Event()

    def take_in(self, data: bytes) -> None:
        """Write bytes to the line, frame by frame, as fast as it accepts them."""
        *frames, self._partial = (self._partial + data).split(DELIMITER)
        if len(self._partial) > 1 << 16:
            frames.append(self._partial)
            self._partial = b""
        for frame in frames:
            if frame:
                self._enter(frame, time.monotonic())
                with self._changed:
                    ahead = self.line.free_at() - time.monotonic() - _AHEAD_S
                if ahead > 0 and self._closing.wait(ahead):
                    return
                while self.line.in_transit > MOST_IN_TRANSIT:
                    if self._closing.wait(_LONGEST_WAIT_S):
                        return

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

    def forget_partial_frame(self) -> None:
        """Drop the beginning of a frame whose end will not come."""
        self._partial = b""

    def close(self) -> None:
        """End a wait in `take_in`."""
        self._closing.set()


class LineProxy:
    """A faulty line in front of a board.

    Args:
        port: The board's port.
        seed: Seed of all faults.
        baud: Bits per second in each direction; None means no limit.
        delay_s: Delay in each direction, in seconds.
        faults: Fault rates in each direction.
        port_baud: Rate of the board's own port, in bits per second.
        to_board: Hook for frames to the board, in place of the injector.
        to_host: Hook for frames to the host, in place of the injector.
        jitter_s: Most seconds that a frame takes longer than `delay_s`.
        board_faults: Faults of the board, and cuts of the line.
        reset: Resets the board for an injected reboot, and returns why that failed. Without it, the
            board only looks as if it had started anew.
        report: Receives a few words about each fault of the board when it strikes.
    """

    def __init__(
        self,
        port: str,
        seed: int | str = 1,
        baud: float | None = None,
        delay_s: float = 0.0,
        faults: Faults | None = None,
        port_baud: int = DEFAULT_BAUD,
        to_board: Hook | None = None,
        to_host: Hook | None = None,
        *,
        jitter_s: float = 0.0,
        board_faults: BoardFaults = SOUND,
        reset: Callable[[Port], str] | None = None,
        report: Callable[[str], None] = nothing,
    ) -> None:
        chosen = faults or Faults()
        self.down = FaultyLine(f"{seed}/down", baud, delay_s, chosen, jitter_s)
        self.up = FaultyLine(f"{seed}/up", baud, delay_s, chosen, jitter_s)
        self._reset = reset
        self._report = report
        injector = FaultInjector(str(seed), board_faults, reset is not None, report)
        self._pair = FaultyPair(self.down, self.up, injector)
        self._changed = threading.Condition()
        self._down = _Way(self.down, self._changed, self._entry(self.down, to_board))
        self._up = _Way(self.up, self._changed, self._entry(self.up, to_host))
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

    @property
    def board_counts(self) -> BoardFaultCounts:
        """The faults of the board so far."""
        return self._pair.injector.counts

    @property
    def is_interrupted(self) -> bool:
        """Whether a fault lets nothing through at this moment, in one direction or both."""
        with self._changed:
            now = time.monotonic()
            return self.down.is_interrupted(now) or self.up.is_interrupted(now)

    def reset_board(self) -> str:
        """Reset the board really; return why that failed, or an empty text."""
        return "nothing resets it" if self._reset is None else self._reset(self._board)

    def disconnect(self) -> None:
        """Close the connection to the host, which may connect again at once."""
        host, self._host = self._host, None
        if host is not None:
            host.close()
        with self._changed:
            self.down.cut()
            self.up.cut()
        self._down.forget_partial_frame()

    def stall(self, seconds: float) -> None:
        """Hold all bytes back for some seconds, both ways; none are lost."""
        self._stalled_until = time.monotonic() + seconds

    def close(self) -> None:
        """Stop, and close both ends."""
        self._closing = True
        for way in (self._down, self._up):
            way.close()
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
                self._down.take_in(host.read())
            except PortLostError:
                if self._host is host:
                    self.disconnect()

    def _from_board(self) -> None:
        while not self._closing:
            try:
                self._up.take_in(self._board.read())
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
        self._deliver(self._down, self._write_board)

    def _write_board(self, data: bytes) -> None:
        with contextlib.suppress(PortLostError):  # the reading thread opens it again
            self._board.write(data)

    def _to_host(self) -> None:
        self._deliver(self._up, self._write_host)

    def _write_host(self, data: bytes) -> None:
        host = self._host
        if host is not None:
            try:
                host.write(data)
            except PortLostError:
                return  # the reading thread disconnects

    def _deliver(self, way: _Way, write: Callable[[bytes], None]) -> None:
        while not self._closing:
            with self._changed:
                self._pair.keep_time(time.monotonic())
            wait = self._stalled_until - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, _LONGEST_WAIT_S))
            elif data := way.due():
                write(data)

    def _entry(self, line: FaultyLine, hook: Hook | None) -> Callable[[bytes, float], None]:
        """Return what puts a frame onto a line: a test's hook, or the pair with its injector."""

        def by_hook(frame: bytes, now: float) -> None:
            assert hook is not None  # noqa: S101  (it is used with a hook alone)
            instead = hook(frame)
            with self._changed:
                for one in instead:
                    line.write(one, now)
                self._changed.notify_all()

        def by_pair(frame: bytes, now: float) -> None:
            with self._changed:
                is_reset_due = self._pair.carry(frame, line is self.down, now)
                self._changed.notify_all()
            if is_reset_due and (why_not := self.reset_board()):
                self._report(f"the reset failed: {why_not}")

        return by_pair if hook is None else by_hook
