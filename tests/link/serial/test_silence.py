"""A board that stays silent is judged by PING before it is given up."""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from downpass.link.serial.blame import Blame
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Kind, Status
from downpass.link.serial.events import Closed, Event, Finished, Gone, Opened
from downpass.link.serial.framing import Deframer, frame
from downpass.link.serial.host import HostEnd
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.silence import CARRIED, PROBES, SilenceProbe, judged_by_ping
from downpass.link.serial.testing.rehearsal import capabilities, plain_tile
from hypothesis import given
from hypothesis import strategies as st

TILE = bytes(range(200)) * 5
AWAY, SILENCE = 6.0, 5.0
BOUND_S = PROBES * 0.15 + 1.0 + 3.0
"""Seconds that the PINGs take at most on a line without a bit rate."""
STEP_S = 0.01
Carries = Callable[[int, float], bytes | None]
"""What the line makes of a frame's body from host or board: its kind and the time since the fault
began. None loses it, empty bytes damage it."""


def sound(kind: int, since: float) -> bytes | None:
    return bytes((kind,))


def cut(kind: int, since: float) -> bytes | None:
    return None


def cut_for(seconds: float) -> Carries:
    return lambda kind, since: None if since < seconds else bytes((kind,))


def pings_only(kind: int, since: float) -> bytes | None:
    """The board's other half hangs: of all frames to it, it takes only PING."""
    return bytes((kind,)) if kind in {Kind.PING, Kind.PONG} else None


def no_capabilities(kind: int, since: float) -> bytes | None:
    """It answers RESET and PING, and no QUERY."""
    return None if kind == Kind.QUERY or Kind.JOB <= kind <= Kind.RELEASE else bytes((kind,))


def noise(kind: int, since: float) -> bytes | None:
    return b"" if kind >= Kind.HELLO else bytes((kind,))


def losing(share: float, seed: int) -> Carries:
    draws = random.Random(seed)
    return lambda kind, since: None if draws.random() < share else bytes((kind,))


@dataclass
class Conversation:
    """What a host has said of a board, and how long after the lost session it gave it up."""

    events: list[Event]
    gone_after: float | None
    pings: int

    @property
    def gone(self) -> Gone:
        (found,) = [event for event in self.events if isinstance(event, Gone)]
        return found


def converse(line: Carries, baud: int | None = None, until_s: float = 60.0) -> Conversation:
    """Encode a tile, then let the line begin to fail, and submit a second one."""
    host = HostEnd(HostSettings(silence=SILENCE, away=AWAY, baud=baud), itertools.count(1), 0.0)
    board, deframer, to_board = BoardEnd(capabilities(), 77), Deframer(), Deframer()
    events: list[Event] = []
    pings, lost_at = 0, 0.0

    def pass_on(body: bytes, since: float | None, to: Callable[[bytes], None]) -> None:
        kept = bytes((body[0],)) if since is None else line(body[0], since)
        if kept is None:
            return
        whole = frame(body)
        to(whole if kept else whole[:4] + bytes((whole[4] ^ 1 or 2,)) + whole[5:])

    def run(until: float, now: float, failing_at: float | None) -> float:
        nonlocal pings, lost_at
        while now < until and not host.gone and not host.settled:
            since = None if failing_at is None else now - failing_at
            while data := host.send(now):
                for body in to_board.feed(data):
                    pings += body[0] == Kind.PING
                    pass_on(body, since, partial(board.receive, ticks=round(now * 1000)))
            if (work := board.take()) is not None:
                board.finish(Status.CODED, zlib.compress(work.tile), 5)
            while data := board.send(round(now * 1000)):
                for body in deframer.feed(data):
                    pass_on(body, since, partial(host.receive, now=now))
            if any(isinstance(event, Closed) for event in host.events):
                lost_at = now
            events.extend(host.events)
            host.events.clear()
            now += STEP_S
        return now

    host.submit(plain_tile(TILE), TILE, 0.0)
    start = run(5.0, 0.0, None)
    assert [type(event) for event in events] == [Opened, Finished]
    events.clear()
    host.submit(plain_tile(TILE), TILE, start)
    now = run(start + until_s, start, start)
    return Conversation(events, now - lost_at if host.gone else None, pings)


@pytest.mark.parametrize(
    ("line", "blame", "words"),
    [
        (cut, None, "it answers none of 20 PING: it hangs, or the line is cut"),
        (pings_only, Blame.BOARD, "it opens no session, although it answers 20 of 20 PING"),
        (no_capabilities, Blame.BOARD, "it opens no session, although it answers 20 of 20 PING"),
        (noise, Blame.LINE, "it answers 0 of 20 PING, and "),
        (losing(0.8, 4), Blame.LINE, " of 20 PING, and 0 damaged frames came meanwhile"),
    ],
    ids=["cut", "only PING answered", "no capabilities", "noise", "four of five lost"],
)
def test_a_silence_is_judged(line: Carries, blame: Blame | None, words: str) -> None:
    found = converse(line)
    assert [type(event) for event in found.events] == [Closed, Gone]
    assert found.gone.cause.startswith("no board for 6 s: ")
    assert words in found.gone.cause
    assert found.gone.blame is blame
    assert found.pings >= PROBES  # a line that loses chunks is asked about before, too
    assert found.gone_after is not None
    assert AWAY <= found.gone_after <= AWAY + BOUND_S + 0.1


@pytest.mark.parametrize("seconds", [3.0, 9.0, 10.9, 11.2, 12.5, 13.9])
def test_a_line_that_carries_again_is_judged_by_nothing(seconds: float) -> None:
    """Even if it is mended only while PINGs are sent: a session opens, and the tile is finished."""
    found = converse(cut_for(seconds))
    assert found.gone_after is None
    assert isinstance(found.events[-1], Finished)
    lost = [event for event in found.events if isinstance(event, Closed)]
    assert len(lost) == (seconds > SILENCE)


def test_a_slow_line_has_time_to_answer() -> None:
    found = converse(cut, baud=300, until_s=120)  # the silence alone is 28 s there
    assert found.gone.blame is None
    assert found.gone_after is not None
    # 600 bytes, the messages that open a session, take 20 s.
    assert 20 <= found.gone_after <= 20 + BOUND_S + PROBES * 64 * 10 / 300 + 3


@pytest.mark.parametrize(
    ("answered", "damaged", "blame"),
    [
        (PROBES, 0, Blame.BOARD),
        (CARRIED, 5, Blame.BOARD),
        (CARRIED - 1, 0, Blame.LINE),
        (1, 0, Blame.LINE),
        (0, 1, Blame.LINE),
        (0, 0, None),
    ],
)
def test_the_judgement(answered: int, damaged: int, blame: Blame | None) -> None:
    assert judged_by_ping(answered, damaged) is blame


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2), st.integers(0, 30)), max_size=300))
def test_a_probe_ends_and_counts_each_ping_once(steps: list[tuple[bool, float, int]]) -> None:
    """Whatever comes, at any time: PINGs are bounded, and no token is counted twice."""
    probe = SilenceProbe(itertools.count(1), None, 0.0)
    now, sent = 0.0, []
    for answers, pause, token in steps:
        now += pause
        if (due := probe.due(now)) is not None:
            sent.append(due)
        if answers:
            before = probe.answered
            probe.take(token, now)
            assert probe.answered - before in (0, token in sent)
    assert len(sent) == len(set(sent)) <= PROBES
    assert probe.answered <= len(sent)
    begin = now
    while not probe.is_over(now):
        now = max(now, probe.wake_at)
        probe.due(now)
    assert now - begin <= BOUND_S + 0.15
