"""An error in a thread at either end of a line ends what waits for it, and nothing hangs."""

from __future__ import annotations

from typing import Any

import pytest
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.host import HostEnd
from downpass.link.serial.lines import PtySource
from downpass.link.serial.messages import Ping, seal
from downpass.link.serial.port import Port
from downpass.payload.board.agent import Agent
from downpass.payload.board.tile_coder import tile_coder
from downpass.sim.board.client import BoardClient


def fail(*_: Any) -> Any:
    raise ValueError("a fault of this program")


@pytest.mark.parametrize("method", ["receive", "send"])
def test_a_client_passes_the_error_of_a_thread_on(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HostEnd, method, fail)
    source = PtySource()
    line = source.open()
    with BoardClient(source.address) as client:
        line.write(b"\0")
        with pytest.raises(RuntimeError, match="a thread of the board's client has failed"):
            client.capabilities()
        with pytest.raises(RuntimeError) as raised:
            client.event(5.0)
        assert str(raised.value.__cause__) == "a fault of this program"
    line.close()


@pytest.fixture
def agent() -> tuple[Agent, PtySource]:
    source = PtySource()
    return Agent(source, tile_coder("student"), "own"), source


@pytest.mark.parametrize("method", ["receive", "take"])
def test_an_agent_ends_with_the_error_of_a_thread(
    method: str, agent: tuple[Agent, PtySource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoardEnd, method, fail)
    with Port(agent[1].address) as port:
        port.write(seal(Ping(1)))
        with pytest.raises(RuntimeError, match="a thread of the agent has failed"):
            agent[0].serve()
