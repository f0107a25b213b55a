"""How a raster marks samples without data.

GDAL's masks of the bands that the imager sees decide: a nodata value (of each band), a mask in the
file or beside it (.msk), or zeros in an alpha band that the imager does not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from ...link.errors import InputError

Mask = NDArray[np.bool_]
"""(rows, columns, 1), or (rows, columns, bands) if each band has its own; True without data."""


@dataclass(frozen=True, slots=True)
class Holes:
    """How a file marks samples without data in some of its bands.

    Attributes:
        value: Nodata value of all these bands.
        mask: Number of the band whose mask applies to all these bands.
        alpha: Number of the alpha band that applies to all these bands.
        by_band: Whether each band has a mask or a nodata value of its own.
    """

    value: int | None = None
    mask: int | None = None
    alpha: int | None = None
    by_band: bool = False


def holes_of(
    bands: Sequence[int],
    flags: Sequence[Sequence[MaskFlags]],
    nodata: Sequence[int | None],
    alpha: int | None,
) -> Holes:
    """Return how a file marks samples without data in some bands.

    Args:
        bands: Numbers of the bands, from 1.
        flags: GDAL's mask flags of each band of the file.
        nodata: Nodata value of each band of the file; None if no sample can have it.
        alpha: Number of the alpha band; None if the file has none.

    Raises:
        InputError: Some bands have transparency, and others something else.
    """
    found: set[Holes] = set()
    for band in bands:
        own = flags[band - 1]
        if MaskFlags.nodata in own and MaskFlags.per_dataset not in own:
            found.add(Holes(value=nodata[band - 1]))
        elif MaskFlags.alpha in own or MaskFlags.all_valid in own:
            found.add(Holes(alpha=None if alpha in bands else alpha))
        elif MaskFlags.per_dataset in own:
            found.add(Holes(mask=bands[0]))
        else:
            found.add(Holes(by_band=True))
    if len(found) == 1:
        return found.pop()
    if any(MaskFlags.alpha in flags[band - 1] for band in bands):
        raise InputError(
            f"bands {', '.join(map(str, bands))} have transparency and nodata values or masks of "
            "their own; allowed: one of these for all"
        )
    return Holes(by_band=True)  # GDAL makes a mask of a nodata value, too


def read_mask(dataset: Any, bands: Sequence[int], place: Window, holes: Holes) -> Mask | None:
    """Return the mask of a window; None if no sample in it is masked.

    Samples with a nodata value are not in the mask.

    Args:
        dataset: The open file.
        bands: Numbers of the bands, from 1.
        place: The window.
        holes: How the file marks samples without data in these bands.

    Raises:
        RasterioError: The file is truncated or damaged.
    """
    if holes.by_band:
        mask = np.moveaxis(dataset.read_masks(bands, window=place) == 0, 0, 2)
    elif holes.mask is not None:
        mask = (dataset.read_masks(holes.mask, window=place) == 0)[..., None]
    elif holes.alpha is not None:
        mask = (dataset.read(holes.alpha, window=place) == 0)[..., None]
    else:
        return None
    return mask if mask.any() else None
