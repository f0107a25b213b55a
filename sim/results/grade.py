"""How good one delivered frame is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grade:
    """What measuring a delivered frame against its original gave.

    Attributes:
        psnr_db: infinite where every pixel is as it was; NaN where nothing could be decoded.
        ms_ssim: 0 to 1; NaN where nothing could be decoded.
        tiles: that the frame was coded in.
        lost_tiles: of these, how many had to be concealed.
    """

    psnr_db: float
    ms_ssim: float
    tiles: int
    lost_tiles: int
