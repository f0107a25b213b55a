"""Faults made on purpose between the two real ends, in virtual time."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import time
import tty
import zlib
from collections import defaultdict
from collections.abc import Sequence

import pytest
from downpass.link.serial.constants import LARGEST_CHUNK, SMALLEST_CHUNK, Stage, Status
from downpass.link.serial.faults import line_proxy
from downpass.link.serial.faults.board_faults import BoardFaults, Interruption, Strikes
from downpass.link.serial.faults.changed_results import REFUSAL, failed, wrong
from downpass.link.serial.faults.faulty_line import CLEAN, Faults, FaultyLine, flipped_bytes
from downpass.link.serial.faults.frame_draws import FrameDraws
from downpass.link.serial.faults.injector import FaultInjector
from downpass.link.serial.faults.slow_results import SlowResults
from downpass.link.serial.faults.tile_numbers import TileNumbers
from downpass.link.serial.framing import unframe
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import (
    Data,
    Load,
    Message,
    Ping,
    Result,
    State,
    TileForm,
    open_body,
)
from downpass.link.serial.testing.rehearsal import (
    Rehearsal,
    RehearsalResult,
    capabilities,
    deflating,
    plain_tile,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

Tiles = list[tuple[TileForm, bytes]]


def some_tiles(count: int, size: int = 700, seed: int = 1) -> Tiles:
    rng = random.Random(seed)
    return [(plain_tile(tile), tile) for tile in (rng.randbytes(size) for _ in range(count))]


def right(tiles: Tiles) -> dict[int, bytes]:
    """Return what the rehearsal's encoder makes of each tile, by ticket."""
    return {
        ticket: form.setting.to_bytes(4, "little") + zlib.compress(tile, 1)
        for ticket, (form, tile) in enumerate(tiles)
    }


def rehearsed(
    tiles: Tiles,
    faults: BoardFaults,
    seed: str = "3",
    line: Faults = CLEAN,
    baud: float | None = 921600,
    delay: float = 0.001,
    encode_s: float = 0.01,
    slots: int = 3,
) -> tuple[RehearsalResult, FaultInjector, Rehearsal]:
    injector = FaultInjector(seed, faults)
    rehearsal = Rehearsal(
        capabilities(slots=slots),
        HostSettings(baud=921600, away=3600, fruitless=10**6),
        FaultyLine(f"{seed}/down", baud, delay, line),
        FaultyLine(f"{seed}/up", baud, delay, line),
        encode=deflating,
        encode_s=lambda work: encode_s,
        injector=injector,
    )
    return rehearsal.run(tiles, limit_s=1e5), injector, rehearsal


every = st.builds(Strikes, every=st.integers(1, 12))
some = st.builds(Strikes, share=st.floats(0, 1))
listed = st.builds(Strikes, tiles=st.frozensets(st.integers(1, 12), max_size=4))
strikes = st.one_of(every, some, listed)


def lasting(seconds: Sequence[float]) -> st.SearchStrategy[Interruption]:
    return st.builds(Interruption, strikes=strikes, seconds=st.sampled_from(seconds))


def struck(found: Strikes, count: int, key: str) -> set[int]:
    return {tile for tile in range(1, count + 1) if found.strikes(tile, key)}


# ---- which tiles


@given(every=st.integers(1, 50), count=st.integers(0, 300), key=st.text(max_size=5))
def test_one_of_every_so_many_is_struck(every: int, count: int, key: str) -> None:
    assert len(struck(Strikes(every=every), count, key)) == count // every


@given(tiles=st.frozensets(st.integers(1, 400)), key=st.text(max_size=5))
def test_the_listed_tiles_are_struck(tiles: frozenset[int], key: str) -> None:
    assert struck(Strikes(tiles=tiles), 400, key) == tiles


