"""The host against boards that are wrong, forget, or lie: one clear line, never a wrong tile."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from downpass.link.serial.blame import Blame
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Code, Stage, Status
from downpass.link.serial.events import Closed, Event, Finished, Gone, Opened, Refused
from downpass.link.serial.framing import Deframer
from downpass.link.serial.host import HostEnd
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import (
    Caps,
    Data,
    Error,
    Hello,
    Message,
    Result,
    State,
    open_body,
    seal,
)
from downpass.link.serial.pings import Pings
from downpass.link.serial.testing.rehearsal import capabilities, plain_tile

TILE = bytes(range(200)) * 5
Twist = Callable[[Message], Message | None]


def converse(
    twist: Twist = lambda message: message,
    settings: HostSettings | None = None,
    until_s: float = 100.0,
) -> tuple[list[Event], HostEnd]:
    """Talk with a sound board whose every message is twisted on its way."""
    host = HostEnd(settings or HostSettings(), itertools.count(1).__iter__(), 0.0)
    board = BoardEnd(capabilities(), 77)
    deframer = Deframer()
    host.submit(plain_tile(TILE), TILE, 0.0)
    events: list[Event] = []
    now = 0.0
    while now < until_s and not host.settled and not host.gone:
        while data := host.send(now):
            board.receive(data, round(now * 1000))
        if (work := board.take()) is not None:
            board.finish(Status.CODED, zlib.compress(work.tile), 5)
        while data := board.send(round(now * 1000)):
            (body,) = deframer.feed(data)
            session, message = open_body(body)
            twisted = twist(message)
            if twisted is not None:
                host.receive(seal(twisted, session), now)
        events += host.events
        host.events.clear()
        now += 0.01
    return events, host


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def test_a_sound_board() -> None:
    events, host = converse()
    assert [type(event) for event in events] == [Opened, Finished]
    assert events[1] == Finished(0, zlib.compress(TILE), 0, 5, 0)
    assert host.settled


def test_a_board_with_another_model_is_named_and_left() -> None:
    events, _ = converse(settings=HostSettings(fingerprint=b"expected"))
    (gone,) = events
    assert isinstance(gone, Gone)
    assert gone.cause == (
        f"the board runs model {bytes(8).hex()} (none); expected is {b'expected'.hex()}"
    )


def test_a_board_that_speaks_another_version() -> None:
    def twist(message: Message) -> Message:
        return replace(message, oldest=2, newest=3) if isinstance(message, Hello) else message

    (gone,) = converse(twist)[0]
    assert isinstance(gone, Gone)
    assert "speaks versions 2 to 3" in gone.cause
    assert gone.blame is Blame.BOARD


def test_a_board_that_lies_about_its_size_is_told_by_what_it_refuses() -> None:
    def twist(message: Message) -> Message | None:
        if isinstance(message, State) and message.stage != Stage.RELEASED:
            return Error(Code.TOO_LARGE, message.job, 500)
        return None if isinstance(message, Data | Result) else message

    events, host = converse(twist)
    (refused,) = only(events, Refused)
    assert refused == Refused(
        0, "the board refuses a tile of 1000 bytes: it takes 500 at most, though it said 65536"
    )
    assert host.settled


def test_capabilities_that_cannot_be_end_in_one_line() -> None:
    def twist(message: Message) -> Message | None:
        return None if isinstance(message, Caps) else message

    events, _ = converse(twist)
    (gone,) = events
    assert isinstance(gone, Gone)
    assert gone.cause == (
        "no board for 30 s: it opens no session, although it answers 20 of 20 PING"
    )
    assert gone.blame is Blame.BOARD


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("tile_crc", "the board gave a result of another tile, or a larger one than it can"),
        ("crc", "a result's CRC-32 does not match its bytes"),
        ("length", "the board gave a result of another tile, or a larger one than it can"),
    ],
)
def test_a_wrong_result_is_never_taken(what: str, cause: str) -> None:
    def twist(message: Message) -> Message:
        if isinstance(message, Result):
            wrong = {"length": 1 << 20}.get(what, 12345)
            return replace(message, **{what: wrong})
        return message

    events, host = converse(twist, HostSettings(fruitless=4))
    assert only(events, Finished) == []
    closed = [event for event in events if isinstance(event, Closed)]
    assert [(event.cause, event.blame) for event in closed] == [(cause, Blame.BOARD)] * 4
    (refused,) = only(events, Refused)
    assert isinstance(refused, Refused)
    assert refused.cause.endswith(cause)
    assert refused.blame is Blame.BOARD
    assert host.unfinished == 0


def test_a_result_damaged_once_is_fetched_anew() -> None:
    damaged: list[Data] = []

    def twist(message: Message) -> Message:
        if isinstance(message, Data) and not damaged:
            damaged.append(message)
            return replace(message, data=bytes(len(message.data)))
        return message

    events, _ = converse(twist)
    assert [type(event) for event in events] == [Opened, Closed, Opened, Finished]
    assert events[-1] == Finished(0, zlib.compress(TILE), 0, 5, 0)


def test_a_board_that_forgets_a_job_ends_the_session() -> None:
    forgot: list[State] = []

    def twist(message: Message) -> Message:
        if isinstance(message, State) and not forgot:
            forgot.append(message)
            return replace(message, lowest=5)
        return message

    events, _ = converse(twist)
    assert [type(event) for event in events] == [Opened, Closed, Opened, Finished]


def test_a_board_that_falls_silent_is_left_for_a_new_session() -> None:
    quiet: list[Message] = []

    def twist(message: Message) -> Message | None:
        if isinstance(message, Hello | Caps | Error) or len(quiet) >= 40:
            return message
        quiet.append(message)
        return message if len(quiet) < 3 else None

    events, host = converse(twist, HostSettings(silence=2))
    assert isinstance(events[-1], Finished)
    lost = [event for event in events if isinstance(event, Closed)]
    assert {event.blame for event in lost} == {None}
    assert host.counts.sessions_lost >= 1


def test_nothing_is_sent_before_something_is_wanted() -> None:
    host = HostEnd(HostSettings(), iter(range(1, 9)), 0.0)
    assert host.send(100.0) == b""
    assert host.wake() is None
    host.begin(200.0)
    assert host.send(200.0) != b""
    assert host.send(200.0) == b""
    assert host.wake() == pytest.approx(200.5)


def test_a_tile_that_is_not_its_form_is_refused_at_once() -> None:
    host = HostEnd(HostSettings(), iter(range(1, 9)), 0.0)
    with pytest.raises(ValueError, match="not the one that its form describes"):
        host.submit(plain_tile(TILE), TILE[:-1] + b"x", 0.0)


def test_a_tile_on_which_the_board_reboots_each_time_is_judged_so() -> None:
    """Every boot has another nonce; the board never comes to an end with its only tile."""
    host = HostEnd(HostSettings(fruitless=6), itertools.count(1).__iter__(), 0.0)
    deframer, events, boots, now = Deframer(), list[Event](), 1, 0.0
    board = BoardEnd(capabilities(), boots)
    host.submit(plain_tile(TILE), TILE, 0.0)
    while now < 100 and not host.settled:
        while data := host.send(now):
            board.receive(data, round(now * 1000))
        if board.take() is not None:
            boots += 1
            board = BoardEnd(capabilities(), boots)
        while data := board.send(round(now * 1000)):
            for body in deframer.feed(data):
                session, message = open_body(body)
                host.receive(seal(message, session), now)
        events += host.events
        host.events.clear()
        now += 0.01
    (refused,) = only(events, Refused)
    assert isinstance(refused, Refused)
    assert refused.blame is Blame.REBOOTED
    opened = [event for event in events if isinstance(event, Opened)]
    assert [event.rebooted for event in opened[:6]] == [False] + [True] * 5


@pytest.mark.parametrize(
    ("heard", "unplugged", "blame"),
    [
        (b"", False, None),
        (b"", True, Blame.LINE),
        (bytes(range(1, 200)) * 3, False, Blame.LINE),
        (b"login: root\r\nPassword for root: ", False, Blame.LINE),
    ],
    ids=["not a byte", "the port vanished", "another baud rate", "a console"],
)
def test_a_board_that_never_answers(heard: bytes, unplugged: bool, blame: Blame | None) -> None:
    host = HostEnd(HostSettings(away=5), itertools.count(1).__iter__(), 0.0)
    host.begin(0.0)
    host.receive(heard, 0.1)
    if unplugged:
        host.line_down("gone", 0.2)
    for now in range(7):
        host.send(float(now))
    (gone,) = host.events
    assert isinstance(gone, Gone)
    assert gone.blame is blame


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tick_rate", 500_000, "its tick rate was 1000000, and is 500000"),
        ("largest_tile", 100, "its largest tile was 65536, and is 100"),
        (
            "fingerprint",
            b"another!",
            f"its fingerprint was {bytes(8).hex()}, and is 616e6f7468657221",
        ),
        ("name", "spare", "its name was rehearsal, and is spare"),
    ],
)
def test_a_board_that_is_exchanged_during_a_run_is_given_up(
    field: str, value: object, words: str
) -> None:
    """Its ticks would be counted at the rate of the first board."""
    greetings = 0

    def twist(message: Message) -> Message | None:
        nonlocal greetings
        if isinstance(message, Caps):
            greetings += 1
            if greetings > 1:
                own = replace(message.capabilities, **{field: value})  # type: ignore[arg-type]
                return replace(message, capabilities=own)
        if isinstance(message, State) and greetings == 1:
            return Error(Code.NO_SESSION, message.job, 0)
        return message

    events, _ = converse(twist)
    assert [type(event) for event in events] == [Opened, Closed, Gone]
    (gone,) = only(events, Gone)
    assert isinstance(gone, Gone)
    assert gone.cause == f"another board, or other software, is there now: {words}"
    assert gone.blame is Blame.BOARD


def test_a_ping_is_repeated_until_it_is_answered_and_not_after() -> None:
    pings = Pings()
    pings.ask(7, 1.0)
    assert (pings.due(2.0), pings.due(2.0)) == (7, None)
    assert pings.wake(0.5) == 2.5
    assert not pings.repeat_sent_until(1.9)
    assert pings.repeat_sent_until(2.0)
    assert not pings.repeat_sent_until(2.0), "it is due already"
    assert pings.answer(7) == 2.0  # while its repetition waits to be sent
    assert (pings.due(3.0), len(pings), pings.answer(7)) == (None, 0, None)
