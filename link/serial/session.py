"""The handshake that opens a session with a board and learns the board's capabilities.

          restart            HELLO           CAPS            READY
    IDLE ─────────► AWAIT_HELLO ──► AWAIT_CAPS ──► AWAIT_READY ──► OPEN
                    sends RESET     sends QUERY    sends OPEN

When the handshake restarts, every state except GONE returns to AWAIT_HELLO with a new nonce. When
the port vanishes, it returns to IDLE. GONE is final: the host has given up the board.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from .blame import Blame
from .constants import OLDEST_VERSION, SMALLEST_CHUNK, VERSION, Code
from .host_settings import HostCounts, HostSettings
from .line_pace import LinePace
from .messages import (
    Capabilities,
    Caps,
    Error,
    Hello,
    Message,
    Open,
    Query,
    Ready,
    Reset,
    session_number,
)
from .roundtrip import RoundTrip
from .trust import capability_fault, what_differs

_TRIES: Final = 4


class SessionLostError(Exception):
    """The session cannot go on; the host opens another.

    Args:
        cause: The reason, as text for people.
        blame: Whose fault it is; None if that is not known. A wrong answer has a right CRC-32, so
            no line has made it.
    """

    def __init__(self, cause: str, blame: Blame | None = Blame.BOARD) -> None:
        super().__init__(cause)
        self.blame = blame


class NoUsableBoardError(Exception):
    """No session can be opened with this board."""


class SessionState(Enum):
    """The state of a host's session with its board."""

    IDLE = auto()
    """No session is wanted yet, or the port has vanished."""
    AWAIT_HELLO = auto()
    AWAIT_CAPS = auto()
    AWAIT_READY = auto()
    OPEN = auto()
    GONE = auto()
    """The host has given up the board and does nothing more."""


class Signal(Enum):
    """What moves a host from one state to another."""

    RESTART = auto()
    """A session is wanted, or the handshake begins again."""
    HELLO = auto()
    CAPS = auto()
    READY = auto()
    LINE_LOST = auto()
    GIVE_UP = auto()


_S = SessionState
TRANSITIONS: Final[dict[SessionState, dict[Signal, SessionState]]] = {
    _S.IDLE: {
        Signal.RESTART: _S.AWAIT_HELLO,
        Signal.LINE_LOST: _S.IDLE,
        Signal.GIVE_UP: _S.GONE,
    },
    _S.AWAIT_HELLO: {
        Signal.HELLO: _S.AWAIT_CAPS,
        Signal.RESTART: _S.AWAIT_HELLO,
        Signal.LINE_LOST: _S.IDLE,
        Signal.GIVE_UP: _S.GONE,
    },
    _S.AWAIT_CAPS: {
        Signal.CAPS: _S.AWAIT_READY,
        Signal.RESTART: _S.AWAIT_HELLO,
        Signal.LINE_LOST: _S.IDLE,
        Signal.GIVE_UP: _S.GONE,
    },
    _S.AWAIT_READY: {
        Signal.READY: _S.OPEN,
        Signal.RESTART: _S.AWAIT_HELLO,
        Signal.LINE_LOST: _S.IDLE,
        Signal.GIVE_UP: _S.GONE,
    },
    _S.OPEN: {
        Signal.RESTART: _S.AWAIT_HELLO,
        Signal.LINE_LOST: _S.IDLE,
        Signal.GIVE_UP: _S.GONE,
    },
    _S.GONE: {Signal.LINE_LOST: _S.GONE},
}
"""The next state by state and signal. A message whose signal has no entry is ignored."""