@given(share=st.floats(0, 1), key=st.text(max_size=8))
@settings(max_examples=30)
def test_a_share_of_the_tiles_is_struck(share: float, key: str) -> None:
    found = struck(Strikes(share=share), 500, key)
    assert found == struck(Strikes(share=share), 500, key)
    # Six standard deviations of a binomial distribution, and its skew.
    assert abs(len(found) - 500 * share) <= 6 * (500 * share * (1 - share)) ** 0.5 + 3
    # More of them with a larger share: the same draws decide.
    assert found <= struck(Strikes(share=min(1.0, share + 0.1)), 500, key)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Strikes(every=0),
        lambda: Strikes(share=1.01),
        lambda: Strikes(share=float("nan")),
        lambda: Strikes(tiles=frozenset({0})),
        lambda: Interruption(seconds=-1),
        lambda: Interruption(seconds=3601),
        lambda: BoardFaults(slow=0.5),
        lambda: BoardFaults(slow=float("nan")),
    ],
)
def test_values_beyond_the_range_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="allowed are"):
        bad()  # type: ignore[operator]


@given(
    count=st.integers(1, 20),
    acts=st.lists(st.sampled_from(("announce", "again", "release", "lose")), max_size=80),
    equal=st.booleans(),
)
def test_a_tile_keeps_its_number_however_often_its_session_is_lost(
    count: int, acts: list[str], equal: bool
) -> None:
    """A host of three slots that loses sessions; its tiles may be equal to each other."""
    forms = [form for form, _ in some_tiles(1 if equal else count, 20)] * (count if equal else 1)
    numbers, session, job = TileNumbers(), 1, 0
    queue, jobs = list(range(count)), {}
    for act in [*acts, *("announce", "release") * (2 * count)]:
        if act == "lose":
            queue, jobs, job, session = sorted([*queue, *jobs.values()]), {}, 0, session + 1
        elif act == "announce" and queue and len(jobs) < 3:
            jobs[job] = queue.pop(0)
            assert numbers.announce(session, job, forms[jobs[job]]) == jobs[job] + 1
            job += 1
        elif act == "again" and jobs:
            last = max(jobs)
            assert numbers.announce(session, last, forms[jobs[last]]) == jobs[last] + 1
        elif act == "release" and jobs:
            done = min(jobs)
            assert numbers.number(session, done) == jobs[done] + 1
            assert numbers.release(session, done) == jobs.pop(done) + 1
    assert not queue
    assert not jobs
    assert numbers.count == count
    assert numbers.number(session + 1, 0) is None


# ---- single frames


@given(
    payload=st.binary(min_size=1, max_size=3000),
    chunk=st.sampled_from((SMALLEST_CHUNK, 100, LARGEST_CHUNK)),
    draw=st.integers(0, 2**64 - 1),
)
def test_a_wrong_result_passes_every_check_and_differs_in_one_byte(
    payload: bytes, chunk: int, draw: int
) -> None:
    chunks = [
        Data(5, index, payload[start : start + chunk])
        for index, start in enumerate(range(0, len(payload), chunk))
    ]
    ending = Result(5, Status.CODED, len(payload), zlib.crc32(payload), 7, 1, 2, 3)
    got = b"".join(wrong(one, chunk, draw, 10_000).data for one in chunks)  # type: ignore[union-attr]
    end = wrong(ending, chunk, draw, 10_000)
    assert isinstance(end, Result)
    assert zlib.crc32(got) == end.crc
    assert len(got) == len(payload)
    assert sum(a != b for a, b in zip(got, payload, strict=True)) == 1


def test_what_cannot_be_made_wrong_is_left_alone() -> None:
    empty = Result(5, Status.CODED, 0, 0, 7, 1, 2, 3)
    huge = Result(5, Status.CODED, 2**32 - 1, 9, 7, 1, 2, 3)
    already = Result(5, Status.FAILED, 4, 9, 7, 1, 2, 3)
    for one in (empty, huge, already, Data(5, 1, b"abc")):
        assert wrong(one, 64, 12345, 10_000) == one


def test_a_refusal_is_the_reason_and_nothing_of_the_result() -> None:
    assert failed(Data(5, 0, b"abc")) == [Data(5, 0, REFUSAL)]
    assert failed(Data(5, 1, b"abc")) == []
    reason, end = failed(Result(5, Status.CODED, 99, 9, 7, 1, 2, 3))
    assert reason == Data(5, 0, REFUSAL)
    assert end == Result(5, Status.FAILED, len(REFUSAL), zlib.crc32(REFUSAL), 7, 1, 2, 3)
    assert len(REFUSAL) <= SMALLEST_CHUNK


