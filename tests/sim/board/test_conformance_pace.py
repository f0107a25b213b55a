"""The suite passes a sound board at every bit rate of line and clock, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Feature
from downpass.sim.board.conformance import check, selected

from .paced import OWN, Clock, PacedPort, clock

__all__ = ["clock"]


@pytest.mark.parametrize("drop", [0.0, 0.01], ids=["clean", "1 % lost"])
@pytest.mark.parametrize("baud", [300, 1200, 9600, 921_600, 20_000_000])
def test_a_sound_board_passes_at_every_bit_rate(clock: Clock, baud: int, drop: float) -> None:
    found = list(check(PacedPort(clock, baud, drop=drop)))  # type: ignore[arg-type]
    assert {one.name: one.fault for one in found if one.fault} == {}
    if not drop:
        assert sum(one.repeated for one in found) == 0


@pytest.mark.parametrize("tick_rate", [1, 7, 100])
def test_a_slow_clock_is_no_clock_that_stands_still(clock: Clock, tick_rate: int) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, tick_rate=tick_rate))
    (found,) = check(port, selected(["clock"]))  # type: ignore[arg-type]
    assert found.fault == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"largest_tile": 1, "bit_depth": 1, "features": Feature.QUALITY},
        {"most_columns": 2, "most_rows": 1, "most_bands": 1, "bit_depth": 2, "slots": 1},
        {"largest_tile": 0xFFFFFFFF, "most_columns": 65_535, "most_rows": 65_535, "window": 1},
        {"features": Feature.BYTES | Feature.ROTATION, "slots": 16, "window": 64, "chunk": 4096},
        {"features": Feature.QUALITY | Feature.ROTATION, "chunk": 64},
        {"tick_rate": 0xFFFFFFFF, "largest_result": 0xFFFFFFFF, "bit_depth": 16},
    ],
    ids=["a pixel of one bit", "two pixels", "any tile", "bytes", "quality", "large numbers"],
)
def test_a_sound_board_passes_with_whatever_it_can(clock: Clock, changes: dict[str, int]) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, **changes))  # type: ignore[arg-type]
    found = check(port)  # type: ignore[arg-type]
    assert {one.name: one.fault for one in found if one.fault} == {}


def test_a_tile_that_fails_is_reported_with_its_cause(clock: Clock) -> None:
    port = PacedPort(clock, 921_600, replace(OWN, largest_result=64))
    found = check(port, selected(["same bytes", "damaged tile"]))  # type: ignore[arg-type]
    assert [one.fault for one in found] == [
        "the tile failed: the finished tile is larger than the board can send",
        "a tile failed: the finished tile is larger than the board can send",
    ]


class Stubborn(BoardEnd):
    """Opens a session with a window of its own."""

    def _open(self, session: int, message: Any) -> None:
        super()._open(session, message)
        self._window = 8


def test_a_session_is_opened_as_open_says(clock: Clock) -> None:
    port = PacedPort(clock, 921_600, kind=Stubborn)
    (found,) = check(port, selected(["sessions die"]))  # type: ignore[arg-type]
    assert found.fault == (
        "READY says version 1, window 8, chunk 64; 1, 64 and 64 of OPEN expected"
    )
