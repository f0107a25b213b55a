"""The PSNR to expect of a frame after packets are lost on the way.

A larger frame is better if it arrives, and more likely to lose a tile. With m packets lost on
average (Poisson), T tiles and D the mean square error of a frame whose lost tiles are concealed:

    E ≈ e^-m · PSNR + (1 − e^-m) · PSNR of D        D = (1 − f) · D_coded + f · D_concealed

where f is the share of tiles that is lost if any is: k = m / (1 − e^-m) packets, each in any tile.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from ...ground.quality import quality
from ...link.container.frame import Frame
from ...link.container.tiles import grid

LARGEST_DB: Final = 100.0
"""Most decibels that a frame counts as; an exact frame's PSNR is infinite."""


def expected_psnr_db(
    psnr_db: float, size: int, *, packet: int, loss: float, tiles: int, concealed_db: float
) -> float:
    """Return the expected PSNR of a frame in dB.

    Args:
        psnr_db: PSNR if nothing is lost; above `LARGEST_DB`, or infinite, it counts as that.
        size: Bytes of the frame.
        packet: Bytes of a packet.
        loss: Probability that a packet is lost, 0 to 1.
        tiles: Tiles of the frame, at least 1.
        concealed_db: PSNR of the frame if all of its tiles are concealed.
    """
    psnr_db = min(psnr_db, LARGEST_DB)
    lost = loss * math.ceil(size / packet)
    if lost <= 0:
        return psnr_db
    damaged = -math.expm1(-lost)
    share = 1.0 - (1.0 - 1.0 / tiles) ** (lost / damaged)
    error = (1.0 - share) * 10 ** (-psnr_db / 10) + share * 10 ** (-concealed_db / 10)
    return (1.0 - damaged) * psnr_db + damaged * min(psnr_db, -10 * math.log10(error))


def concealed_psnr_db(frame: Frame, tile: int) -> float:
    """Return the PSNR of a frame of which every tile shows its mean, as if all were concealed.

    The mean is that of a band's samples with data. In a tile without data nothing can be lost.

    Args:
        frame: The frame as it was captured.
        tile: Side of a tile in pixels; 0 for one tile.
    """
    flat, holes = frame.pixels.copy(), frame.holes()
    for place in grid(frame.width, frame.height, tile):
        samples = flat[place.window]
        valid = np.ones((1, 1, 1), np.bool_) if holes is None else ~holes[place.window]
        valid = np.broadcast_to(valid, samples.shape)
        count = valid.sum(axis=(0, 1))
        total = samples.sum(axis=(0, 1), where=valid, dtype=np.int64)
        samples[...] = np.rint(total / np.maximum(count, 1))
    return quality(frame, replace(frame, pixels=flat)).psnr_db