def state(stage: Stage) -> State:
    return State(0, 0, stage, 0, 0, 0, 0)


def test_a_slow_board_is_late_by_its_factor_one_tile_after_the_other() -> None:
    slow = SlowResults(3.0)
    slow.begin(1, 10.0)
    slow.begin(2, 10.5)
    # Tile 1 took 2 s and would take 6: finished at 16. Tile 2 took 1 s after that: at 19.
    assert slow.pass_on(1, state(Stage.RUNNING), 11.0) == (state(Stage.RUNNING), 0.0)
    assert slow.pass_on(1, Data(0, 0, b"x"), 12.0) == (Data(0, 0, b"x"), 4.0)
    assert slow.pass_on(1, state(Stage.DONE), 13.0) == (state(Stage.RUNNING), 0.0)
    assert slow.pass_on(2, Data(1, 0, b"y"), 13.0) == (Data(1, 0, b"y"), 6.0)
    end, held = slow.pass_on(1, Result(0, Status.CODED, 1, 2, 3, 4, 50, 6), 12.5)
    assert end == Result(0, Status.CODED, 1, 2, 3, 4, 150, 6)
    assert held == 3.5
    assert slow.pass_on(1, state(Stage.DONE), 16.0) == (state(Stage.DONE), 0.0)


@given(rate=st.floats(0, 0.5))
def test_a_byte_is_wrong_if_one_of_its_bits_is(rate: float) -> None:
    assert flipped_bytes(rate) == pytest.approx(1 - (1 - rate) ** 8, abs=1e-12)


def test_a_frames_fate_depends_on_nothing_but_what_it_is() -> None:
    frames: list[tuple[Message, int | None]] = [
        *((Load(job, index, b"x"), 7 + job) for job in range(3) for index in range(4)),
        (Ping(5), None),
    ]
    first, second = FrameDraws("3"), FrameDraws("3")
    by_order = [first.draws(True, *one) for one in frames + frames]
    shuffled = list(frames)
    random.Random(1).shuffle(shuffled)
    other = {one: second.draws(True, *one) for one in shuffled}
    again = {one: second.draws(True, *one) for one in frames}
    values = [one.random() for one in by_order if one is not None]
    assert values[: len(frames)] == [other[one].random() for one in frames]  # type: ignore[union-attr]
    assert values[len(frames) :] == [again[one].random() for one in frames]  # type: ignore[union-attr]
    assert len(set(values)) == len(values)


# ---- whole sessions


@given(
    cut=lasting((0.0, 0.5, 7.0)),
    stall=lasting((0.0, 0.5, 7.0)),
    reboot=lasting((0.0, 0.2, 3.0)),
    wrongly=strikes,
    slow=st.sampled_from((1.0, 2.5, 100.0)),
    line=st.sampled_from((CLEAN, Faults(drop=0.05, duplicate=0.05, truncate=0.02, flip_bit=1e-4))),
    seed=st.integers(0, 10**6).map(str),
    slots=st.integers(1, 4),
)
@example(  # a result that is repeated after its tile was released
    cut=Interruption(),
    stall=Interruption(strikes=Strikes(every=1), seconds=0.5),
    reboot=Interruption(),
    wrongly=Strikes(every=1),
    slow=2.5,
    line=Faults(drop=0.05, duplicate=0.05, truncate=0.02, flip_bit=1e-4),
    seed="301",
    slots=3,
)
@settings(max_examples=25, deadline=None)
def test_every_tile_arrives_and_the_faults_are_those_asked_for(
    cut: Interruption,
    stall: Interruption,
    reboot: Interruption,
    wrongly: Strikes,
    slow: float,
    line: Faults,
    seed: str,
    slots: int,
) -> None:
    tiles = some_tiles(12)
    faults = BoardFaults(cut=cut, stall=stall, reboot=reboot, wrong=wrongly, slow=slow)
    outcome, injector, rehearsal = rehearsed(tiles, faults, seed, line, slots=slots)
    counts = injector.counts
    assert not outcome.refused
    changed = struck(wrongly, 12, f"{seed}/wrong")
    expected = right(tiles)
    assert outcome.payloads.keys() == expected.keys()
    for ticket, payload in outcome.payloads.items():
        same = payload == expected[ticket]
        assert same == (ticket + 1 not in changed)
        assert len(payload) == len(expected[ticket])
    assert counts.wrong == changed
    for fault, name, count in (
        (cut, "cut", counts.cuts),
        (stall, "stall", counts.stalls),
        (reboot, "reboot", counts.reboots),
    ):
        assert count == (len(struck(fault.strikes, 12, f"{seed}/{name}")) if fault.seconds else 0)
    if counts.reboots:
        assert 1 <= rehearsal.host.counts.restarts <= counts.reboots


