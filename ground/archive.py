"""What arrived, as other people's tools read it: Cloud-Optimized GeoTIFF.

GDAL's COG driver lays it out (tiles, overviews, a header that comes first), in memory: on a full
disk GDAL says nothing to its caller and leaves half a file. The file appears under its name when
it is whole, never before.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import Affine

from ..link.errors import InputError
from ..payload.encoders.base import Frame
from ..payload.imager.scenes import FrameWindow

_BLOCK: Final = 256

Transform = tuple[float, float, float, float, float, float]


def window_transform(transform: Transform, window: FrameWindow) -> Transform:
    """Return the affine transform of a window out of its scene's."""
    a, b, c, d, e, f = transform
    return (
        a,
        b,
        a * window.column + b * window.row + c,
        d,
        e,
        d * window.column + e * window.row + f,
    )


def write_cog(
    path: Path,
    frame: Frame,
    crs: str = "",
    transform: Transform | None = None,
    shift: int = 0,
    tags: dict[str, str] | None = None,
) -> None:
    """Write a frame as a Cloud-Optimized GeoTIFF.

    Args:
        path: Where; its folder must exist. An older file of this name is replaced at once.
        frame: The pixels; nodata is recorded where the frame has it.
        crs: The scene's coordinate reference system as WKT; none where empty.
        transform: The window's affine transform (`window_transform`).
        shift: Low bits of the scene's samples that the imager did not see: recorded as the
            bands' scale, so that tools show the scene's own values.
        tags: Metadata items, for example which tiles were lost.

    Raises:
        InputError: The file cannot be written there.
    """
    try:
        handle, name = tempfile.mkstemp(".part", f".{path.name}-", path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_packed(frame, crs, transform, shift, tags or {}))
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except (OSError, RasterioError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path}: cannot be written ({reason})") from None
    finally:
        part.unlink(missing_ok=True)


def _packed(
    frame: Frame,
    crs: str,
    transform: Transform | None,
    shift: int,
    tags: dict[str, str],
) -> bytes:
    """Return the file's bytes."""
    profile = {
        "driver": "GTiff",
        "width": frame.width,
        "height": frame.height,
        "count": frame.bands,
        "dtype": frame.sample_type,
        "nodata": frame.nodata,
        # Without this a fourth band, infrared as often as not, would be taken for transparency.
        "photometric": "RGB" if frame.bands == 3 else "MINISBLACK",
        "alpha": "NO",
        "crs": crs or None,
    }
    if transform is not None:
        profile["transform"] = Affine(*transform)
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_NUM_THREADS=1),
        MemoryFile() as memory,
        MemoryFile(ext=".tif") as packed,
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**profile) as plain:
            plain.write(np.moveaxis(frame.pixels, 2, 0))
            plain.update_tags(**tags)
            if shift:
                plain.scales = (float(1 << shift),) * frame.bands
        with memory.open() as plain:
            copy(
                plain,
                packed.name,
                driver="COG",
                COMPRESS="DEFLATE",
                PREDICTOR="YES",
                BLOCKSIZE=_BLOCK,
                OVERVIEW_RESAMPLING="AVERAGE",
                BIGTIFF="IF_SAFER",
            )
        packed.seek(0)
        whole: bytes = packed.read()
    return whole


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
