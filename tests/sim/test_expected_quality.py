"""The PSNR to expect after losses: by hand, by simulation, and in its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from downpass.link.container.frame import Frame
from downpass.sim.frames.expected_quality import (
    LARGEST_DB,
    concealed_psnr_db,
    expected_psnr_db,
)
from hypothesis import given
from hypothesis import strategies as st


def test_by_hand() -> None:
    # 10 packets at 1 %: m = 0.1, damaged with 1 - e^-0.1 = 9.516 %. One tile of one: all of it is
    # concealed, at 20 dB. 40 · 0.90484 + 20 · 0.09516 = 38.097 dB.
    found = expected_psnr_db(40.0, 10_000, packet=1000, loss=0.01, tiles=1, concealed_db=20.0)
    assert found == pytest.approx(38.0967, abs=1e-3)


def test_against_drawn_losses() -> None:
    rng = np.random.default_rng(1)
    tiles, packets, loss, coded, concealed = 9, 45, 0.02, 38.0, 22.0
    total, draws = 0.0, 40_000
    for lost in rng.binomial(packets, loss, draws):
        # Each packet lies in one tile, five packets to a tile.
        hit = len(set(rng.choice(packets, lost, replace=False) // 5))
        share = hit / tiles
        error = (1 - share) * 10 ** (-coded / 10) + share * 10 ** (-concealed / 10)
        total += -10 * math.log10(error)
    found = expected_psnr_db(
        coded, packets * 100, packet=100, loss=loss, tiles=tiles, concealed_db=concealed
    )
    assert found == pytest.approx(total / draws, abs=0.3)


@given(
    psnr=st.floats(20, 60),
    size=st.integers(1, 10**6),
    loss=st.floats(0, 1),
    tiles=st.integers(1, 64),
    concealed=st.floats(5, 20),
)
def test_between_concealed_and_whole(
    psnr: float, size: int, loss: float, tiles: int, concealed: float
) -> None:
    figures = {"packet": 256, "tiles": tiles, "concealed_db": concealed}
    found = expected_psnr_db(psnr, size, loss=loss, **figures)
    assert concealed - 1e-9 <= found <= psnr + 1e-9
    assert found <= expected_psnr_db(psnr, size, loss=loss / 2, **figures) + 1e-6
    assert expected_psnr_db(psnr, size, loss=0.0, **figures) == psnr


def test_a_concealed_frame_shows_the_means_of_its_tiles() -> None:
    # Left tile 0 and 20 (mean 10), right tile 100: an error of 10² in half of the pixels.
    pixels = np.full((4, 8, 1), 100, np.uint8)
    pixels[:, 0:2], pixels[:, 2:4] = 0, 20
    wanted = 10 * math.log10(255**2 / 50)
    assert concealed_psnr_db(Frame(pixels, 8), 4) == pytest.approx(wanted)


@pytest.mark.parametrize("how", ["nodata", "nodata of one band", "mask"])
def test_samples_without_data_have_no_part_in_a_mean(how: str) -> None:
    # As above, and half of each tile holds no data, at a value that is far from all others.
    kind, far = (np.int16, -9999) if how != "mask" else (np.uint8, 255)
    pixels = np.full((8, 8, 2), 100, kind)
    pixels[:, 0:2], pixels[:, 2:4] = 0, 20
    empty = np.zeros((8, 8), np.bool_)
    empty[::2] = True
    bands = slice(0, 1) if how == "nodata of one band" else slice(None)
    pixels[empty, bands] = far
    frame = Frame(pixels, 8, far) if how != "mask" else Frame(pixels, 8, None, empty)
    assert concealed_psnr_db(frame, 4) == pytest.approx(10 * math.log10(255**2 / 50))
    assert frame.pixels[0, 0, 0] == far


def test_an_exact_frame_may_be_lost_too() -> None:
    """A frame of 100 dB, the most that counts, is worth less over a line with losses."""
    figures = {"packet": 1000, "tiles": 1, "concealed_db": 20.0}
    assert expected_psnr_db(math.inf, 10_000, loss=0.0, **figures) == LARGEST_DB
    by_hand = 100 * math.exp(-0.1) + 20 * (1 - math.exp(-0.1))
    found = expected_psnr_db(math.inf, 10_000, loss=0.01, **figures)
    assert found == pytest.approx(by_hand, abs=1e-3)
