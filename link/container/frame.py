"""The frame that a codec encodes on board and decodes on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .samples import SAMPLE_TYPES, SampleType, sample_range


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame's pixels and their meaning: bit depth, nodata value and mask.

    Attributes:
        pixels: Samples (rows, columns, bands), uint8, uint16 or int16.
        bit_depth: Bits a sample. Valid samples lie in 0 to 2**bit_depth - 1; int16 frames with
            negative samples lie in -2**(bit_depth - 1) to 2**(bit_depth - 1) - 1.
        nodata: Value of samples without data (as in GDAL, in each band separately); None if
            there is no such value.
        mask: Mask (rows, columns), True where no band has data, whatever the samples are; None
            if there is no mask.
    """

    pixels: NDArray[np.integer]
    bit_depth: int
    nodata: int | None = None
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or 0 in self.pixels.shape:
            raise InputError(
                f"frame of shape {self.pixels.shape}: allowed is (rows, columns, bands), none empty"
            )
        if str(self.pixels.dtype) not in SAMPLE_TYPES:
            raise InputError(
                f"frame of {self.pixels.dtype} samples: allowed are {', '.join(SAMPLE_TYPES)}"
            )
        most = 8 if self.pixels.dtype == np.uint8 else 16
        if not 1 <= self.bit_depth <= most:
            raise InputError(
                f"bit depth {self.bit_depth} of {self.sample_type} samples: allowed are 1 to {most}"
            )
        if self.nodata is not None:
            low, high = sample_range(self.sample_type)
            if not low <= self.nodata <= high:
                raise InputError(
                    f"nodata {self.nodata} of {self.sample_type} samples: "
                    f"allowed are {low} to {high}"
                )
        if self.mask is not None and self.mask.shape != self.pixels.shape[:2]:
            raise InputError(
                f"mask of shape {self.mask.shape} for a frame of {self.pixels.shape[:2]}"
            )

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.pixels.shape[1])

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.pixels.shape[2])

    @property
    def sample_type(self) -> SampleType:
        """Name of the samples' type."""
        return next(name for name in SAMPLE_TYPES if name == str(self.pixels.dtype))

    @property
    def raw_bytes(self) -> int:
        """Bytes of the frame as the imager reads it out: packed to `bit_depth` bits, not coded."""
        return -(-self.pixels.size * self.bit_depth // 8)

    def holes(self) -> NDArray[np.bool_] | None:
        """Return the mask of samples without data (True); None if every sample has data.

        The shape is (rows, columns, 1) if all bands share their holes, else (rows, columns,
        bands).
        """
        holes: NDArray[np.bool_] | None = None if self.mask is None else self.mask[..., None]
        if self.nodata is not None:
            equal: NDArray[np.bool_] = np.asarray(self.pixels == self.nodata)
            if (equal[..., 1:] == equal[..., :1]).all():
                equal = equal[..., :1]
            holes = equal if holes is None else np.asarray(holes | equal)
        return holes if holes is not None and holes.any() else None

    def nodata_mask(self) -> NDArray[np.bool_] | None:
        """Return (rows, columns), True where no band has data; None if there is no such pixel."""
        holes = self.holes()
        if holes is None:
            return None
        mask: NDArray[np.bool_] = np.asarray(holes.all(axis=2))
        return mask if mask.any() else None
