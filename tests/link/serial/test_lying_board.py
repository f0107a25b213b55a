"""A board that lies: each lie ends in one line, with no more memory or time than the job is worth.

Frames go straight into the host's machine, as from the most hostile line there is.
"""

from __future__ import annotations

import itertools
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest
from downpass.link.serial.blame import Blame
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Code, Stage, Status
from downpass.link.serial.download import Download
from downpass.link.serial.events import Closed, Event, Finished, Gone, Refused
from downpass.link.serial.framing import Deframer
from downpass.link.serial.host import HostEnd
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import (
    Caps,
    Data,
    Error,
    Got,
    Hello,
    Message,
    Ready,
    Result,
    State,
    open_body,
    seal,
)
from downpass.link.serial.testing.rehearsal import capabilities, plain_tile
from downpass.link.serial.trust import LONGEST_CAUSE, cause_of, largest_payload
from hypothesis import given
from hypothesis import strategies as st

TILE = bytes(range(200)) * 5
Lie = Callable[[Message], Iterable[Message]]


def converse(
    lie: Lie,
    *,
    largest_result: int = 0xFFFFFFFF,
    chunk: int = 4096,
    tile: bytes = TILE,
    settings: HostSettings | None = None,
    until_s: float = 20_000.0,
    step_s: float = 0.01,
    finish: tuple[Status, bytes] | None = None,
) -> tuple[list[Event], HostEnd, float]:
    """Talk with a board whose every message may become others; return events, host and time."""
    host = HostEnd(settings or HostSettings(fruitless=2), itertools.count(1), 0.0)
    own = capabilities(largest_tile=1 << 24, largest_result=largest_result, chunk=chunk)
    board = BoardEnd(own, 77)
    deframer = Deframer()
    host.submit(plain_tile(tile), tile, 0.0)
    events: list[Event] = []
    now = 0.0
    while now < until_s and not host.settled and not host.gone:
        while data := host.send(now):
            board.receive(data, round(now * 1000))
        if (work := board.take()) is not None:
            board.finish(*(finish or (Status.CODED, zlib.compress(work.tile))), 5)
        for _ in range(200):
            data = board.send(round(now * 1000))
            if not data:
                break
            (body,) = deframer.feed(data)
            session, message = open_body(body)
            for told in lie(message):
                host.receive(seal(told, session), now)
        events += host.events
        host.events.clear()
        now += step_s
    return events, host, now


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def refusal(events: list[Event]) -> str:
    assert only(events, Finished) == []
    (refused,) = only(events, Refused)
    assert isinstance(refused, Refused)
    assert refused.cause.isprintable()
    return refused.cause


@pytest.mark.parametrize("length", [0xFFFFFFFF, 1 << 28, 2 * len(TILE) + 4097])
def test_a_result_larger_than_any_codec_makes_of_the_tile(length: int) -> None:
    def lie(message: Message) -> list[Message]:
        return [replace(message, length=length) if isinstance(message, Result) else message]

    cause = refusal(converse(lie)[0])
    assert "a result of another tile, or a larger one than it can" in cause


def test_chunks_without_end_are_not_kept() -> None:
    """The board goes on with 6,000 chunks, though the tile is of 1 kB."""
    told = itertools.count()

    def lie(message: Message) -> Iterable[Message]:
        if isinstance(message, Data):
            return (Data(message.job, next(told) % 65536, bytes(64)) for _ in range(6000))
        return [] if isinstance(message, Result) else [message]

    tracemalloc.start()
    try:
        _, host, _ = converse(lie, until_s=0.06, chunk=64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert next(told) >= 6000
    assert host.counts.strange > 5500
    assert peak < 500_000


def test_a_result_has_no_more_chunks_than_can_be_acknowledged() -> None:
    """At 64 bytes a chunk, 65,536 chunks are fewer bytes than the tile may become."""
    download = Download(0, 64, 1 << 26, 64)
    for index in range(65_535):
        chunk = Data(0, index, bytes(64))
        assert download.accepts(chunk)
        download.take(chunk, 0.0, 1.0)
    assert not download.accepts(Data(0, 65_535, bytes(64)))
    assert Got.unpack(download.acknowledgement().pack()).first == 65_535
    result = Result(0, Status.CODED, 64 * 65_535, 0, 0, 0, 0, 0)
    assert download.can_mean(result)
    assert not download.can_mean(replace(result, length=result.length + 1))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (Code.MALFORMED, "the board said nothing for 5 s except ERROR MALFORMED, job 0, detail 4"),
        (77, "the board said nothing for 5 s except ERROR code 77, job 0, detail 4"),
    ],
)
def test_a_board_that_refuses_every_job_is_quoted_and_not_called_silent(
    code: int, words: str
) -> None:
    def lie(message: Message) -> list[Message]:
        if isinstance(message, State):
            return [Error(code, message.job, 4)]
        return [] if isinstance(message, Data | Result) else [message]

    events, _, _ = converse(lie)
    assert {event.cause for event in events if isinstance(event, Closed)} == {words}
    assert {event.blame for event in events if isinstance(event, Closed)} == {Blame.BOARD}
    assert refusal(events).endswith(f"the last: {words}")


