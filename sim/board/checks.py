"""The checks of the conformance suite: CHECKS lists them.

Each check asks a board single questions through an `Exchange`, and reports in one line what it
found instead of what it expected. A check uses only the board's answers; only the exactness check
compares with the same codec in this process, if there is one. A check must hold on a line that
loses frames: what the line may have lost is asked again.
"""

from __future__ import annotations

import random
import secrets
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
    State,
    seal,
    session_number,
)
from ...link.serial.trust import cause_of
from ...link.student.rotation import IDENTITY
from .exchange import Exchange, NonconformanceError
from .specification_checks import malformed, result_on_request, unchanged
from .tile_room import is_learned, trial_side
from .transfer import chunk_of, encode, fetch, load, release, small_tile, start

RANDOM_TILES: Final = 8
_QUESTIONS: Final = 100
_MOST_MISSED: Final = 8
"""Questions of `_QUESTIONS` that a line may lose while it loses no PING; at a loss of 1 % in each
direction, a line exceeds this once in 4000 times."""


def _greeting(line: Exchange) -> None:
    own = line.own
    if line.greet() != own:
        raise NonconformanceError("CAPS differ from one time to the next")
    line.refused(Query(line.host_nonce, 0), Code.VERSION, session=0)


def _clock(line: Exchange) -> None:
    ticks = []
    for _ in range(2):
        token = secrets.randbits(32)
        # A PONG that does not answer this PING is the board's fault: none is in transit.
        pong = line.ask(Ping(token), Pong, session=0)
        if pong.token != token or pong.boot_nonce != line.boot_nonce:
            raise NonconformanceError(
                f"PONG {pong.token:08x} of boot {pong.boot_nonce:08x}; {token:08x} of "
                f"{line.boot_nonce:08x} expected"
            )
        ticks.append(pong.ticks)
        time.sleep(max(0.05, 2 / line.own.tick_rate))
    if ticks[1] <= ticks[0]:
        raise NonconformanceError(f"the clock stood still: {ticks[0]}, then {ticks[1]}")


def _opening(line: Exchange) -> None:
    line.begin()
    line.refused(line.opening(boot_nonce=line.boot_nonce ^ 1), Code.WRONG_BOOT, line.boot_nonce)
    line.refused(line.opening(version=VERSION + 1), Code.VERSION)
    line.refused(line.opening(host_nonce=line.host_nonce ^ 1), Code.MALFORMED)
    other = line.host_nonce ^ 2
    number = session_number(other, line.boot_nonce)
    model = bytes(byte ^ 0xFF for byte in line.own.fingerprint)
    opening = line.opening(host_nonce=other)
    line.refused(replace(opening, fingerprint=model), Code.WRONG_MODEL, session=number)
    line.refused(replace(opening, window=0), Code.BAD_PARAMETER, 1, session=number)
    large = replace(opening, chunk=line.own.chunk + 1)
    line.refused(large, Code.BAD_PARAMETER, 2, session=number)
    line.ask(line.opening(), Ready)


def _dead_sessions(line: Exchange) -> None:
    line.begin()
    dead, opening = line.session, line.opening()
    form, _ = small_tile(line)
    line.stage(Job(0, form), Stage.LOADING)
    line.begin()
    line.refused(opening, Code.DEAD_SESSION, session=dead)
    line.refused(Run(0), Code.NO_SESSION, line.boot_nonce, session=dead)
    line.stage(Run(0), Stage.FREE)


