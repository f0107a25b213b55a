"""Both machines over lines that lose, repeat, reorder, cut and forge, in virtual time."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence

import pytest
from downpass.link.serial.board import TOO_LONG, BoardEnd, Work
from downpass.link.serial.constants import Status
from downpass.link.serial.faults.faulty_line import CLEAN, Faults, FaultyLine
from downpass.link.serial.framing import Deframer
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import (
    Data,
    Job,
    Load,
    Open,
    Result,
    Run,
    TileForm,
    open_body,
    seal,
    session_number,
)
from downpass.link.serial.testing.rehearsal import (
    Rehearsal,
    RehearsalResult,
    Trouble,
    capabilities,
    deflating,
    plain_tile,
)
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

Tiles = list[tuple[TileForm, bytes]]


def some_tiles(count: int, largest: int, seed: int) -> Tiles:
    rng = random.Random(seed)
    tiles = [rng.randbytes(rng.randint(1, largest)) for _ in range(count)]
    return [(plain_tile(tile, step), tile) for step, tile in enumerate(tiles)]


def assert_all_right(outcome: RehearsalResult, tiles: Tiles) -> None:
    """No tile lost, none wrong, none encoded twice in a session."""
    assert outcome.gone is None
    assert outcome.refused == {}
    assert sorted(outcome.payloads) == list(range(len(tiles)))
    for ticket, (form, tile) in enumerate(tiles):
        expected = deflating(Work(0, 0, form, tile))[1]
        assert outcome.payloads[ticket] == expected, f"tile {ticket} is wrong"
    assert max(outcome.runs.values()) == 1, "a job ran twice"


share = st.floats(0, 0.15)
faults = st.builds(
    Faults,
    drop=share,
    duplicate=share,
    reorder=share,
    truncate=share,
    garbage=share,
    stall=st.floats(0, 0.02),
    lose_byte=st.floats(0, 2e-4),
    flip_bit=st.floats(0, 2e-4),
)
mean_time = st.none() | st.floats(2, 30)
troubles = st.builds(
    Trouble,
    restart=mean_time,
    unplug=mean_time,
    freeze=mean_time,
    wrong_baud=mean_time,
    same_nonce=st.booleans(),
    until_s=st.just(100),
)


@settings(deadline=None, max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@example(
    # The board restarts between HELLO and CAPS, again and again.
    seed=70760,
    down=Faults(drop=0.14171360962245788, truncate=0.11700370101906421, reorder=1e-9),
    up=CLEAN,
    trouble=Trouble(restart=2.0),
    slots=1,
    window=1,
    chunk=64,
    baud=None,
    told=False,
    delay=0.0,
    encode_s=0.0,
)
@given(
    seed=st.integers(0, 2**32),
    down=faults,
    up=faults,
    trouble=troubles,
    slots=st.integers(1, 5),
    window=st.integers(1, 64),
    chunk=st.sampled_from((64, 200, 1024)),
    baud=st.sampled_from((None, 115200, 921600)),
    told=st.booleans(),
    delay=st.sampled_from((0.0, 0.008, 0.2)),
    encode_s=st.sampled_from((0.0, 0.02, 0.5)),
)
def test_no_tile_is_lost_and_none_is_wrong(
    seed: int,
    down: Faults,
    up: Faults,
    trouble: Trouble,
    slots: int,
    window: int,
    chunk: int,
    baud: int | None,
    told: bool,
    delay: float,
    encode_s: float,
) -> None:
    tiles = some_tiles(12, 3000, seed)
    rehearsal = Rehearsal(
        capabilities(slots=slots, window=window, chunk=chunk),
        HostSettings(baud=baud if told else None, away=3600, fruitless=10**6),
        FaultyLine(seed, baud, delay, down),
        FaultyLine(seed + 1, baud, delay, up),
        seed=seed,
        encode_s=lambda work: encode_s,
        trouble=trouble,
    )
    assert_all_right(rehearsal.run(tiles), tiles)


@pytest.mark.parametrize("seed", range(3))
def test_soak(seed: int) -> None:
    tiles = some_tiles(400, 12288, seed)
    bad = Faults(
        drop=0.02,
        duplicate=0.02,
        reorder=0.02,
        truncate=0.02,
        garbage=0.02,
        stall=0.005,
        lose_byte=1e-5,
        flip_bit=1e-5,
    )
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(baud=921600),
        FaultyLine(seed, 921600, 0.008, bad),
        FaultyLine(seed + 1, 921600, 0.008, bad),
        seed=seed,
        trouble=Trouble(restart=10, unplug=20, freeze=10, wrong_baud=30, same_nonce=seed == 0),
    )
    outcome = rehearsal.run(tiles)
    assert_all_right(outcome, tiles)
    assert outcome.troubles > 5
    assert len(outcome.closed) > 2
    assert rehearsal.down.counts.total > 200


def tenth(work: Work) -> tuple[Status, bytes]:
    return Status.CODED, work.tile[: len(work.tile) // 10]


def goodput(window: int, encode_s: float = 0.01, slots: int = 3) -> tuple[float, float]:
    """Return the share of a 921,600 baud line that tiles use, and seconds for 40 of them."""
    rng = random.Random(1)
    tiles = [(plain_tile(tile), tile) for tile in (rng.randbytes(12288) for _ in range(40))]
    rehearsal = Rehearsal(
        capabilities(window=window, slots=slots),
        HostSettings(baud=921600),
        FaultyLine(1, 921600, 0.008),
        FaultyLine(2, 921600, 0.008),
        encode=tenth,
        encode_s=lambda work: encode_s,
    )
    outcome = rehearsal.run(tiles)
    seconds = outcome.seconds - outcome.first_load_s
    assert rehearsal.host.counts.chunks_repeated == 0
    assert rehearsal.host.counts.timeouts == 0
    return 40 * 12288 * 10 / 921600 / seconds, seconds


def test_a_full_window_fills_the_line() -> None:
    assert goodput(1)[0] < 0.5
    assert goodput(8)[0] > 0.95
    assert goodput(16)[0] > 0.95


def test_loading_and_encoding_overlap() -> None:
    load_s = 40 * 12288 * 10 / 921600
    assert goodput(8, encode_s=load_s / 40)[1] < 1.1 * load_s
    # An encoder three times slower than the line sets the pace alone.
    assert goodput(8, encode_s=3 * load_s / 40)[1] < 1.1 * 3 * load_s
    # With one slot nothing can overlap, so this test can fail.
    assert goodput(8, encode_s=load_s / 40, slots=1)[1] > 1.7 * load_s


def run_one(
    tiles: Sequence[tuple[TileForm, bytes]],
    host: HostSettings | None = None,
    trouble: Trouble | None = None,
    down: FaultyLine | None = None,
    up: FaultyLine | None = None,
    **own: int,
) -> RehearsalResult:
    return Rehearsal(
        capabilities(**own),
        host or HostSettings(),
        down or FaultyLine(1, 921600, 0.001),
        up or FaultyLine(2, 921600, 0.001),
        trouble=trouble,
    ).run(tiles)


def test_a_board_that_is_not_there_is_given_up_after_the_time_allowed() -> None:
    outcome = run_one(
        some_tiles(1, 100, 1),
        HostSettings(away=20),
        down=FaultyLine(1, faults=Faults(drop=1)),
    )
    assert outcome.payloads == {}
    assert outcome.gone is not None
    # Its announcement has come, so it is asked by PING, which takes four seconds.
    assert outcome.gone == (
        "no board for 20 s: it answers none of 20 PING: it hangs, or the line is cut"
    )
    assert 20 <= outcome.seconds <= 24.1


def test_a_wrong_baud_rate_is_named() -> None:
    line = FaultyLine(2, 921600, 0.001)
    line.scrambled = True
    outcome = run_one(some_tiles(1, 100, 1), up=line)
    assert outcome.gone is not None
    assert "is the baud rate the board's?" in outcome.gone


def test_a_tile_that_kills_every_session_is_refused_and_the_others_go_on() -> None:
    tiles = some_tiles(3, 500, 5)
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(stuck=2, fruitless=3),
        FaultyLine(1, 921600),
        FaultyLine(2, 921600),
        encode_s=lambda work: 5.0 if work.form.setting == 1 else 0.01,
    )
    outcome = rehearsal.run(tiles)
    assert sorted(outcome.payloads) == [0, 2]
    assert list(outcome.refused) == [1]
    assert outcome.refused[1].startswith("3 sessions in a row ended before this tile was done")


def test_a_tile_too_large_is_refused_before_it_is_sent() -> None:
    tiles = some_tiles(3, 500, 5)
    large = bytes(3000)
    outcome = run_one([*tiles, (plain_tile(large), large)], largest_tile=2000)
    assert sorted(outcome.payloads) == [0, 1, 2]
    assert outcome.refused[3].endswith("3000 bytes: the board takes 2000 at most")


def test_a_result_too_large_is_a_refusal_and_not_a_cut_tile() -> None:
    noise = random.Random(1).randbytes(5000)
    outcome = run_one([(plain_tile(noise), noise)], largest_result=500)
    assert outcome.payloads == {}
    assert "larger than the board can send" in outcome.refused[0]


def test_a_result_of_more_chunks_than_there_are_numbers_is_a_refusal() -> None:
    board = BoardEnd(capabilities(largest_result=1 << 26), 77)
    tile = bytes(9)
    number = session_number(5, 77)
    for message, session in (
        (Open(5, 77, 1, 64, 64, bytes(8)), number),
        (Job(0, plain_tile(tile)), number),
        (Run(0), number),
        (Load(0, 0, tile), number),
    ):
        board.receive(seal(message, session), 0)
    assert board.take() is not None
    board.finish(Status.CODED, bytes(64 * 65_535 + 1), 0)
    said = [
        open_body(body)[1] for body in Deframer().feed(b"".join(iter(lambda: board.send(0), b"")))
    ]
    assert said[-2:] == [
        Data(0, 0, TOO_LONG),
        Result(0, Status.FAILED, len(TOO_LONG), zlib.crc32(TOO_LONG), zlib.crc32(tile), 0, 0, 0),
    ]


def test_an_encoder_that_fails_says_why() -> None:
    tiles = some_tiles(2, 100, 1)
    rehearsal = Rehearsal(
        capabilities(),
        HostSettings(),
        FaultyLine(1),
        FaultyLine(2),
        encode=lambda work: (Status.FAILED, b"no such step"),
    )
    outcome = rehearsal.run(tiles)
    assert outcome.refused == dict.fromkeys((0, 1), "the board's encoder: no such step")


def test_a_ping_is_answered_over_a_bad_line() -> None:
    bad = Faults(drop=0.4)
    rehearsal = Rehearsal(
        capabilities(), HostSettings(), FaultyLine(1, faults=bad), FaultyLine(2, faults=bad)
    )
    tokens = [rehearsal.host.ping(0.0) for _ in range(5)]
    outcome = rehearsal.run(some_tiles(3, 5000, 1), limit_s=300)
    assert sorted(clock.token for clock in outcome.clocks) == sorted(tokens)


@pytest.mark.parametrize("name", ["drop", "truncate", "flip_bit"])
def test_faults_are_dealt_as_often_as_asked(name: str) -> None:
    line = FaultyLine(1, faults=Faults(**{name: 0.3}))
    intact = 0
    for count in range(2000):
        line.write(b"\x05\x06", count)
        intact += line.read(count) == b"\x05\x06"
    expected = {"drop": 0.7, "truncate": 0.7, "flip_bit": 0.49}[name]
    assert intact / 2000 == pytest.approx(expected, abs=0.04)


def test_a_paced_line_takes_its_time() -> None:
    line = FaultyLine(1, 9600, 0.5, CLEAN)
    line.write(bytes(96), 0.0)
    line.write(bytes(96), 0.0)
    assert line.free_at() == pytest.approx(0.2)
    assert line.read(0.599) == b""
    assert len(line.read(0.601)) == 96
    assert len(line.read(0.701)) == 96
