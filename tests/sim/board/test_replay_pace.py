"""A trace of a fast line is replayed on a slow one, which only takes longer; virtual time."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import pytest
from downpass.link.serial.framing import DELIMITER
from downpass.link.serial.host import HostEnd
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.pcapng import PcapngWriter
from downpass.link.serial.testing.rehearsal import plain_tile
from downpass.sim.board.replay import Replay
from downpass.sim.board.traces import TraceReader

from .paced import Clock, PacedPort, clock

__all__ = ["clock"]

TILE = bytes(range(256)) * 12
FORM = replace(plain_tile(TILE), columns=32, rows=32, bands=3)


def trace(clock: Clock) -> io.BytesIO:
    """Return the trace of two tiles on a fast line."""
    file = io.BytesIO()
    writer = PcapngWriter(file, "test")
    interface = writer.interface("fast", 921_600)
    port = PacedPort(clock, 921_600)
    host = HostEnd(HostSettings(baud=921_600), itertools.count(1), clock.now)
    for _ in range(2):
        host.submit(FORM, TILE, clock.now)
    while not host.settled:
        while data := host.send(clock.now):
            port.write(data)
            writer.packet(interface, round(clock.now * 1e6), data.strip(DELIMITER), True)
        data = port.read()
        host.receive(data, clock.now)
        for piece in filter(None, data.split(DELIMITER)):
            writer.packet(interface, round(clock.now * 1e6), piece, False)
    file.seek(0)
    return file


@pytest.mark.parametrize("paced", [False, True], ids=["fast", "paced"])
@pytest.mark.parametrize("baud", [300, 9600, 921_600])
def test_a_trace_is_replayed_at_every_bit_rate(clock: Clock, baud: int, paced: bool) -> None:
    replay = Replay(PacedPort(clock, baud), paced)  # type: ignore[arg-type]
    list(replay.run(TraceReader(trace(clock), "trace").frames()))
    assert (replay.report.missing, replay.report.differing) == ([], [])
    assert replay.report.results == 2
