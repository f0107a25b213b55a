"""The frames that `board check` expects to be refused, against the board in Python."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Feature, SampleCode, SettingCode, Stage, TickKind
from downpass.link.serial.framing import Deframer
from downpass.link.serial.messages import (
    Capabilities,
    Error,
    Job,
    Open,
    Ready,
    State,
    TileForm,
    open_body,
    seal,
    session_number,
)
from downpass.sim.board.refused_frames import refused_frames

OWN = Capabilities(
    memory=1 << 20, largest_tile=4096, largest_result=4096, most_columns=64, most_rows=64,
    most_bands=3, bit_depth=8, slots=2, window=4, codec=16, features=Feature.STEP, chunk=64,
    tick_kind=TickKind.MEASURED, tick_rate=1, clock_hz=0, fingerprint=bytes(8), name="",
    software="",
)  # fmt: skip
TILE = bytes(192)
FORM = TileForm(192, zlib.crc32(TILE), 8, 8, 3, 8, SampleCode.UINT8, 0, SettingCode.STEP, 0, 1)
SESSION = session_number(1, 2)


def answers(board: BoardEnd, data: bytes) -> list[tuple[int, object]]:
    board.receive(data, 0)
    found = []
    while sent := board.send(0):
        (body,) = Deframer().feed(sent)
        found.append(open_body(body))
    return found


@pytest.mark.parametrize("features", [0, Feature.NODATA | Feature.UINT16])
def test_every_frame_is_refused_as_told(features: int) -> None:
    own = replace(OWN, features=int(Feature.STEP) | int(features))
    board = BoardEnd(own, 2)
    opened = answers(board, seal(Open(1, 2, 1, 4, 64, bytes(8)), SESSION))
    assert isinstance(opened[-1][1], Ready)
    cases = list(refused_frames(own, SESSION, 0, FORM))
    assert len(cases) == (14 if features else 17)
    for case in cases:
        ((_, error),) = answers(board, case.frame)
        assert isinstance(error, Error), case.what
        assert (error.code, error.detail) == (case.code, case.detail), case.what
    ((_, state),) = answers(board, seal(Job(0, FORM), SESSION))
    assert isinstance(state, State)
    assert state.stage == Stage.LOADING
