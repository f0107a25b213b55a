"""Checks of what docs/serial-protocol.md decides about malformed and repeated messages."""

from __future__ import annotations

from ...link.serial.constants import SMALLEST_CHUNK, VERSION, Code, GotFlag, Stage
from ...link.serial.messages import (
    Caps,
    Got,
    Hello,
    Job,
    Load,
    Query,
    Ready,
    Reset,
    Result,
    Run,
    seal,
)
from .exchange import Exchange, NonconformanceError
from .refused_frames import refused_frames
from .transfer import chunk_of, fetch, load, release, small_tile, start


def malformed(line: Exchange) -> str:
    """Check that bodies which are no message, or contradict themselves, are refused as such."""
    line.begin()
    form, samples = small_tile(line)
    count = 0
    for case in refused_frames(line.own, line.session, 0, form):
        try:
            line.refused(case.frame, case.code, case.detail)
        except NonconformanceError as error:
            raise type(error)(f"{case.what}: {error}") from None
        count += 1
    # None of them may have begun the job.
    line.stage(Run(0), Stage.FREE)
    line.stage(Job(0, form), Stage.LOADING)
    if len(samples) > line.chunk:
        load(line, 0, samples, [0])
        try:
            line.refused(Load(0, 0, samples[:3]), Code.MALFORMED)
        except NonconformanceError as error:
            raise type(error)(f"a chunk that is there, of a wrong length: {error}") from None
        state = line.stage(chunk_of(line, 0, samples, 0), Stage.LOADING)
        if state.first != 1:
            raise NonconformanceError(f"chunk 0 came, then a part of it; it says {state}")
    return f"{count} frames"


def unchanged(line: Exchange) -> None:
    """Check that RESET, QUERY and a repeated OPEN leave the open session as it is."""
    chunk = min(2 * SMALLEST_CHUNK, line.own.chunk)
    line.begin(chunk)
    opening = line.opening(chunk=chunk)
    form, _ = small_tile(line)
    line.stage(Job(0, form), Stage.LOADING)
    ready = line.ask(line.opening(window=1, chunk=SMALLEST_CHUNK), Ready)
    if (ready.window, ready.chunk) != (opening.window, chunk):
        raise NonconformanceError(
            f"OPEN again with window 1 and chunk {SMALLEST_CHUNK}: READY says {ready.window} and "
            f"{ready.chunk}; {opening.window} and {chunk} of the first OPEN expected"
        )
    line.refused(line.opening(window=0), Code.BAD_PARAMETER, 1)
    nonce = line.host_nonce ^ 4
    line.ask(
        Reset(nonce, VERSION, VERSION), Hello, lambda hello: hello.host_nonce == nonce, line.session
    )
    line.ask(Query(nonce, VERSION), Caps, lambda caps: caps.host_nonce == nonce, line.session)
    line.stage(Run(0), Stage.LOADING)


def result_on_request(line: Exchange) -> None:
    """Check that RESULT comes again when it is asked for, and only then."""
    line.begin()
    form, samples = small_tile(line)
    start(line, 0, form, samples)
    result, payload = fetch(line, 0)
    line.settle()
    count = -(-len(payload) // line.chunk)
    line.passed_over(
        seal(Got(0, 0, count, 0, 0), line.session), "GOT without its flag must not bring RESULT"
    )
    again = line.ask(Got(0, GotFlag.RESULT, count, 0, 0), Result)
    if again != result:
        raise NonconformanceError(f"RESULT was {result}, and is {again}")
    line.settle()
    release(line, 0)
