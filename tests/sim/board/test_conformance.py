"""The suite must fail boards that break a rule: each here breaks one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from downpass.link.errors import InputError
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Stage, Status, TickKind
from downpass.link.serial.lines import PtySource
from downpass.link.serial.messages import Capabilities, Hello, seal
from downpass.link.serial.port import Port
from downpass.sim.board import conformance, exchange

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


def served(kind: type[BoardEnd], stopping: threading.Event, source: PtySource) -> None:
    board, line, count = kind(OWN, 99), source.open(), 0
    while not stopping.is_set():
        data = line.read()
        ticks = time.monotonic_ns() // 1000
        board.receive(data, ticks)
        work = board.take()
        if work is not None:
            count += 1
            board.finish(Status.CODED, work.tile[::-3], 1000)
        while not stopping.is_set() and (data := board.send(ticks)):
            line.write(data)
    line.close()


@pytest.fixture
def port_to() -> Iterator[Callable[[type[BoardEnd]], Port]]:
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def start(kind: type[BoardEnd]) -> Port:
        source = PtySource()
        threads.append(threading.Thread(target=served, args=(kind, stopping, source)))
        threads[-1].start()
        return Port(source.address)

    yield start
    stopping.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("kind", "failing"),
    [
        (Sound, ""),
        (Forgetful, "jobs are idempotent"),
        (Undying, "sessions die"),
        (Sleepy, "clock"),
        (Pretender, "the bytes of this computer"),
        (Stranger, "the bytes of this computer"),
    ],
)
def test_who_breaks_a_rule_fails_its_check(
    kind: type[BoardEnd],
    failing: str,
    port_to: Callable[[type[BoardEnd]], Port],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "QUIET_S", 0.1)
    monkeypatch.setattr(exchange, "ANSWER_S", 1.0)
    with port_to(kind) as port:
        results = conformance.check(port)
    assert [result.name for result in results if result.fault] == ([failing] if failing else [])
    assert [result.name for result in results] == [check.name for check in conformance.CHECKS]


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
    port_to: Callable[[type[BoardEnd]], Port],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "QUIET_S", 0.1)
    monkeypatch.setattr(exchange, "ANSWER_S", 0.3)
    with (
        port_to(kind) as port,
        pytest.raises(exchange.NonconformanceError, match=fault),
    ):
        conformance.check(port)


def test_the_errors_of_ports_are_input_errors() -> None:
    with pytest.raises(InputError):
        Port("/dev/ttyNO")
