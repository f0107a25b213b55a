"""The conformance suite: does a board keep docs/serial-protocol.md?

Each check speaks the protocol frame by frame and says in one line what was found where it
expected something else. No check needs any but the board's own answers, except exactness, which
compares with the same codec in this process where there is one.
"""

from __future__ import annotations

import random
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from ...link.serial.constants import (
    LARGEST_WINDOW,
    SMALLEST_CHUNK,
    VERSION,
    Code,
    Feature,
    GotFlag,
    SampleCode,
    SettingCode,
    Stage,
    Status,
)
from ...link.serial.framing import Deframer, frame
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
from ...link.serial.port import Port
from ...link.serial.trust import capability_fault, cause_of, is_within_credit
from ...link.student.rotation import IDENTITY

ANSWER_S: Final = 3.0
ENCODE_S: Final = 60.0
QUIET_S: Final = 0.3
RANDOM_TILES: Final = 8
M = TypeVar("M", bound=Message)


class NonconformanceError(Exception):
    """What a board did, and what it should have done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check; `fault` is empty where the board passed, `note` mostly."""

    name: str
    seconds: float
    fault: str
    note: str = ""


class Exchange:
    """Frames to a board and back, with nothing between."""

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
        """Send bytes as they are."""
        self._port.write(data)

    def next(self, kind: type[M], seconds: float = ANSWER_S) -> M:
        """Return the next message of this kind, and drop what comes before it.

        Raises:
            NonconformanceError: None came in time.
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
        """Let everything come that is on the way, and forget it."""
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until:
            self._listen()
            self._came.clear()

    def silence(self, why: str) -> None:
        """Insist that nothing comes."""
        self._came.clear()
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until and not self._came:
            self._listen()
        if self._came:
            raise NonconformanceError(f"{why}: it answered {self._came[0][1]}")

    def refused(self, code: Code, detail: int | None = None) -> None:
        """Insist on an ERROR."""
        error = self.next(Error)
        if error.code != code or detail not in (None, error.detail):
            raise NonconformanceError(
                f"ERROR {error.reason} {error.detail}; {code.name} {detail or ''} expected"
            )

    def stage(self, stage: Stage, job: int = 0) -> State:
        """Insist that a job's next STATE has this stage."""
        state = self.next(State)
        if state.job != job or state.stage != stage:
            raise NonconformanceError(
                f"STATE of job {state.job} is {state.stage.name}; {stage.name} of {job} expected"
            )
        return state

    def greet(self) -> Capabilities:
        """RESET and QUERY, with a nonce never used before."""
        self.host_nonce = secrets.randbits(32) or 1
        self.raw(b"\x00")
        hello = None
        for last in (*[False] * 9, True):
            self.send(Reset(self.host_nonce, VERSION, VERSION), 0)
            try:
                hello = self._hello()
                break
            except NonconformanceError:
                # A board that is still booting misses the first ones.
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
        """Return the HELLO to our RESET; those to others, or of a boot, are passed over."""
        until = time.monotonic() + ANSWER_S / 3
        while (left := until - time.monotonic()) > 0:
            hello = self.next(Hello, left)
            if hello.host_nonce == self.host_nonce:
                return hello
        raise NonconformanceError("its HELLO never names our nonce")

    def opening(self, **changes: int | bytes) -> Open:
        """An OPEN that the board must take, but for `changes`."""
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
        """A tile of a few chunks that any board can take.

        Noise about a level of the seed's own, so that two tiles differ at the coarsest setting.
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
        """Send a tile's chunks, in this order."""
        count = -(-len(samples) // self.chunk)
        for index in range(count) if indices is None else indices:
            self.send(Load(job, index, samples[index * self.chunk : (index + 1) * self.chunk]))

    def fetch(self, job: int) -> tuple[Result, bytes]:
        """Take in a result, and acknowledge it chunk by chunk."""
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
        """Do a whole job: tile out, result in, released."""
        self.send(Job(job, form))
        self.send(Run(job))
        self.load(job, samples)
        result, payload = self.fetch(job)
        _sound(result, payload)
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


def _greeting(line: Exchange) -> None:
    again = line.greet()
    if again != line.own:
        raise NonconformanceError("CAPS differ from one time to the next")
    line.send(Query(line.host_nonce, 0), 0)
    line.refused(Code.VERSION)


def _clock(line: Exchange) -> None:
    ticks = []
    for token in (1, 2):
        line.send(Ping(token), 0)
        pong = line.next(Pong)
        if pong.token != token or pong.boot_nonce != line.boot_nonce:
            raise NonconformanceError(f"PONG {pong}")
        ticks.append(pong.ticks)
        time.sleep(0.05)
    if ticks[1] <= ticks[0]:
        raise NonconformanceError(f"the clock stood still: {ticks[0]}, then {ticks[1]}")


def _opening(line: Exchange) -> None:
    line.begin()
    line.send(line.opening(boot_nonce=line.boot_nonce ^ 1))
    line.refused(Code.WRONG_BOOT, line.boot_nonce)
    line.send(line.opening(version=VERSION + 1))
    line.refused(Code.VERSION)
    line.send(line.opening(host_nonce=line.host_nonce ^ 1))
    line.refused(Code.MALFORMED)
    other = line.host_nonce ^ 2
    number = session_number(other, line.boot_nonce)
    model = bytes(byte ^ 0xFF for byte in line.own.fingerprint)
    line.send(line.opening(host_nonce=other, fingerprint=model), number)
    line.refused(Code.WRONG_MODEL)
    line.send(line.opening(host_nonce=other, window=0), number)
    line.refused(Code.BAD_PARAMETER, 1)
    line.send(line.opening(host_nonce=other, chunk=line.own.chunk + 1), number)
    line.refused(Code.BAD_PARAMETER, 2)
    line.send(line.opening())
    line.next(Ready)


def _dead_sessions(line: Exchange) -> None:
    line.begin()
    dead, opening = line.session, line.opening()
    form, _ = line.tile()
    line.send(Job(0, form))
    line.stage(Stage.LOADING)
    line.begin()
    line.send(opening, dead)
    line.refused(Code.DEAD_SESSION)
    line.send(Run(0), dead)
    line.refused(Code.NO_SESSION, line.boot_nonce)
    line.send(Run(0))
    line.stage(Stage.FREE)


def _refusals(line: Exchange) -> None:
    line.begin()
    own = line.own
    form, samples = line.tile()
    line.send(Job(own.slots, form))
    line.refused(Code.AHEAD, 0)
    if own.largest_tile < 0xFFFF * 0xFFFF:
        rows = min(0xFFFF, own.largest_tile // 0xFFFF + 1)
        line.send(
            Job(0, replace(form, tile_bytes=0xFFFF * rows, columns=0xFFFF, rows=rows, bands=1))
        )
        line.refused(Code.TOO_LARGE, own.largest_tile)
    if own.most_columns < min(own.largest_tile, 0xFFFF):
        wide = own.most_columns + 1
        line.send(Job(0, replace(form, tile_bytes=wide, columns=wide, rows=1, bands=1)))
        line.refused(Code.UNSUPPORTED, 1)
    other = NO_ROTATION if own.features & Feature.ROTATION else IDENTITY
    line.send(Job(0, replace(form, rotation=other)))
    line.refused(Code.UNSUPPORTED, 9)
    line.send(Job(0, form))
    line.stage(Stage.LOADING)
    line.send(Job(0, replace(form, tile_crc=form.tile_crc ^ 1)))
    line.refused(Code.CONFLICT)
    line.send(Load(0, 0, b"short"))
    line.refused(Code.MALFORMED)
    line.send(Load(0, 60000, samples[: line.chunk]))
    line.refused(Code.MALFORMED)
    line.raw(frame(b"\x7f\x00\x00\x00\x00"))
    line.refused(Code.MALFORMED, 0x7F)
    line.raw(seal(Pong(1, 2, 3, 4, 5)))
    line.silence("an echo of its own PONG must be passed over")


def _selective(line: Exchange) -> None:
    line.begin()
    form, samples = line.tile()
    count = -(-len(samples) // line.chunk)
    line.send(Run(0))
    line.stage(Stage.FREE)
    line.send(Job(0, form))
    line.stage(Stage.LOADING)
    line.load(0, samples, [count - 1])
    state = line.stage(Stage.LOADING)
    if (state.first, state.received) != (0, 1 << (count - 1)):
        raise NonconformanceError(f"chunk {count - 1} came; it says {state}")
    line.load(0, samples, [0])
    line.quiet()
    line.load(0, samples, [0])
    state = line.stage(Stage.LOADING)
    if state.first != (1 if count > 2 else count):
        raise NonconformanceError(f"chunks 0 and {count - 1} came; it says {state}")


def _damaged_tile(line: Exchange) -> None:
    line.begin()
    form, samples = line.tile()
    line.send(Job(0, form))
    line.send(Run(0))
    line.load(0, bytes(len(samples)))
    line.quiet()
    line.send(Run(0))
    state = line.stage(Stage.LOADING)
    if (state.round, state.first, state.received) != (1, 0, 0):
        raise NonconformanceError(f"a tile with a wrong CRC-32 came; it says {state}")
    line.load(0, samples)
    result, _ = line.fetch(0)
    if result.status != Status.CODED or result.tile_crc != form.tile_crc:
        raise NonconformanceError(f"{result}")


def _idempotence(line: Exchange) -> None:
    line.begin()
    form, samples = line.tile()
    line.send(Job(0, form))
    line.send(Run(0))
    line.load(0, samples)
    result, payload = line.fetch(0)
    _sound(result, payload)
    line.quiet()
    line.send(Job(0, form))
    line.stage(Stage.DONE)
    line.send(Run(0))
    line.stage(Stage.DONE)
    line.load(0, samples, [0])
    line.stage(Stage.DONE)
    line.send(Got(0, GotFlag.RESULT, 0, 0, 1))
    again = line.next(Result)
    if again != result:
        raise NonconformanceError(f"RESULT was {result}, and is {again}: did it run again?")
    line.send(Release(0))
    line.stage(Stage.RELEASED)
    for message in (Run(0), Job(0, form), Release(0)):
        line.send(message)
        if line.stage(Stage.RELEASED).lowest != 1:
            raise NonconformanceError("job 0 is released and still the lowest")


def _sound(result: Result, payload: bytes) -> None:
    if result.length != len(payload) or result.crc != zlib.crc32(payload):
        raise NonconformanceError(
            f"RESULT of {result.length} bytes, CRC-32 {result.crc:08x}; the chunks make "
            f"{len(payload)} and {zlib.crc32(payload):08x}"
        )


def _same_bytes(line: Exchange) -> None:
    """Encode the same tile twice, with another between."""
    line.begin(min(1024, line.own.chunk))
    payloads = []
    for job, seed in enumerate((1, 2, 1)):
        form, samples = line.tile(seed)
        line.send(Job(job, form))
        line.send(Run(job))
        line.load(job, samples)
        result, payload = line.fetch(job)
        _sound(result, payload)
        payloads.append(payload)
        line.send(Release(job))
    if payloads[0] != payloads[2]:
        raise NonconformanceError("the same tile gave other bytes the second time")
    if payloads[0] == payloads[1]:
        raise NonconformanceError("two tiles gave the same bytes")


def _exact(line: Exchange) -> str | None:
    from ...link.container.header import CODECS
    from ...link.errors import InputError
    from ...payload.board.tile_coder import tile_coder
    from .trial_tiles import trial_tiles

    try:
        coder = tile_coder(CODECS.get(line.own.codec, f"number {line.own.codec}"))
    except InputError:
        return f"nothing to compare with: no codec {line.own.codec} here"
    if coder.fingerprint != line.own.fingerprint:
        raise NonconformanceError(
            f"model {line.own.fingerprint.hex()}; {coder.fingerprint.hex()} is this program's"
        )
    line.begin(min(1024, line.own.chunk))
    count = 0
    for job, (name, (form, samples)) in enumerate(trial_tiles(line.own, RANDOM_TILES)):
        try:
            expected = coder.encode(form, samples)
        except InputError as error:
            raise NonconformanceError(f"{name}: this program refuses it: {error}") from None
        result, payload = line.encode(job, form, samples)
        if result.status != Status.CODED:
            raise NonconformanceError(f"{name}: it failed: {cause_of(payload)}")
        if payload != expected:
            raise NonconformanceError(
                f"{name}: {len(payload)} bytes, CRC-32 {zlib.crc32(payload):08x}; {coder.software} "
                f"makes {len(expected)}, {zlib.crc32(expected):08x} of it here"
            )
        count = job + 1
    return f"{count} tiles"


def _failures(line: Exchange) -> str | None:
    """Ask for what the codec cannot do: the job fails, in words, and the next one is done."""
    from ...link.container.header import CODECS
    from .trial_tiles import task

    if not line.own.features & Feature.ROTATION:
        return f"codec {CODECS.get(line.own.codec, line.own.codec)}: the learned codec's alone"
    line.begin(min(1024, line.own.chunk))
    pair = np.zeros((4, 4, 2), np.uint8)
    for job, (form, samples) in enumerate(
        (task(line.own, pair[..., :1], 257), task(line.own, pair, 100))
    ):
        result, payload = line.encode(job, form, samples)
        if result.status != Status.FAILED or not payload.decode("utf-8", "replace").strip():
            raise NonconformanceError(
                f"step {form.setting} of {form.bands} bands: {result.status.name}; FAILED expected"
            )
    form, samples = line.tile()
    _sound(*line.encode(2, form, samples))
    return None


def _recovery(line: Exchange) -> None:
    line.begin()
    rng = random.Random(9)  # noqa: S311
    form, samples = line.tile()
    whole = seal(Job(0, form), line.session)
    for _ in range(20):
        line.raw(rng.randbytes(rng.randint(1, 400)))
        line.raw(whole[: rng.randrange(1, len(whole) - 2)])
        damaged = bytearray(whole)
        damaged[rng.randrange(1, len(damaged) - 1)] ^= 1 << rng.randrange(8)
        line.raw(bytes(damaged))
    line.quiet()
    line.send(Run(0))
    line.stage(Stage.FREE)
    line.raw(b"\x55" * 9000)
    line.send(Job(0, form))
    line.stage(Stage.LOADING)
    line.send(Run(0))
    line.load(0, samples)
    _sound(*line.fetch(0))


def _overlap(line: Exchange) -> None:
    if line.own.slots < 2:
        raise NonconformanceError("one slot: loading and encoding cannot overlap")
    line.begin()
    tiles = [line.tile(seed) for seed in range(2)]
    for job, (form, samples) in enumerate(tiles):
        line.send(Job(job, form))
        line.send(Run(job))
        line.load(job, samples)
    for job, (form, _) in enumerate(tiles):
        result, payload = line.fetch(job)
        _sound(result, payload)
        if result.tile_crc != form.tile_crc:
            raise NonconformanceError(f"job {job} is of another tile")
        line.send(Release(job))


CHECKS: Final[dict[str, Callable[[Exchange], str | None]]] = {
    "greeting and versions": _greeting,
    "clock": _clock,
    "what OPEN refuses": _opening,
    "sessions die": _dead_sessions,
    "what JOB and LOAD refuse": _refusals,
    "selective acknowledgement": _selective,
    "a damaged tile is not run": _damaged_tile,
    "jobs are idempotent": _idempotence,
    "the same bytes every time": _same_bytes,
    "the bytes of this computer": _exact,
    "what the codec cannot do fails": _failures,
    "garbage, cuts and flips": _recovery,
    "loading while encoding": _overlap,
}


def check(port: Port) -> list[Outcome]:
    """Run every check.

    Raises:
        NonconformanceError: Nobody answers.
    """
    line = Exchange(port)
    outcomes = []
    for name, run in CHECKS.items():
        begin = time.monotonic()
        fault, note = "", None
        try:
            line.quiet()
            note = run(line)
        except NonconformanceError as error:
            fault = str(error)
        outcomes.append(Outcome(name, time.monotonic() - begin, fault, note or ""))
    return outcomes
