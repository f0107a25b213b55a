"""Write a decoded frame as a picture: a PNG, or a Cloud-Optimized GeoTIFF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np

from ...ground.archive import tile_tags, write_cog
from ...ground.decoders import Decoded
from ...link.container.description import NATURAL_COLOURS, Description
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.files import whole_file
from ...payload.imager.described import located
from ...payload.imager.raster import environment, open_raster
from ..console.streams import complain

PNG: Final = (".png",)
TIFF: Final = (".tif", ".tiff")
_PNG_OVERHEAD: Final = 4096
"""More bytes than a PNG has besides its samples and what deflate adds to noise, 1/64 at most."""


def check_ending(path: Path, like: Path | None) -> None:
    """Refuse a name whose ending is of no picture that can be written.

    Args:
        path: The picture to write.
        like: The raster whose georeference it is to have, if any.

    Raises:
        InputError: The ending is not allowed, or its format has no georeference.
    """
    ending = path.suffix.lower()
    if ending not in PNG + TIFF:
        raise InputError(f"{path}: ends in {ending!r}; allowed are .png, .tif, .tiff")
    if ending in PNG and like is not None:
        raise InputError(f"--like {like}: a PNG has no georeference; allowed with a .tif as output")


def write_picture(
    path: Path, decoded: Decoded, description: Description, like: Path | None
) -> None:
    """Write the frame, by the ending of the path; see `check_ending`.

    Args:
        path: The picture to write.
        decoded: The decoded frame.
        description: Metadata from the bitstream's header.
        like: Raster whose georeference replaces that of the description.

    Raises:
        InputError: The frame does not fit the format, or the file cannot be written.
    """
    if path.suffix.lower() in PNG:
        packed = _png(path, decoded.frame, description)
        with whole_file(path) as file:
            file.write(packed)
        return
    if like is not None:
        description = _located(description, decoded.frame, like)
    if not write_cog(path, decoded.frame, description, tile_tags(decoded)):
        complain(
            f"{path}: its coordinate reference system is left out, because GeoTIFF has no form for "
            "it (codec info shows it)"
        )


def _located(description: Description, frame: Frame, like: Path) -> Description:
    """Return the description with the georeference of a raster of the same size."""
    with environment(), open_raster(like) as raster:
        if (raster.width, raster.height) != (frame.width, frame.height):
            raise InputError(
                f"--like {like}: it has {raster.width} x {raster.height} pixels, the bitstream "
                f"{frame.width} x {frame.height}"
            )
        try:
            place = located(raster)
        except InputError as error:
            raise InputError(f"--like {like}: {error}") from None
    return replace(
        description,
        crs=place.crs,
        transform=place.transform,
        control_points=place.control_points,
        rpc=place.rpc,
        pixel_is_point=place.pixel_is_point,
    )


def _png(path: Path, frame: Frame, description: Description) -> bytes:
    """Return the frame as a PNG that is transparent where it has no data.

    A PNG has no place to say what a band is: of one band it makes grey, of three red, green and
    blue, and a band more is transparency.
    """
    colours = [band.colour for band in description.bands]
    holes = frame.holes()
    if description.palette is not None:
        raise InputError(f"{path}: indices of a palette; allowed is a .tif, which has its colours")
    if holes is not None and holes.shape[2] > 1:
        raise InputError(f"{path}: bands with different nodata; allowed is a .tif")
    opaque = frame.bands - (colours[-1] == "alpha" and frame.bands > 1)
    if (
        frame.sample_type == "int16"
        or opaque not in (1, 3)
        or (holes is not None and opaque < frame.bands)
    ):
        bands = f"{frame.bands} band{'s' if frame.bands > 1 else ''}"
        masked = "" if holes is None else ", and nodata,"
        raise InputError(
            f"{path}: {bands} of {frame.sample_type} samples{masked} do not fit a PNG; allowed "
            "are 1 or 3 bands of uint8 or uint16, with nodata or a band of transparency besides "
            "(write a .tif instead)"
        )
    pixels = frame.pixels
    if description.white_is_zero:  # in a PNG, 0 is black
        declared, most = description.declared_bits, int(np.iinfo(pixels.dtype).max)
        most = min(most, (1 << declared) - 1 if declared else most)
        pixels = pixels.copy()
        pixels[..., 0] = most - np.minimum(pixels[..., 0], most)
    if sorted(colours[:opaque]) == sorted(NATURAL_COLOURS):
        order = [colours.index(colour) for colour in NATURAL_COLOURS]
        pixels = pixels[..., [*order, *range(opaque, frame.bands)]]
    if holes is not None:
        most = np.iinfo(pixels.dtype).max
        alpha = np.where(holes, 0, most).astype(pixels.dtype)
        pixels = np.concatenate([pixels, alpha], axis=2)
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    # A copy, because the encoder reads the strides, and a view of one row or column may have any.
    # It expects a size that noise in narrow pictures exceeds: each row has a byte for its filter.
    room = (pixels.nbytes + frame.height) * 65 // 64 + _PNG_OVERHEAD
    return bytes(imagecodecs.png_encode(pixels.copy("C"), out=room))
