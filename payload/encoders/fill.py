"""Put something smooth where a picture has holes, so that a codec spends no bits on them.

Push-pull (Gortler et al., The Lumigraph, 1996): average what is known into ever smaller
pictures until no hole is left, then come back up and take from the smaller picture only what
the larger one lacks. Holes take the mean of what is around them, at the scale of the hole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fill_holes(pixels: NDArray[np.integer], holes: NDArray[np.bool_]) -> None:
    """Fill the holes of `pixels` in place.

    Args:
        pixels: (rows, columns, bands), integers.
        holes: (rows, columns), True where there is nothing; those pixels are written, the
            others are left as they are. With nothing known at all, the holes become 0.
    """
    if not holes.any():
        return
    if holes.all():
        pixels[...] = 0
        return
    smooth = _pull(pixels.astype(np.float32), ~holes)
    pixels[holes] = np.rint(smooth[holes]).astype(pixels.dtype)


def _pull(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    if known.all():
        return values
    rows, columns, bands = values.shape
    up_rows, up_columns = -(-rows // 2), -(-columns // 2)
    total = np.zeros((up_rows * 2, up_columns * 2, bands), np.float32)
    count = np.zeros((up_rows * 2, up_columns * 2), np.float32)
    np.copyto(total[:rows, :columns], values, where=known[..., None])
    count[:rows, :columns] = known
    total = total.reshape(up_rows, 2, up_columns, 2, bands).sum(axis=(1, 3))
    count = count.reshape(up_rows, 2, up_columns, 2).sum(axis=(1, 3))
    coarse = _pull(total / np.maximum(count, 1)[..., None], count > 0)
    fine = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:rows, :columns]
    return np.where(known[..., None], values, fine)
