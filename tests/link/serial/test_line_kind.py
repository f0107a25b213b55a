"""Kinds of lines: only a wire with a bit rate is compared with one."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest
from downpass.link.serial.line_kind import LineKind, line_kind, wire_s
from downpass.link.serial.portname import port_fault


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/dev/ttyUSB99", LineKind.SERIAL),
        ("/dev/ttyS99", LineKind.SERIAL),
        ("/dev/ttyAMA99", LineKind.SERIAL),
        ("/dev/cu.usbserial-AB12", LineKind.SERIAL),
        ("/dev/ttyACM99", LineKind.USB),
        ("/dev/ttyGS9", LineKind.USB),
        ("/dev/cu.usbmodem1101", LineKind.USB),
        ("/dev/rfcomm9", LineKind.BLUETOOTH),
        ("/dev/hvc9", LineKind.VIRTUAL),
        ("/dev/tnt9", LineKind.VIRTUAL),
        ("/dev/pts/99999", LineKind.PSEUDO_TERMINAL),
        ("/dev/ttys001", LineKind.PSEUDO_TERMINAL),
        ("socket://localhost:1", LineKind.TCP),
        ("rfc2217://localhost:1?ign_set_control", LineKind.TERMINAL_SERVER),
        ("loop://", LineKind.LOOP),
    ],
)
def test_a_name_has_a_kind(name: str, kind: LineKind) -> None:
    assert port_fault(name) == ""
    assert line_kind(name) is kind


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    host, board = pty.openpty()
    try:
        link = tmp_path / "board"
        link.symlink_to(os.ttyname(board))
        assert line_kind(str(link)) is LineKind.PSEUDO_TERMINAL
    finally:
        os.close(host)
        os.close(board)


@pytest.mark.parametrize("kind", LineKind)
def test_only_a_wire_takes_time(kind: LineKind) -> None:
    # 92,160 bytes of ten bits at 921,600 bits per second.
    has_wire = kind in (LineKind.SERIAL, LineKind.TERMINAL_SERVER)
    assert wire_s(kind, 921_600, 92_160) == (1.0 if has_wire else None)
