"""On every line, the suite must fail boards that break a rule and pass boards that do not."""

from __future__ import annotations

import io
import threading
import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.link.serial.blame import Blame
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Code, Kind, Stage, Status, TickKind, Unsupported
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.framing import Deframer
from downpass.link.serial.lines import PtySource
from downpass.link.serial.messages import Capabilities, Hello, Message, Query, Run, seal
from downpass.link.serial.port import Port, PortLostError
from downpass.sim.board import check_report, checks, conformance, exchange
from downpass.sim.board.conformance import CheckResult

OWN = Capabilities(
    1 << 16, 4096, 4096, 32, 32, 3, 8, 2, 8, 99, 32, TickKind.MEASURED, 256, 10**6, 0,
    b"rulefree", "bad", "none",
)  # fmt: skip


class Forgetful(BoardEnd):
    """Runs a finished job again when it is asked to."""

    def receive(self, data: bytes, ticks: int) -> None:
        super().receive(data, ticks)
        slot = self._slots[0]
        if slot.stage == Stage.DONE and not slot.said:
            slot.encode_ticks += 1


class Undying(BoardEnd):
    """Lets a dead session come back."""

    def receive(self, data: bytes, ticks: int) -> None:
        self._dead.clear()
        super().receive(data, ticks)


class Sleepy(BoardEnd):
    """Its clock stands still."""

    def receive(self, data: bytes, ticks: int) -> None:
        super().receive(data, 5)

    def send(self, ticks: int) -> bytes:
        return super().send(5)


class Sound(BoardEnd):
    """Breaks no rule."""


class Tiny(BoardEnd):
    """Breaks no rule, and takes one tile of 100 bytes at a time."""

    def __init__(self, own: Capabilities, boot_nonce: int) -> None:
        super().__init__(replace(own, largest_tile=100, slots=1), boot_nonce)


class Pretender(BoardEnd):
    """Says that it runs JPEG 2000, and gives back something else."""

    def __init__(self, own: Capabilities, boot_nonce: int) -> None:
        super().__init__(replace(own, codec=1, fingerprint=bytes(8)), boot_nonce)


class Stranger(BoardEnd):
    """Says that it runs the student, with a model that nobody has here."""

    def __init__(self, own: Capabilities, boot_nonce: int) -> None:
        super().__init__(replace(own, codec=16), boot_nonce)


class Greeter(BoardEnd):
    """Greets others without end."""

    def send(self, ticks: int) -> bytes:
        time.sleep(0.001)
        return seal(Hello(7, 99, 1, 1))


class Speechless(BoardEnd):
    """Says that it takes tiles without rows."""

    def __init__(self, own: Capabilities, boot_nonce: int) -> None:
        super().__init__(replace(own, most_rows=0), boot_nonce)


class Deaf(BoardEnd):
    """Ignores every fourth RUN."""

    heard = 0

    def _take_in(self, session: int, message: Message, ticks: int) -> None:
        if isinstance(message, Run):
            self.heard += 1
            if self.heard % 4 == 0:
                return
        super()._take_in(session, message, ticks)


class Gullible(BoardEnd):
    """Runs a tile whose CRC-32 does not match."""

    def _whole(self, slot: Any, ticks: int) -> None:
        slot.form = replace(slot.form, tile_crc=zlib.crc32(slot.tile))
        super()._whole(slot, ticks)


class Muddled(BoardEnd):
    """Believes that all chunks before the newest have arrived."""

    def _load(self, message: Any, slot: Any, ticks: int) -> None:
        super()._load(message, slot, ticks)
        slot.first = max(slot.first, message.index + 1 if slot.stage == Stage.LOADING else 0)


class Talkative(BoardEnd):
    """Answers frames that are meant for the host."""

    def __init__(self, own: Capabilities, boot_nonce: int) -> None:
        super().__init__(own, boot_nonce)
        self._own_ear = Deframer()

    def receive(self, data: bytes, ticks: int) -> None:
        super().receive(data, ticks)
        for body in self._own_ear.feed(data):
            if body[0] >= Kind.HELLO:
                self._refuse(0, Code.MALFORMED, 0, body[0])


