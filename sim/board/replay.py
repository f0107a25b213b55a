"""Sends the host's half of a trace to a board again.

The nonces of the trace belong to sessions that have died, so this uses new ones: RESET, QUERY and
OPEN get a new host nonce, OPEN the boot nonce of the board that answers now, and every later frame
the session number that follows from them. Damaged frames are sent as they are.

Frames are sent with the gaps of the trace. Where the host had waited for a HELLO, READY, RESULT or
a released job before it sent a frame, the replay waits for the same, because a board may be slower
than the one in the trace. A board that gives nothing of it several times in a row is not waited for
any more, until it gives something.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar

from ...link.serial.constants import Stage
from ...link.serial.describe import describe
from ...link.serial.framing import DELIMITER, Deframer
from ...link.serial.line_kind import line_kind
from ...link.serial.line_pace import LinePace
from ...link.serial.messages import (
    Error,
    Hello,
    Message,
    MessageError,
    Open,
    Query,
    Ready,
    Reset,
    Result,
    State,
    open_body,
    seal,
    session_number,
)
from ...link.serial.port import Port
from .traces import MOST_REMEMBERED, TracedFrame

LONGEST_GAP_S: Final = 10.0
"""Longest pause between two frames; longer ones of the trace are cut to this."""
PATIENCE_S: Final = 10.0
"""How long the board may take for what the host had waited for, besides the line's time."""
MOST_WAITS: Final = 3
"""Waits in a row in which nothing came that was waited for, after which none is waited for."""
MOST_SESSIONS: Final = 4096
MOST_DIFFERENCES: Final = 20
_RELEASED: Final = "RELEASED"
K = TypeVar("K")
V = TypeVar("V")


class Milestone(NamedTuple):
    """An answer that a host waits for.

    Attributes:
        kind: What it is.
        owner: The nonce of a HELLO, the session of all others.
        number: The job of a RESULT, the lowest job that is not released.
    """

    kind: str
    owner: int
    number: int = 0


@dataclass(slots=True)
class ReplayReport:
    """What a replay has found.

    Attributes:
        sent: Frames sent.
        received: Undamaged frames received.
        damaged: Damaged frames received.
        results: Results that came in the trace and again now.
        missing: What came in the trace and did not come now, one line each.
        differing: Results that differ from the trace's, one line each.
    """

    sent: int = 0
    received: int = 0
    damaged: int = 0
    results: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


