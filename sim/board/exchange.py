"""Asks a board single questions for the checks of `conformance`, and repeats what the line loses.

    check ──► ask ──► frame ──► port ──► board
                 ◄── answer, or the same question again after a time-out

Every question of the protocol may be repeated without harm. A question that was repeated may be
answered several times, so `settle` receives and drops late answers before the next one.
"""

from __future__ import annotations

import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from ...link.serial.constants import LARGEST_WINDOW, SMALLEST_CHUNK, VERSION, Code, Stage
from ...link.serial.framing import Deframer
from ...link.serial.line_pace import LinePace
from ...link.serial.messages import (
    Capabilities,
    Caps,
    Error,
    Hello,
    Message,
    MessageError,
    Open,
    Ping,
    Pong,
    Query,
    Ready,
    Reset,
    State,
    open_body,
    seal,
    session_number,
)
from ...link.serial.port import Port
from ...link.serial.roundtrip import RoundTrip
from ...link.serial.trust import capability_fault
from .journal import Journal

ANSWER_S: Final = 3.0
"""Seconds in which a question must be answered."""
QUIET_S: Final = 0.3
"""Seconds without a frame after which late answers are over, if the board answers no PING."""
LEAST_TRIES: Final = 6
"""How often a question is sent at least before a check fails."""
SHORTEST_TIMEOUT_S: Final = 0.15
"""Shortest time after which a question is sent again, beside that of the frames on the line."""
_LONGEST_FRAME: Final = 1200
"""Bytes of the longest frame that a check sends."""
_LONGEST_ANSWER: Final = 170
"""Bytes of the longest answer to a single question on the line, which is CAPS."""
_BOOT_FACTOR: Final = 4
"""How many times longer than for other answers to wait for a board that may still boot."""
M = TypeVar("M", bound=Message)


class NonconformanceError(Exception):
    """A board violates the protocol; the message says what it did and what it should do."""


class NoAnswerError(NonconformanceError):
    """A question was repeated and never answered: by the board's fault, or by the line's."""


