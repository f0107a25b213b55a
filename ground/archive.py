"""What arrived, as other people's tools read it: Cloud-Optimized GeoTIFF.

GDAL's COG driver lays it out (tiles, overviews, a header that comes first), in memory: on a full
disk GDAL says nothing to its caller and leaves half a file. The file appears under its name when
it is whole, never before.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import Affine

from ..link.container.description import NATURAL_COLOURS, Description
from ..link.container.frame import Frame
from ..link.errors import InputError
from ..link.files import whole_file

_BLOCK: Final = 256


def write_cog(
    path: Path,
    frame: Frame,
    description: Description | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """Write a frame as a Cloud-Optimized GeoTIFF.

    Args:
        path: Where; its folder must exist. An older file of this name is replaced at once.
        frame: The pixels; its nodata value or its mask is recorded.
        description: What the scene's file says of these pixels: place, names, scales, colours.
        tags: Metadata items, for example which tiles were lost.

    Raises:
        InputError: The file cannot be written there, or the description cannot be (a coordinate
            reference system that PROJ does not know).
    """
    with whole_file(path) as file:
        try:
            file.write(_packed(frame, description or Description(), tags or {}))
        except (RasterioError, CRSError) as error:
            raise InputError(
                f"{path}: cannot be written ({' '.join(str(error).split())})"
            ) from None


def _packed(frame: Frame, description: Description, tags: dict[str, str]) -> bytes:
    """Return the file's bytes."""
    indices = description.palette is not None
    bits = description.declared_bits
    if bits is not None and not _fits(frame, bits):
        bits = None
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_NUM_THREADS=1, GDAL_TIFF_INTERNAL_MASK=True, PROJ_NETWORK="OFF"),
        MemoryFile() as memory,
        MemoryFile(ext=".tif") as packed,
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**_profile(frame, description)) as plain:
            plain.write(np.moveaxis(frame.pixels, 2, 0))
            if frame.mask is not None:
                plain.write_mask(~frame.mask)
            _describe(plain, description)
            plain.update_tags(**tags)
        with memory.open() as plain:
            copy(
                plain,
                packed.name,
                driver="COG",
                COMPRESS="DEFLATE",
                PREDICTOR="YES" if bits is None else "NO",
                BLOCKSIZE=_BLOCK,
                OVERVIEW_RESAMPLING="NEAREST" if indices else "AVERAGE",
                BIGTIFF="IF_SAFER",
                **({} if bits is None else {"NBITS": bits}),
            )
        packed.seek(0)
        whole: bytes = packed.read()
    return whole


def _profile(frame: Frame, description: Description) -> dict[str, Any]:
    """Return what the file is created with."""
    colours = [band.colour for band in description.bands]
    natural = colours == list(NATURAL_COLOURS) or (not colours and frame.bands == 3)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": frame.width,
        "height": frame.height,
        "count": frame.bands,
        "dtype": frame.sample_type,
        "nodata": frame.nodata,
        # Without this a fourth band, infrared as often as not, would be taken for transparency.
        "photometric": "RGB" if natural else "MINISBLACK",
        "alpha": "NO",
        "crs": _crs(description.crs),
    }
    if description.palette is not None:
        profile["photometric"] = "PALETTE"
    if description.transform is not None:
        profile["transform"] = Affine(*description.transform)
    elif description.control_points:
        profile["gcps"] = [
            GroundControlPoint(p.row, p.column, p.x, p.y, p.z) for p in description.control_points
        ]
    return profile


def _crs(text: str) -> CRS | None:
    """Return the reference system of an EPSG code or of WKT; never of what else GDAL reads."""
    if text.startswith("EPSG:"):
        return CRS.from_epsg(int(text.removeprefix("EPSG:")))
    return CRS.from_wkt(text) if text else None


def _describe(file: Any, description: Description) -> None:
    """Write what a description says into an open file."""
    bands = description.bands
    if description.pixel_is_point:
        file.update_tags(AREA_OR_POINT="Point")
    if description.rpc:
        items = {name: " ".join(map(repr, values)) for name, values in description.rpc}
        file.update_tags(ns="RPC", **items)
    if description.palette is not None:
        file.write_colormap(1, dict(enumerate(description.palette)))
    elif bands:
        known = ColorInterp.__members__  # GDAL before 3.10 has no infrared
        file.colorinterp = [known.get(band.colour, ColorInterp.undefined) for band in bands]
    if any(band.name for band in bands):
        file.descriptions = [band.name for band in bands]
    if any(band.unit for band in bands):
        file.units = [band.unit for band in bands]
    if any(band.scale != 1 for band in bands):
        file.scales = [band.scale for band in bands]
    if any(band.offset for band in bands):
        file.offsets = [band.offset for band in bands]


def _fits(frame: Frame, bits: int) -> bool:
    """Return whether all samples of a frame, nodata included, have so few bits."""
    if frame.sample_type == "int16" or bits >= frame.pixels.dtype.itemsize * 8:
        return False
    return int(frame.pixels.max()) >> bits == 0 and (frame.nodata or 0) >> bits == 0
