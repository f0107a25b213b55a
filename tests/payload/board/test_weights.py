"""What the generator of the firmware's weights refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from downpass.link.student.lapped import PREFILTER
from downpass.payload.board.firmware.kernel_layers import folded, pixels_of_block
from downpass.payload.board.firmware.weights import main

from .models import Arrays, changed


def test_pixels_lie_in_cells_and_cells_two_by_two() -> None:
    place = pixels_of_block().reshape(3, 16, 16)
    assert sorted(place.ravel()) == list(range(768))
    # Plane 1, row 6, column 13: cell row 1, column 3, so half (0, 1), in it (1, 1): cell 7.
    assert place[1, 6, 13] == 7 * 48 + 16 + 4 * 2 + 1
    # Channel 5 of position (1, 0), ten channels padded to sixteen.
    assert folded(10)[(5 * 2 + 1) * 2] == 2 * 16 + 5


def large_bias(arrays: Arrays) -> None:
    arrays["analysis.leave.bias"] = np.full(arrays["analysis.leave.bias"].shape, 2**31 - 9)


def steep_gain(arrays: Arrays) -> None:
    arrays["gain"] = arrays["gain"].copy()
    arrays["gain"][:128, :300] = -440


def wide_output(arrays: Arrays) -> None:
    arrays["analysis.enter.clip"] = np.array([0, 40000], np.int32)


def missing(arrays: Arrays) -> None:
    del arrays["hyper.synthesis_mix.weight"]


def wide_prefilter(arrays: Arrays) -> None:
    arrays[PREFILTER] = np.zeros((8, 8), np.int32)


def short_prefilter(arrays: Arrays) -> None:
    arrays[PREFILTER] = np.zeros((4, 4), np.int16)


def large_prefilter(arrays: Arrays) -> None:
    arrays[PREFILTER] = np.full((8, 8), -8193, np.int16)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (large_bias, "analysis.leave: sums may reach"),
        (steep_gain, "about its quality and its channel, allowed are -128 to 127"),
        (wide_output, "analysis.enter: gives out 0 to 40000, allowed are 0 to 32767"),
        (wide_prefilter, "analysis.prefilter is int32 (8, 8); allowed is int16 (8, 8)"),
        (short_prefilter, "analysis.prefilter is int16 (4, 4); allowed is int16 (8, 8)"),
        (large_prefilter, "up to 65544 in a row; allowed are 32767 and 65536"),
        (missing, "integers.npz has no array 'hyper.synthesis_mix.weight'"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Arrays], None],
    says: str,
) -> None:
    model = changed(tmp_path / "model", change)
    assert main(["--model", str(model), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_model_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
