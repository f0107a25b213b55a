"""Options and fixtures of the tests with hardware in the loop.

`pytest tests/hil --board PORT` runs them against a board, and without `--board` against an agent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from downpass.link.container.frame import Frame
from downpass.link.container.header import CODECS
from downpass.link.serial.constants import Feature, SettingCode
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.messages import NO_ROTATION, TileForm
from downpass.link.serial.testing.line_proxy import LineProxy
from downpass.link.student.rotation import Quaternion
from downpass.payload.board.firmware.build import PACKAGES, missing_tools
from downpass.payload.board.tile_coder import tile_coder
from downpass.sim.board.client import BoardClient
from downpass.sim.board.emulators import board_port as port_of
from downpass.sim.board.job import frame_jobs


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("downpass")
    group.addoption("--board", metavar="PORT", help="the board's port; default: a local agent")
    group.addoption("--board-baud", type=int, default=921600, help="default %(default)s")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # If CI is set, the hook in tests/conftest.py turns these skips into failures.
    missing = missing_tools()
    for item in items:
        if missing and item.path.name.startswith("test_emulated"):
            item.add_marker(
                pytest.mark.skip(f"{', '.join(missing)} missing: apt install {PACKAGES}")
            )


@pytest.fixture(scope="session")
def board_port(request: pytest.FixtureRequest) -> Iterator[str]:
    """The port of the board under test."""
    given = request.config.getoption("--board", default=None) or "emulator:agent"
    with port_of(given) as port:
        yield port


@pytest.fixture
def board(board_port: str, request: pytest.FixtureRequest) -> Iterator[BoardClient]:
    """A client of the board under test."""
    baud = request.config.getoption("--board-baud", default=921600)
    with BoardClient(board_port, baud, HostSettings(away=10)) as client:
        yield client


@dataclass(frozen=True)
class Reference:
    """The expected results of a board's codec, and a setting that the board accepts."""

    setting: tuple[SettingCode, int]
    encode: Callable[[TileForm, bytes], bytes]
    rotation: Quaternion = NO_ROTATION

    def jobs(self, frame: Frame, side: int) -> list[tuple[TileForm, bytes]]:
        """Return an 8-bit frame's tiles as jobs for the board."""
        return frame_jobs(frame, side, self.setting, self.rotation)


@pytest.fixture
def reference(board_port: str, request: pytest.FixtureRequest) -> Reference:
    """The board's codec in this process; a board without a codec returns tiles unchanged."""
    baud = request.config.getoption("--board-baud", default=921600)
    with BoardClient(board_port, baud) as client:
        own = client.capabilities()
    if own.codec == 0:
        return Reference((SettingCode.STEP, 0), lambda _form, tile: tile)
    coder = tile_coder(CODECS[own.codec])
    if own.features & Feature.ROTATION:
        return Reference((SettingCode.STEP, 150), coder.encode, (110, 20, -50, 30))
    return Reference((SettingCode.QUALITY, 60000), coder.encode)


@pytest.fixture
def faulty_line(board_port: str) -> Iterator[Callable[..., LineProxy]]:
    """A function that inserts a faulty line: `faulty_line(baud=921600, faults=Faults(…))`."""
    with contextlib.ExitStack() as open_lines:

        def make(**settings: Any) -> LineProxy:
            return open_lines.enter_context(LineProxy(board_port, **settings))

        yield make
