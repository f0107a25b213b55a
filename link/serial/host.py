"""The host's half of the protocol, without I/O: the end that keeps the time.

    submit ──► queue ──► jobs (≤ slots) ──► chunks in flight (≤ window) ──► send ──► bytes
    events ◄── finished tiles ◄── chunks of results ◄──────────────────── receive ◄── bytes

The host alone has timers. Whatever it waits for, it asks again for until it has it, or until the
session is dead: the board says so, or says nothing for `silence` seconds. A dead session's
unfinished tiles are submitted again in the next, under new job numbers. A tile is finished when
every byte of its payload is here, their CRC-32 is the board's, and the board has made them of
the tile with our CRC-32.
"""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .constants import (
    LARGEST_WINDOW,
    MOST_CHUNKS,
    OLDEST_VERSION,
    SMALLEST_CHUNK,
    VERSION,
    Code,
    Feature,
    GotFlag,
    JobFlag,
    Kind,
    SampleCode,
    Stage,
    Status,
    Unsupported,
)
from .events import Clock, Closed, Event, Finished, Gone, Opened, Refused
from .framing import Deframer
from .messages import (
    Capabilities,
    Caps,
    Data,
    Error,
    Got,
    Hello,
    Job,
    Load,
    Message,
    MessageError,
    Open,
    Ping,
    Pong,
    Query,
    Ready,
    Release,
    Reset,
    Result,
    Run,
    State,
    TileForm,
    open_body,
    seal,
    session_number,
)
from .roundtrip import LONGEST, RoundTrip
from .trust import (
    LONGEST_ENCODE_S,
    MOST_ROUNDS,
    capability_fault,
    cause_of,
    is_within_credit,
    largest_payload,
    patience_s,
)

_TRIES: Final = 4
BITS_PER_BYTE_ON_WIRE: Final = 10
"""Start bit, eight data bits, stop bit."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host holds a board to.

    Attributes:
        fingerprint: The model that the board must run, 8 bytes; None takes what it has.
        baud: The line's rate in bits per second, for the first time-outs; None where there is
            no such thing.
        window: Most chunks in flight; the board's own limit holds too.
        chunk: Largest chunk in bytes; the board's own limit holds too.
        silence: Seconds without a sound frame after which the session counts as dead.
        away: Seconds without a session after which the board counts as gone.
        stuck: Seconds in which something must have moved: longer than any tile is encoded for.
        fruitless: Sessions in a row that may die without a tile finished before the tile that
            was with the board is refused.
    """

    fingerprint: bytes | None = None
    baud: int | None = None
    window: int = 32
    chunk: int = 2048
    silence: float = 5.0
    away: float = 30.0
    stuck: float = 300.0
    fruitless: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.window <= LARGEST_WINDOW:
            raise ValueError(f"window {self.window}: allowed are 1 to {LARGEST_WINDOW}")


@dataclass(slots=True)
class HostCounts:
    """What a run over the line cost."""

    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0
    chunks_sent: int = 0
    chunks_repeated: int = 0
    timeouts: int = 0
    sessions: int = 0
    sessions_lost: int = 0
    strange: int = 0
    """Sound frames that made no sense: late, foreign or wrong."""


@dataclass(slots=True)
class _Flight:
    serial: int
    sent_at: float
    repeated: bool


@dataclass(slots=True)
class _Task:
    """A tile on its way to the board, through the encoder, and back."""

    ticket: int
    form: TileForm
    tile: bytes


@dataclass(slots=True)
class _Active:
    """A task in this session."""

    job: int
    task: _Task
    count: int
    announce: bool = True
    known: bool = False
    run_due: bool = True
    stage: Stage = Stage.FREE
    round: int = 0
    rounds: int = 0
    """How often the board has thrown the tile away."""
    next: int = 0
    acked: set[int] = field(default_factory=set)
    first: int = 0
    repeats: set[int] = field(default_factory=set)
    sent_once: set[int] = field(default_factory=set)
    flights: dict[int, _Flight] = field(default_factory=dict)
    ask_at: float | None = None
    """When to ask the board about this job, if it has said nothing until then."""
    chunks: dict[int, bytes] = field(default_factory=dict)
    got_first: int = 0
    highest: int = -1
    wanted_at: dict[int, float] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)
    got_due: bool = False
    unsaid: int = 0
    """Chunks that came since the last GOT."""
    want_result: bool = False
    result: Result | None = None
    complete: bool = False
    release_due: bool = False

    @property
    def loaded(self) -> bool:
        return self.first == self.count


