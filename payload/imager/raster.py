"""Open raster files from outside safely: only allowed formats, within bounds of size.

GDAL can do far more than a scene needs. A VRT of a hundred bytes can turn any file of the machine
into pixels, a WMS file sends requests to a server, `/vsicurl/` and `/vsizip/` are valid paths, and
a file of 300 bytes may declare 10^18 pixels. Therefore:

- only regular files on disk are opened, each with the one driver of its format (`FORMATS`), and by
  their full path, which no driver takes for a connection string;
- sidecars (masks, overviews, .aux.xml, world files) are accepted only if they have an allowed
  format and name no further file;
- GDAL's own configuration refuses network paths, wherever a file may hide one;
- the declared size is checked against limits before a sample is read.

Every raster of a user is opened by `open_raster` or `open_picture`; a test checks the source for
this.
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import MemoryFile
from rasterio.session import DummySession

from ...link.container.header import LARGEST_SIDE
from ...link.errors import InputError


@dataclass(frozen=True, slots=True)
class Format:
    """A file format that a scene may have.

    Attributes:
        name: Name in messages.
        driver: The only GDAL driver that may open it.
        starts: Signatures that its files begin with.
    """

    name: str
    driver: str
    starts: tuple[bytes, ...]


_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Imagery is distributed as GeoTIFF (COG included) or JPEG 2000 (Sentinel-2); test pictures are
# stored in the other formats. Files of these formats do not refer to other files.
FORMATS: Final = (
    Format("GeoTIFF", "GTiff", _TIFF),
    Format("JPEG 2000", "JP2OpenJPEG", (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    Format("PNG", "PNG", (b"\x89PNG\r\n\x1a\n",)),
    Format("JPEG", "JPEG", (b"\xff\xd8\xff",)),
    Format("WebP", "WEBP", (b"RIFF",)),
    Format("BMP", "BMP", (b"BM",)),
)
ALLOWED: Final = ", ".join(one.name for one in FORMATS)

MOST_BANDS: Final = 1024
"""Largest number of bands; imaging spectrometers have up to about 450."""
MOST_SAMPLES: Final = 1 << 36
MOST_BLOCK_BYTES: Final = 1 << 28
UNCHECKED_BYTES: Final = 1 << 31
MOST_EXPANSION: Final = 2000
"""Most bytes of samples per byte of a file above `UNCHECKED_BYTES`; deflate reaches 1032."""
_MOST_SIDECAR_BYTES: Final = 1 << 24
_CACHE_MB: Final = 64

_REFUSED: Final = (
    (b"<VRTDataset", "a VRT"),
    (b"<GDAL_WMS", "a WMS description"),
    (b"<GDAL_WMTS", "a WMTS description"),
    (b"<WCS_GDAL", "a WCS description"),
    (b"<GDALTileIndexDataset", "a tile index"),
    (b"<MRF_META", "MRF"),
    (b"\x89HDF", "HDF5 or netCDF-4"),
    (b"CDF", "netCDF"),
    (b"NITF", "NITF"),
    (b"NSIF", "NITF"),
    (b"SQLite format 3", "an SQLite database (GeoPackage, MBTiles)"),
    (b"EHFA_HEADER_TAG", "Erdas Imagine"),
    (b"GRIB", "GRIB"),
    (b"GIF8", "GIF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "PDF"),
    (b"SIMPLE  =", "FITS"),
)

# GDAL options while a user's file is open. They allow no file name on the network. GDAL's faster
# way of reading a whole PNG returns uninitialised memory if the file is truncated.
_OPTIONS: Final = {
    "GDAL_CACHEMAX": _CACHE_MB,
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    "GDAL_HTTP_MAX_RETRY": "0",
    "PROJ_NETWORK": "OFF",
}


def environment() -> rasterio.Env:
    """Return the GDAL environment for opening and reading files from outside."""
    return rasterio.Env(session=DummySession(), **_OPTIONS)


def open_raster(path: Path) -> Any:
    """Open a raster file.

    Args:
        path: A file on disk.

    Returns:
        The rasterio dataset; read it within `environment`.

    Raises:
        InputError: The file is missing, is not a regular file, has no allowed format, is larger
            than allowed, or has a sidecar that is not allowed.
    """
    size = check_file(path).st_size
    _check_sidecars(path)
    try:
        with path.open("rb") as file:
            driver = _driver(file.read(512))
        with environment(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # The path is absolute because GDAL interprets relative names such as GTIFF_DIR:1:x.tif.
            dataset = rasterio.open(path.absolute(), driver=driver, sharing=False)
    except InputError as error:
        raise InputError(f"scene {path}: {error}") from None
    except UnicodeEncodeError:
        raise InputError(f"scene {path}: its path is not UTF-8; allowed: one that is") from None
    except UnicodeDecodeError:
        raise InputError(f"scene {path}: a name in it is not UTF-8; allowed: UTF-8") from None
    except (RasterioError, ValueError, OSError) as error:
        raise InputError(f"scene {path}: cannot be opened ({reason(error)})") from None
    try:
        _check_declared(f"scene {path}", dataset, size)
    except InputError:
        dataset.close()
        raise
    return dataset


@contextmanager
def open_picture(data: bytes, name: str) -> Iterator[Any]:
    """Open a raster file that is in memory, for example a member of an archive.

    Args:
        data: The file's bytes.
        name: Name of the file in errors.

    Raises:
        InputError: The data has no allowed format, cannot be read, or declares too much.
    """
    with environment(), warnings.catch_warnings(), MemoryFile(data) as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = memory.open(driver=_driver(data[:512]), sharing=False)
        except (RasterioError, ValueError, InputError) as error:
            raise InputError(f"{name}: cannot be read as a picture ({reason(error)})") from None
        with dataset:
            _check_declared(name, dataset, len(data))
            yield dataset


def check_file(path: Path) -> os.stat_result:
    """Return the `stat` result of a file that can be a scene.

    Raises:
        InputError: The file is missing, is not a regular file, or is empty.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        if number == errno.ELOOP:
            raise InputError(f"scene {path}: its symbolic links go round in a circle") from None
        if number in (errno.ENOENT, errno.ENOTDIR):
            text = str(path)
            hint = " (a scene is a file on disk; paths into archives or networks are not opened)"
            odd = text.startswith("/vsi") or ":" in text.split("/")[0]
            raise InputError(f"scene {path}: no such file{hint if odd else ''}") from None
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"scene {path}: {why}") from None
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"scene {path}: a folder; a raster file is needed")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"scene {path}: {_kind(found.st_mode)}; a regular file is needed")
    if found.st_size == 0:
        raise InputError(f"scene {path}: the file is empty")
    return found