class Lenient(BoardEnd):
    """Opens a session for any model."""

    def _open(self, session: int, message: Any) -> None:
        super()._open(session, replace(message, fingerprint=self.capabilities.fingerprint))


class Careless(BoardEnd):
    """Takes tiles of any width."""

    def _misfit(self, form: Any) -> Any:
        found = super()._misfit(form)
        too_wide = (Code.UNSUPPORTED, Unsupported.COLUMNS)
        return None if found and (found.code, found.detail) == too_wide else found


class Timeless(BoardEnd):
    """Answers a QUERY of any version."""

    def _take_in(self, session: int, message: Message, ticks: int) -> None:
        if isinstance(message, Query):
            message = replace(message, version=1)
        super()._take_in(session, message, ticks)


class Miscounting(BoardEnd):
    """Reports a CRC-32 that is not its payload's."""

    def finish(self, status: Status, payload: bytes, encode_ticks: int) -> None:
        super().finish(status, payload, encode_ticks)
        for slot in self._slots:
            slot.crc ^= 1


class Moody(BoardEnd):
    """Gives other bytes each time."""

    moods = 0

    def finish(self, status: Status, payload: bytes, encode_ticks: int) -> None:
        self.moods += 1
        super().finish(status, payload + bytes([self.moods % 256]), encode_ticks)


class Swapping(BoardEnd):
    """Gives a job's result the CRC-32 of another tile."""

    def finish(self, status: Status, payload: bytes, encode_ticks: int) -> None:
        super().finish(status, payload, encode_ticks)
        slot = self._slots[1]
        if slot.form is not None and slot.stage == Stage.DONE:
            slot.form = replace(slot.form, tile_crc=1)


class Hanging(BoardEnd):
    """Says nothing more after the first chunk of a tile."""

    hangs = False

    def _load(self, message: Any, slot: Any, ticks: int) -> None:
        self.hangs = True

    def send(self, ticks: int) -> bytes:
        return b"" if self.hangs else super().send(ticks)


class Stuck(BoardEnd):
    """Never finds a frame again after too long a one."""

    held = 0

    def receive(self, data: bytes, ticks: int) -> None:
        for piece in data.split(b"\0"):
            if self.held <= 4145:
                self.held = len(piece) if b"\0" in data else self.held + len(piece)
        if self.held <= 4145:
            super().receive(data, ticks)


class Fragile(BoardEnd):
    """Starts anew when it is to run a tile."""

    def _take_in(self, session: int, message: Message, ticks: int) -> None:
        if isinstance(message, Run):
            self.__init__(self.capabilities, self.boot_nonce + 1)  # type: ignore[misc]
        else:
            super()._take_in(session, message, ticks)


class Bureaucratic(BoardEnd):
    """Looks at a message's session before it looks whether it is a message."""

    def _refuse(self, session: int, code: Code, job: int, detail: int) -> None:
        if code == Code.MALFORMED and session not in (0, self.session):
            code = Code.NO_SESSION
        super()._refuse(session, code, job, detail)


class Fickle(BoardEnd):
    """Changes window and chunk when OPEN is repeated."""

    def _open(self, session: int, message: Any) -> None:
        super()._open(session, message)
        if self._ready:
            self._window, self._chunk = message.window, message.chunk


class Generous(BoardEnd):
    """Sends RESULT for every GOT."""

    def _got(self, message: Any, slot: Any) -> None:
        super()._got(message, slot)
        slot.result = slot.result or slot.frozen


class Mute(BoardEnd):
    """Answers RESET and PING with another token, and nothing else."""

    def send(self, ticks: int) -> bytes:
        if self._pong is not None:
            self._pong ^= 1
        return super().send(ticks)