@pytest.mark.parametrize("kind", [Caps, Ready])
def test_a_board_that_refuses_the_handshake_is_quoted(kind: type[Message]) -> None:
    def lie(message: Message) -> list[Message]:
        return [Error(Code.MALFORMED, 0, 3) if isinstance(message, kind) else message]

    (gone,) = converse(lie)[0]
    assert isinstance(gone, Gone)
    assert gone.cause == (
        "no board for 30 s: it opens no session, although it answers 20 of 20 PING; it says "
        "ERROR MALFORMED, job 0, detail 3"
    )


def test_a_failure_of_many_words_is_cut() -> None:
    words = b"\x1b[2Jno\nmemory " * 400
    events, _, _ = converse(lambda message: [message], finish=(Status.FAILED, words))
    cause = refusal(events)
    assert cause.startswith("the board's encoder: [2Jno memory  [2Jno memory")
    assert len(cause) == len("the board's encoder: ") + LONGEST_CAUSE + 1


def test_a_failure_announced_as_122_mb_is_never_fetched() -> None:
    def lie(message: Message) -> list[Message]:
        if isinstance(message, Result):
            return [replace(message, status=Status.FAILED, length=122_000_000)]
        return [message]

    assert "larger one than it can" in refusal(converse(lie)[0])


@given(st.binary(max_size=2000))
def test_words_of_a_board_are_one_short_line(payload: bytes) -> None:
    words = cause_of(payload)
    assert words
    assert words.isprintable()
    assert len(words) <= LONGEST_CAUSE + 1


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"most_columns": 0}, "the board announces tiles of at most 0 columns"),
        ({"most_rows": 0}, "the board announces tiles of at most 0 rows"),
        ({"most_bands": 0}, "the board announces tiles of at most 0 bands"),
        ({"features": 0x47}, "the board announces no kind of setting: neither quality nor bytes"),
        ({"name": "a\x1b[31mb"}, r"the board announces a name with control characters: 'a\x1b[31m"),
        ({"software": "1\n2"}, r"the board announces a software with control characters: '1\n2'"),
    ],
)
def test_capabilities_that_no_board_has(change: dict[str, object], cause: str) -> None:
    def lie(message: Message) -> list[Message]:
        if isinstance(message, Caps):
            return [replace(message, capabilities=replace(message.capabilities, **change))]  # type: ignore[arg-type]
        return [message]

    (gone,) = converse(lie)[0]
    assert isinstance(gone, Gone)
    assert gone.cause.startswith(cause)


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        # Offsets of the fields in CAPS after kind and session (docs/serial-protocol.md).
        (5 + 28, 0, "CAPS: window 0: allowed are 1 to 64"),
        (5 + 27, 0, "CAPS: slots 0: allowed are 1 to 16"),
        (5 + 31, 7, "CAPS: 7 is not a valid TickKind"),
        (5 + 32, 0, "CAPS: chunk 0: allowed are 64 to 4096"),
    ],
)
def test_capabilities_out_of_range_are_named(at: int, value: int, words: str) -> None:
    from downpass.link.serial.framing import frame, unframe

    host = HostEnd(HostSettings(away=5), itertools.count(1), 0.0)
    board = BoardEnd(capabilities(chunk=64), 77)
    host.begin(0.0)
    now = 0.0
    while now < 10 and not host.gone:
        while data := host.send(now):
            board.receive(data, 0)
        while data := board.send(0):
            body = unframe(data.strip(b"\0"))
            assert body is not None
            if isinstance(open_body(body)[1], Caps):
                body = body[:at] + bytes([value]) + body[at + 1 :]
            host.receive(frame(body), now)
        now += 0.05
    (gone,) = host.events
    assert isinstance(gone, Gone)
    assert gone.cause.endswith(f"frames came that are not of this protocol; the last: {words}")


