"""Sends tiles over a port to a board and returns the finished tiles.

    submit ──► HostEnd ──► writer thread ──► port ──► board
    events ◄── HostEnd ◄── reader thread ◄── port ◄──┘

The writer keeps the window full while the board encodes. If the port vanishes, the client opens it
again, for as long as the settings allow the board to be away.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ...link.serial.blame import Blame
from ...link.serial.constants import DEFAULT_BAUD
from ...link.serial.events import BoardClock, Event, Finished, Gone, Refused
from ...link.serial.host import HostEnd
from ...link.serial.host_settings import HostCounts, HostSettings
from ...link.serial.line_pace import LinePace
from ...link.serial.messages import Capabilities, TileForm
from ...link.serial.port import Port, PortError, PortLostError
from ...link.serial.trace import Tap

_AGAIN_S: Final = 0.2
_LONGEST_WAIT_S: Final = 0.5
_HANGS_S: Final = 5.0
"""Seconds without a session after which a board is reset, and after which again; more on a line
that needs longer to open one."""
_REMEMBERED_RESETS: Final = 16


class BoardGoneError(Exception):
    """No session with the board can be opened any more; finished tiles stay finished.

    Args:
        cause: The reason, as text for people.
        blame: Whose fault it is; None if that is not known.
    """

    def __init__(self, cause: str, blame: Blame | None = None) -> None:
        super().__init__(cause)
        self.blame = blame


class BoardClient:
    """A board at the end of a port.

    Args:
        name: The port's name.
        baud: Bits per second.
        settings: What the host expects of the board; its `baud` should be the port's.
        tap: Sees everything that the port carries.
        reset: Resets a board with which no session can be opened, or that makes no progress;
            returns why that failed.

    Raises:
        PortError: The port cannot be opened.
    """

    def __init__(
        self,
        name: str,
        baud: int = DEFAULT_BAUD,
        settings: HostSettings | None = None,
        tap: Tap | None = None,
        reset: Callable[[Port], str] | None = None,
    ) -> None:
        self._open_port: Callable[[], Port] = lambda: Port(name, baud, tap)
        self._reset = reset
        line = None if settings is None else settings.baud
        self._hangs_s = max(_HANGS_S, LinePace(line).opening_s)
        self._reset_at = 0.0
        """When the board was last reset."""
        self._stalls = 0
        """How many stalls were answered with a reset."""
        self.resets: deque[str] = deque(maxlen=_REMEMBERED_RESETS)
        """For each latest reset, why it failed, or an empty text; the caller removes them."""
        self._port = self._open_port()
        self._host = HostEnd(settings or HostSettings(), _nonces(), time.monotonic())
        # Guards the state machine; notified when it may have an event or bytes to send.
        self._changed = threading.Condition()
        self._closing = False
        self._failure: BaseException | None = None
        """What ended one of the threads, which nothing should."""
        self._threads = [
            threading.Thread(
                target=self._thread, args=(work,), name=work.__name__.strip("_"), daemon=True
            )
            for work in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def counts(self) -> HostCounts:
        """What the line has carried so far."""
        return self._host.counts

    @property
    def bad_frames(self) -> int:
        """Number of damaged frames received from the board."""
        return self._host.bad_frames

    def close(self) -> None:
        """Stop the threads and close the port."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._port.close()

    def __enter__(self) -> BoardClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def capabilities(self) -> Capabilities:
        """Open a session and return what the board can do.

        Raises:
            BoardGoneError: No board answers.
        """
        with self._changed:
            self._host.begin(time.monotonic())
            self._changed.notify_all()
            # A board may open a session and end it before this thread wakes.
            sessions = self._host.counts.sessions
            while not self._host.is_open and self._host.counts.sessions == sessions:
                if self._host.gone:
                    raise self._gone()
                self._check_threads()
                self._changed.wait(_LONGEST_WAIT_S)
            found = self._host.capabilities
        assert found is not None  # noqa: S101  (a session is open)
        return found

    def submit(self, form: TileForm, tile: bytes) -> int:
        """Queue a tile; return its ticket."""
        with self._changed:
            ticket = self._host.submit(form, tile, time.monotonic())
            self._changed.notify_all()
        return ticket

    def event(self, timeout: float | None = None) -> Event | None:
        """Return the next event; None if none comes within `timeout` seconds.

        Raises:
            BoardGoneError: No session can be opened any more.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._host.events:
                self._check_threads()
                left = _LONGEST_WAIT_S if until is None else until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, _LONGEST_WAIT_S))
            event = self._host.events[0]
            if isinstance(event, Gone):
                raise BoardGoneError(event.cause, event.blame)
            return self._host.events.popleft()

    def encode(
        self, tiles: Iterable[tuple[TileForm, bytes]]
    ) -> Iterator[tuple[int, Finished | Refused]]:
        """Encode tiles; yield each tile's index and event as soon as it is finished or refused.

        Only as many tiles are taken from `tiles` as the board needs to stay busy.

        Raises:
            BoardGoneError: No session can be opened any more.
        """
        ahead = 2 * self.capabilities().slots
        source = iter(tiles)
        indices: dict[int, int] = {}
        taken = 0
        while True:
            while len(indices) < ahead:
                following = next(source, None)
                if following is None:
                    break
                indices[self.submit(*following)] = taken
                taken += 1
            if not indices:
                return
            event = self.event()
            if isinstance(event, Finished | Refused) and event.ticket in indices:
                yield indices.pop(event.ticket), event

    def clock(self, timeout: float = 10.0) -> BoardClock:
        """Return the board's clock.

        Raises:
            BoardGoneError: No board is there, or it does not answer.
        """
        self.capabilities()
        with self._changed:
            token = self._host.ping(time.monotonic())
            self._changed.notify_all()
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            event = self.event(left)
            if isinstance(event, BoardClock) and event.token == token:
                return event
        raise BoardGoneError(f"no answer to a ping in {timeout:g} s")

    # ---- threads

    def _thread(self, work: Callable[[], None]) -> None:
        """Run a thread's work; callers that wait for the board get its error instead."""
        try:
            work()
        except BaseException as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _check_threads(self) -> None:
        if self._failure is not None:
            raise RuntimeError("a thread of the board's client has failed") from self._failure

    def _read(self) -> None:
        while not self._closing:
            port = self._port
            try:
                data = port.read()
            except PortLostError as error:
                with self._changed:
                    if port is self._port and not self._closing:
                        self._host.line_down(str(error), time.monotonic())
                    self._changed.notify_all()
                self._reopen(port)
                continue
            if data:
                with self._changed:
                    self._host.receive(data, time.monotonic())
                    self._changed.notify_all()

    def _reopen(self, lost: Port) -> None:
        lost.close()
        while not self._closing:
            try:
                port = self._open_port()
            except PortError:
                time.sleep(_AGAIN_S)
                continue
            with self._changed:
                self._port = port
                self._host.line_up(time.monotonic())
                self._changed.notify_all()
            return

    def _write(self) -> None:
        while not self._closing:
            with self._changed:
                now = time.monotonic()
                data = self._host.send(now)
                if self._host.events:
                    self._changed.notify_all()
                if not data:
                    wake = self._host.wake()
                    wait = _LONGEST_WAIT_S if wake is None else wake - now
                    self._changed.wait(min(max(wait, 0.001), _LONGEST_WAIT_S))
                port = self._port
                is_due = self._reset is not None and self._is_reset_due()
            if self._reset is not None and is_due:
                self.resets.append(self._reset(port))
                self._reset_at = time.monotonic()
            if data:
                try:
                    port.write(data)
                except PortLostError:
                    time.sleep(0.01)  # the reader notices it too, and opens the port again

    def _is_reset_due(self) -> bool:
        """Whether the board has stalled, or been away for so long that it is to be reset."""
        if self._host.counts.stalls > self._stalls:
            self._stalls = self._host.counts.stalls
            return True
        absent = self._host.absent_since
        return absent is not None and time.monotonic() > max(absent, self._reset_at) + self._hangs_s

    def _gone(self) -> BoardGoneError:
        gone = next((one for one in self._host.events if isinstance(one, Gone)), Gone("gone"))
        return BoardGoneError(gone.cause, gone.blame)


def _nonces() -> Iterator[int]:
    """Count up from a random number, so that no nonce repeats within a run."""
    number = secrets.randbits(32)
    while True:
        number = (number + 1) & 0xFFFFFFFF
        if number:
            yield number
