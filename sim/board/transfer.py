"""Runs whole jobs for the checks of `conformance`: sends a tile, receives the result.

As a host does, this sends again what is not acknowledged and asks again for what is missing. Unlike
a host it opens no second session: what a sound board never does is a fault.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Sequence
from typing import Final

from ...link.serial.constants import (
    LARGEST_WINDOW,
    Feature,
    GotFlag,
    SampleCode,
    Stage,
)
from ...link.serial.messages import (
    NO_ROTATION,
    Data,
    Error,
    Got,
    Job,
    Load,
    Release,
    Result,
    Run,
    State,
    TileForm,
)
from ...link.serial.trust import is_within_credit
from ...link.student.rotation import IDENTITY
from .exchange import LEAST_TRIES, Exchange, NoAnswerError, NonconformanceError, crc_fault
from .tile_room import trial_bands, trial_depth, trial_setting, trial_side

ENCODE_S: Final = 60.0
"""Seconds in which a tile of a check must be encoded, and then its next chunk come."""

MOST_AT_ONCE: Final = 8
"""Most chunks that are sent before one is acknowledged."""


def small_tile(line: Exchange, seed: int = 1, setting: int | None = None) -> tuple[TileForm, bytes]:
    """Return a tile of a few chunks, or of fewer where the board takes no larger one.

    It is noise around a level that depends on the seed, so that two tiles differ even at the
    coarsest setting.
    """
    own = line.own
    bands, depth = trial_bands(own), trial_depth(own)
    side = trial_side(own, bands, 16)
    noise = random.Random(seed).randbytes(side * side * bands)  # noqa: S311
    samples = bytes((61 * seed + value // 4) % 256 >> 8 - depth for value in noise)
    kind, value = trial_setting(own)
    form = TileForm(
        len(samples),
        zlib.crc32(samples),
        side,
        side,
        bands,
        depth,
        SampleCode.UINT8,
        0,
        kind,
        0,
        value if setting is None else setting,
        IDENTITY if own.features & Feature.ROTATION else NO_ROTATION,
    )
    return form, samples


def chunk_of(line: Exchange, job: int, samples: bytes, index: int) -> Load:
    """Return the LOAD of one chunk of a tile."""
    return Load(job, index, samples[index * line.chunk : (index + 1) * line.chunk])


def load(line: Exchange, job: int, samples: bytes, indices: Sequence[int] | None = None) -> None:
    """Send a tile's chunks, all or `indices` in this order, until each is acknowledged.

    Raises:
        NonconformanceError: The board refuses one, or acknowledges no chunk any more.
    """
    count = -(-len(samples) // line.chunk)
    missing = list(range(count) if indices is None else indices)
    fruitless = -1
    repeated = 0
    while missing:
        burst = missing[: min(line.own.window, MOST_AT_ONCE)]
        if fruitless >= LEAST_TRIES:
            raise NoAnswerError(
                f"chunk {burst[0]} of job {job} was sent {fruitless + 1} times and never "
                "acknowledged"
            )
        begin = time.monotonic()
        for index in burst:
            line.send(chunk_of(line, job, samples, index))
        before = len(missing)
        missing = _unacknowledged(line, job, missing, burst)
        if len(missing) < before:
            fruitless = 0
            line.round_trip.answered()
        else:
            fruitless += 1
        if set(missing) & set(burst):
            # A slow board must not receive more and more.
            line.round_trip.ran_out()
        elif not repeated:
            line.round_trip.measured(time.monotonic() - begin)
        repeated += len(set(missing) & set(burst))
    if repeated:
        line.repeated += repeated
        line.settle()


def _unacknowledged(line: Exchange, job: int, missing: list[int], burst: list[int]) -> list[int]:
    """Return the chunks that STATE does not acknowledge in time."""
    pending = set(burst)
    until = time.monotonic() + line.round_trip.timeout
    while pending & set(missing) and (left := until - time.monotonic()) > 0:
        message = line.receive(left)
        if isinstance(message, Error):
            raise NonconformanceError(f"ERROR {message.reason} for a chunk; STATE expected")
        if isinstance(message, State) and message.job == job:
            if message.stage > Stage.LOADING:
                return []
            missing = [
                index
                for index in missing
                if index >= message.first and not message.received >> (index - message.first) & 1
            ]
            until = time.monotonic() + line.round_trip.timeout
    return missing


class _Fetch:
    """A result that is being received."""

    def __init__(self, line: Exchange, job: int) -> None:
        self.chunks: dict[int, bytes] = {}
        self.result: Result | None = None
        self.first = 0
        self._line = line
        self._job = job

    def data(self, message: Data) -> None:
        """Take a chunk and acknowledge it."""
        own = self._line.own
        if message.index * self._line.chunk >= own.largest_result:
            raise NonconformanceError(
                f"DATA chunk {message.index} begins beyond the largest result of "
                f"{own.largest_result} bytes"
            )
        if not is_within_credit(message.index, self.first):
            raise NonconformanceError(
                f"DATA chunk {message.index} while {self.first} is the first that has not "
                "come: beyond every window"
            )
        if self.chunks.setdefault(message.index, message.data) != message.data:
            raise NonconformanceError(f"DATA chunk {message.index} came twice, with other bytes")
        while self.first in self.chunks:
            self.first += 1
        self._line.send(self._got(0, 0))

    def ask_again(self) -> None:
        """Ask for everything that has not come."""
        received = self._received()
        flags = GotFlag.RESULT if self.result is None else 0
        self._line.send(self._got(flags, ~received & ((1 << LARGEST_WINDOW) - 1)))

    def missing(self) -> bool:
        """Whether RESULT or one of its chunks has not come."""
        return self.result is None or self.first < -(-self.result.length // self._line.chunk)

    def payload(self) -> bytes:
        """Return all chunks."""
        return b"".join(self.chunks[index] for index in sorted(self.chunks))

    def _got(self, flags: int, again: int) -> Got:
        return Got(self._job, flags, self.first, self._received(), again)

    def _received(self) -> int:
        bits = range(LARGEST_WINDOW)
        return sum((self.first + bit in self.chunks) << bit for bit in bits)


def fetch(line: Exchange, job: int) -> tuple[Result, bytes]:
    """Receive a result, and acknowledge it chunk by chunk.

    Raises:
        NonconformanceError: It does not come, or not as RESULT describes it.
    """
    came = _Fetch(line, job)
    # On a slow line, asking for what is missing takes minutes.
    patience = ENCODE_S + 2 * line.round_trip.timeout
    until = time.monotonic() + patience
    asked = 0
    while came.missing():
        if time.monotonic() > until:
            raise NoAnswerError(f"no RESULT in {patience:.0f} s")
        if came.result is None and came.chunks and asked > LEAST_TRIES:
            # The chunks show that the tile is encoded.
            raise NoAnswerError(
                f"no RESULT after {asked} questions, and {len(came.chunks)} chunks of it came"
            )
        if came.result is not None and asked > LEAST_TRIES:
            raise NoAnswerError(
                f"{crc_fault(came.result.length, came.result.crc, came.payload())}, and nothing "
                f"more comes after {asked} questions"
            )
        message = line.receive(line.round_trip.timeout)
        match message:
            case Data() if message.job == job:
                before = len(came.chunks)
                came.data(message)
                if len(came.chunks) > before:
                    until = time.monotonic() + patience
                line.round_trip.answered()
                asked = 0
            case Result() if message.job == job:
                if came.result not in (None, message):
                    raise NonconformanceError(f"RESULT was {came.result}, and is {message}")
                came.result = message
                if came.missing():
                    came.ask_again()
            case Error():
                raise NonconformanceError(f"ERROR {message.reason}; DATA and RESULT expected")
            case State() if message.job == job and message.stage < Stage.DONE:
                line.round_trip.answered()
                asked = 0  # it is still being encoded
            case None:
                asked += 1
                line.round_trip.ran_out()
                line.repeated += asked > 1
                came.ask_again()
    assert came.result is not None  # noqa: S101  (`missing` says so)
    line.round_trip.answered()
    if asked:
        line.settle()
    payload = came.payload()
    if fault := crc_fault(came.result.length, came.result.crc, payload):
        raise NonconformanceError(fault)
    return came.result, payload


def start(line: Exchange, job: int, form: TileForm, samples: bytes) -> None:
    """Announce a job, ask to run it and send its tile.

    Raises:
        NonconformanceError: The board does not take it.
    """
    line.stage(Job(job, form), Stage.LOADING, job)
    line.stage(Run(job), Stage.LOADING, job)
    load(line, job, samples)


def release(line: Exchange, job: int) -> None:
    """Have the board forget a job that is done.

    Raises:
        NonconformanceError: It does not.
    """
    line.stage(Release(job), Stage.RELEASED, job)


def encode(line: Exchange, job: int, form: TileForm, samples: bytes) -> tuple[Result, bytes]:
    """Run a whole job and return its checked result.

    Raises:
        NonconformanceError: The board does not do it as the protocol says.
    """
    start(line, job, form, samples)
    found = fetch(line, job)
    release(line, job)
    return found