def served(kind: type[BoardEnd], stopping: threading.Event, source: PtySource) -> None:
    board, line = kind(OWN, 99), source.open()
    while not stopping.is_set():
        data = line.read()
        ticks = time.monotonic_ns() // 1000
        if data:
            board.receive(data, ticks)
        work = board.take()
        if work is not None:
            board.finish(Status.CODED, work.tile[::-3], 1000)
        while not stopping.is_set() and (data := board.send(ticks)):
            line.write(data)
    line.close()


@pytest.fixture
def address_of() -> Iterator[Callable[[type[BoardEnd]], str]]:
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def start(kind: type[BoardEnd]) -> str:
        source = PtySource()
        threads.append(threading.Thread(target=served, args=(kind, stopping, source)))
        threads[-1].start()
        return source.address

    yield start
    stopping.set()
    for thread in threads:
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_S", 0.4)
    monkeypatch.setattr(exchange, "SHORTEST_TIMEOUT_S", 0.08)


LINES = {
    "clean": Faults(),
    "1 % of frames lost": Faults(drop=0.01),
    "bit error rate 1e-5": Faults(flip_bit=8e-5),
}
BROKEN = {
    Forgetful: "jobs are idempotent",
    Undying: "sessions die",
    Sleepy: "clock",
    Mute: "clock",
    Pretender: "the bytes of this computer",
    Stranger: "the bytes of this computer",
    Deaf: "every question is answered",
    Gullible: "a damaged tile is not run",
    Muddled: "selective acknowledgement",
    Talkative: "what JOB and LOAD refuse",
    Lenient: "what OPEN refuses",
    Careless: "what JOB and LOAD refuse",
    Timeless: "greeting and versions",
    Miscounting: "the same bytes every time",
    Moody: "the same bytes every time",
    Swapping: "loading while encoding",
    Hanging: "selective acknowledgement",
    Stuck: "garbage, cuts and flips",
    Bureaucratic: "malformed messages",
    Fickle: "what changes nothing",
    Generous: "RESULT on request",
}
SILENT = (Hanging, Stuck)
"""Boards that say nothing any more, as if the line were cut."""


def checked(address: str, names: list[str], faults: Faults, seed: int) -> list[CheckResult]:
    with ExitStack() as stack:
        if faults != Faults():
            address = stack.enter_context(LineProxy(address, seed=seed, faults=faults)).address
        port = stack.enter_context(Port(address))
        return list(conformance.check(port, conformance.selected(names)))


@pytest.mark.parametrize("line", LINES)
def test_a_sound_board_passes_on_every_line(
    line: str, address_of: Callable[[type[BoardEnd]], str]
) -> None:
    results = checked(address_of(Sound), [], LINES[line], seed=5)
    assert [(one.name, one.fault) for one in results if one.fault] == []
    assert [one.name for one in results] == [check.name for check in checks.CHECKS]
    assert all(one.blame is None and not one.frames for one in results)
    repeated = sum(one.repeated for one in results)
    # A few thousand bytes may pass a line of rare bit errors without one.
    assert repeated > 0 or line != "1 % of frames lost"


def test_a_sound_board_of_one_slot_and_tiny_tiles_passes(
    address_of: Callable[[type[BoardEnd]], str],
) -> None:
    """Both are within the protocol's bounds."""
    names = ["sessions die", "JOB and LOAD", "malformed", "loading while"]
    results = checked(address_of(Tiny), names, Faults(), seed=5)
    assert [(one.name, one.fault) for one in results if one.fault] == []


@pytest.mark.parametrize("line", LINES)
def test_who_breaks_a_rule_fails_its_check_on_every_line(
    line: str, address_of: Callable[[type[BoardEnd]], str]
) -> None:
    """Several boards at the same time, because the checks mostly wait for answers."""
    with ThreadPoolExecutor(6) as pool:
        results = {
            kind: pool.submit(checked, address_of(kind), [name], LINES[line], 7)
            for kind, name in BROKEN.items()
        }
    judged = {kind.__name__: result.result()[0].blame for kind, result in results.items()}
    assert judged == {kind.__name__: None if kind in SILENT else Blame.BOARD for kind in BROKEN}
    for result in results.values():
        assert any(" > " in frame for frame in result.result()[0].frames)


