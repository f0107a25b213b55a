"""Every fault at every state of the protocol, on two emulated boards: nothing wrong, nothing lost.

A state is known by the frame that is just passing: a strike befalls the first frame of each kind,
then of the next kind, while tiles go on. The boards give tiles back as they came, so what is right
is known to the byte; the student's bytes are test_emulated_boards.py's.
"""

from __future__ import annotations

import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cobs import cobs
from downpass.link.serial.constants import Kind, SampleCode, SettingCode
from downpass.link.serial.events import Finished, Refused
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.framing import DELIMITER
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import Caps, TileForm, open_body, seal
from downpass.sim.board.client import BoardClient, BoardGoneError
from downpass.sim.board.emulators import EmulatedBoard

ALL = {
    Kind.RESET, Kind.QUERY, Kind.OPEN, Kind.JOB, Kind.LOAD, Kind.RUN, Kind.GOT, Kind.RELEASE,
    Kind.HELLO, Kind.CAPS, Kind.READY, Kind.STATE, Kind.DATA, Kind.RESULT,
}  # fmt: skip
# One frame of each state, for what takes seconds: greeted, opened, loading, queued or running,
# done, released.
STATES = {Kind.QUERY, Kind.OPEN, Kind.LOAD, Kind.RUN, Kind.DATA, Kind.RELEASE}
# Small chunks, so that each tile is many frames and its result is acknowledged under way.
PATIENT = HostSettings(silence=1.5, away=120, chunk=64, window=8)
MOST_TILES = 400


@pytest.fixture(scope="module", params=["zynq-a9", "cortex-m7"])
def emulated(request: pytest.FixtureRequest) -> Iterator[EmulatedBoard]:
    with EmulatedBoard(request.param, "echo") as board:
        yield board


def tile(number: int) -> tuple[TileForm, bytes]:
    samples = random.Random(number).randbytes(16 * 16 * 3)
    form = TileForm(
        len(samples), zlib.crc32(samples), 16, 16, 3, 8, SampleCode.UINT8, 0,
        SettingCode.STEP, 0, 20000,
    )  # fmt: skip
    return form, samples


def kind_of(frame: bytes) -> int:
    """The kind of a frame, or -1 where it is damaged already."""
    try:
        return cobs.decode(frame)[0]
    except (cobs.DecodeError, IndexError):
        return -1


class Striker:
    """Strikes one kind of frame after the other, each once, in the order that they come."""

    def __init__(self, strike: Callable[[bytes], list[bytes]], kinds: set[Kind]) -> None:
        self._strike = strike
        self.left: set[int] = set(kinds)
        self._lock = threading.Lock()

    def hook(self, frame: bytes) -> list[bytes]:
        with self._lock:
            kind = kind_of(frame)
            struck = kind in self.left
            self.left.discard(kind)
        return self._strike(frame) if struck else [DELIMITER + frame + DELIMITER]

    def tiles(self, least: int) -> Iterator[tuple[TileForm, bytes]]:
        """As many as it takes, and a few more for what comes of the last strike."""
        spare = least
        for number in range(MOST_TILES):
            if not self.left:
                spare -= 1
            if spare < 0:
                return
            yield tile(number)


def assert_all_right(client: BoardClient, tiles: Iterator[tuple[TileForm, bytes]]) -> int:
    results = dict(client.encode(tiles))
    assert sorted(results) == list(range(len(results)))
    for number, result in results.items():
        assert isinstance(result, Finished), (number, result)
        assert result.payload == tile(number)[1], number
    return len(results)


def dropped(frame: bytes) -> list[bytes]:
    return []


def twice(frame: bytes) -> list[bytes]:
    return [DELIMITER + frame + DELIMITER] * 2


def flipped(frame: bytes) -> list[bytes]:
    at = len(frame) // 2
    return [DELIMITER + frame[:at] + bytes([frame[at] ^ 0x10 or 1]) + frame[at + 1 :] + DELIMITER]


