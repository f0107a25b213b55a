"""What a board's capabilities do not allow, in the order of docs/serial-protocol.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from downpass.link.serial.constants import (
    Code,
    Feature,
    JobFlag,
    SampleCode,
    SettingCode,
    Unsupported,
)
from downpass.link.serial.fit import misfit
from downpass.link.serial.messages import Capabilities, TileForm
from downpass.link.serial.testing.rehearsal import capabilities

BOARD = replace(
    capabilities(),
    largest_tile=200_000,
    most_columns=64,
    most_rows=32,
    most_bands=3,
    bit_depth=12,
    features=Feature.QUALITY | Feature.ROTATION,
)
ROTATED = (127, 0, 0, 0)


def tile(**changes: Any) -> TileForm:
    form: dict[str, Any] = {
        "tile_crc": 0,
        "columns": 16,
        "rows": 16,
        "bands": 3,
        "bit_depth": 8,
        "sample": SampleCode.UINT8,
        "flags": 0,
        "setting_kind": SettingCode.QUALITY,
        "nodata": 0,
        "setting": 100,
        "rotation": ROTATED,
        **changes,
    }
    size = 1 if form["sample"] == SampleCode.UINT8 else 2
    return TileForm(form["columns"] * form["rows"] * form["bands"] * size, **form)


def test_a_tile_that_fits() -> None:
    assert misfit(tile(), BOARD, 64) is None
    assert misfit(tile(columns=64, rows=32), BOARD, 64) is None


# Tile n has the first n of these faults: the last of them is the one that the order puts first.
FAULTS: list[tuple[Unsupported, str, dict[str, Any]]] = [
    (Unsupported.ROTATION, "rotation of bands", {"rotation": (-128, 0, 0, 1)}),
    (Unsupported.SETTING, "setting of BYTES", {"setting_kind": SettingCode.BYTES}),
    (Unsupported.FLAGS, "nodata", {"flags": JobFlag.NODATA}),
    (Unsupported.SAMPLE, "samples of UINT16", {"sample": SampleCode.UINT16}),
    (Unsupported.BIT_DEPTH, "bit depth 13: the board takes 12", {"bit_depth": 13}),
    (Unsupported.BANDS, "4 bands: the board takes 3", {"bands": 4}),
    (Unsupported.ROWS, "16 x 33 pixels, 4 bands: the board takes 64 x 32", {"rows": 33}),
    (Unsupported.COLUMNS, "65 x 33 pixels, 4 bands: the board takes 64 x 32", {"columns": 65}),
]


@pytest.mark.parametrize("count", range(1, len(FAULTS) + 1))
def test_the_first_fault_counts(count: int) -> None:
    changes: dict[str, Any] = {}
    for _, _, change in FAULTS[:count]:
        changes |= change
    detail, words, _ = FAULTS[count - 1]
    found = misfit(tile(**changes), BOARD, 64)
    assert found is not None
    assert (found.code, found.detail) == (Code.UNSUPPORTED, detail)
    assert words in found.cause


def test_a_tile_of_too_many_bytes_comes_before_all() -> None:
    found = misfit(tile(columns=65), replace(BOARD, largest_tile=100), 64)
    assert found is not None
    assert (found.code, found.detail) == (Code.TOO_LARGE, 100)
    assert "the board takes 100 at most" in found.cause


def test_a_tile_of_too_many_chunks() -> None:
    board = replace(BOARD, most_columns=4096, most_rows=4096, largest_tile=1 << 25)
    form = tile(columns=2048, rows=2048)
    assert misfit(form, board, 193) is None
    found = misfit(form, board, 192)
    assert found is not None
    assert (found.code, found.detail) == (Code.UNSUPPORTED, Unsupported.CHUNKS)
    assert "65536 chunks of 192 bytes; allowed are 65535" in found.cause


@pytest.mark.parametrize(
    ("features", "rotation", "fits"),
    [
        (Feature.QUALITY, (0, 0, 0, 0), True),
        (Feature.QUALITY, ROTATED, False),
        (Feature.QUALITY | Feature.ROTATION, (0, 0, 0, 0), False),
        (Feature.QUALITY | Feature.ROTATION, (-127, 1, 2, 3), True),
        (Feature.QUALITY | Feature.ROTATION, (0, 0, -128, 3), False),
    ],
)
def test_a_rotation_fits_a_board_that_rotates(
    features: Feature, rotation: tuple[int, int, int, int], fits: bool
) -> None:
    board: Capabilities = replace(BOARD, features=features)
    assert (misfit(tile(rotation=rotation), board, 64) is None) == fits
