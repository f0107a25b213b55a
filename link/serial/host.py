"""The host's end of the protocol as a state machine, without I/O.

    submit ──► queue ──► SessionJobs ──► send ──► bytes
    events ◄──────────── SessionJobs ◄── receive ◄── bytes
                         Session (handshake)

Only the host has timers. It repeats every request until it has the answer or the session is lost.
A session is lost when the board says so, or when the board sends nothing for `silence` seconds. The
next session submits the unfinished tiles again, under new job numbers. A tile is finished when
every byte of its payload has arrived, the payload's CRC-32 is the one that the board reported, and
the board has reported the CRC-32 of the tile that was sent.

The state machines are in `session` (TRANSITIONS) and `host_job` (REACTIONS).
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator

from .absence import Absence
from .blame import Blame
from .constants import FIRST_ANSWER
from .describe import describe
from .events import BoardClock, Closed, Event, Gone, Opened, Refused
from .fit import misfit
from .framing import Deframer
from .host_job import Submission
from .host_settings import HostCounts, HostSettings
from .line_quality import LineQuality, smaller_chunk
from .messages import (
    NO_SESSION,
    Capabilities,
    Caps,
    Data,
    Error,
    Hello,
    Message,
    MessageError,
    Ping,
    Pong,
    Ready,
    Result,
    State,
    TileForm,
    open_body,
    seal,
)
from .pings import Pings
from .session import NoUsableBoardError, Session, SessionLostError
from .session_jobs import SessionJobs
from .trip import Trip


class HostEnd:
    """The host's end of the line. One thread at a time may call it.

    Args:
        settings: What the host expects of the board.
        nonces: Numbers from 1 to 2**32 - 1 that this host never sent to this board before. The
            less they repeat, the more surely a late reply of an earlier session is recognised.
        now: The time in seconds of any monotonic clock; all later calls use the same clock.

    Attributes:
        settings: The given settings.
        counts: What the line has carried so far.
        events: What happened, oldest first; the caller removes events.
    """

    def __init__(self, settings: HostSettings, nonces: Iterator[int], now: float) -> None:
        self.settings = settings
        self.counts = HostCounts()
        self.events: deque[Event] = deque()
        self._nonces = nonces
        self._deframer = Deframer()
        self._session = Session(settings, self.counts, nonces, now)
        self._jobs: SessionJobs | None = None
        """The jobs of the open session; None while no session is open."""
        self._queue: deque[Submission] = deque()
        self._tickets = 0
        self._is_plugged = True
        self._is_wanted = False
        """Whether a session was ever asked for."""
        self._heard_at = now
        self._refusal = ""
        """The latest ERROR that tells nothing to do, since the board last did what it was asked."""
        self._fruitless = 0
        """Consecutive sessions that ended without a finished tile."""
        self._fruitless_boots = 0
        """Boots of the board that the host had noticed before them."""
        self._restarts = 0
        """Boots of the board that it had noticed when the latest session opened."""
        self._pings = Pings()
        self._quality = LineQuality()
        self._absence = Absence(settings, self.counts, nonces, now)

    # ---- called by a driver

    @property
    def capabilities(self) -> Capabilities | None:
        """The board's latest capabilities; None before the first CAPS."""
        return self._session.capabilities

    @property
    def bad_frames(self) -> int:
        """Number of damaged frames received from the board."""
        return self._deframer.bad

    @property
    def is_open(self) -> bool:
        """Whether a session is open."""
        return self._session.is_open

    @property
    def absent_since(self) -> float | None:
        """Since when the host has wanted a session and had none; None if it has or wants none."""
        if self.is_open or self.gone or not self._is_wanted or not self._is_plugged:
            return None
        return self._absence.since

    @property
    def gone(self) -> bool:
        """Whether the host has given up the board; no event follows."""
        return self._session.is_gone

    @property
    def unfinished(self) -> int:
        """Number of tiles submitted and neither finished nor refused."""
        return len(self._queue) + (len(self._jobs.unfinished()) if self._jobs is not None else 0)

    @property
    def settled(self) -> bool:
        """Whether no tile, job or PING is pending."""
        return not self._queue and not self._jobs and not self._pings

    @property
    def round_trip(self) -> float | None:
        """The smoothed round trip of a chunk and its acknowledgement, in seconds."""
        return self._session.round_trip.mean

    def begin(self, now: float) -> None:
        """Open a session even though no tile waits."""
        if not self._is_wanted:
            self._is_wanted = True
            self._absence.since = self._heard_at = now
            self._session.restart(now)

    def submit(self, form: TileForm, tile: bytes, now: float) -> int:
        """Queue a tile; return its ticket, which `Finished` or `Refused` will carry.

        Raises:
            ValueError: The form does not describe the tile.
        """
        if len(tile) != form.tile_bytes or zlib.crc32(tile) != form.tile_crc:
            raise ValueError("the tile is not the one that its form describes")
        ticket = self._tickets
        self._tickets += 1
        self._end_idleness(now)
        self._queue.append(Submission(ticket, form, tile, Trip(now)))
        self.begin(now)
        return ticket

    def ping(self, now: float) -> int:
        """Ask for the board's clock; return the token that `BoardClock` will carry."""
        token = next(self._nonces)
        self._end_idleness(now)
        self._pings.ask(token, now)
        self.begin(now)
        return token

    def line_down(self, cause: str, now: float) -> None:
        """Report that the port has vanished."""
        if self._is_plugged:
            self._is_plugged = False
            self._absence.end_probe()
            self._lose(cause, Blame.LINE, now)

    def line_up(self, now: float) -> None:
        """Report that the port has come back."""
        if not self._is_plugged:
            self._is_plugged = True
            self._deframer.forget_partial_frame()
            if self._is_wanted and not self.gone:
                self._session.restart(now)

    def receive(self, data: bytes, now: float) -> None:
        """Process bytes from the line."""
        self.counts.bytes_received += len(data)
        if not self.counts.frames_received:
            self._absence.overheard.take(data)
        for body in self._deframer.feed(data):
            if body[0] < FIRST_ANSWER:
                self._absence.overheard.echoes += 1
                continue  # an echo of the host's own frame
            try:
                number, message = open_body(body)
            except MessageError as error:
                self.counts.strange += 1
                self._absence.last_fault = str(error)
                continue
            self.counts.frames_received += 1
            if self.gone or not self._is_plugged:
                continue
            try:
                self._take_in(number, message, now)
            except SessionLostError as error:
                self._lose(str(error), error.blame, now)
            except NoUsableBoardError as error:
                self._give_up(str(error), Blame.BOARD, now)

    def wake(self) -> float | None:
        """Return when to call `send` next if nothing arrives first; None if no time is set."""
        if self.gone or not self._is_wanted:
            return None
        if self._jobs is None:
            away_at = self._absence.wake_at
            return min(away_at, self._session.retry_at) if self._is_plugged else away_at
        if self.settled:
            return None
        timeout = self._session.round_trip.timeout
        silent_at = self._heard_at + self._session.silence
        return min(silent_at, self._jobs.wake(), self._pings.wake(timeout))

    def send(self, now: float) -> bytes:
        """Return the next frame for the line, delimiters included; empty if none is due."""
        if self.gone or not self._is_wanted:
            return b""
        try:
            self._keep_time(now)
        except SessionLostError as error:
            self._lose(str(error), error.blame, now)
        if self.gone or not self._is_plugged:
            return b""
        message = self._next_message(now)
        if message is None:
            return b""
        if (
            self.settings.adapts
            and self._jobs is not None
            and self._quality.token not in self._pings
            and self._quality.is_suspect(self.counts)
        ):
            self._quality.token = self.ping(now)
        data = seal(*message)
        self.counts.frames_sent += 1
        self.counts.bytes_sent += len(data)
        return data

    # ---- sending

    def _next_message(self, now: float) -> tuple[Message, int] | None:
        if self._jobs is None:
            token = self._absence.ping_due(now)
            return self._session.next_message(now) if token is None else (Ping(token), 0)
        if (token := self._pings.due(now)) is not None:
            return Ping(token), self._session.number
        message = self._jobs.next_message(now)
        return None if message is None else (message, self._session.number)

    def _end_idleness(self, now: float) -> None:
        """Start the silence and progress timers now if the host was idle until now."""
        if self.settled:
            self._heard_at = now
            if self._jobs is not None:
                self._jobs.moved_at = now

    def _keep_time(self, now: float) -> None:
        if self._jobs is None:
            found = self._absence.verdict(
                now, self.bad_frames, self._refusal, is_plugged=self._is_plugged
            )
            if found is not None:
                self._give_up(*found, now)
            return
        if self.settled:
            return
        silence = self._session.silence
        if now >= self._heard_at + silence:
            nothing = f"the board said nothing for {silence:.3g} s"
            if self._refusal:
                raise SessionLostError(f"{nothing} except {self._refusal}")
            raise SessionLostError(nothing, None)
        self._jobs.check_progress(now)
        late = now - self._session.round_trip.timeout
        jobs_late = self._jobs.keep_time(now)
        if self._pings.repeat_sent_until(late) or jobs_late:
            self.counts.timeouts += 1
            self._session.round_trip.ran_out()

    # ---- receiving

    def _take_in(self, number: int, message: Message, now: float) -> None:
        match message:
            case Hello():
                self._session.hello(message, now)
            case Caps():
                self._session.caps(message, now)
            case Pong():
                self._pong(message, now)
            case Error():
                self._error(number, message, now)
            case _ if number != self._session.number:
                self.counts.strange += 1
            case Ready():
                if self._session.ready(message, now):
                    self._opened(now)
            case State() | Data() | Result() if self._jobs is not None:
                self._heard_at = now
                self._refusal = ""
                self._jobs.take_in(message, now)
            case _:
                self.counts.strange += 1

    def _opened(self, now: float) -> None:
        session = self._session
        self._heard_at = now
        self._refusal = ""
        self._absence.end_probe()
        self._jobs = SessionJobs(session, self.settings, self._queue, self.counts, self.events, now)
        capabilities = session.known_capabilities()
        rebooted = self.counts.restarts > self._restarts
        self._restarts = self.counts.restarts
        self.events.append(Opened(capabilities, self.counts.sessions > 1, rebooted))
        for waiting in list(self._queue):
            if found := misfit(waiting.form, capabilities, session.chunk):
                self._queue.remove(waiting)
                self.events.append(Refused(waiting.ticket, found.cause))

    def _pong(self, message: Pong, now: float) -> None:
        if self._absence.take_pong(message.token, now):
            self._session.hurry(now)
        asked = self._pings.answer(message.token)
        if asked is not None:
            self._heard_at = now
            if message.token == self._quality.token:
                self._judge_line(message, now)
                return
            self.events.append(
                BoardClock(
                    message.token,
                    message.ticks,
                    message.bad_frames,
                    message.boot_nonce,
                    now - asked,
                )
            )

    def _error(self, number: int, message: Error, now: float) -> None:
        if self._jobs is not None:
            if number == self._session.number and not self._jobs.refused(message, now):
                self._refusal = describe(message)
            return
        if number == self._session.number:
            self._session.refused(message, now)
        if number in (NO_SESSION, self._session.number):
            self._refusal = describe(message)

    # ---- the chunk size

    def _judge_line(self, pong: Pong, now: float) -> None:
        """Begin a session with smaller chunks if the line damages many frames."""
        traffic = self._quality.traffic(self.counts, pong, self.bad_frames)
        session = self._session
        smaller = smaller_chunk(session.chunk, traffic)
        if smaller is None or self._jobs is None:
            return
        session.chunk_limit = smaller
        self.counts.chunk_changes += 1
        unfinished, self._jobs = self._jobs.unfinished(), None
        self._queue.extendleft(job.submission for job in reversed(unfinished))
        self._absence.begin(now, self.bad_frames)
        session.restart(now)

    # ---- the end of a session

    def _lose(self, cause: str, blame: Blame | None, now: float) -> None:
        """Put the unfinished tiles of a lost session back into the queue and begin another."""
        was_open, jobs, self._jobs = self.is_open, self._jobs, None
        self._refusal = ""
        if was_open:
            self.counts.sessions_lost += 1
            self._absence.begin(now, self.bad_frames)
            self.events.append(Closed(cause, blame))
        unfinished = [] if jobs is None else jobs.unfinished()
        if jobs is not None and jobs.finished:
            self._fruitless, self._fruitless_boots = 0, self.counts.restarts
        self._fruitless += bool(unfinished or (was_open and self._queue))
        self._pings.repeat_sent_until(now)
        self._queue.extendleft(job.submission for job in reversed(unfinished))
        if self._fruitless >= self.settings.fruitless and self._queue:
            furthest = min(unfinished, key=lambda job: (-job.state, job.number), default=None)
            suspect = self._queue[0] if furthest is None else furthest.submission
            self._queue.remove(suspect)
            boots = self.counts.restarts - self._fruitless_boots
            if 2 * boots >= self._fruitless:
                blame = Blame.REBOOTED
            self.events.append(
                Refused(
                    suspect.ticket,
                    f"{self._fruitless} sessions in a row ended before this tile was done; "
                    f"the last: {cause}",
                    blame,
                )
            )
            self._fruitless, self._fruitless_boots = 0, self.counts.restarts
        if self._is_plugged:
            self._session.restart(now)
        else:
            self._session.lose_line(now)

    def _give_up(self, cause: str, blame: Blame | None, now: float) -> None:
        self._session.give_up(now)
        self.events.append(Gone(cause, blame))
