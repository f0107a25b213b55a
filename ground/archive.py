"""Write received frames as Cloud-Optimized GeoTIFF (COG), so that other tools can read them.

GDAL's COG driver makes the layout (tiles, overviews, the header first) in memory, because on a full
disk GDAL reports no error to its caller and leaves half a file. A file appears under its name only
when it is complete.
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
from .decoders import Decoded
from .white_is_zero import counted_from_white

_BLOCK: Final = 256
_CENTRE: Final = 0.5
"""Row and column of the first pixel's centre, as GDAL counts."""


def write_cog(
    path: Path,
    frame: Frame,
    description: Description | None = None,
    tags: dict[str, str] | None = None,
) -> bool:
    """Write a frame as a Cloud-Optimized GeoTIFF.

    Args:
        path: Path of the file, in an existing folder. An older file is replaced atomically.
        frame: Frame to write, with its nodata value or its mask.
        description: Description of the pixels from the scene's file: location, names, scales and
            colours.
        tags: Metadata items, for example the lost tiles.

    Returns:
        Whether the file has the description's coordinate reference system. GeoTIFF has no form
        for some, such as those of a rotated pole.

    Raises:
        InputError: The file cannot be written, or the description cannot (for example because
            PROJ does not know the coordinate reference system).
    """
    with whole_file(path) as file:
        try:
            whole, keeps_crs = _packed(frame, description or Description(), tags or {})
            file.write(whole)
        except (RasterioError, CRSError) as error:
            raise InputError(
                f"{path}: cannot be written ({' '.join(str(error).split())})"
            ) from None
    return keeps_crs


def tile_tags(decoded: Decoded) -> dict[str, str]:
    """Return metadata items that list the concealed tiles of a frame by cause."""
    return {
        "DOWNPASS_LOST_TILES": " ".join(map(str, decoded.missing_tiles)) or "none",
        "DOWNPASS_UNDECODABLE_TILES": " ".join(map(str, decoded.undecodable)) or "none",
    }


def _packed(frame: Frame, description: Description, tags: dict[str, str]) -> tuple[bytes, bool]:
    """Return the bytes of the COG file, and whether it has the reference system."""
    indices = description.palette is not None
    bits = description.declared_bits
    if bits is not None and not _fits(frame, bits):
        bits = None
    with (
        warnings.catch_warnings(),
        rasterio.Env(
            GDAL_NUM_THREADS=1,
            GDAL_TIFF_INTERNAL_MASK=True,
            PROJ_NETWORK="OFF",
            GTIFF_POINT_GEO_IGNORE=_places_control_points_itself(description),
        ),
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
        with packed.open() as written:  # what has no form in the file, GDAL writes beside it
            keeps_crs = not any(name.endswith(".aux.xml") for name in written.files)
    return counted_from_white(whole) if description.white_is_zero else whole, keeps_crs


def _profile(frame: Frame, description: Description) -> dict[str, Any]:
    """Return the rasterio profile to create the file with."""
    colours = [band.colour for band in description.bands]
    natural = colours == list(NATURAL_COLOURS) or (not colours and frame.bands == 3)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": frame.width,
        "height": frame.height,
        "count": frame.bands,
        "dtype": frame.sample_type,
        "nodata": frame.nodata,
        # Without this GDAL would treat a fourth band, which is often infrared, as alpha.
        "photometric": "RGB" if natural else "MINISBLACK",
        "alpha": "NO",
        "crs": _crs(description.crs),
    }
    if description.palette is not None:
        profile["photometric"] = "PALETTE"
    if description.transform is not None:
        profile["transform"] = Affine(*description.transform)
    elif description.control_points:
        shift = _CENTRE if _places_control_points_itself(description) else 0.0
        profile["gcps"] = [
            GroundControlPoint(p.row - shift, p.column - shift, p.x, p.y, p.z)
            for p in description.control_points
        ]
        profile["crs"] = profile["crs"] or CRS()  # rasterio wants one beside control points
    return profile


def _places_control_points_itself(description: Description) -> bool:
    """Return whether control points are counted from pixel centres here and not by GDAL.

    So they are in the file if samples stand for points (PixelIsPoint, OGC GeoTIFF 1.1, 7.1.2.1).
    GDAL adds the half pixel when it reads such a file, and adds it again when it writes one.
    """
    return description.pixel_is_point and description.transform is None


def _crs(text: str) -> CRS | None:
    """Return the CRS of an EPSG code or of WKT; other forms that GDAL reads are not allowed."""
    if text.startswith("EPSG:"):
        return CRS.from_epsg(int(text.removeprefix("EPSG:")))
    return CRS.from_wkt(text) if text else None


def _describe(file: Any, description: Description) -> None:
    """Write a description into an open file."""
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
    """Return whether all samples of a frame, nodata included, fit into `bits` bits."""
    if frame.sample_type == "int16" or bits >= frame.pixels.dtype.itemsize * 8:
        return False
    return int(frame.pixels.max()) >> bits == 0 and (frame.nodata or 0) >> bits == 0