class Replay:
    """The host's half of one line of a trace, for another board.

    Args:
        port: The board's port.
        paced: Whether to keep the trace's gaps; if not, frames follow each other at once.
    """

    def __init__(self, port: Port, paced: bool = True) -> None:
        self.report = ReplayReport()
        self._port = port
        self._paced = paced
        self._deframer = Deframer()
        self._nonces: dict[int, int] = {}
        """New host nonce by the trace's."""
        self._sessions: dict[int, int] = {}
        """New session number by the trace's."""
        self._traced_boot = self._boot = 0
        """The boot nonces of the latest HELLO in the trace, and now."""
        self._expected: dict[Milestone, str] = {}
        """What came in the trace before the next frame of the host, and did not come yet."""
        self._came: set[Milestone] = set()
        self._pace = LinePace(port.baud if line_kind(port.name).has_bit_rate else None)
        self._carried_at = 0.0
        """When the line will have carried what was sent, and what came meanwhile in the trace."""
        self._fruitless = 0
        """Waits in a row in which nothing came that was waited for."""
        self._released: dict[int, int] = {}
        """The highest `lowest` of the jobs released now, by session.

        A board has one STATE for all jobs released since the last one, so it may leave some out.
        """
        self._refusals: dict[int, str] = {}
        """The latest ERROR of each session."""
        self._traced_results: dict[tuple[int, int], Result] = {}
        self._results: dict[tuple[int, int], Result] = {}
        """Results of the trace, and those of now, by session and job; compared once both came."""

    def run(self, frames: Iterable[TracedFrame]) -> Iterator[tuple[bool, bytes]]:
        """Send the frames; yield the bodies of what is sent (True) and received (False).

        Raises:
            PortLostError: The port has vanished.
        """
        due = last = 0.0
        for traced in frames:
            if traced.event:
                continue
            if not traced.outbound:
                self._expect(traced)
                continue
            yield from self._wait_for_expected()
            if self._paced and self.report.sent:
                due += min(traced.seconds - last, LONGEST_GAP_S)
                while time.monotonic() < due:
                    yield from self._received()
            # A pause of this board shifts everything that follows.
            due, last = max(due, time.monotonic()), traced.seconds
            data = self._translated(traced)
            self._port.write(data)
            self._carry(len(data))
            self.report.sent += 1
            for body in Deframer().feed(data):
                yield True, body
        yield from self._wait_for_expected()
        self.report.damaged = self._deframer.bad

    def _translated(self, traced: TracedFrame) -> bytes:
        """Return a frame of the trace with the nonces and the session of now."""
        message = traced.message
        if message is None:
            return DELIMITER + traced.raw + DELIMITER
        session = self._sessions.get(traced.session, traced.session)
        if isinstance(message, Reset | Query | Open):
            old = message.host_nonce
            if len(self._nonces) >= MOST_SESSIONS:
                self._nonces.clear()
            nonce = self._nonces.setdefault(old, secrets.randbits(32) or 1)
            message = replace(message, host_nonce=nonce)
        if isinstance(message, Open):
            if traced.session == session_number(old, message.boot_nonce):
                boot = self._boot if message.boot_nonce == self._traced_boot else message.boot_nonce
                session = session_number(nonce, boot)
                if len(self._sessions) >= MOST_SESSIONS:
                    self._sessions.clear()
                self._sessions[traced.session] = session
                message = replace(message, boot_nonce=boot)
            elif message.boot_nonce == self._traced_boot:
                message = replace(message, boot_nonce=self._boot)
        return seal(message, session)

    def _carry(self, size: int) -> None:
        """Note that the line has so many bytes more to carry, in either direction."""
        self._carried_at = max(self._carried_at, time.monotonic()) + self._pace.seconds(size)

    def _expect(self, traced: TracedFrame) -> None:
        """Note what the board of the trace has sent, so that the replay waits for it."""
        self._carry(traced.size)
        message = traced.message
        session = self._sessions.get(traced.session, traced.session)
        key = _milestone(session, message)
        if isinstance(message, Hello):
            nonce = self._nonces.get(message.host_nonce)
            key = None if nonce is None else Milestone("HELLO", nonce)
            self._traced_boot = message.boot_nonce
        if isinstance(message, Result):
            _bounded(self._traced_results)[session, message.job] = message
            self._compare(session, message.job)
        if isinstance(message, State) and self._released.get(session, -1) >= message.lowest:
            return
        if key is not None and key not in self._came and len(self._expected) < MOST_SESSIONS:
            self._expected[key] = traced.text()

    def _wait_for_expected(self) -> Iterator[tuple[bool, bytes]]:
        if not self._expected:
            return
        until = time.monotonic()
        if self._fruitless < MOST_WAITS:
            until = max(until, self._carried_at) + PATIENCE_S
        self._fruitless += 1
        while self._expected:
            yield from self._received()
            if time.monotonic() >= until:
                break
        missing = self.report.missing
        for key, text in list(self._expected.items())[: MOST_DIFFERENCES - len(missing)]:
            refusal = self._refusals.get(key.owner)
            missing.append(f"{text}; the board said {refusal}" if refusal else text)
        self._expected.clear()

    def _received(self) -> Iterator[tuple[bool, bytes]]:
        for body in self._deframer.feed(self._port.read()):
            self.report.received += 1
            try:
                session, message = open_body(body)
            except MessageError:
                yield False, body
                continue
            key = _milestone(session, message)
            if isinstance(message, Hello):
                self._boot = message.boot_nonce
                key = Milestone("HELLO", message.host_nonce)
            if isinstance(message, Result):
                _bounded(self._results)[session, message.job] = message
                self._compare(session, message.job)
            if isinstance(message, State) and message.stage is Stage.RELEASED:
                self._release(session, message.lowest)
            if isinstance(message, Error):
                _bounded(self._refusals)[session] = describe(message)
            if key is not None:
                self._fruitless = 0
                if len(self._came) >= MOST_REMEMBERED:
                    self._came.clear()
                self._came.add(key)
                self._expected.pop(key, None)
            yield False, body

    def _release(self, session: int, lowest: int) -> None:
        """Note that all jobs below `lowest` are released: nothing else is expected of them."""
        lowest = max(lowest, self._released.get(session, 0))
        _bounded(self._released)[session] = lowest
        for key in list(self._expected):
            if (key.kind, key.owner) == (_RELEASED, session) and key.number <= lowest:
                del self._expected[key]

    def _compare(self, session: int, job: int) -> None:
        """Compare a job's two results as soon as both are there."""
        key = session, job
        if key not in self._results or key not in self._traced_results:
            return
        now, then = self._results.pop(key), self._traced_results.pop(key)
        self.report.results += 1
        if (now.status, now.length, now.crc) != (then.status, then.length, then.crc) and (
            len(self.report.differing) < MOST_DIFFERENCES
        ):
            self.report.differing.append(
                f"job {job}: {now.status.name.lower()}, {now.length} bytes, CRC-32 {now.crc:08x}; "
                f"in the trace {then.status.name.lower()}, {then.length}, {then.crc:08x}"
            )


def _bounded(entries: dict[K, V]) -> dict[K, V]:
    """Return the dictionary, emptied if it has grown too large."""
    if len(entries) >= MOST_SESSIONS:
        entries.clear()
    return entries


def _milestone(session: int, message: Message | None) -> Milestone | None:
    match message:
        case Ready():
            return Milestone("READY", session)
        case Result():
            return Milestone("RESULT", session, message.job)
        case State() if message.stage is Stage.RELEASED:
            return Milestone(_RELEASED, session, message.lowest)
    return None
