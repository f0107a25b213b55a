"""The firmware's wire numbers are those of link/serial/constants.py."""

from __future__ import annotations

from pathlib import Path

from downpass.payload.board.firmware.wire_header import wire_header

HEADER = Path(__file__).parents[3] / "payload" / "board" / "firmware" / "proto" / "wire.h"


def test_the_header_is_current() -> None:
    assert HEADER.read_text(encoding="utf-8") == wire_header(), "see wire_header.py"
