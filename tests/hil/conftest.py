"""`pytest tests/hil --board PORT` runs these tests against a board; without it, an agent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from downpass.link.serial.host import HostSettings
from downpass.sim.board.client import BoardClient


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("downpass")
    group.addoption("--board", metavar="PORT", help="the board's port; default: a local agent")
    group.addoption("--board-baud", type=int, default=921600, help="default %(default)s")


@pytest.fixture(scope="session")
def board_port(request: pytest.FixtureRequest) -> Iterator[str]:
    """The port of the board under test."""
    given = request.config.getoption("--board", default=None)
    if given:
        yield given
        return
    agent = subprocess.Popen(
        [sys.executable, "-m", "downpass.payload.board", "serve", "--pty", "--name", "agent"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert agent.stdout is not None
    line = agent.stdout.readline()
    yield line.split(" on ")[-1].strip()
    agent.terminate()
    assert agent.wait(10) == 0


@pytest.fixture
def board(board_port: str, request: pytest.FixtureRequest) -> Iterator[BoardClient]:
    """A client of the board under test."""
    baud = request.config.getoption("--board-baud", default=921600)
    with BoardClient(board_port, baud, HostSettings(away=10)) as client:
        yield client