def reason(error: Exception) -> str:
    """Return the cause of a GDAL failure in one short line."""
    cause = error.__cause__ or error
    text = " ".join(str(cause).split()) or type(error).__name__
    text = text.partition(" (this error can be turned")[0]  # GDAL's advice is not for our users
    if isinstance(error, RasterioIOError) and "not recognized" in text:
        return "not a raster that can be read"
    return text[:200]


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


def _driver(head: bytes) -> str:
    """Return the driver for a file that begins with these bytes.

    Raises:
        InputError: The format is not allowed; the message names it if it is known.
    """
    for one in FORMATS:
        if head.startswith(one.starts) and (one.driver != "WEBP" or head[8:12] == b"WEBP"):
            return one.driver
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, name in _REFUSED:
        if text.startswith(start) or (start[:1] == b"<" and start in text):
            raise InputError(f"found {name}; allowed are {ALLOWED}")
    raise InputError(f"not a raster that can be read; allowed are {ALLOWED}")


def _check_sidecars(path: Path) -> None:
    """Refuse a file beside a scene that would make GDAL open something else.

    GDAL opens `.msk`, `.ovr` and `.aux` files with any of its drivers, and reads others as text.
    """
    stem = path.name.rpartition(".")[0] or path.name
    try:
        with os.scandir(path.parent) as entries:
            beside = [
                entry
                for entry in entries
                if entry.name.lower().startswith(f"{stem.lower()}.") and entry.name != path.name
            ]
    except OSError:
        return  # GDAL cannot list the folder either; it opens only files that it knows by name
    for entry in beside:
        try:
            found = entry.stat()
        except OSError:
            continue
        name, ending = Path(entry.path), entry.name.lower().rpartition(".")[2]
        if stat.S_ISDIR(found.st_mode):
            continue
        if not stat.S_ISREG(found.st_mode):
            raise InputError(
                f"scene {path}: {_kind(found.st_mode)} beside it, {name.name}; a sidecar is a file"
            )
        if ending in ("msk", "ovr", "aux", "rrd"):
            if not _starts_with(name, _TIFF):
                raise InputError(
                    f"scene {path}: its sidecar {name.name} is no TIFF; allowed is one that is"
                )
        elif entry.name.lower().endswith(".aux.xml"):
            if found.st_size > _MOST_SIDECAR_BYTES:
                raise InputError(
                    f"scene {path}: its sidecar {name.name} has {found.st_size} bytes; "
                    f"allowed are {_MOST_SIDECAR_BYTES}"
                )
            if b"overview_file" in name.read_bytes().lower():
                raise InputError(
                    f"scene {path}: its sidecar {name.name} names another file (OVERVIEW_FILE)"
                )


def _starts_with(path: Path, starts: tuple[bytes, ...]) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(starts)
    except OSError:
        return False


def _check_declared(name: str, dataset: Any, file_bytes: int) -> None:
    """Refuse a file that declares more than allowed, before any sample is read."""
    width, height, bands = int(dataset.width), int(dataset.height), int(dataset.count)
    if bands > MOST_BANDS:
        raise InputError(f"{name}: declares {bands} bands; allowed are {MOST_BANDS}")
    declared = f"{name}: declares {width} x {height} pixels in {bands} bands"
    if max(width, height) > LARGEST_SIDE:
        raise InputError(f"{declared}; allowed is a side of {LARGEST_SIDE}")
    samples = width * height * bands
    if samples > MOST_SAMPLES:
        raise InputError(f"{declared}; allowed are {MOST_SAMPLES} samples")
    sample_bytes = max((_bytes_of(kind) for kind in set(dataset.dtypes)), default=1)
    if samples * sample_bytes > max(UNCHECKED_BYTES, MOST_EXPANSION * file_bytes):
        raise InputError(
            f"{declared} in a file of {file_bytes} bytes; allowed are {MOST_EXPANSION} bytes of "
            f"samples for each of its bytes, or {UNCHECKED_BYTES} in all"
        )
    rows, columns = dataset.block_shapes[0] if bands else (1, 1)
    joint = bands if str(dataset.profile.get("interleave")).lower() == "pixel" else 1
    if rows * columns * joint * sample_bytes > MOST_BLOCK_BYTES:
        raise InputError(
            f"{declared}, coded in blocks of {columns} x {rows}; "
            f"allowed are blocks of {MOST_BLOCK_BYTES} bytes"
        )
    if "OVERVIEW_FILE" in dataset.tags(ns="OVERVIEWS"):
        raise InputError(f"{name}: its metadata name another file (OVERVIEW_FILE)")


def _bytes_of(kind: str) -> int:
    digits = "".join(letter for letter in kind if letter.isdigit())
    return max(1, int(digits or 8) // 8)
