"""The suite passes a sound board at every bit rate of line and clock, in virtual time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Feature, Status
from downpass.link.serial.faults.faulty_line import Faults, FaultyLine
from downpass.link.serial.messages import Capabilities
from downpass.link.serial.port import READ_S
from downpass.link.serial.testing.rehearsal import capabilities
from downpass.sim.board.conformance import check, selected

OWN = replace(
    capabilities(largest_tile=4096, largest_result=4096, chunk=256),
    codec=99,
    most_columns=32,
    most_rows=32,
    most_bands=3,
    bit_depth=8,
    features=int(Feature.STEP),
    tick_rate=1_000_000,
)


@dataclass
class Clock:
    """Seconds that only reading a port and sleeping make pass."""

    now: float = 1.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class PacedPort:
    """A port with a sound board at the end of a line of this bit rate."""

    name = "virtual"

    def __init__(self, clock: Clock, baud: int, own: Capabilities = OWN, drop: float = 0) -> None:
        self.baud = baud
        self._clock = clock
        self._tick_rate = own.tick_rate
        self._board = BoardEnd(own, 77)
        self._down = FaultyLine(1, baud, 0.001, Faults(drop=drop))
        self._up = FaultyLine(2, baud, 0.001, Faults(drop=drop))

    def write(self, data: bytes) -> None:
        self._down.write(data, self._clock.now)

    def read(self) -> bytes:
        until = self._clock.now + READ_S
        while True:
            now = self._clock.now
            ticks = int(now * self._tick_rate)
            self._board.receive(self._down.read(now), ticks)
            if (work := self._board.take()) is not None:
                self._board.finish(Status.CODED, work.tile[::-3], 0)
            while self._up.free_at() <= now and (data := self._board.send(ticks)):
                self._up.write(data, now)
            if (data := self._up.read(now)) or now >= until:
                return data
            due = [self._down.next_arrival(), self._up.next_arrival(), self._up.free_at()]
            self._clock.now = min([until, *(at for at in due if at is not None and at > now)])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found.monotonic)
    monkeypatch.setattr(time, "sleep", found.sleep)
    return found


@pytest.mark.parametrize("drop", [0.0, 0.01], ids=["clean", "1 % lost"])
@pytest.mark.parametrize("baud", [300, 1200, 9600, 921_600, 20_000_000])
def test_a_sound_board_passes_at_every_bit_rate(clock: Clock, baud: int, drop: float) -> None:
    found = list(check(PacedPort(clock, baud, drop=drop)))  # type: ignore[arg-type]
    assert {one.name: one.fault for one in found if one.fault} == {}
    if not drop:
        assert sum(one.repeated for one in found) == 0


@pytest.mark.parametrize("tick_rate", [1, 7, 100])
def test_a_slow_clock_is_no_clock_that_stands_still(clock: Clock, tick_rate: int) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, tick_rate=tick_rate))
    (found,) = check(port, selected(["clock"]))  # type: ignore[arg-type]
    assert found.fault == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"largest_tile": 1, "bit_depth": 1, "features": Feature.QUALITY},
        {"most_columns": 2, "most_rows": 1, "most_bands": 1, "bit_depth": 2, "slots": 1},
        {"largest_tile": 0xFFFFFFFF, "most_columns": 65_535, "most_rows": 65_535, "window": 1},
        {"features": Feature.BYTES | Feature.ROTATION, "slots": 16, "window": 64, "chunk": 4096},
        {"features": Feature.QUALITY | Feature.ROTATION, "chunk": 64},
        {"tick_rate": 0xFFFFFFFF, "largest_result": 0xFFFFFFFF, "bit_depth": 16},
    ],
    ids=["a pixel of one bit", "two pixels", "any tile", "bytes", "quality", "large numbers"],
)
def test_a_sound_board_passes_with_whatever_it_can(clock: Clock, changes: dict[str, int]) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, **changes))  # type: ignore[arg-type]
    found = check(port)  # type: ignore[arg-type]
    assert {one.name: one.fault for one in found if one.fault} == {}


def test_a_tile_that_fails_is_reported_with_its_cause(clock: Clock) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, largest_result=64))
    found = check(port, selected(["same bytes", "damaged tile"]))  # type: ignore[arg-type]
    assert [one.fault for one in found] == [
        "the tile failed: the finished tile is larger than the board can send",
        "a tile failed: the finished tile is larger than the board can send",
    ]