@pytest.mark.parametrize("kind", [Forgetful, Sleepy, Stranger, Swapping])
def test_who_breaks_one_rule_fails_no_other_check(
    kind: type[BoardEnd], address_of: Callable[[type[BoardEnd]], str]
) -> None:
    results = checked(address_of(kind), [], Faults(), seed=7)
    assert [result.name for result in results if result.fault] == [BROKEN[kind]]


@pytest.mark.parametrize(
    ("is_emulated", "blame", "words"),
    [
        (False, None, "20 PING were not answered either: the board hangs, or the line is cut"),
        (True, Blame.BOARD, "the line is within this computer, so the board hangs"),
    ],
)
def test_total_silence_is_the_boards_fault_only_where_no_line_can_be_cut(
    is_emulated: bool,
    blame: Blame | None,
    words: str,
    address_of: Callable[[type[BoardEnd]], str],
) -> None:
    chosen = conformance.selected(["selective"])
    with Port(address_of(Hanging)) as port:
        (result,) = conformance.check(port, chosen, is_emulated=is_emulated)
    assert result.blame is blame
    assert result.fault.endswith(words)
    (row,) = check_report.rows([[result]])
    assert row[3].startswith("unknown: " if blame is None else "board: ")
    (entry,) = check_report.as_json([[result]])
    assert entry["judged"] == (None if blame is None else "board")
    junit = io.BytesIO()
    check_report.write_junit(junit, [[result]], "port", "")
    (case,) = ET.fromstring(junit.getvalue()).iter("testcase")
    assert [(fault.tag, fault.get("type")) for fault in case] == [
        ("error", "unknown") if blame is None else ("failure", "board")
    ]


def test_a_board_that_starts_anew_is_told_from_one_that_answers_wrongly(
    address_of: Callable[[type[BoardEnd]], str],
) -> None:
    (result,) = checked(address_of(Fragile), ["damaged tile"], Faults(), seed=1)
    assert result.blame is Blame.REBOOTED
    assert result.fault.startswith("it started anew (boot 00000063, then 000000")


@pytest.mark.parametrize("faults", [Faults(drop=0.75), Faults(flip_bit=0.02)])
def test_a_line_that_carries_little_is_not_the_boards_fault(
    faults: Faults, address_of: Callable[[type[BoardEnd]], str]
) -> None:
    """The line gets this bad when the check begins, so that the board can be greeted before."""
    with LineProxy(address_of(Sound), seed=3) as line, Port(line.address) as port:
        results = conformance.check(port, conformance.selected(["clock", "sessions die"]))
        assert not next(results).fault
        line.down.faults = line.up.faults = faults
        result = next(results)
    assert result.blame is Blame.LINE
    assert "of 20 PING were answered" in result.fault


def test_a_port_that_goes_away_ends_the_suite(
    address_of: Callable[[type[BoardEnd]], str],
) -> None:
    line = LineProxy(address_of(Sound))
    with Port(line.address) as port:
        results = conformance.check(port)
        next(results)
        line.close()
        with pytest.raises(PortLostError, match="the port is gone"):
            list(results)


def test_checks_are_chosen_by_a_part_of_their_name() -> None:
    assert [check.name for check in conformance.selected(["CLOCK", "bytes"])] == [
        "clock", "the same bytes every time", "the bytes of this computer",
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"--only speed: no check has this in its name; allowed"):
        conformance.selected(["speed"])


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (Greeter, "its HELLO never names our nonce"),
        (Speechless, "CAPS announces tiles of at most 0 rows"),
    ],
)
def test_who_cannot_be_spoken_to_is_left_with_one_line(
    kind: type[BoardEnd],
    fault: str,
    address_of: Callable[[type[BoardEnd]], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "ANSWER_S", 0.3)
    with (
        Port(address_of(kind)) as port,
        pytest.raises(exchange.NonconformanceError, match=fault),
    ):
        list(conformance.check(port))


def test_the_errors_of_ports_are_input_errors() -> None:
    with pytest.raises(InputError):
        Port("/dev/ttyNO")