class Session:
    """The handshake's state machine, and what both ends agreed on.

    Args:
        settings: What the host expects of the board.
        counts: Where time-outs and sessions are counted.
        nonces: Numbers from 1 to 2**32 - 1 that this host never sent to this board before.
        now: The time in seconds.

    Attributes:
        state: The state of the session.
        capabilities: The board's latest CAPS; None before the first.
        number: The session's number in every frame.
        window: Most chunks in flight in this session.
        chunk: Bytes of every chunk but a tile's or a result's last.
        round_trip: The time-out for answers.
        silence: Seconds without a valid frame after which the session counts as lost.
        stuck: Seconds in which some job must make progress.
        retry_at: When the pending handshake message is sent again.
        chunk_limit: Largest chunk that the next OPEN asks for.
    """

    def __init__(
        self, settings: HostSettings, counts: HostCounts, nonces: Iterator[int], now: float
    ) -> None:
        self.state = SessionState.IDLE
        self.capabilities: Capabilities | None = None
        self.number = 0
        self.window = 1
        self.chunk = SMALLEST_CHUNK
        self._pace = LinePace(settings.baud)
        self.round_trip = RoundTrip(self._pace.handshake_s)
        self.silence = settings.silence
        self.stuck = settings.stuck
        self.retry_at = now
        self.chunk_limit = self._pace.chunk(settings.chunk) if settings.adapts else settings.chunk
        self._settings = settings
        self._counts = counts
        self._nonces = nonces
        self._host_nonce = 0
        self._boot_nonce = 0
        self._tries = 0

    @property
    def is_open(self) -> bool:
        """Whether jobs can be sent."""
        return self.state is SessionState.OPEN

    @property
    def is_gone(self) -> bool:
        """Whether the host has given up."""
        return self.state is SessionState.GONE

    def restart(self, now: float) -> None:
        """Begin a handshake with a nonce never used before."""
        self._host_nonce = next(self._nonces)
        self._advance(Signal.RESTART, now)

    def lose_line(self, now: float) -> None:
        """Wait for the port to come back; `restart` is called then."""
        self._advance(Signal.LINE_LOST, now)

    def give_up(self, now: float) -> None:
        """Stop for good."""
        self._advance(Signal.GIVE_UP, now)

    def hurry(self, now: float) -> None:
        """Send the pending handshake message again at once, and more often from then on."""
        self.retry_at = now
        self.round_trip.answered()

    def next_message(self, now: float) -> tuple[Message, int] | None:
        """Return the handshake message that is due, with its session; None if none is due."""
        if self.state in (SessionState.IDLE, SessionState.GONE) or now < self.retry_at:
            return None
        if self._tries:
            self._counts.timeouts += 1
            self.round_trip.ran_out()
        if self._tries >= _TRIES and self.state is not SessionState.AWAIT_HELLO:
            # The board may have restarted since its HELLO.
            self.restart(now)
        self._tries += 1
        self.retry_at = now + self.round_trip.timeout
        match self.state:
            case SessionState.AWAIT_HELLO:
                return Reset(self._host_nonce, OLDEST_VERSION, VERSION), 0
            case SessionState.AWAIT_CAPS:
                return Query(self._host_nonce, VERSION), 0
            case _:
                return self._open_message(), self.number

    def hello(self, message: Hello, now: float) -> None:
        """Process a HELLO.

        Raises:
            SessionLostError: The board has restarted during the session.
            NoUsableBoardError: It has no protocol version in common with this host.
        """
        if self.is_open and message.host_nonce == 0 and message.boot_nonce != self._boot_nonce:
            raise SessionLostError("the board has started anew", Blame.REBOOTED)
        if not self._expects(Signal.HELLO) or message.host_nonce != self._host_nonce:
            return
        if not message.oldest <= VERSION or not message.newest >= OLDEST_VERSION:
            raise NoUsableBoardError(
                f"the board speaks versions {message.oldest} to {message.newest} of the serial "
                f"protocol; this downpass speaks {OLDEST_VERSION} to {VERSION}"
            )
        if self._counts.sessions and message.boot_nonce != self._boot_nonce:
            self._counts.restarts += 1
        self._boot_nonce = message.boot_nonce
        self.number = session_number(self._host_nonce, self._boot_nonce)
        self._advance(Signal.HELLO, now)

    def caps(self, message: Caps, now: float) -> None:
        """Process CAPS.

        Raises:
            NoUsableBoardError: No board can have these capabilities, it runs another model, or
                another board has taken its place.
        """
        if not self._expects(Signal.CAPS) or message.host_nonce != self._host_nonce:
            return
        if message.boot_nonce != self._boot_nonce:
            self.restart(now)  # the board has restarted since its HELLO
            return
        if fault := capability_fault(message.capabilities):
            raise NoUsableBoardError(f"the board announces {fault}")
        if self.capabilities is not None and (
            changes := what_differs(self.capabilities, message.capabilities)
        ):
            raise NoUsableBoardError(f"another board, or other software, is there now: {changes}")
        self.capabilities = message.capabilities
        wanted, found = self._settings.fingerprint, message.capabilities.fingerprint
        if wanted is not None and wanted != found:
            raise NoUsableBoardError(
                f"the board runs model {found.hex()} ({message.capabilities.software}); "
                f"expected is {wanted.hex()}"
            )
        self._advance(Signal.CAPS, now)

    def ready(self, message: Ready, now: float) -> bool:
        """Process READY; return whether it opened the session.

        Raises:
            NoUsableBoardError: It opened a session that was not asked for.
        """
        if not self._expects(Signal.READY):
            return False
        capabilities = self.known_capabilities()
        if message.version != VERSION or not SMALLEST_CHUNK <= message.chunk <= capabilities.chunk:
            raise NoUsableBoardError(
                f"the board opened a session that was not asked for: {message}"
            )
        self.chunk = message.chunk
        most = min(self._settings.window, capabilities.window)
        self.window = self._pace.window(most, self.chunk)
        floor = self._pace.answer_s(self.window, self.chunk)
        self._advance(Signal.READY, now)
        self.round_trip = RoundTrip(floor)
        # A chunk may be lost, and its repetition must be answered, too.
        self.silence = max(self._settings.silence, 2 * floor)
        self.stuck = max(self._settings.stuck, 2 * floor)
        self._counts.sessions += 1
        self._counts.chunk = self.chunk
        return True

    def refused(self, message: Error, now: float) -> None:
        """Process an ERROR that answers OPEN.

        Raises:
            NoUsableBoardError: The board will never open this session.
        """
        if not self._expects(Signal.READY):
            return
        match message.code:
            case Code.WRONG_BOOT | Code.DEAD_SESSION:
                self.restart(now)
            case Code.WRONG_MODEL:
                raise NoUsableBoardError("the board runs another model than it said")
            case Code.BAD_PARAMETER | Code.VERSION:
                raise NoUsableBoardError(
                    f"the board refuses to open a session: {message.reason} {message.detail}"
                )

    def known_capabilities(self) -> Capabilities:
        """Return the board's capabilities; call it only after CAPS has arrived."""
        assert self.capabilities is not None  # noqa: S101  (AWAIT_READY and OPEN follow CAPS)
        return self.capabilities

    def _expects(self, signal: Signal) -> bool:
        return signal in TRANSITIONS[self.state]

    def _advance(self, signal: Signal, now: float) -> None:
        self.state = TRANSITIONS[self.state][signal]
        self.retry_at = now
        self._tries = 0
        self.round_trip.answered()

    def _open_message(self) -> Open:
        capabilities, settings = self.known_capabilities(), self._settings
        return Open(
            self._host_nonce,
            self._boot_nonce,
            VERSION,
            settings.window,
            max(SMALLEST_CHUNK, min(self.chunk_limit, capabilities.chunk)),
            capabilities.fingerprint if settings.fingerprint is None else settings.fingerprint,
        )
