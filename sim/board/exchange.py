"""Exchanges single frames with a board, for the checks of `conformance`.

Unlike the driver in `client`, it repeats nothing: every mistake of the board is an error.
"""

from __future__ import annotations

import random
import secrets
import time
import zlib
from collections import deque
from dataclasses import replace
from typing import Final, TypeVar

from ...link.serial.constants import (
    LARGEST_WINDOW,
    SMALLEST_CHUNK,
    VERSION,
    Code,
    Feature,
    SampleCode,
    SettingCode,
    Stage,
)
from ...link.serial.framing import Deframer
from ...link.serial.messages import (
    NO_ROTATION,
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
from ...link.serial.port import Port
from ...link.serial.trust import capability_fault, is_within_credit
from ...link.student.rotation import IDENTITY

ANSWER_S: Final = 3.0
ENCODE_S: Final = 60.0
QUIET_S: Final = 0.3
M = TypeVar("M", bound=Message)


class NonconformanceError(Exception):
    """A board violates the protocol; the message says what it did and what it should do."""


class Exchange:
    """Sends single frames to a board, and checks its answers.

    Args:
        port: The board's port.

    Attributes:
        session: The number of the open session; 0 before the first.
        host_nonce: The nonce of the last RESET.
        boot_nonce: The board's nonce of this boot.
        chunk: Bytes of a chunk in the open session.
        own: The board's capabilities.

    Raises:
        NonconformanceError: The board does not answer.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._deframer = Deframer()
        self._came: list[tuple[int, Message]] = []
        self.session = 0
        self.host_nonce = 0
        self.chunk = SMALLEST_CHUNK
        self.own = self.greet()

    def send(self, message: Message, session: int | None = None) -> None:
        """Send one frame."""
        self.raw(seal(message, self.session if session is None else session))

    def raw(self, data: bytes) -> None:
        """Send bytes unchanged."""
        self._port.write(data)

    def next(self, kind: type[M], seconds: float = ANSWER_S) -> M:
        """Return the next message of this kind, and drop messages before it.

        Raises:
            NonconformanceError: None arrived in time.
        """
        until = time.monotonic() + seconds
        seen: deque[str] = deque(maxlen=4)
        while True:
            while self._came:
                _, message = self._came.pop(0)
                if isinstance(message, kind):
                    return message
                seen.append(type(message).__name__.upper())
            if time.monotonic() > until:
                raise NonconformanceError(
                    f"no {kind.__name__.upper()} in {seconds:g} s; "
                    f"came {', '.join(seen) or 'nothing'}"
                )
            self._listen()

    def quiet(self) -> None:
        """Receive and drop everything that is still in transit."""
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until:
            self._listen()
            self._came.clear()

    def silence(self, why: str) -> None:
        """Check that the board sends nothing.

        Raises:
            NonconformanceError: The board sent a message.
        """
        self._came.clear()
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until and not self._came:
            self._listen()
        if self._came:
            raise NonconformanceError(f"{why}: it answered {self._came[0][1]}")

    def refused(self, code: Code, detail: int | None = None) -> None:
        """Check that the next ERROR has this code, and this detail if one is given.

        Raises:
            NonconformanceError: Another code or detail arrived, or no ERROR.
        """
        error = self.next(Error)
        if error.code != code or detail not in (None, error.detail):
            raise NonconformanceError(
                f"ERROR {error.reason} {error.detail}; {code.name} {detail or ''} expected"
            )

    def stage(self, stage: Stage, job: int = 0) -> State:
        """Check that the next STATE is of this job and has this stage; return it."""
        state = self.next(State)
        if state.job != job or state.stage != stage:
            raise NonconformanceError(
                f"STATE of job {state.job} is {state.stage.name}; {stage.name} of {job} expected"
            )
        return state

    def greet(self) -> Capabilities:
        """Send RESET and QUERY with a new nonce; return the board's capabilities."""
        self.host_nonce = secrets.randbits(32) or 1
        self.raw(b"\x00")
        hello = None
        for last in (*[False] * 9, True):
            self.send(Reset(self.host_nonce, VERSION, VERSION), 0)
            try:
                hello = self._hello()
                break
            except NonconformanceError:
                # A board that is still booting misses the first RESETs.
                if last:
                    raise
        assert hello is not None  # noqa: S101  (the loop ends with one, or raises)
        self.boot_nonce = hello.boot_nonce
        self.send(Query(self.host_nonce, VERSION), 0)
        own = self.next(Caps).capabilities
        if cannot_be := capability_fault(own):
            raise NonconformanceError(f"CAPS announces {cannot_be}")
        return own

    def _hello(self) -> Hello:
        """Return the HELLO that answers the last RESET; ignore every other HELLO."""
        until = time.monotonic() + ANSWER_S / 3
        while (left := until - time.monotonic()) > 0:
            hello = self.next(Hello, left)
            if hello.host_nonce == self.host_nonce:
                return hello
        raise NonconformanceError("its HELLO never names our nonce")

    def opening(self, **changes: int | bytes) -> Open:
        """Return an OPEN that the board must accept, apart from `changes`."""
        plain = Open(
            self.host_nonce,
            self.boot_nonce,
            VERSION,
            LARGEST_WINDOW,
            SMALLEST_CHUNK,
            self.own.fingerprint,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    def begin(self, chunk: int = SMALLEST_CHUNK) -> None:
        """Open a new session."""
        self.quiet()
        self.own = self.greet()
        self.session = session_number(self.host_nonce, self.boot_nonce)
        self.send(self.opening(chunk=chunk))
        self.chunk = self.next(Ready).chunk
        if not SMALLEST_CHUNK <= self.chunk <= self.own.chunk:
            raise NonconformanceError(
                f"READY with chunks of {self.chunk} bytes; {SMALLEST_CHUNK} to {self.own.chunk} "
                "expected"
            )

    def tile(self, seed: int = 1, setting: int | None = None) -> tuple[TileForm, bytes]:
        """Return a tile of a few chunks that any board can take.

        It is noise around a level that depends on the seed, so that two tiles differ even at the
        coarsest setting.
        """
        side = min(16, self.own.most_columns, self.own.most_rows)
        bands = min(3, self.own.most_bands)
        noise = random.Random(seed).randbytes(side * side * bands)  # noqa: S311
        samples = bytes((61 * seed + value // 4) % 256 for value in noise)
        kind, value = self._setting()
        form = TileForm(
            len(samples),
            zlib.crc32(samples),
            side,
            side,
            bands,
            8,
            SampleCode.UINT8,
            0,
            kind,
            0,
            value if setting is None else setting,
            IDENTITY if self.own.features & Feature.ROTATION else NO_ROTATION,
        )
        return form, samples

    def load(self, job: int, samples: bytes, indices: list[int] | None = None) -> None:
        """Send a tile's chunks: all, or `indices` in this order."""
        count = -(-len(samples) // self.chunk)
        for index in range(count) if indices is None else indices:
            self.send(Load(job, index, samples[index * self.chunk : (index + 1) * self.chunk]))

    def fetch(self, job: int) -> tuple[Result, bytes]:
        """Receive a result, and acknowledge it chunk by chunk."""
        chunks: dict[int, bytes] = {}
        first = 0
        until = time.monotonic() + ENCODE_S
        while time.monotonic() < until:
            self._listen()
            while self._came:
                _, message = self._came.pop(0)
                if isinstance(message, Data) and message.job == job:
                    if message.index * self.chunk >= self.own.largest_result:
                        raise NonconformanceError(
                            f"DATA chunk {message.index} begins beyond the largest result of "
                            f"{self.own.largest_result} bytes"
                        )
                    if not is_within_credit(message.index, first):
                        raise NonconformanceError(
                            f"DATA chunk {message.index} while {first} is the first that has not "
                            "come: beyond every window"
                        )
                    chunks[message.index] = message.data
                    while first in chunks:
                        first += 1
                    self.send(Got(job, 0, first, 0, 0))
                if isinstance(message, Result) and message.job == job:
                    return message, b"".join(chunks[index] for index in sorted(chunks))
        raise NonconformanceError(f"no RESULT in {ENCODE_S:g} s")

    def encode(self, job: int, form: TileForm, samples: bytes) -> tuple[Result, bytes]:
        """Run a whole job: send the tile, receive and check the result, release the job."""
        self.send(Job(job, form))
        self.send(Run(job))
        self.load(job, samples)
        result, payload = self.fetch(job)
        verify_payload(result, payload)
        self.send(Release(job))
        return result, payload

    def _setting(self) -> tuple[SettingCode, int]:
        if self.own.features & Feature.QUALITY:
            return SettingCode.QUALITY, 50000
        if self.own.features & Feature.STEP:
            return SettingCode.STEP, 0
        return SettingCode.BYTES, self.own.largest_result

    def _listen(self) -> None:
        for body in self._deframer.feed(self._port.read()):
            try:
                self._came.append(open_body(body))
            except MessageError as error:
                raise NonconformanceError(f"a message that is none: {error}") from None


def verify_payload(result: Result, payload: bytes) -> None:
    """Check a RESULT against the received payload.

    Raises:
        NonconformanceError: The RESULT's length or CRC-32 is not the payload's.
    """
    if result.length != len(payload) or result.crc != zlib.crc32(payload):
        raise NonconformanceError(
            f"RESULT of {result.length} bytes, CRC-32 {result.crc:08x}; the chunks make "
            f"{len(payload)} and {zlib.crc32(payload):08x}"
        )
