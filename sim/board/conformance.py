"""The conformance suite checks whether a board follows docs/serial-protocol.md.

CHECKS lists the checks. Each check exchanges single frames through an `Exchange`, and reports in
one line what it found instead of what it expected. A check uses only the board's answers; only the
exactness check compares with the same codec in this process, if there is one.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...link.serial.constants import VERSION, Code, Feature, GotFlag, Stage, Status
from ...link.serial.framing import frame
from ...link.serial.messages import (
    NO_ROTATION,
    Got,
    Job,
    Load,
    Ping,
    Pong,
    Query,
    Ready,
    Release,
    Result,
    Run,
    seal,
    session_number,
)
from ...link.serial.port import Port
from ...link.serial.trust import cause_of
from ...link.student.rotation import IDENTITY
from .exchange import Exchange, NonconformanceError, verify_payload

RANDOM_TILES: Final = 8


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: The check's name.
        seconds: Duration in seconds.
        fault: Why the board failed it; empty if it passed.
        note: An optional remark.
    """

    name: str
    seconds: float
    fault: str
    note: str = ""


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
    verify_payload(result, payload)
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


def _same_bytes(line: Exchange) -> None:
    """Encode the same tile twice, with another one in between."""
    line.begin(min(1024, line.own.chunk))
    payloads = []
    for job, seed in enumerate((1, 2, 1)):
        form, samples = line.tile(seed)
        line.send(Job(job, form))
        line.send(Run(job))
        line.load(job, samples)
        result, payload = line.fetch(job)
        verify_payload(result, payload)
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
    """Request what the codec cannot do: the job fails with a reason, and the next succeeds."""
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
    verify_payload(*line.encode(2, form, samples))
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
    verify_payload(*line.fetch(0))


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
        verify_payload(result, payload)
        if result.tile_crc != form.tile_crc:
            raise NonconformanceError(f"job {job} is of another tile")
        line.send(Release(job))


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the suite.

    Attributes:
        name: The name in reports.
        shows: How a board that passes behaves.
        run: The check. It returns a remark or None, and raises NonconformanceError.
    """

    name: str
    shows: str
    run: Callable[[Exchange], str | None]


CHECKS: Final = (
    Check(
        "greeting and versions",
        "CAPS stay the same, and a version that the board does not speak is refused.",
        _greeting,
    ),
    Check("clock", "PONG returns the token, and the clock moves on.", _clock),
    Check(
        "what OPEN refuses",
        "OPEN with a foreign boot, version, host, model, window or chunk is refused.",
        _opening,
    ),
    Check(
        "sessions die", "A closed session stays closed, and its jobs are forgotten.", _dead_sessions
    ),
    Check(
        "what JOB and LOAD refuse",
        "Jobs beyond the capabilities and chunks of a wrong size are refused.",
        _refusals,
    ),
    Check(
        "selective acknowledgement",
        "STATE reports exactly the chunks that have arrived, in any order.",
        _selective,
    ),
    Check(
        "a damaged tile is not run",
        "A tile whose CRC-32 does not match is loaded again and not encoded.",
        _damaged_tile,
    ),
    Check(
        "jobs are idempotent",
        "Repeated messages neither encode a job again nor bring it back.",
        _idempotence,
    ),
    Check(
        "the same bytes every time",
        "The same tile gives the same bytes, whatever was encoded in between.",
        _same_bytes,
    ),
    Check(
        "the bytes of this computer",
        "The payloads are the ones that this computer's codec writes.",
        _exact,
    ),
    Check(
        "what the codec cannot do fails",
        "A job that the codec cannot do fails with a reason, and the next one succeeds.",
        _failures,
    ),
    Check(
        "garbage, cuts and flips",
        "After garbage, cut frames and flipped bits the board works as before.",
        _recovery,
    ),
    Check(
        "loading while encoding",
        "A second tile can be loaded while the first is encoded.",
        _overlap,
    ),
)


def check(port: Port) -> list[CheckResult]:
    """Run every check and return the results.

    Raises:
        NonconformanceError: The board does not answer.
    """
    line = Exchange(port)
    results = []
    for item in CHECKS:
        begin = time.monotonic()
        fault, note = "", None
        try:
            line.quiet()
            note = item.run(line)
        except NonconformanceError as error:
            fault = str(error)
        results.append(CheckResult(item.name, time.monotonic() - begin, fault, note or ""))
    return results
