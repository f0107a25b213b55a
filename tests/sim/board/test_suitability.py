"""What a board cannot encode is refused before a run, with values that the scenario may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from downpass.link.serial.constants import Feature
from downpass.link.serial.testing.rehearsal import capabilities
from downpass.payload.encoders.registry import encoder
from downpass.sim.board.suitability import SMALLEST_TILE, unsuited
from downpass.sim.scenario.codec import CodecChoice
from pydantic import ValidationError

LEARNED = {"codec": 16, "features": int(Feature.STEP | Feature.ROTATION), "bit_depth": 8}


@pytest.mark.parametrize(
    ("codec", "own", "field", "fault"),
    [
        # 32 x 32 x 3 x 2 bytes are 6144; 3071 bytes hold 22 x 22.
        ("jpeg2000", {"largest_tile": 3071}, "codec.tile", "found 32; allowed: at most 22 on"),
        ("student", {"largest_tile": 768}, "codec.tile", "found 32; allowed: at most 16 on"),
        ("student", {"largest_tile": 767}, "encoder.port", "at most 15 x 15 pixels of 3 bands;"),
        ("student", {"most_columns": 8}, "encoder.port", "at most 8 x 8 pixels of 3 bands;"),
        ("jpeg2000", {"largest_tile": 5}, "encoder.port", "at most 0 x 0 pixels of 3 bands;"),
        ("jpeg2000", {"features": 8}, "imager.bit_depth", "at most 8 on board rehearsal, which"),
        ("jpeg2000", {"bit_depth": 10}, "imager.bit_depth", "found 12; allowed: at most 10 on"),
    ],
)
def test_what_does_not_fit(codec: str, own: dict[str, Any], field: str, fault: str) -> None:
    inside = encoder(codec, 32)
    board = replace(capabilities(), fingerprint=inside.fingerprint)
    board = replace(board, **((LEARNED if codec == "student" else {}) | own))
    ((found, text),) = unsuited(board, inside, columns=32, rows=32, bands=3, bit_depth=12)
    assert found == field
    assert fault in text


def test_the_smallest_tile_is_the_scenarios() -> None:
    assert CodecChoice(name="jpeg2000", quality=50, tile=SMALLEST_TILE).tile == SMALLEST_TILE
    with pytest.raises(ValidationError):
        CodecChoice(name="jpeg2000", quality=50, tile=SMALLEST_TILE - 1)