def _refusals(line: Exchange) -> None:
    line.begin()
    own = line.own
    form, samples = small_tile(line)
    line.refused(Job(own.slots, form), Code.AHEAD, 0)
    if own.largest_tile < 0xFFFF * 0xFFFF:
        rows = min(0xFFFF, own.largest_tile // 0xFFFF + 1)
        large = replace(form, tile_bytes=0xFFFF * rows, columns=0xFFFF, rows=rows, bands=1)
        line.refused(Job(0, large), Code.TOO_LARGE, own.largest_tile)
    if own.most_columns < min(own.largest_tile, 0xFFFF):
        wide = own.most_columns + 1
        broad = replace(form, tile_bytes=wide, columns=wide, rows=1, bands=1)
        line.refused(Job(0, broad), Code.UNSUPPORTED, 1)
    other = NO_ROTATION if own.features & Feature.ROTATION else IDENTITY
    line.refused(Job(0, replace(form, rotation=other)), Code.UNSUPPORTED, 9)
    line.stage(Job(0, form), Stage.LOADING)
    line.refused(Job(0, replace(form, tile_crc=form.tile_crc ^ 1)), Code.CONFLICT)
    line.refused(Load(0, 0, b"short"), Code.MALFORMED)
    line.refused(Load(0, 60000, samples[: line.chunk]), Code.MALFORMED)
    line.refused(frame(b"\x7f\x00\x00\x00\x00"), Code.MALFORMED, 0x7F)
    line.passed_over(seal(Pong(1, 2, 3, 4, 5)), "an echo of its own PONG must be passed over")


def _selective(line: Exchange) -> None:
    line.begin()
    form, samples = small_tile(line)
    last = -(-len(samples) // line.chunk) - 1
    line.stage(Run(0), Stage.FREE)
    line.stage(Job(0, form), Stage.LOADING)
    state = line.stage(chunk_of(line, 0, samples, last), Stage.LOADING)
    if (state.first, state.received) != ((0, 1 << last) if last else (1, 0)):
        raise NonconformanceError(f"chunk {last} came; it says {state}")
    for _ in range(2):
        state = line.stage(chunk_of(line, 0, samples, 0), Stage.LOADING)
        if state.first != (1 if last > 1 else last + 1):
            raise NonconformanceError(f"chunks 0 and {last} came; it says {state}")


def _damaged_tile(line: Exchange) -> None:
    line.begin()
    form, samples = small_tile(line)
    wrong = bytes(value ^ 1 for value in samples)
    last = -(-len(samples) // line.chunk) - 1
    line.stage(Job(0, form), Stage.LOADING)
    line.stage(Run(0), Stage.LOADING)
    load(line, 0, wrong, range(last))
    # The last chunk begins a new round, in which it would count again: it is repeated only if
    # RUN shows that it was lost.
    for _ in range(20):
        line.send(chunk_of(line, 0, wrong, last))
        line.settle()
        state = line.ask(Run(0), State)
        if (state.round, state.first, state.stage) != (0, last, Stage.LOADING):
            break
    if (state.stage, state.round, state.first, state.received) != (Stage.LOADING, 1, 0, 0):
        raise NonconformanceError(f"a tile with a wrong CRC-32 came; it says {state}")
    load(line, 0, samples)
    result, payload = fetch(line, 0)
    if result.status != Status.CODED:
        raise NonconformanceError(f"the tile failed: {cause_of(payload)}")
    if result.tile_crc != form.tile_crc:
        raise NonconformanceError(
            f"RESULT of a tile with CRC-32 {result.tile_crc:08x}; {form.tile_crc:08x} expected"
        )


def _idempotence(line: Exchange) -> None:
    line.begin()
    form, samples = small_tile(line)
    start(line, 0, form, samples)
    result, _ = fetch(line, 0)
    line.settle()
    line.stage(Job(0, form), Stage.DONE)
    line.stage(Run(0), Stage.DONE)
    line.stage(chunk_of(line, 0, samples, 0), Stage.DONE)
    again = line.ask(Got(0, GotFlag.RESULT, 0, 0, 1), Result)
    if again != result:
        raise NonconformanceError(f"RESULT was {result}, and is {again}: did it run again?")
    line.settle()
    for message in (Release(0), Run(0), Job(0, form), Release(0)):
        state = line.stage(message, Stage.RELEASED)
    if state.lowest != 1:
        raise NonconformanceError("job 0 is released and still the lowest")


def _every_question(line: Exchange) -> str | None:
    """Send single questions and PINGs in turn: the line loses both alike, a board neither."""
    line.begin()
    missed = pings = 0
    for _ in range(_QUESTIONS):
        line.send(Run(0))
        missed += _missed(line, State)
        line.send(Ping(0), 0)
        pings += _missed(line, Pong)
    if missed > _MOST_MISSED + 3 * pings:
        raise NonconformanceError(
            f"{missed} of {_QUESTIONS} RUN have no answer, and {pings} of as many PING"
        )
    return f"the line lost {pings} of {_QUESTIONS} PING" if pings else None


def _missed(line: Exchange, kind: type[State] | type[Pong]) -> bool:
    until = time.monotonic() + line.round_trip.timeout
    while (left := until - time.monotonic()) > 0:
        if isinstance(line.receive(left), kind):
            return False
    return True


def _same_bytes(line: Exchange) -> None:
    """Encode the same tile twice, with another one in between."""
    line.begin(min(1024, line.own.chunk))
    tiles = [small_tile(line, seed) for seed in (1, 2, 1)]
    results = [encode(line, job, *tile) for job, tile in enumerate(tiles)]
    for result, payload in results:
        if result.status != Status.CODED:
            raise NonconformanceError(f"a tile failed: {cause_of(payload)}")
    payloads = [payload for _, payload in results]
    if payloads[0] != payloads[2]:
        raise NonconformanceError("the same tile gave other bytes the second time")
    # Two tiles of a pixel or two may be equal.
    if payloads[0] == payloads[1] and tiles[0] != tiles[1]:
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
        result, payload = encode(line, job, form, samples)
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

    if not is_learned(line.own):
        return f"codec {CODECS.get(line.own.codec, line.own.codec)}: the learned codec's alone"
    line.begin(min(1024, line.own.chunk))
    side = trial_side(line.own, 2, 4)
    pair = np.zeros((side, side, 2), np.uint8)
    wrong = [task(line.own, pair[..., :1], 257)]
    if line.own.most_bands >= 2 and pair.size <= line.own.largest_tile:
        wrong.append(task(line.own, pair, 100))
    for job, (form, samples) in enumerate(wrong):
        result, payload = encode(line, job, form, samples)
        if result.status != Status.FAILED or not payload.decode("utf-8", "replace").strip():
            raise NonconformanceError(
                f"step {form.setting} of {form.bands} bands: {result.status.name}; FAILED expected"
            )
    encode(line, len(wrong), *small_tile(line))
    return None


def _recovery(line: Exchange) -> None:
    line.begin()
    rng = random.Random(9)  # noqa: S311
    form, samples = small_tile(line)
    whole = seal(Job(0, form), line.session)
    for _ in range(20):
        line.raw(rng.randbytes(rng.randint(1, 400)))
        line.raw(whole[: rng.randrange(1, len(whole) - 2)])
        damaged = bytearray(whole)
        damaged[rng.randrange(1, len(damaged) - 1)] ^= 1 << rng.randrange(8)
        line.raw(bytes(damaged))
    line.settle()
    line.stage(Run(0), Stage.FREE)
    line.raw(b"\x55" * 9000)
    start(line, 0, form, samples)
    fetch(line, 0)


def _overlap(line: Exchange) -> str | None:
    if line.own.slots < 2:
        return "one slot: the board announces that nothing overlaps"
    line.begin()
    tiles = [small_tile(line, seed) for seed in range(2)]
    for job, (form, samples) in enumerate(tiles):
        start(line, job, form, samples)
    for job, (form, _) in enumerate(tiles):
        result, _ = fetch(line, job)
        if result.tile_crc != form.tile_crc:
            raise NonconformanceError(f"job {job} is of another tile")
        release(line, job)
    return None


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
        "malformed messages",
        "Bodies that are no message, or contradict themselves, are refused before all else.",
        malformed,
    ),
    Check(
        "what changes nothing",
        "RESET, QUERY and an OPEN that is repeated leave the open session as it is.",
        unchanged,
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
        "RESULT on request",
        "RESULT comes again when it is asked for, and only then.",
        result_on_request,
    ),
    Check(
        "every question is answered",
        "The board leaves no more questions without an answer than the line loses PINGs.",
        _every_question,
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
        "A second tile can be loaded while the first is encoded, on a board of two slots or more.",
        _overlap,
    ),
)