def truncated(frame: bytes) -> list[bytes]:
    return [DELIMITER + frame[: max(1, 2 * len(frame) // 3)]]


def after_garbage(frame: bytes) -> list[bytes]:
    noise = random.Random(len(frame)).randbytes(700)
    return [noise, frame, DELIMITER]


class Late:
    """Keeps a frame back until two others have passed."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, bytes]] = []

    def __call__(self, frame: bytes) -> list[bytes]:
        self.kept.append((2, frame))
        return []

    def passing(self, hook: Callable[[bytes], list[bytes]]) -> Callable[[bytes], list[bytes]]:
        def with_kept(frame: bytes) -> list[bytes]:
            out = hook(frame)
            kept, self.kept = self.kept, []
            for wait, one in kept:
                if one is frame or wait > 0:
                    self.kept.append((wait - (one is not frame), one))
                else:
                    out.append(DELIMITER + one + DELIMITER)
            return out

        return with_kept


FRAME_FAULTS = {
    "lost": dropped,
    "duplicated": twice,
    "bit flipped": flipped,
    "truncated": truncated,
    "garbage": after_garbage,
}


@pytest.mark.parametrize("fault", [*FRAME_FAULTS, "reordered"])
def test_damage_to_each_kind_of_frame(emulated: EmulatedBoard, fault: str) -> None:
    late = Late()
    striker = Striker(late if fault == "reordered" else FRAME_FAULTS[fault], ALL)
    ways = [striker.hook, striker.hook]
    if fault == "reordered":
        ways = [late.passing(striker.hook), late.passing(striker.hook)]
    with (
        LineProxy(emulated.port, to_board=ways[0], to_host=ways[1]) as line,
        BoardClient(line.address, settings=PATIENT) as client,
    ):
        assert assert_all_right(client, striker.tiles(4)) >= 4
    assert not striker.left


def strikes(emulated: EmulatedBoard, line: list[LineProxy]) -> dict[str, Callable[[], None]]:
    def stand_still() -> None:
        emulated.stop()
        time.sleep(0.3)
        emulated.go_on()

    def lose_power() -> None:
        emulated.power_off()
        time.sleep(0.1)
        emulated.power_on()

    def other_rate() -> None:
        line[0].down.scrambled = line[0].up.scrambled = True
        time.sleep(0.3)
        line[0].down.scrambled = line[0].up.scrambled = False

    return {
        "reset": emulated.reset,
        "standstill": stand_still,
        "power loss": lose_power,
        "hang-up": lambda: line[0].disconnect(),
        "stall": lambda: line[0].stall(0.3),
        "wrong baud": other_rate,
    }


@pytest.mark.parametrize(
    "fault", ["reset", "standstill", "power loss", "hang-up", "stall", "wrong baud"]
)
def test_what_befalls_board_and_line_in_each_state(emulated: EmulatedBoard, fault: str) -> None:
    held: list[LineProxy] = []
    befall = strikes(emulated, held)[fault]
    due: list[threading.Thread] = []

    def strike(frame: bytes) -> list[bytes]:
        # Beside the line's own threads: half of the frame is on the way when it happens.
        due.append(threading.Thread(target=one_by_one))
        due[-1].start()
        return [DELIMITER + frame[: len(frame) // 2], frame[len(frame) // 2 :] + DELIMITER]

    turn = threading.Lock()

    def one_by_one() -> None:
        with turn:
            while not held:  # a board that boots speaks before the proxy is ours
                time.sleep(0.01)
            befall()

    kinds = STATES if fault == "power loss" else ALL
    striker = Striker(strike, kinds)
    with LineProxy(emulated.port, baud=921600, to_board=striker.hook, to_host=striker.hook) as line:
        held.append(line)
        with BoardClient(line.address, settings=PATIENT) as client:
            assert_all_right(client, striker.tiles(4))
            for thread in due:
                thread.join()
    assert not striker.left
    assert len(due) == len(kinds)


def test_a_reply_of_a_dead_session_is_not_taken(emulated: EmulatedBoard) -> None:
    """The board stands still with a tile, the host gives up on that session, the reply comes."""
    with BoardClient(emulated.port, settings=HostSettings(silence=0.5, away=60)) as client:
        client.capabilities()
        form, samples = tile(0)
        client.submit(TileForm(*(getattr(form, name) for name in form.__slots__[:-2]), 0xFFFFFF,
                               form.rotation), samples)  # fmt: skip
        until = time.monotonic() + 30
        while not client.counts.chunks_sent and time.monotonic() < until:
            time.sleep(0.002)
        emulated.stop()  # the tile is on its way or being encoded
        time.sleep(1.5)
        emulated.go_on()
        assert_all_right(client, (tile(number) for number in range(4)))
        assert client.counts.sessions_lost >= 1


def test_a_board_that_stays_away_ends_the_run_in_one_line(emulated: EmulatedBoard) -> None:
    settings = HostSettings(silence=1, away=6)
    with BoardClient(emulated.port, settings=settings) as client:
        assert_all_right(client, (tile(number) for number in range(2)))
        emulated.power_off()
        try:
            with pytest.raises(BoardGoneError) as caught:
                dict(client.encode([tile(2)]))
        finally:
            emulated.power_on()
    assert "\n" not in str(caught.value)


def test_a_board_that_comes_back_with_another_model_is_refused(
    emulated: EmulatedBoard, tmp_path: Any
) -> None:
    with BoardClient(emulated.port) as client:
        model = client.capabilities().fingerprint
    other = bytes(byte ^ 1 for byte in model)
    settings = HostSettings(fingerprint=other, away=2)
    with (
        BoardClient(emulated.port, settings=settings) as client,
        pytest.raises(BoardGoneError) as caught,
    ):
        client.capabilities()
    assert "model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_board_that_lies_about_its_size_costs_one_tile(emulated: EmulatedBoard) -> None:
    def boast(frame: bytes) -> list[bytes]:
        if kind_of(frame) != Kind.CAPS:
            return [DELIMITER + frame + DELIMITER]
        session, message = open_body(cobs.decode(frame)[:-4])
        assert isinstance(message, Caps)
        own = message.capabilities
        fields = {name: getattr(own, name) for name in own.__slots__}
        fields |= {"largest_tile": 1 << 20, "most_columns": 1024, "most_rows": 1024}
        lie = Caps(message.host_nonce, message.boot_nonce, type(own)(**fields))
        return [seal(lie, session)]

    samples = random.Random(1).randbytes(128 * 128 * 3)
    large = TileForm(
        len(samples), zlib.crc32(samples), 128, 128, 3, 8, SampleCode.UINT8, 0,
        SettingCode.STEP, 0, 0,
    )  # fmt: skip
    with (
        LineProxy(emulated.port, to_host=boast) as line,
        BoardClient(line.address, settings=PATIENT) as client,
    ):
        results = dict(client.encode([tile(0), (large, samples), tile(2)]))
    assert isinstance(results[1], Refused)
    for number in (0, 2):
        result = results[number]
        assert isinstance(result, Finished)
        assert result.payload == tile(number)[1]


def test_boots_have_nonces_of_their_own(emulated: EmulatedBoard) -> None:
    nonces = []
    with BoardClient(emulated.port, settings=PATIENT) as client:
        nonces.append(client.clock().boot_nonce)
        emulated.reset()
        time.sleep(0.3)
        nonces.append(client.clock().boot_nonce)
        emulated.power_off()
        emulated.power_on()
        nonces.append(client.clock().boot_nonce)
    assert len(set(nonces)) == 3


def test_a_loop_of_known_length_takes_the_ticks_that_the_rates_say(
    emulated: EmulatedBoard,
) -> None:
    """Two instructions a turn: what is counted, what is declared and what is measured agree."""
    with BoardClient(emulated.port, settings=PATIENT) as client:
        own = client.capabilities()
        took = []
        for turns in (100_000, 1_100_000):
            form, samples = tile(0)
            form = TileForm(*(getattr(form, name) for name in form.__slots__[:-2]), turns,
                            form.rotation)  # fmt: skip
            ((_, result),) = client.encode([(form, samples)])
            assert isinstance(result, Finished)
            took.append(result.encode_ticks / own.tick_rate)
    assert (took[1] - took[0]) * own.clock_hz == pytest.approx(2_000_000, rel=0.02)
