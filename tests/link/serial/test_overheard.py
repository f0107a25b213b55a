"""What a host says of a line on which no board answers."""

from __future__ import annotations

import itertools
import random

import pytest
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.events import Gone
from downpass.link.serial.framing import frame
from downpass.link.serial.host import HostEnd
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.testing.rehearsal import capabilities

CONSOLE = (
    b"\r\n[    3.141592] usb 1-1: new high-speed USB device\r\n\r\nraspberrypi login: \x00^A^@"
)


def cause(*came: bytes, echo: bool = False) -> str:
    """Why a host gave up that heard these bytes, one after the other."""
    host = HostEnd(HostSettings(away=5), itertools.count(1).__iter__(), 0.0)
    host.begin(0.0)
    now, pieces = 0.0, list(came)
    while not host.gone:
        while data := host.send(now):
            if echo:
                host.receive(data, now)
        if pieces:
            host.receive(pieces.pop(0), now)
        now += 0.1
    (gone,) = (event for event in host.events if isinstance(event, Gone))
    return gone.cause


def test_silence() -> None:
    assert cause() == "no board for 5 s: not a byte came"


def test_a_loopback_plug() -> None:
    assert "of this computer's own frames came back: is there a loopback plug" in cause(echo=True)


def test_a_kind_that_only_boards_may_have_is_no_echo() -> None:
    assert cause(frame(b"\x80" + bytes(4))) == (
        "no board for 5 s: a frame came that is not of this protocol; the last: kind 0x80 is "
        "unknown"
    )


def test_a_chattering_console() -> None:
    said = cause(*(CONSOLE[at : at + 7] for at in range(0, len(CONSOLE), 7)))
    assert "text came, the last “raspberrypi login: ^A^@”: a console has the port" in said


def test_a_login_prompt_in_colours_cannot_paint_the_terminal() -> None:
    said = cause(b"Welcome to a very long greeting of a distribution\n\x1b[31mboard\x1b[0m login: ")
    assert said.isprintable()
    assert "login:" in said


@pytest.mark.parametrize("seed", range(20))
def test_a_wrong_rate_is_no_text(seed: int) -> None:
    noise = random.Random(seed).randbytes(300)
    said = cause(noise)
    assert "300 bytes came and none of them made a frame; is the baud rate the board's?" in said


def test_a_board_that_chatters_is_a_board() -> None:
    """Kernel messages between frames do no harm: each frame begins with a zero."""
    host = HostEnd(HostSettings(away=5), itertools.count(1).__iter__(), 0.0)
    board = BoardEnd(capabilities(), 77)
    host.begin(0.0)
    now = 0.0
    while not host.is_open and now < 5:
        while data := host.send(now):
            board.receive(data, 0)
        while data := board.send(0):
            host.receive(CONSOLE + data + CONSOLE, now)
        now += 0.1
    assert host.is_open
