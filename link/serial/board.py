"""The board's end of the protocol as a state machine, without I/O and without a timer.

        bytes ──► receive ──► slots ──► take ──► (encoder) ──► finish ──► send ──► bytes

The board only answers and never times out. If a message is lost, the host asks again. Every answer
reports the current state, so that sending it several times does no harm. Pending answers are flags
instead of a queue: memory stays fixed, and if the line is too slow for an answer, a newer one
replaces it.

The firmware's `proto/` is the same state machine in C, and tests compare the two byte for byte.
Therefore the output may depend only on the received bytes, the given ticks and the order of calls.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass
from typing import Final

from .board_slot import Slot
from .constants import (
    FIRST_ANSWER,
    LARGEST_WINDOW,
    MOST_CHUNKS,
    OLDEST_VERSION,
    SMALLEST_CHUNK,
    VERSION,
    Code,
    GotFlag,
    Kind,
    Stage,
    Status,
)
from .fit import Misfit, misfit
from .framing import Deframer
from .messages import (
    NO_SESSION,
    Capabilities,
    Caps,
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
    Run,
    State,
    TileForm,
    open_body,
    seal,
    session_number,
)

DEAD_REMEMBERED: Final = 8
ERRORS_WAITING: Final = 4
ANNOUNCEMENT: Final = 0
"""The host nonce of the HELLO that a board sends when it boots."""
TOO_LONG: Final = b"the finished tile is larger than the board can send"
_ALL: Final = (1 << LARGEST_WINDOW) - 1


@dataclass(frozen=True, slots=True)
class Work:
    """A tile to encode."""

    session: int
    job: int
    form: TileForm
    tile: bytes


class BoardEnd:
    """The board's state machine. One thread at a time may call it.

    Args:
        capabilities: What this board can do. CAPS reports it, and a JOB that exceeds it is refused.
        boot_nonce: A number that no earlier boot of this board used.
    """

    def __init__(self, capabilities: Capabilities, boot_nonce: int) -> None:
        self.capabilities = capabilities
        self.boot_nonce = boot_nonce
        self.session = NO_SESSION
        self._dead: deque[int] = deque(maxlen=DEAD_REMEMBERED)
        self._deframer = Deframer()
        self._chunk = SMALLEST_CHUNK
        self._window = 1
        self._lowest = 0
        self._slots = [Slot() for _ in range(capabilities.slots)]
        self._running: Work | None = None
        self._hello: int | None = ANNOUNCEMENT
        self._caps: int | None = None
        self._ready = False
        self._pong: int | None = None
        self._old: int | None = None
        self._errors: deque[tuple[int, Error]] = deque()

    @property
    def bad_frames(self) -> int:
        """Number of damaged frames received so far."""
        return self._deframer.bad

    @property
    def busy(self) -> bool:
        """Whether a tile is being encoded."""
        return self._running is not None

    def receive(self, data: bytes, ticks: int) -> None:
        """Process bytes from the line, received at `ticks` of the board's clock."""
        for body in self._deframer.feed(data):
            if body[0] >= FIRST_ANSWER:
                continue  # an echo of the board's own frame; answering it would never end
            try:
                session, message = open_body(body)
            except MessageError as error:
                self._refuse(error.session, Code.MALFORMED, 0, error.kind)
            else:
                self._take_in(session, message, ticks)

    def _take_in(self, session: int, message: Message, ticks: int) -> None:
        match message:
            case Reset():
                self._hello = message.host_nonce
            case Query():
                if OLDEST_VERSION <= message.version <= VERSION:
                    self._caps = message.host_nonce
                else:
                    self._refuse_version(session)
            case Ping():
                self._pong = message.token
            case Open():
                self._open(session, message)
            case Job() | Load() | Run() | Got() | Release():
                if session != self.session or session == NO_SESSION:
                    self._refuse(session, Code.NO_SESSION, message.job, self.boot_nonce)
                elif message.job < self._lowest:
                    self._old = message.job
                elif message.job - self._lowest >= len(self._slots):
                    self._refuse(session, Code.AHEAD, message.job, self._lowest)
                else:
                    self._about_job(message, self._slots[message.job % len(self._slots)], ticks)

    def _about_job(self, message: Job | Load | Run | Got | Release, slot: Slot, ticks: int) -> None:
        match message:
            case Job():
                self._job(message, slot, ticks)
            case Load():
                self._load(message, slot, ticks)
            case Run():
                slot.said = False
                if slot.stage == Stage.LOADING:
                    slot.run = True
                    self._queue(slot)
            case Got():
                self._got(message, slot)
            case Release():
                slot.said = False
                if slot.stage != Stage.RUNNING:
                    self._release(message.job, slot)

    # ---- sessions

    def _open(self, session: int, message: Open) -> None:
        own = self.capabilities
        if message.boot_nonce != self.boot_nonce:
            self._refuse(session, Code.WRONG_BOOT, 0, self.boot_nonce)
        elif not OLDEST_VERSION <= message.version <= VERSION:
            self._refuse_version(session)
        elif session != session_number(message.host_nonce, message.boot_nonce):
            self._refuse(session, Code.MALFORMED, 0, Kind.OPEN)
        elif session in self._dead:
            self._refuse(session, Code.DEAD_SESSION, 0, 0)
        elif message.fingerprint != own.fingerprint:
            self._refuse(session, Code.WRONG_MODEL, 0, 0)
        elif not 1 <= message.window <= LARGEST_WINDOW:
            self._refuse(session, Code.BAD_PARAMETER, 0, 1)
        elif not SMALLEST_CHUNK <= message.chunk <= own.chunk:
            self._refuse(session, Code.BAD_PARAMETER, 0, 2)
        else:
            if session != self.session:
                if self.session != NO_SESSION:
                    self._dead.append(self.session)
                self.session = session
                self._chunk, self._window = message.chunk, message.window
                self._lowest = 0
                self._old = None
                self._slots = [Slot() for _ in self._slots]
            self._ready = True

    # ---- receiving a tile

    def _job(self, message: Job, slot: Slot, ticks: int) -> None:
        if slot.stage == Stage.FREE:
            found = self._misfit(message.form)
            if found is not None:
                self._refuse(self.session, found.code, message.job, found.detail)
                return
            slot.stage = Stage.LOADING
            slot.form = message.form
            slot.tile = bytearray(message.form.tile_bytes)
            slot.come = bytearray(-(-message.form.tile_bytes // self._chunk))
            slot.began = ticks
        elif slot.stage != Stage.RELEASED and slot.form != message.form:
            self._refuse(self.session, Code.CONFLICT, message.job, 0)
            return
        slot.said = False

    def _misfit(self, form: TileForm) -> Misfit | None:
        return misfit(form, self.capabilities, self._chunk)

    def _load(self, message: Load, slot: Slot, ticks: int) -> None:
        if slot.stage == Stage.LOADING:
            start = message.index * self._chunk
            size = min(self._chunk, len(slot.tile) - start)
            if len(message.data) != size:
                self._refuse(self.session, Code.MALFORMED, message.job, Kind.LOAD)
                return
            if not slot.come[message.index]:
                slot.come[message.index] = 1
                slot.tile[start : start + size] = message.data
                while slot.first < len(slot.come) and slot.come[slot.first]:
                    slot.first += 1
                if slot.first == len(slot.come):
                    self._whole(slot, ticks)
        slot.said = False

    def _whole(self, slot: Slot, ticks: int) -> None:
        if zlib.crc32(slot.tile) != slot.form_of_tile().tile_crc:
            slot.come = bytearray(len(slot.come))
            slot.first = 0
            slot.round = (slot.round + 1) % 256
            return
        slot.receive_ticks = ticks - slot.began
        self._queue(slot)

    def _queue(self, slot: Slot) -> None:
        if slot.run and slot.first == len(slot.come):
            slot.stage = Stage.QUEUED

    # ---- the encoder

    def take(self) -> Work | None:
        """Return the next tile to encode; None if none is queued or one is being encoded."""
        if self._running is not None:
            return None
        for job, slot in self._in_order():
            if slot.stage == Stage.QUEUED:
                slot.stage = Stage.RUNNING
                self._running = Work(self.session, job, slot.form_of_tile(), bytes(slot.tile))
                return self._running
        return None

    def finish(self, status: Status, payload: bytes, encode_ticks: int) -> None:
        """Take the result of the tile that `take` returned; drop it if its session has ended."""
        work, self._running = self._running, None
        if work is None or work.session != self.session:
            return
        slot = self._slots[work.job % len(self._slots)]
        if len(payload) > min(self.capabilities.largest_result, MOST_CHUNKS * self._chunk):
            status, payload = Status.FAILED, TOO_LONG[: self.capabilities.largest_result]
        slot.stage = Stage.DONE
        slot.status, slot.payload, slot.crc = status, payload, zlib.crc32(payload)
        slot.encode_ticks = encode_ticks
        slot.tile, slot.come = bytearray(), bytearray()
        if not payload:
            slot.frozen = slot.result = True

    # ---- sending a result

    def _got(self, message: Got, slot: Slot) -> None:
        if slot.stage != Stage.DONE:
            slot.said = False
            return
        if message.flags & GotFlag.RESULT and slot.frozen:
            slot.result = True
        if slot.fetched <= message.first <= slot.next:
            slot.again >>= min(message.first - slot.fetched, LARGEST_WINDOW)
            slot.fetched = message.first
            sent = slot.next - slot.fetched
            known = _ALL if sent >= LARGEST_WINDOW else (1 << sent) - 1
            slot.again = (slot.again | message.again) & ~message.received & known

    def _release(self, job: int, slot: Slot) -> None:
        slot.stage = Stage.RELEASED
        slots = self._slots
        while slots[self._lowest % len(slots)].stage == Stage.RELEASED:
            slots[self._lowest % len(slots)] = Slot()
            self._lowest += 1
        if job < self._lowest:
            self._old = job

    def send(self, ticks: int) -> bytes:
        """Return the next frame for the line, delimiters included; empty if none is due."""
        if self._pong is not None:
            pong = Pong(self._pong, self.boot_nonce, self.session, self.bad_frames, ticks)
            self._pong = None
            return seal(pong)
        if self._hello is not None:
            hello = Hello(self._hello, self.boot_nonce, OLDEST_VERSION, VERSION)
            self._hello = None
            return seal(hello)
        if self._caps is not None:
            caps = Caps(self._caps, self.boot_nonce, self.capabilities)
            self._caps = None
            return seal(caps)
        if self._ready:
            self._ready = False
            return seal(Ready(VERSION, self._window, self._chunk), self.session)
        if self._errors:
            session, error = self._errors.popleft()
            return seal(error, session)
        if self._old is not None:
            old = State(self._old, self._lowest, Stage.RELEASED, 0, 0, 0, 0)
            self._old = None
            return seal(old, self.session)
        for job, slot in self._in_order():
            if not slot.said:
                slot.said = True
                return seal(slot.state(job, self._lowest), self.session)
        for job, slot in self._in_order():
            if slot.stage == Stage.DONE:
                message = slot.next_of_result(job, self._chunk, self._window, ticks)
                if message is not None:
                    return seal(message, self.session)
        return b""

    # ---- helpers

    def _in_order(self) -> list[tuple[int, Slot]]:
        count = len(self._slots)
        return [
            (job, self._slots[job % count]) for job in range(self._lowest, self._lowest + count)
        ]

    def _refuse(self, session: int, code: Code, job: int, detail: int) -> None:
        if len(self._errors) < ERRORS_WAITING:
            self._errors.append((session, Error(code, job, detail)))

    def _refuse_version(self, session: int) -> None:
        self._refuse(session, Code.VERSION, 0, OLDEST_VERSION | VERSION << 8)