def test_an_encode_time_of_an_age_is_not_believed() -> None:
    def lie(message: Message) -> list[Message]:
        return [
            replace(message, encode_ticks=(1 << 64) - 1) if isinstance(message, Result) else message
        ]

    cause = refusal(converse(lie)[0])
    assert cause.endswith("a tile was encoded for 1.84e+13 s; allowed: at most 86400")


def test_a_tile_of_more_chunks_than_there_are_numbers_is_refused() -> None:
    tile = bytes(65_535 * 65)
    form = replace(
        plain_tile(tile[:65_535]), rows=65, tile_bytes=len(tile), tile_crc=zlib.crc32(tile)
    )
    host = HostEnd(HostSettings(), itertools.count(1), 0.0)
    board = BoardEnd(capabilities(largest_tile=0xFFFFFFFF, chunk=64), 77)
    host.submit(form, tile, 0.0)
    for _ in range(10):
        while data := host.send(0.0):
            board.receive(data, 0)
        while data := board.send(0):
            host.receive(data, 0.0)
    (refused,) = [event for event in host.events if isinstance(event, Refused)]
    assert refused.cause.endswith("1 bands: 66559 chunks of 64 bytes; allowed are 65535")


def test_jobs_released_that_were_never_given() -> None:
    def lie(message: Message) -> list[Message]:
        return [replace(message, lowest=1 << 31) if isinstance(message, State) else message]

    assert "has released jobs that it was never given" in refusal(converse(lie)[0])


def test_a_tile_thrown_away_for_ever() -> None:
    rounds = itertools.count(1)

    def lie(message: Message) -> list[Message]:
        if isinstance(message, State) and message.stage != Stage.RELEASED:
            return [replace(message, stage=Stage.LOADING, round=next(rounds) % 256, first=0)]
        return [] if isinstance(message, Data | Result) else [message]

    assert "the board has thrown a tile away 9 times" in refusal(converse(lie)[0])


def test_a_board_that_restarts_whenever_a_session_is_open() -> None:
    boots = itertools.count(1000)

    def lie(message: Message) -> list[Message]:
        if type(message).__name__ == "Ready":
            return [message, Hello(0, next(boots), 1, 1)]
        return [message]

    events, host, now = converse(lie)
    assert (
        "2 sessions in a row ended before this tile was done; the last: the board has started"
        in (refusal(events))
    )
    assert now < 60
    assert host.counts.sessions_lost == 2


def test_a_drop_of_data_at_a_time_is_not_progress_for_ever() -> None:
    """A new chunk every 100 s: each is progress, and the result would take a week."""
    largest = 2 * len(TILE) + 4096
    indices: Iterator[int] = itertools.count()
    clock = [0.0, 0.0]

    host = HostEnd(HostSettings(fruitless=1), itertools.count(1), 0.0)
    board = BoardEnd(capabilities(largest_tile=1 << 16, largest_result=1 << 16, chunk=64), 77)
    deframer = Deframer()
    host.submit(plain_tile(TILE), TILE, 0.0)
    events: list[Event] = []
    session, now = 0, 0.0
    while now < 1e6 and not only(events, Refused):
        while data := host.send(now):
            board.receive(data, 0)
        if (work := board.take()) is not None:
            board.finish(Status.CODED, work.tile, 5)
        while data := board.send(0):
            (body,) = deframer.feed(data)
            session, message = open_body(body)
            if not isinstance(message, Data | Result):
                host.receive(data, now)
        if session and now >= clock[0]:
            clock[0] = now + 100
            host.receive(seal(Data(0, next(indices), bytes(64)), session), now)
        if session:
            state = State(0, 0, Stage.DONE, 0, 0, 0, 0)
            host.receive(seal(state, session), now)
        events += host.events
        host.events.clear()
        now += 2.0
    assert "no tile was finished for" in refusal(events)
    assert now < 300 + (len(TILE) + largest) / 30 + 10


def test_noise_without_a_zero_is_not_kept() -> None:
    host = HostEnd(HostSettings(away=5), itertools.count(1), 0.0)
    host.begin(0.0)
    noise = b"\x55" * 65536
    tracemalloc.start()
    try:
        for _ in range(2000):
            host.receive(noise, 0.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    host.send(6.0)
    (gone,) = host.events
    assert isinstance(gone, Gone)
    assert "131072000 bytes came and none of them made a frame" in gone.cause


@given(st.integers(1, 65_535), st.integers(1, 0xFFFFFFFF))
def test_the_bound_holds_what_a_tile_can_become(size: int, largest: int) -> None:
    own = capabilities(largest_result=largest)
    bound = largest_payload(plain_tile(bytes(size)), own)
    assert bound <= largest
    assert bound == largest or bound >= size + size // 4 + 4096