class HostEnd:
    """The host's state machine. One thread at a time may call it.

    Args:
        settings: What to hold the board to.
        nonces: Numbers from 1 to 2**32 - 1 that this host never gave this board before; their
            quality decides how surely a reply of an earlier session is told from one of this.
        now: The time, in seconds of any clock that never goes back; all later calls give it too.
    """

    def __init__(self, settings: HostSettings, nonces: Iterator[int], now: float) -> None:
        self.settings = settings
        self.counts = HostCounts()
        self.capabilities: Capabilities | None = None
        self.events: deque[Event] = deque()
        self._nonces = nonces
        self._deframer = Deframer()
        self._queue: deque[_Task] = deque()
        self._active: list[_Active] = []
        self._tickets = 0
        self._phase: Callable[[], tuple[Message, int]] | None = None
        self._open = False
        self._line = True
        self._gone = False
        self._wanted = False
        self._host_nonce = 0
        self._boot_nonce = 0
        self._session = 0
        self._retry_at = now
        self._lost_at = now
        self._heard_at = now
        self._moved_at = now
        self._ended_at = now
        """When a tile was last finished, or the first of those in hand was taken on."""
        self._nonsense = ""
        """Why the last message that could not be read made no sense."""
        self._round_trip = RoundTrip()
        self._tries = 0
        self._window = 1
        self._chunk = SMALLEST_CHUNK
        self._jobs = 0
        self._lowest = 0
        self._serial = 0
        self._flying = 0
        self._fruitless = 0
        self._pings: dict[int, float] = {}
        self._ping_due: deque[int] = deque()

    # ---- what a driver calls

    @property
    def bad_frames(self) -> int:
        """Damaged frames that came from the board."""
        return self._deframer.bad

    @property
    def is_open(self) -> bool:
        """A session is open."""
        return self._open

    @property
    def gone(self) -> bool:
        """The board is given up: nothing will happen any more."""
        return self._gone

    @property
    def unfinished(self) -> int:
        """Tiles submitted and neither finished nor refused."""
        return len(self._queue) + sum(not active.complete for active in self._active)

    @property
    def settled(self) -> bool:
        """Nothing is left to do on the line."""
        return not self._queue and not self._active and not self._pings

    @property
    def round_trip(self) -> float | None:
        """The smoothed round trip of a chunk and its acknowledgement, in seconds."""
        return self._round_trip.mean

    def begin(self, now: float) -> None:
        """Open a session even though no tile waits."""
        if not self._wanted:
            self._wanted = True
            self._lost_at = self._heard_at = self._moved_at = now
            self._knock(now)

    def submit(self, form: TileForm, tile: bytes, now: float) -> int:
        """Take on a tile; return its ticket. `Finished` or `Refused` will name it."""
        if len(tile) != form.tile_bytes or zlib.crc32(tile) != form.tile_crc:
            raise ValueError("the tile is not the one that its form describes")
        ticket = self._tickets
        self._tickets += 1
        if self.settled:
            # Silence counts from when there was something to hear.
            self._heard_at = self._moved_at = now
        self._queue.append(_Task(ticket, form, tile))
        self.begin(now)
        return ticket

    def ping(self, now: float) -> int:
        """Ask for the board's clock; `Clock` will name the token."""
        token = next(self._nonces)
        if self.settled:
            self._heard_at = self._moved_at = now
        self._pings[token] = now
        self._ping_due.append(token)
        self.begin(now)
        return token

    def line_down(self, cause: str, now: float) -> None:
        """The port has vanished."""
        if self._line:
            self._line = False
            self._lose(cause, now)

    def line_up(self, now: float) -> None:
        """The port is there again."""
        if not self._line:
            self._line = True
            self._deframer = _fresh(self._deframer)
            if self._wanted and not self._gone:
                self._knock(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take in bytes of the line."""
        self.counts.bytes_received += len(data)
        for body in self._deframer.feed(data):
            if body[0] < Kind.HELLO:
                continue  # an echo of our own
            try:
                session, message = open_body(body)
            except MessageError as error:
                self.counts.strange += 1
                self._nonsense = str(error)
                continue
            self.counts.frames_received += 1
            if not self._gone and self._line:
                self._take_in(session, message, now)

    def wake(self) -> float | None:
        """Return when `send` is to be called next though nothing comes; None: not before."""
        if self._gone or not self._wanted:
            return None
        if not self._open:
            away_at = self._lost_at + self.settings.away
            return min(away_at, self._retry_at) if self._line else away_at
        if self.settled:
            return None
        times = [self._heard_at + self.settings.silence, self._moved_at + self.settings.stuck]
        times.append(self._must_end_at())
        times += [active.ask_at for active in self._active if active.ask_at is not None]
        times += [asked + self._round_trip.timeout for asked in self._pings.values()]
        if self._flying:
            oldest = min(
                flight.sent_at for active in self._active for flight in active.flights.values()
            )
            times.append(oldest + self._round_trip.timeout)
        return min(times)

    def send(self, now: float) -> bytes:
        """Return the next frame for the line, delimiters included; nothing where none waits."""
        if self._gone or not self._wanted:
            return b""
        self._keep_time(now)
        if self._gone or not self._line:
            return b""
        message = self._next_message(now) if self._open else self._next_of_handshake(now)
        if message is None:
            return b""
        data = seal(message[0], message[1])
        self.counts.frames_sent += 1
        self.counts.bytes_sent += len(data)
        return data

    # ---- the handshake

    def _knock(self, now: float) -> None:
        """Begin a new handshake with a nonce never used before."""
        self._open = False
        self._host_nonce = next(self._nonces)
        self._step(self._reset, now)

    def _reset(self) -> tuple[Message, int]:
        return Reset(self._host_nonce, OLDEST_VERSION, VERSION), 0

    def _query(self) -> tuple[Message, int]:
        return Query(self._host_nonce, VERSION), 0

    def _opening(self) -> tuple[Message, int]:
        capabilities = self.capabilities
        assert capabilities is not None  # noqa: S101  (CAPS has come)
        settings = self.settings
        message = Open(
            self._host_nonce,
            self._boot_nonce,
            VERSION,
            settings.window,
            max(SMALLEST_CHUNK, min(settings.chunk, capabilities.chunk)),
            capabilities.fingerprint if settings.fingerprint is None else settings.fingerprint,
        )
        return message, self._session

    def _next_of_handshake(self, now: float) -> tuple[Message, int] | None:
        if self._phase is None or now < self._retry_at:
            return None
        if self._tries:
            self.counts.timeouts += 1
            self._round_trip.ran_out()
        if self._tries >= _TRIES and self._phase != self._reset:
            # Whoever said HELLO may have restarted since.
            self._knock(now)
        self._tries += 1
        self._retry_at = now + self._round_trip.timeout
        return self._phase()

    def _step(self, phase: Callable[[], tuple[Message, int]], now: float) -> None:
        self._phase = phase
        self._retry_at = now
        self._tries = 0
        self._round_trip.answered()

    def _hello(self, message: Hello, now: float) -> None:
        if self._open:
            if message.host_nonce == 0 and message.boot_nonce != self._boot_nonce:
                self._lose("the board has started anew", now)
            return
        if message.host_nonce != self._host_nonce or self._phase != self._reset:
            return
        if not message.oldest <= VERSION or not message.newest >= OLDEST_VERSION:
            self._give_up(
                f"the board speaks versions {message.oldest} to {message.newest} of the serial "
                f"protocol; this downpass speaks {OLDEST_VERSION} to {VERSION}"
            )
            return
        self._boot_nonce = message.boot_nonce
        self._session = session_number(self._host_nonce, self._boot_nonce)
        self._step(self._query, now)

    def _caps(self, message: Caps, now: float) -> None:
        if self._phase != self._query or message.host_nonce != self._host_nonce:
            return
        if message.boot_nonce != self._boot_nonce:
            self._knock(now)  # it has restarted since its HELLO
        else:
            if cannot_be := capability_fault(message.capabilities):
                self._give_up(f"the board announces {cannot_be}")
                return
            self.capabilities = message.capabilities
            wanted, found = self.settings.fingerprint, message.capabilities.fingerprint
            if wanted is not None and wanted != found:
                self._give_up(
                    f"the board runs model {found.hex()} ({message.capabilities.software}); "
                    f"expected is {wanted.hex()}"
                )
                return
            self._step(self._opening, now)

    def _is_ready(self, message: Ready, now: float) -> None:
        if self._phase != self._opening or self._open:
            return
        capabilities = self.capabilities
        assert capabilities is not None  # noqa: S101  (CAPS has come)
        if message.version != VERSION or not SMALLEST_CHUNK <= message.chunk <= capabilities.chunk:
            self._give_up(f"the board opened a session that was not asked for: {message}")
            return
        self._phase = None
        self._open = True
        self._tries = 0
        self._chunk = message.chunk
        self._window = min(self.settings.window, capabilities.window)
        floor = 0.1
        if self.settings.baud:
            window_bytes = (self._window + 2) * (self._chunk + 40)
            floor += window_bytes * BITS_PER_BYTE_ON_WIRE / self.settings.baud
        self._round_trip = RoundTrip(min(floor, LONGEST))
        self._jobs = self._lowest = self._flying = 0
        self._heard_at = self._moved_at = self._ended_at = now
        self.counts.sessions += 1
        self.events.append(Opened(capabilities, self.counts.sessions > 1))
        for task in [task for task in self._queue if self._too_much(task.form)]:
            self._queue.remove(task)
            self.events.append(Refused(task.ticket, self._too_much(task.form)))

    def _too_much(self, form: TileForm) -> str:
        """Say why the board cannot take such a tile; nothing where it can."""
        own = self.capabilities
        assert own is not None  # noqa: S101  (a session is open)
        tile = f"a tile of {form.columns} x {form.rows} pixels, {form.bands} bands"
        if form.tile_bytes > own.largest_tile:
            return f"{tile}, {form.tile_bytes} bytes: the board takes {own.largest_tile} at most"
        if form.columns > own.most_columns or form.rows > own.most_rows:
            return f"{tile}: the board takes {own.most_columns} x {own.most_rows} at most"
        if form.bands > own.most_bands:
            return f"{tile}: the board takes {own.most_bands} at most"
        if form.bit_depth > own.bit_depth:
            return f"bit depth {form.bit_depth}: the board takes {own.bit_depth} at most"
        needed = {SampleCode.UINT16: Feature.UINT16, SampleCode.INT16: Feature.INT16}.get(
            form.sample
        )
        if needed is not None and not own.features & needed:
            return f"samples of {needed.name}: the board does not take them"
        if form.flags & (JobFlag.NODATA | JobFlag.MASKS) and not own.features & Feature.NODATA:
            return "a tile with nodata: the board does not take them"
        count = -(-form.tile_bytes // self._chunk)
        if count > MOST_CHUNKS:
            return f"{tile}: {count} chunks of {self._chunk} bytes; allowed are {MOST_CHUNKS}"
        return ""

    # ---- the end of a session

    def _lose(self, cause: str, now: float) -> None:
        """The session is dead: take its unfinished tiles back and begin another."""
        if self._open:
            self.counts.sessions_lost += 1
            self._lost_at = now
            self.events.append(Closed(cause))
        unfinished = [active for active in self._active if not active.complete]
        self._fruitless += bool(unfinished or (self._open and self._queue))
        self._active.clear()
        self._flying = 0
        self._ping_due.extend(token for token in self._pings if token not in self._ping_due)
        tasks = [active.task for active in unfinished]
        self._queue.extendleft(reversed(tasks))
        if self._fruitless >= self.settings.fruitless and self._queue:
            furthest = min(unfinished, key=lambda one: (-one.stage, one.job), default=None)
            suspect = self._queue[0] if furthest is None else furthest.task
            self._queue.remove(suspect)
            self.events.append(
                Refused(
                    suspect.ticket,
                    f"{self._fruitless} sessions in a row ended before this tile was done; "
                    f"the last: {cause}",
                )
            )
            self._fruitless = 0
        self._open = False
        if self._line:
            self._knock(now)

    def _give_up(self, cause: str) -> None:
        self._gone = True
        self._open = False
        self._phase = None
        self.events.append(Gone(cause))

    def _nobody(self) -> str:
        """Say how it looks when no session can be had."""
        away = f"no board for {self.settings.away:g} s"
        if not self._line:
            return f"{away}: the port has vanished"
        if self._nonsense and self.counts.strange > self.counts.frames_received / 2:
            return (
                f"{away}: {self.counts.strange} frames came that are not of this protocol; "
                f"the last: {self._nonsense}"
            )
        if self.counts.frames_received:
            return f"{away}: it answered before, and does so no more"
        if self.counts.bytes_received:
            return (
                f"{away}: {self.counts.bytes_received} bytes came and none of them made a frame; "
                "is the baud rate the board's?"
            )
        return f"{away}: not a byte came"

    # ---- time

    def _keep_time(self, now: float) -> None:
        if not self._open:
            if now >= self._lost_at + self.settings.away:
                self._give_up(self._nobody())
            return
        if self.settled:
            return
        if now >= self._heard_at + self.settings.silence:
            self._lose(f"the board said nothing for {self.settings.silence:g} s", now)
            return
        if now >= self._moved_at + self.settings.stuck:
            self._lose(f"nothing has moved on the board for {self.settings.stuck:g} s", now)
            return
        if now >= self._must_end_at():
            self._lose(f"no tile was finished for {now - self._ended_at:.0f} s", now)
            return
        late = now - self._round_trip.timeout
        ran_out = False
        for active in self._active:
            for index in [i for i, flight in active.flights.items() if flight.sent_at <= late]:
                self._land(active, index)
                active.repeats.add(index)
                ran_out = True
            if active.ask_at is not None and now >= active.ask_at:
                self._ask(active, now)
                ran_out = ran_out or active.stage not in (Stage.QUEUED, Stage.RUNNING)
        for token, asked in self._pings.items():
            if asked <= late and token not in self._ping_due:
                self._ping_due.append(token)
                ran_out = True
        if ran_out:
            self.counts.timeouts += 1
            self._round_trip.ran_out()

    def _must_end_at(self) -> float:
        """When one of the tiles in hand must be finished, whatever else moves."""
        own = self.capabilities
        if own is None or not self._active:
            return math.inf
        forms = [active.task.form for active in self._active]
        return self._ended_at + patience_s(self.settings.stuck, forms, own)

    def _ask(self, active: _Active, now: float) -> None:
        """The board has said nothing about a job for a while: make it speak."""
        if active.complete:
            active.release_due = True
        elif active.stage == Stage.DONE:
            active.got_due = True
            active.want_result = active.result is None
            missing = range(active.got_first, active.got_first + LARGEST_WINDOW)
            active.again.update(index for index in missing if index not in active.chunks)
        else:
            active.run_due = True
        self._wait(active, now)

    def _wait(self, active: _Active, now: float) -> None:
        """Ask about this job one time-out from now."""
        active.ask_at = now + self._round_trip.timeout

    # ---- what goes out in a session

    def _next_message(self, now: float) -> tuple[Message, int] | None:
        if self._ping_due:
            token = self._ping_due.popleft()
            self._pings[token] = now
            return Ping(token), self._session
        for active in self._active:
            if active.release_due:
                active.release_due = False
                self._wait(active, now)
                return Release(active.job), self._session
            if active.got_due and not active.complete:
                return self._got(active, now), self._session
            if active.run_due and not active.announce and active.next == active.count:
                active.run_due = False
                self._wait(active, now)
                return Run(active.job), self._session
        message = self._next_chunk(now)
        return None if message is None else (message, self._session)

    def _got(self, active: _Active, now: float) -> Got:
        received = again = 0
        for bit in range(LARGEST_WINDOW):
            index = active.got_first + bit
            received |= (index in active.chunks) << bit
            again |= (index in active.again) << bit
        flags = GotFlag.RESULT if active.want_result else 0
        active.got_due = active.want_result = False
        active.unsaid = 0
        active.again.clear()
        self._wait(active, now)
        return Got(active.job, flags, active.got_first, received, again)

    def _next_chunk(self, now: float) -> Message | None:
        while self._flying < self._window:
            for active in self._active:
                if active.complete or (active.loaded and not active.announce):
                    continue
                if active.announce:
                    active.announce = False
                    self._wait(active, now)
                    return Job(active.job, active.task.form)
                index = _due_chunk(active)
                if index is not None:
                    return self._launch(active, index, now)
            if not self._take_on(now):
                return None
        return None

    def _take_on(self, now: float) -> bool:
        """Give the next tile a job number, if one is left to give."""
        capabilities = self.capabilities
        assert capabilities is not None  # noqa: S101  (a session is open)
        while self._queue and self._jobs < self._lowest + capabilities.slots:
            task = self._queue.popleft()
            cause = self._too_much(task.form)
            if cause:
                self.events.append(Refused(task.ticket, cause))
                continue
            count = -(-task.form.tile_bytes // self._chunk)
            if not self._active:
                self._ended_at = now
            self._active.append(_Active(self._jobs, task, count))
            self._jobs += 1
            return True
        return False

    def _launch(self, active: _Active, index: int, now: float) -> Load:
        active.repeats.discard(index)
        repeated = index in active.sent_once
        active.sent_once.add(index)
        active.next = max(active.next, index + 1)
        active.flights[index] = _Flight(self._serial, now, repeated)
        self._serial += 1
        self._flying += 1
        self.counts.chunks_sent += 1
        self.counts.chunks_repeated += repeated
        self._wait(active, now)
        start = index * self._chunk
        return Load(active.job, index, active.task.tile[start : start + self._chunk])

    def _land(self, active: _Active, index: int) -> _Flight | None:
        flight = active.flights.pop(index, None)
        if flight is not None:
            self._flying -= 1
        return flight

    # ---- what comes in

    def _take_in(self, session: int, message: Message, now: float) -> None:
        match message:
            case Hello():
                self._hello(message, now)
            case Caps():
                self._caps(message, now)
            case Pong():
                self._pong(message, now)
            case Error():
                self._error(session, message, now)
            case _ if session != self._session:
                self.counts.strange += 1
            case Ready():
                self._is_ready(message, now)
            case State() | Data() | Result() if self._open:
                self._heard_at = now
                self._about_job(message, now)
            case _:
                self.counts.strange += 1

    def _pong(self, message: Pong, now: float) -> None:
        asked = self._pings.pop(message.token, None)
        if asked is not None:
            self._heard_at = now
            self.events.append(
                Clock(
                    message.token,
                    message.ticks,
                    message.bad_frames,
                    message.boot_nonce,
                    now - asked,
                )
            )

    def _error(self, session: int, message: Error, now: float) -> None:
        if session != self._session:
            return
        code = message.code
        if self._open:
            active = next((one for one in self._active if one.job == message.job), None)
            if code == Code.NO_SESSION:
                self._lose("the board has lost the session", now)
            elif code == Code.CONFLICT:
                self._lose("the board holds another tile under a job's number", now)
            elif code in (Code.TOO_LARGE, Code.UNSUPPORTED) and active and not active.complete:
                self._refuse(active, message, now)
            else:
                self.counts.strange += 1
        elif self._phase == self._opening:
            if code in (Code.WRONG_BOOT, Code.DEAD_SESSION):
                self._knock(now)
            elif code == Code.WRONG_MODEL:
                self._give_up("the board runs another model than it said")
            elif code in (Code.BAD_PARAMETER, Code.VERSION):
                self._give_up(
                    f"the board refuses to open a session: {message.reason} {message.detail}"
                )

    def _refuse(self, active: _Active, message: Error, now: float) -> None:
        if message.code == Code.TOO_LARGE:
            said = self.capabilities.largest_tile if self.capabilities else 0
            cause = (
                f"the board refuses a tile of {active.task.form.tile_bytes} bytes: it takes "
                f"{message.detail} at most, though it said {said}"
            )
        else:
            what = _UNSUPPORTED.get(message.detail, f"field {message.detail}")
            cause = f"the board refuses the tile: its {what} is not supported"
        self.events.append(Refused(active.task.ticket, cause))
        self._complete(active, now)

    def _complete(self, active: _Active, now: float) -> None:
        """Nothing more is wanted of a job but that the board forget it."""
        for index in list(active.flights):
            self._land(active, index)
        active.complete = active.release_due = True
        self._ended_at = now
        active.announce = active.run_due = False
        active.chunks.clear()
        active.task = _Task(active.task.ticket, active.task.form, b"")
        self._wait(active, now)

    def _about_job(self, message: State | Data | Result, now: float) -> None:
        active = next((one for one in self._active if one.job == message.job), None)
        match message:
            case State():
                self._state(message, active, now)
            case _ if active is None:
                self.counts.strange += 1
            case Data():
                self._data(message, active, now)
            case Result():
                self._result(message, active, now)

    def _state(self, message: State, active: _Active | None, now: float) -> None:
        if message.lowest > self._jobs:
            self._lose("the board has released jobs that it was never given", now)
            return
        if message.lowest > self._lowest:
            if any(one.job < message.lowest and not one.complete for one in self._active):
                self._lose("the board has forgotten a job that is not done", now)
                return
            self._lowest = message.lowest
            self._moved_at = now
            self._active = [one for one in self._active if one.job >= message.lowest]
        if active is None or active.complete:
            if active is not None and message.stage == Stage.RELEASED:
                self._active = [one for one in self._active if one is not active]
                self._moved_at = now
            return
        if message.stage == Stage.FREE:
            if not active.known and not active.announce:
                self._forget_loading(active)
                active.announce = True
            return
        active.known = True
        if message.stage == Stage.RELEASED:
            self._lose("the board has released a job that is not done", now)
            return
        if message.stage < active.stage:
            return  # late
        if message.stage == Stage.LOADING:
            self._loading(message, active, now)
        else:
            self._loaded(message, active, now)

    def _forget_loading(self, active: _Active) -> None:
        for index in list(active.flights):
            self._land(active, index)
        active.acked.clear()
        active.repeats.clear()
        active.first = active.next = 0
        active.run_due = True

    def _loading(self, message: State, active: _Active, now: float) -> None:
        behind = (message.round - active.round) % 256
        if behind >= 128:
            return  # late
        if behind:
            active.round = message.round
            active.rounds += 1
            if active.rounds > MOST_ROUNDS:
                self._lose(f"the board has thrown a tile away {active.rounds} times", now)
                return
            self._forget_loading(active)
        active.stage = Stage.LOADING
        newest = -1
        come = [*range(active.first, min(message.first, active.count))]
        come += [
            message.first + bit
            for bit in range(LARGEST_WINDOW)
            if message.received >> bit & 1 and message.first + bit < active.count
        ]
        for index in come:
            if index in active.acked:
                continue
            active.acked.add(index)
            active.repeats.discard(index)
            flight = self._land(active, index)
            if flight is not None:
                newest = max(newest, flight.serial)
                if not flight.repeated:
                    self._round_trip.measured(now - flight.sent_at)
        while active.first in active.acked:
            active.first += 1
        if newest >= 0:
            self._moved_at = now
            self._round_trip.answered()
            self._find_lost(newest)
            # All may be here and RUN not: if it does not come either, it is sent again then.
            self._wait(active, now)

    def _find_lost(self, newest: int) -> None:
        """A line keeps the order: what was sent before something that came has come or is lost."""
        for active in self._active:
            for index in [i for i, flight in active.flights.items() if flight.serial < newest - 1]:
                self._land(active, index)
                active.repeats.add(index)

    def _loaded(self, message: State, active: _Active, now: float) -> None:
        for index in list(active.flights):
            flight = self._land(active, index)
            if flight is not None and not flight.repeated:
                self._round_trip.measured(now - flight.sent_at)
        active.repeats.clear()
        active.first = active.next = active.count
        active.run_due = False
        if message.stage > active.stage:
            active.stage = message.stage
            self._moved_at = now
        self._round_trip.answered()
        self._wait(active, now)

    def _data(self, message: Data, active: _Active, now: float) -> None:
        if active.complete:
            active.release_due = True
            return
        beyond = message.index * self._chunk + len(message.data) > self._largest(active)
        within = is_within_credit(message.index, active.got_first)
        if beyond or not within or len(message.data) > self._chunk:
            self.counts.strange += 1
            return
        self._is_done(active)
        if message.index not in active.chunks:
            active.chunks[message.index] = message.data
            self._moved_at = now
        while active.got_first in active.chunks:
            active.got_first += 1
        timeout = self._round_trip.timeout
        for index in range(active.got_first, message.index):
            # A gap: a line keeps the order, so what came before it is lost.
            asked = active.wanted_at.get(index)
            if index not in active.chunks and (asked is None or now - asked >= timeout):
                active.wanted_at[index] = now
                active.again.add(index)
        # Credit is given back by the quarter window: RELEASE acknowledges what is left.
        active.unsaid += 1
        if active.again or active.unsaid >= max(1, self.settings.window // 4):
            active.got_due = True
        self._wait(active, now)
        self._finish(active, now)

    def _result(self, message: Result, active: _Active, now: float) -> None:
        if active.complete:
            active.release_due = True
            return
        if message.tile_crc != active.task.form.tile_crc or message.length > self._largest(active):
            self._lose("the board gave a result of another tile, or a larger one than it can", now)
            return
        rate = self.capabilities.tick_rate if self.capabilities else 1
        if message.encode_ticks > LONGEST_ENCODE_S * rate:
            self._lose(
                f"the board says that a tile was encoded for {message.encode_ticks / rate:.3g} s; "
                f"allowed: at most {LONGEST_ENCODE_S}",
                now,
            )
            return
        self._is_done(active)
        active.result = message
        missing = range(active.got_first, -(-message.length // self._chunk))
        active.again.update(
            index for index in missing[:LARGEST_WINDOW] if index not in active.chunks
        )
        active.got_due = active.got_due or bool(active.again)
        self._wait(active, now)
        self._finish(active, now)

    def _largest(self, active: _Active) -> int:
        own = self.capabilities
        assert own is not None  # noqa: S101  (a session is open)
        return largest_payload(active.task.form, own)

    def _is_done(self, active: _Active) -> None:
        if active.stage != Stage.DONE:
            for index in list(active.flights):
                self._land(active, index)
            active.stage, active.known = Stage.DONE, True
            active.repeats.clear()
            active.first = active.next = active.count
            active.announce = active.run_due = False

    def _finish(self, active: _Active, now: float) -> None:
        result = active.result
        if result is None or active.got_first < -(-result.length // self._chunk):
            return
        count = -(-result.length // self._chunk)
        payload = b"".join(active.chunks[index] for index in range(count))
        if len(payload) != result.length or zlib.crc32(payload) != result.crc:
            # A chunk that was damaged and passed its CRC-32, or a faulty board: fetch it anew.
            self.counts.strange += 1
            self._lose("a result's CRC-32 does not match its bytes", now)
            return
        self._fruitless = 0
        ticket = active.task.ticket
        if result.status == Status.CODED:
            self.events.append(
                Finished(
                    ticket, payload, result.receive_ticks, result.encode_ticks, result.send_ticks
                )
            )
        else:
            self.events.append(Refused(ticket, f"the board's encoder: {cause_of(payload)}"))
        self._complete(active, now)


_UNSUPPORTED: Final[dict[int, str]] = {
    Unsupported.COLUMNS: "width",
    Unsupported.ROWS: "height",
    Unsupported.BANDS: "number of bands",
    Unsupported.BIT_DEPTH: "bit depth",
    Unsupported.SAMPLE: "sample type",
    Unsupported.FLAGS: "nodata",
    Unsupported.SETTING: "kind of setting",
    Unsupported.CHUNKS: "number of chunks",
    Unsupported.ROTATION: "rotation of the bands",
}


def _due_chunk(active: _Active) -> int | None:
    """Return the chunk to send next, as far as the board's bitmap reaches."""
    if active.repeats:
        return min(active.repeats)
    if active.next < min(active.count, active.first + LARGEST_WINDOW):
        return active.next
    return None


def _fresh(old: Deframer) -> Deframer:
    """Return a deframer that holds no half frame and goes on counting."""
    new = Deframer()
    new.bad = old.bad
    return new