class Exchange:
    """Asks a board single questions, and checks the answers.

    Args:
        port: The board's port.

    Attributes:
        session: The number of the open session; 0 before the first.
        host_nonce: The nonce of the last RESET.
        boot_nonce: The board's nonce of this boot.
        chunk: Bytes of a chunk in the open session.
        own: The board's capabilities.
        journal: The latest frames in both directions.
        repeated: Number of questions and chunks that were sent again.
        announced: Whether the board has announced a boot since this was set to False.

    Raises:
        NonconformanceError: The board does not answer.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._deframer = Deframer()
        self._came: deque[Message] = deque()
        self._pace = LinePace(port.baud)
        self._sent_at = 0.0
        """When the line will have carried everything that was sent."""
        self.round_trip = RoundTrip(SHORTEST_TIMEOUT_S + self._pace.seconds(2 * _LONGEST_FRAME))
        self._answers_pings = True
        self.journal = Journal()
        self.repeated = 0
        self.announced = False
        self.session = 0
        self.host_nonce = 0
        self.boot_nonce = 0
        self.chunk = SMALLEST_CHUNK
        self.own = self.greet()

    @property
    def damaged(self) -> int:
        """Number of damaged frames received from the board."""
        return self._deframer.bad

    # ---- frames

    def send(self, message: Message, session: int | None = None) -> None:
        """Send one frame once."""
        self.raw(seal(message, self.session if session is None else session))

    def raw(self, data: bytes) -> None:
        """Send bytes unchanged."""
        self.journal.sent(data)
        self._port.write(data)
        self._sent_at = max(self._sent_at, time.monotonic()) + self._pace.seconds(len(data))

    def _answer_due(self, patience: float = 1.0) -> float:
        """Return when the answer to what was just sent is overdue; at the time-out at latest."""
        longest = patience * ANSWER_S / LEAST_TRIES + self._pace.seconds(_LONGEST_ANSWER)
        now = time.monotonic()
        return max(now, self._sent_at) + min(self.round_trip.timeout, longest)

    def receive(self, seconds: float) -> Message | None:
        """Return the next message; None if none arrives in time.

        Raises:
            NonconformanceError: A frame is undamaged and no message of the protocol.
        """
        until = time.monotonic() + seconds
        while not self._came:
            if time.monotonic() >= until:
                return None
            self._listen()
        return self._came.popleft()

    def _listen(self) -> None:
        bad = self._deframer.bad
        bodies = self._deframer.feed(self._port.read())
        if self._deframer.bad > bad:
            self.journal.damaged(self._deframer.bad - bad)
        for body in bodies:
            self.journal.received(body)
            try:
                _, message = open_body(body)
            except MessageError as error:
                raise NonconformanceError(f"a message that is none: {error}") from None
            if isinstance(message, Hello) and not message.host_nonce:
                self.announced = True
            self._came.append(message)

    # ---- questions

    def ask(
        self,
        question: Message | bytes,
        kind: type[M],
        fits: Callable[[M], bool] | None = None,
        session: int | None = None,
        patience: float = 1.0,
    ) -> M:
        """Send a question until it is answered; return the answer and drop messages before it.

        Args:
            question: A message, or a frame's bytes.
            kind: The answer's kind.
            fits: Whether such a message answers this question; by default all do.
            session: The session of the question; by default the open one.
            patience: Multiple of `ANSWER_S` to wait.

        Raises:
            NoAnswerError: The question was never answered.
        """
        number = self.session if session is None else session
        data = question if isinstance(question, bytes) else seal(question, number)
        seen: deque[str] = deque(maxlen=4)
        begin = time.monotonic()
        tries = 0
        self._came.clear()
        while tries < LEAST_TRIES or time.monotonic() < begin + patience * ANSWER_S:
            tries += 1
            sent_at = time.monotonic()
            self.raw(data)
            until = self._answer_due(patience)
            while (left := until - time.monotonic()) > 0:
                message = self.receive(left)
                if isinstance(message, kind) and (fits is None or fits(message)):
                    self.round_trip.answered()
                    if tries == 1:
                        self.round_trip.measured(time.monotonic() - sent_at)
                    else:
                        self.repeated += tries - 1
                        self.settle()
                    return message
                if message is not None:
                    seen.append(message.kind.name)
            self.round_trip.ran_out()
        self.repeated += tries - 1
        raise NoAnswerError(
            f"no {kind.kind.name} in {time.monotonic() - begin:.1f} s and {tries} tries; came "
            f"{', '.join(seen) or 'nothing'}"
        )

    def refused(
        self,
        question: Message | bytes,
        code: Code,
        detail: int | None = None,
        session: int | None = None,
    ) -> None:
        """Check that a question is refused with this code, and this detail if one is given.

        Raises:
            NonconformanceError: The answer has another code or detail, or is no ERROR.
        """
        error = self.ask(question, Error, session=session)
        if error.code != code or detail not in (None, error.detail):
            raise NonconformanceError(
                f"ERROR {error.reason} {error.detail}; {code.name} {detail or ''} expected"
            )

    def stage(
        self, question: Message, stage: Stage, job: int = 0, session: int | None = None
    ) -> State:
        """Check that the answer is a STATE of this job with this stage; return it.

        Raises:
            NonconformanceError: The stage or the job is another.
        """
        state = self.ask(question, State, session=session)
        if state.job != job or state.stage != stage:
            raise NonconformanceError(
                f"STATE of job {state.job} is {state.stage.name}; {stage.name} of {job} expected"
            )
        return state

    def passed_over(self, data: bytes, why: str) -> None:
        """Check that the board does not answer these bytes.

        Raises:
            NonconformanceError: The board answered them.
        """
        self.settle()
        for _ in range(3):  # the line may lose one
            self.raw(data)
        if answers := self.settle():
            raise NonconformanceError(f"{why}: it answered {answers[0].kind.name}")

    def settle(self) -> list[Message]:
        """Receive everything that is in transit; return it without the answers to this method.

        Two PINGs take turns with their PONGs: at the second PONG the board has received everything
        before the first PING, and had the line for what it had to answer.
        """
        rest: list[Message] = []
        tokens: set[int] = set()
        for _ in range(2):
            if self._answers_pings and not self._pinged(rest, tokens):
                self._answers_pings = False
        quiet = 0.02 if self._answers_pings else QUIET_S
        until = time.monotonic() + quiet
        while (left := until - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None:
                rest.append(message)
        return [m for m in rest if not (isinstance(m, Pong) and m.token in tokens)]

    def _pinged(self, rest: list[Message], tokens: set[int]) -> bool:
        for _ in range(2 * LEAST_TRIES):
            token = secrets.randbits(32)
            tokens.add(token)
            self.send(Ping(token), 0)
            until = self._answer_due()
            while (left := until - time.monotonic()) > 0:
                message = self.receive(left)
                if message is not None:
                    rest.append(message)
                if isinstance(message, Pong) and message.token == token:
                    self.round_trip.answered()
                    return True
            self.round_trip.ran_out()
        return False

    def pongs(self, count: int) -> int:
        """Send PING `count` times, each once; return how many were followed by any frame.

        Late answers to earlier questions are received before.
        """
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until and self.receive(ANSWER_S / LEAST_TRIES) is not None:
            pass
        self.round_trip.answered()
        answered = 0
        for token in range(1, count + 1):
            self._came.clear()
            self.send(Ping(token), 0)
            answered += self.receive(self._answer_due() - time.monotonic()) is not None
        return answered

    # ---- sessions

    def greet(self) -> Capabilities:
        """Send RESET and QUERY with a new nonce; return the board's capabilities.

        Raises:
            NonconformanceError: It does not answer, or its capabilities are impossible.
        """
        self.boot_nonce = self.say_hello().boot_nonce
        own = self.ask(Query(self.host_nonce, VERSION), Caps, session=0).capabilities
        if cannot_be := capability_fault(own):
            raise NonconformanceError(f"CAPS announces {cannot_be}")
        return own

    def say_hello(self) -> Hello:
        """Send RESET with a new nonce; return the HELLO that answers it.

        Raises:
            NonconformanceError: It does not answer, or only others.
        """
        self.host_nonce = nonce = secrets.randbits(32) or 1
        others: list[Hello] = []

        def is_ours(hello: Hello) -> bool:
            if hello.host_nonce != nonce:
                others.append(hello)
            return hello.host_nonce == nonce

        try:
            # A board that is still booting misses the first RESETs.
            reset = Reset(nonce, VERSION, VERSION)
            return self.ask(reset, Hello, is_ours, session=0, patience=_BOOT_FACTOR)
        except NoAnswerError:
            if others:
                raise NonconformanceError("its HELLO never names our nonce") from None
            raise

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
        """Open a new session.

        Raises:
            NonconformanceError: The board does not, or with another version, window or chunk.
        """
        self.settle()
        self.own = self.greet()
        self.session = session_number(self.host_nonce, self.boot_nonce)
        opening = self.opening(chunk=chunk)
        ready = self.ask(opening, Ready)
        if ready != Ready(opening.version, opening.window, chunk):
            raise NonconformanceError(
                f"READY says version {ready.version}, window {ready.window}, chunk {ready.chunk}; "
                f"{opening.version}, {opening.window} and {chunk} of OPEN expected"
            )
        self.chunk = chunk


def crc_fault(length: int, crc: int, payload: bytes) -> str:
    """Return how a RESULT's length and CRC-32 differ from its payload's; empty if they agree."""
    if length == len(payload) and crc == zlib.crc32(payload):
        return ""
    return (
        f"RESULT of {length} bytes, CRC-32 {crc:08x}; the chunks make {len(payload)} and "
        f"{zlib.crc32(payload):08x}"
    )
