"""A port with a sound board at the end of a line of any bit rate, in virtual time."""

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

    def __init__(
        self,
        clock: Clock,
        baud: int,
        own: Capabilities = OWN,
        drop: float = 0,
        kind: type[BoardEnd] = BoardEnd,
    ) -> None:
        self.baud = baud
        self._clock = clock
        self._tick_rate = own.tick_rate
        self._board = kind(own, 77)
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
    """The clock of this process, which stands still but for ports and sleeping."""
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found.monotonic)
    monkeypatch.setattr(time, "sleep", found.sleep)
    return found
