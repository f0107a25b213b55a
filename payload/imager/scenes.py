"""Scenes on disk: any raster that rasterio opens, read a window at a time.

A scene stands for the ground that the imager looks at. It is never in memory as a whole.
"""

from __future__ import annotations

import errno
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.windows import Window

from ...link.bitstream import SampleType, sample_range
from ...link.errors import InputError
from ..encoders.base import Frame
from .display import Shown, shown

_SAMPLE_TYPES: Final[tuple[SampleType, ...]] = ("uint8", "uint16", "int16")
_SAMPLES_AT_ONCE: Final = 1 << 24
_GDAL_CACHE_MB: Final = 64


@dataclass(frozen=True, slots=True)
class FrameWindow:
    """A frame's place in its scene, in the scene's pixels."""

    column: int
    row: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SceneContent:
    """What a scene's samples are, found by reading all of them once.

    Attributes:
        lowest: Smallest valid sample.
        highest: Largest valid sample.
        bits: Bits that hold every valid sample: 8 for uint8, else what the values need,
            8 at least; with a sign where one is negative.
    """

    lowest: int
    highest: int
    bits: int


class Scene:
    """An open scene.

    Attributes:
        path: Where it lies.
        width: Columns.
        height: Rows.
        bands: Number of bands.
        sample_type: uint8, uint16 or int16.
        nodata: The value that means no data, where the file has one that a sample can have.
        crs: Coordinate reference system as WKT; empty where the file has none.
        transform: Affine transform from (column, row) to coordinates, row-major, six numbers.
    """

    def __init__(self, path: Path | str) -> None:
        """Open a scene.

        Raises:
            InputError: Missing, a folder, a symlink loop, no raster, or samples of another type.
        """
        self.path = Path(path)
        _check_file(self.path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                self._dataset = rasterio.open(self.path)
        except RasterioError as error:
            raise InputError(f"scene {self.path}: cannot be opened ({_reason(error)})") from None
        types = sorted(set(self._dataset.dtypes))
        sample_type = next((name for name in _SAMPLE_TYPES if [name] == types), None)
        if sample_type is None:
            self._dataset.close()
            found = ", ".join(types) or "none"
            raise InputError(
                f"scene {self.path}: samples of type {found}; "
                f"allowed are {', '.join(_SAMPLE_TYPES)}"
            )
        self.sample_type: SampleType = sample_type
        self.width = int(self._dataset.width)
        self.height = int(self._dataset.height)
        self.bands = int(self._dataset.count)
        self.nodata = _whole(self._dataset.nodata, self.sample_type)
        self.crs = str(self._dataset.crs.to_wkt()) if self._dataset.crs else ""
        self.transform: tuple[float, float, float, float, float, float] = tuple(
            self._dataset.transform
        )[:6]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()

    def content(self) -> SceneContent:
        """Return what the samples are. The first call reads the whole scene, piece by piece.

        Raises:
            InputError: The file is truncated or damaged, has gone, or every pixel is nodata.
        """
        state = _check_file(self.path)
        key = (str(self.path.resolve()), state.st_mtime_ns, state.st_size)
        if key not in _CONTENTS:
            _CONTENTS[key] = _content(self)
        return _CONTENTS[key]

    def band_numbers(self, bands: Sequence[int] | int | None) -> tuple[int, ...]:
        """Return band numbers from 1: those given, the first so many, or all.

        Raises:
            InputError: The scene has no such band.
        """
        if bands is None:
            return tuple(range(1, self.bands + 1))
        chosen = tuple(range(1, bands + 1)) if isinstance(bands, int) else tuple(bands)
        for band in chosen:
            if not 1 <= band <= self.bands:
                raise InputError(
                    f"scene {self.path}: band {band} asked for; it has bands 1 to {self.bands}"
                )
        if not chosen:
            raise InputError(f"scene {self.path}: no band asked for")
        return chosen

    def shown(self, bands: Sequence[int]) -> Shown:
        """Return how a frame of some bands is shown to people."""
        colours = [str(colour.name) for colour in self._dataset.colorinterp]
        return shown(bands, self._dataset.descriptions, colours)

    def shift(self, bit_depth: int) -> int:
        """Return how many low bits an imager of this depth does not see of the scene's samples.

        A scene of 15 bits before a 12-bit imager is divided by 8; a scene of 8 bits stays as it
        is, and its frames have bit depth 8.
        """
        return max(0, self.content().bits - bit_depth)

    def read(
        self,
        window: FrameWindow | None = None,
        bands: Sequence[int] | int | None = None,
        bit_depth: int | None = None,
    ) -> Frame:
        """Return the frame that the imager takes of a window.

        Args:
            window: Where; the whole scene without it.
            bands: Band numbers from 1, or how many of the first; all without it.
            bit_depth: The imager's; the frame's is no larger than the scene's own, and samples
                lose the low bits that the imager does not see. The scene's own without it.

        Raises:
            InputError: No such band, a window outside the scene, a damaged file, or a scene
                that is nodata everywhere.
        """
        chosen = self.band_numbers(bands)
        window = window or FrameWindow(0, 0, self.width, self.height)
        if (
            min(window.column, window.row) < 0
            or min(window.width, window.height) < 1
            or window.column + window.width > self.width
            or window.row + window.height > self.height
        ):
            raise InputError(
                f"scene {self.path}: a window of {window.width} x {window.height} pixels at "
                f"column {window.column}, row {window.row}; it has {self.width} x {self.height}"
            )
        content = self.content()
        shift = self.shift(bit_depth) if bit_depth else 0
        planes = self._read(window, chosen)
        pixels = np.ascontiguousarray(np.moveaxis(planes, 0, 2))
        frame = Frame(pixels, content.bits, self.nodata)
        return _without_low_bits(frame, shift) if shift else frame

    def pieces(self) -> Iterator[NDArray[np.integer]]:
        """Yield the samples of all bands as (bands, rows, columns), a bounded piece at a time."""
        block = max(int(self._dataset.block_shapes[0][0]), 1)
        width = min(self.width, max(1, _SAMPLES_AT_ONCE // (block * self.bands)))
        rows = max(1, _SAMPLES_AT_ONCE // (width * self.bands) // block) * block
        every = tuple(range(1, self.bands + 1))
        for row in range(0, self.height, rows):
            for column in range(0, self.width, width):
                yield self._read(
                    FrameWindow(
                        column,
                        row,
                        min(width, self.width - column),
                        min(rows, self.height - row),
                    ),
                    every,
                )

    def _read(self, window: FrameWindow, bands: tuple[int, ...]) -> NDArray[np.integer]:
        place = Window(window.column, window.row, window.width, window.height)
        try:
            with rasterio.Env(GDAL_CACHEMAX=_GDAL_CACHE_MB):
                planes: NDArray[np.integer] = self._dataset.read(bands, window=place)
        except RasterioError as error:
            raise InputError(
                f"scene {self.path}: cannot read row {window.row} on, the file is truncated or "
                f"damaged ({_reason(error)})"
            ) from None
        return planes


_CONTENTS: dict[tuple[str, int, int], SceneContent] = {}


def _content(scene: Scene) -> SceneContent:
    lowest, highest = math.inf, -math.inf
    for piece in scene.pieces():
        if scene.nodata is not None:
            seen = ~(piece == scene.nodata).all(axis=0)
            if not seen.all():
                piece = piece[:, seen]
        if piece.size:
            lowest, highest = min(lowest, int(piece.min())), max(highest, int(piece.max()))
    if highest < lowest:
        raise InputError(f"scene {scene.path}: every pixel is nodata ({scene.nodata})")
    low, high = int(lowest), int(highest)
    if scene.sample_type == "uint8":
        bits = 8
    elif low < 0:
        bits = max(8, high.bit_length() + 1, (-low - 1).bit_length() + 1)
    else:
        bits = max(8, high.bit_length())
    return SceneContent(low, high, bits)


def _without_low_bits(frame: Frame, shift: int) -> Frame:
    """Return the frame as a coarser converter reads it: floor(sample / 2**shift)."""
    holes = frame.nodata_mask()
    pixels = frame.pixels >> np.array(shift, frame.pixels.dtype)
    if frame.nodata is not None:
        alike = (pixels == frame.nodata).all(axis=2)
        if holes is not None:
            alike &= ~holes
        # A dark pixel that the shift turned into nodata is not nodata: it shows something.
        pixels[alike, 0] += 1
        if holes is not None:
            pixels[holes] = frame.nodata
    return Frame(pixels, frame.bit_depth - shift, frame.nodata)


def _check_file(path: Path) -> os.stat_result:
    """Return a file's state, or say why it cannot be a scene."""
    try:
        found = path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"scene {path}: its symbolic links go round in a circle") from None
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise InputError(f"scene {path}: no such file") from None
        raise InputError(f"scene {path}: {error.strerror}") from None
    if path.is_dir():
        raise InputError(f"scene {path}: a folder; a raster file is needed")
    if found.st_size == 0:
        raise InputError(f"scene {path}: the file is empty")
    return found


def _whole(nodata: float | None, sample_type: SampleType) -> int | None:
    """Return nodata as a sample value; None where no sample can have it."""
    if nodata is None or not float(nodata).is_integer():
        return None
    low, high = sample_range(sample_type)
    return int(nodata) if low <= nodata <= high else None


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    text = " ".join(str(cause).split()) or type(error).__name__
    if isinstance(error, RasterioIOError) and "not recognized" in text:
        return "not a raster that can be read"
    return text[:200]