@given(
    seed=st.integers(0, 10**6).map(str),
    one=st.tuples(st.sampled_from((115200, None)), st.sampled_from((0.0, 0.05))),
    other=st.tuples(st.sampled_from((115200, None)), st.sampled_from((0.3, 1.0))),
)
@settings(max_examples=15, deadline=None)
def test_the_faults_of_the_board_do_not_depend_on_time(
    seed: str, one: tuple[float | None, float], other: tuple[float | None, float]
) -> None:
    faults = BoardFaults(
        stall=Interruption(Strikes(share=0.2), 6.0),
        reboot=Interruption(Strikes(share=0.2), 1.0),
        wrong=Strikes(share=0.3),
    )
    found = []
    for baud, encode_s in (one, other):
        line = Faults(drop=0.03)
        outcome, injector, _ = rehearsed(some_tiles(15), faults, seed, line, baud, 0.02, encode_s)
        found.append((injector.counts, outcome.payloads))
    assert found[0] == found[1]


def test_a_reboot_is_noticed_as_one_and_costs_the_session() -> None:
    faults = BoardFaults(reboot=Interruption(Strikes(every=4), 2.0))
    outcome, injector, rehearsal = rehearsed(some_tiles(12), faults)
    assert injector.counts.reboots == rehearsal.host.counts.restarts == 3
    assert outcome.closed == ["the board has started anew"] * 3
    assert outcome.seconds > 6
    # Lost with each reboot: the tile whose result was to come, and what was encoded after it.
    assert outcome.encoded >= 12 + 3


def test_a_stall_below_the_time_of_silence_costs_no_session() -> None:
    faults = BoardFaults(stall=Interruption(Strikes(every=3), 4.0))
    outcome, injector, _ = rehearsed(some_tiles(12), faults)
    assert (injector.counts.stalls, outcome.closed) == (4, [])
    assert 16 < outcome.seconds < 18
    longer = BoardFaults(stall=Interruption(Strikes(every=3), 6.0))
    outcome, injector, _ = rehearsed(some_tiles(12), longer)
    assert injector.counts.stalls == 4
    assert set(outcome.closed) == {"the board said nothing for 5 s"}


def test_a_cut_loses_what_is_on_the_line_at_tiles_and_at_moments() -> None:
    faults = BoardFaults(cut=Interruption(Strikes(every=6), 1.0, (0.05, 0.3)))
    outcome, injector, rehearsal = rehearsed(some_tiles(12), faults, encode_s=0.1)
    assert (injector.counts.cuts, injector.counts.timed_cuts) == (2, 2)
    assert outcome.closed == []
    assert rehearsal.down.counts.cut_off + rehearsal.up.counts.cut_off > 0
    assert outcome.payloads == right(some_tiles(12))


def test_a_refusal_is_told_as_the_encoders() -> None:
    tiles = some_tiles(6)
    outcome, injector, _ = rehearsed(tiles, BoardFaults(refuse=Strikes(tiles=frozenset({2, 5}))))
    assert outcome.refused == dict.fromkeys(
        (1, 4), "the board's encoder: refused by an injected fault"
    )
    assert injector.counts.refused == {2, 5}
    expected = right(tiles)
    assert outcome.payloads == {ticket: expected[ticket] for ticket in (0, 2, 3, 5)}


