"""A pytest plugin with fixtures for tests of boards; it is loaded by its entry point.

    pytest --board /dev/ttyUSB0

| fixture | what it is |
|---|---|
| `board` | a client of the board; over the faulty line, if the test makes one |
| `reference` | what the board must make of a tile: `reference.encode(form, tile)` |
| `jobs` | a function that returns tiles that the board takes: `jobs(count=16)` |
| `faulty_line` | a function that puts a faulty line in front of the board |
| `board_port` | the port's name |

Without `--board` the fixtures start the Linux agent on this computer. Nothing but pytest is
imported until a test uses one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ...link.serial.faults.line_proxy import LineProxy
    from ...link.serial.messages import Capabilities
    from .job import TileTask
    from .under_test import BoardUnderTest, Reference

_AGENT = "emulator:agent"
_BAUD = 921600  # `link.serial.constants` is imported later


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--board` and `--board-baud`."""
    group = parser.getgroup("downpass", "boards in the loop")
    group.addoption(
        "--board",
        metavar="PORT",
        help="the board's port (see `downpass board list`); default: the Linux agent",
    )
    group.addoption("--board-baud", type=int, default=_BAUD, help="default %(default)s")


@pytest.fixture(scope="session")
def board_port(request: pytest.FixtureRequest) -> Iterator[str]:
    """The port of the board under test."""
    from ...link.errors import InputError
    from .emulators import board_port as opened

    given = request.config.getoption("--board")
    try:
        context = opened(given or _AGENT)
        port = context.__enter__()
    except InputError as error:
        pytest.exit(f"--board {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    try:
        yield port
    finally:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def board_capabilities(board_port: str, request: pytest.FixtureRequest) -> Capabilities:
    """What the board can do, asked once; the port is free again afterwards."""
    from ...link.errors import InputError
    from .client import BoardGoneError
    from .under_test import BoardUnderTest

    once = BoardUnderTest(board_port, request.config.getoption("--board-baud"))
    try:
        return once.capabilities()
    except BoardGoneError as error:
        pytest.exit(f"--board {board_port}: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    except InputError as error:  # it begins with the port's name
        pytest.exit(f"--board {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    finally:
        once.close()


@pytest.fixture
def board(board_port: str, request: pytest.FixtureRequest) -> Iterator[BoardUnderTest]:
    """A client of the board under test; it opens the port when it is first used."""
    from .under_test import BoardUnderTest

    client = BoardUnderTest(board_port, request.config.getoption("--board-baud"))
    yield client
    client.close()


@pytest.fixture
def reference(board_capabilities: Capabilities) -> Reference:
    """The board's codec in this process; a board without a codec returns tiles unchanged."""
    from .under_test import reference_of

    return reference_of(board_capabilities)


@pytest.fixture
def jobs(board_capabilities: Capabilities, reference: Reference) -> Callable[..., list[TileTask]]:
    """A function that returns tiles for the board: `jobs(count=16, side=None, seed=1)`."""
    from .under_test import some_jobs

    def make(count: int = 16, side: int | None = None, seed: int = 1) -> list[TileTask]:
        return some_jobs(board_capabilities, reference, count, side, seed)

    return make


@pytest.fixture
def faulty_line(board: BoardUnderTest) -> Callable[..., LineProxy]:
    """A function that puts a faulty line in front of the board: `faulty_line(faults=Faults(…))`.

    The fixture `board` then speaks over this line; `line.address` is a port for any other client,
    as long as `board` is not used.
    """
    return board.put_behind