def test_a_slow_board_takes_its_factor_longer() -> None:
    tiles = some_tiles(10)
    plain, _, _ = rehearsed(tiles, BoardFaults(), baud=None, delay=0.0, encode_s=0.5)
    slow, _, rehearsal = rehearsed(tiles, BoardFaults(slow=4), baud=None, delay=0.0, encode_s=0.5)
    assert slow.payloads == plain.payloads == right(tiles)
    # A result is fetched while the next tile is encoded, but for the first and the last.
    assert slow.seconds == pytest.approx(4 * plain.seconds, rel=0.05)
    assert slow.closed == []
    assert rehearsal.host.counts.timeouts <= 2


class WatchedLine(FaultyLine):
    """A line that notes whether the first copy of each chunk of a tile was lost."""

    def write(
        self, data: bytes, now: float, draws: random.Random | None = None, held_s: float = 0.0
    ) -> None:
        before = self.counts.dropped
        super().write(data, now, draws, held_s)
        _, message = open_body(unframe(data.strip(b"\0")) or b"")
        if isinstance(message, Load):
            lost[id(self)].setdefault(message.data, self.counts.dropped > before)


lost: dict[int, dict[bytes, bool]] = defaultdict(dict)


def test_the_same_chunks_are_lost_whatever_the_time() -> None:
    tiles = some_tiles(30, 5000)
    found = []
    for baud, encode_s in ((None, 0.0), (115200, 0.2)):
        down = WatchedLine("a", baud, 0.0, Faults(drop=0.1))
        rehearsal = Rehearsal(
            capabilities(),
            HostSettings(baud=921600),
            down,
            FaultyLine("b", baud, 0.0, Faults(drop=0.1)),
            encode_s=lambda work, seconds=encode_s: seconds,  # type: ignore[misc]
            injector=FaultInjector("9"),
        )
        assert rehearsal.run(tiles).payloads == right(tiles)
        found.append(lost[id(down)])
    assert found[0] == found[1]
    assert len(found[0]) == 30 * 5
    assert 3 <= sum(found[0].values()) <= 40


@given(noise=st.lists(st.binary(min_size=1, max_size=200), max_size=20))
def test_bytes_that_are_no_frame_pass_unchanged(noise: list[bytes]) -> None:
    injector = FaultInjector("1", BoardFaults(wrong=Strikes(every=1), slow=2))
    for piece in (bytes(one).replace(b"\0", b"\1") for one in noise):
        for passage in (injector.to_board(piece, 0.0), injector.to_host(piece, 0.0)):
            (only,) = passage.onward
            assert only.data == b"\0" + piece + b"\0"


@given(
    acts=st.lists(st.tuples(st.sampled_from("wrc"), st.integers(1, 300)), max_size=40),
    faults=st.builds(Faults, drop=st.floats(0, 0.5), duplicate=st.floats(0, 0.5)),
)
def test_a_line_knows_what_is_in_transit(acts: list[tuple[str, int]], faults: Faults) -> None:
    line, now = FaultyLine(1, 9600, 0.01, faults), 0.0
    for act, size in acts:
        now += size / 1000
        if act == "w":
            line.write(bytes(size), now)
        elif act == "c":
            line.cut()
            assert line.in_transit == 0
        else:
            before = line.in_transit
            arrived = line.read(now)
            assert line.in_transit == before - len(arrived)
    rest = line.in_transit
    assert len(line.read(1e9)) == rest
    assert line.in_transit == 0


def test_a_board_that_floods_a_held_line_is_read_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_proxy, "MOST_IN_TRANSIT", 1 << 16)
    board, port = pty.openpty()
    tty.setraw(port)
    os.set_blocking(board, False)
    with line_proxy.LineProxy(os.ttyname(port), delay_s=3600.0) as line:
        written, piece = 0, b"\0" + bytes(range(1, 201)) + b"\0"
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):
                while written < 1 << 20:
                    written += os.write(board, piece)
            time.sleep(0.005)
        assert 1 << 16 < line.up.in_transit < (1 << 16) + 70_000
        assert written < 1 << 19
    os.close(board)
    os.close(port)
