"""Read scenes from disk, one window at a time: the ground that the imager looks at.

A scene is never in memory as a whole. The meaning of its samples depends on the bands that the
imager sees and on the metadata of the file:

*Bit depth.* The bits that hold every valid sample of these bands, at least 8. If the file declares
fewer than 8 bits (NBITS), that number counts. So the same picture has the same bit depth, and the
same PSNR peak, as uint8, as uint16 and with NBITS=12.

*Holes.* Samples without data, as the file marks them in these bands; see `holes`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ...link.container.description import Description, Transform
from ...link.container.frame import Frame
from ...link.container.samples import SampleType, sample_range
from ...link.errors import InputError
from .described import declared_bits, described, is_alpha
from .display import Shown, shown
from .holes import Holes, Mask, holes_of, read_mask
from .raster import check_file, environment, open_raster, reason
from .sample_bits import bits_needed, without_low_bits

_SAMPLE_TYPES: Final[tuple[SampleType, ...]] = ("uint8", "uint16", "int16")
_SAMPLES_AT_ONCE: Final = 1 << 24
MOST_FRAME_SAMPLES: Final = 1 << 29
"""Most samples of a frame; `ground.decoders` would not decode a larger one."""


@dataclass(frozen=True, slots=True)
class FrameWindow:
    """The position and size of a frame in its scene, in pixels of the scene."""

    column: int
    row: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SceneContent:
    """The range and bit depth of some bands' samples, found by reading all of them once.

    Attributes:
        lowest: Smallest valid sample.
        highest: Largest valid sample.
        bits: Bits that hold every valid sample: 8 for uint8, otherwise what the values need but
            at least 8, with a sign bit if a value is negative. Fewer than 8 if the file declares
            so.
    """

    lowest: int
    highest: int
    bits: int


class Scene:
    """An open raster file from which the imager takes frames.

    Attributes:
        path: Path of the file.
        width: Number of columns.
        height: Number of rows.
        bands: Number of bands.
        sample_type: `uint8`, `uint16` or `int16`.
        nodata: Nodata value; None if the file has none that a sample can have.
        crs: Coordinate reference system as WKT; empty if the file has none.
        transform: Affine transform from (column, row) to coordinates, row-major, six numbers;
            None if the file has none.
    """

    def __init__(self, path: Path | str) -> None:
        """Open a scene.

        Raises:
            InputError: The path is missing, a folder or a symlink loop; the file is not a raster
                of an allowed format, declares too much, or has samples of another type.
        """
        self.path = Path(path)
        self._dataset = open_raster(self.path)
        types = sorted(set(map(str, self._dataset.dtypes)))
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
        try:
            # All metadata is read here, because only one thread at a time may use a dataset.
            with environment():
                self._described = described(self._dataset)
                self._flags = self._dataset.mask_flag_enums
                self._nodata = [
                    _whole(value, self.sample_type) for value in self._dataset.nodatavals
                ]
                self._declared = [declared_bits(self._dataset, n + 1) for n in range(self.bands)]
        except InputError as error:
            self._dataset.close()
            raise InputError(f"scene {self.path}: {error}") from None
        self.crs = str(self._dataset.crs.to_wkt()) if self._dataset.crs else ""
        self.transform: Transform | None = self._described.transform

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

    @property
    def alpha(self) -> int | None:
        """Number of the alpha band; None if the file has none."""
        alphas = (n for n, band in enumerate(self._described.bands, 1) if is_alpha(band))
        return next(alphas, None)

    def mask_is_alpha(self, bands: Sequence[int] | int | None = None) -> bool:
        """Return whether the alpha band says where these bands have no data.

        It does not where the file has a nodata value or another mask, as in GDAL.
        """
        return self._holes(self.band_numbers(bands)).alpha is not None

    def content(self, bands: Sequence[int] | int | None = None) -> SceneContent:
        """Return the range and bit depth of some bands. The first call reads them piece by piece.

        Raises:
            InputError: A band does not exist, the file is truncated, damaged or gone, or every
                pixel is nodata.
        """
        chosen = self.band_numbers(bands)
        state = check_file(self.path)
        holes = self._holes(chosen)
        key = (str(self.path.resolve()), state.st_mtime_ns, state.st_size, holes.alpha)
        known = _RANGES.setdefault(key, {})
        missing = tuple(band for band in dict.fromkeys(chosen) if band not in known)
        if missing:
            known |= self._ranges(missing, holes)
        lowest = min(known[band][0] for band in chosen)
        highest = max(known[band][1] for band in chosen)
        if highest < lowest:
            what = "masked" if holes.value is None else f"nodata ({holes.value})"
            raise InputError(f"scene {self.path}: every pixel is {what}")
        low, high = int(lowest), int(highest)
        return SceneContent(low, high, self._bits(chosen, low, high))

    def band_numbers(self, bands: Sequence[int] | int | None) -> tuple[int, ...]:
        """Return band numbers from 1: the given ones, the first `bands`, or all except alpha.

        Raises:
            InputError: The scene has no such band.
        """
        if bands is None:
            every = tuple(band for band in range(1, self.bands + 1) if band != self.alpha)
            return every or (1,)
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
        """Return which of these bands a picture of the frame shows in which colour."""
        own = self._described.bands
        found = shown(bands, [band.name for band in own], [band.colour for band in own])
        return replace(found, inverse=self._is_white_at_zero(bands))

    def shift(self, bit_depth: int, bands: Sequence[int] | int | None = None) -> int:
        """Return how many low bits of these bands' samples an imager of this depth does not see.

        A 12-bit imager divides the samples of a 15-bit scene by 8. An 8-bit scene stays as it is,
        and its frames have bit depth 8.
        """
        return max(0, self.content(bands).bits - bit_depth)

    def describe(
        self,
        window: FrameWindow | None = None,
        bands: Sequence[int] | int | None = None,
        bit_depth: int | None = None,
    ) -> Description:
        """Return the metadata of the frame that `read` returns for the same arguments."""
        chosen = self.band_numbers(bands)
        shift = self.shift(bit_depth, chosen) if bit_depth else 0
        whole = self._described
        own = tuple(whole.bands[band - 1] for band in chosen)
        indices = any(band.colour == "palette" for band in own)
        found = replace(
            whole,
            bands=own,
            declared_bits=self._declared_bits(chosen),
            palette=whole.palette if indices else None,
            white_is_zero=self._is_white_at_zero(chosen),
        )
        if window is not None:
            found = found.of_window(window.column, window.row)
        return found.without_low_bits(shift)

    def require_levels(self, bands: Sequence[int] | int | None = None) -> None:
        """Refuse bands whose samples are indices of a palette, which are names and not levels.

        Raises:
            InputError: One of the bands has a palette.
        """
        for band in self.band_numbers(bands):
            if self._described.bands[band - 1].colour == "palette":
                raise InputError(
                    f"scene {self.path}: band {band} holds indices of a palette, which have no "
                    "levels to lose; allowed: codec encode with a codec that loses nothing and "
                    "quality 100, or the picture in colours (gdal_translate -expand rgb)"
                )

    def read(
        self,
        window: FrameWindow | None = None,
        bands: Sequence[int] | int | None = None,
        bit_depth: int | None = None,
        palette: bool = False,
    ) -> Frame:
        """Return the frame that the imager takes of a window.

        Args:
            window: Position and size of the frame; None for the whole scene.
            bands: Band numbers from 1, or the number of first bands. None for all bands except
                alpha, which becomes the mask.
            bit_depth: Bit depth of the imager. Samples lose the low bits that it does not see;
                the frame is never deeper than the scene. None for the scene's own depth.
            palette: Whether palette indices are accepted.

        Raises:
            InputError: A band does not exist, the window lies outside the scene or is too large,
                the file is damaged, a band has a palette, or every pixel is nodata.
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
        if window.width * window.height * len(chosen) > MOST_FRAME_SAMPLES:
            raise InputError(
                f"scene {self.path}: a frame of {window.width} x {window.height} pixels in "
                f"{len(chosen)} bands; allowed are {MOST_FRAME_SAMPLES} samples"
            )
        content = self.content(chosen)
        shift = self.shift(bit_depth, chosen) if bit_depth else 0
        if not palette or shift:
            self.require_levels(chosen)
        holes = self._holes(chosen)
        planes, mask = self._read(window, chosen, holes)
        pixels = np.ascontiguousarray(np.moveaxis(planes, 0, 2))
        nodata = holes.value
        if holes.by_band and mask is not None:
            nodata = self._free_value(content)
            pixels[mask] = nodata
            mask = None
        frame = Frame(pixels, content.bits, nodata, None if mask is None else mask[..., 0])
        return without_low_bits(frame, shift, content.lowest < 0) if shift else frame

    def _is_white_at_zero(self, bands: Sequence[int]) -> bool:
        return self._described.white_is_zero and bands[0] == 1

    def _read(
        self, window: FrameWindow, bands: tuple[int, ...], holes: Holes
    ) -> tuple[NDArray[np.integer], Mask | None]:
        """Return the samples of a window (bands, rows, columns), and its mask or None.

        The mask has the shape (rows, columns, 1), or (rows, columns, bands) if each band has its
        own. It is True where there is no data. A nodata value stays in the samples.
        """
        place = Window(window.column, window.row, window.width, window.height)
        try:
            with environment():
                planes: NDArray[np.integer] = self._dataset.read(bands, window=place)
                mask = read_mask(self._dataset, bands, place, holes)
        except RasterioError as error:
            raise InputError(
                f"scene {self.path}: cannot read row {window.row} on, the file is truncated or "
                f"damaged ({reason(error)})"
            ) from None
        return planes, mask

    def _holes(self, bands: tuple[int, ...]) -> Holes:
        """Return how the file marks samples without data in these bands.

        Raises:
            InputError: Some bands have transparency, and others something else.
        """
        try:
            return holes_of(bands, self._flags, self._nodata, self.alpha)
        except InputError as error:
            raise InputError(f"scene {self.path}: {error}") from None

    def _ranges(self, bands: tuple[int, ...], holes: Holes) -> dict[int, tuple[float, float]]:
        """Return each band's lowest and highest valid sample; infinities if it has none."""
        out = dict.fromkeys(bands, (math.inf, -math.inf))
        for planes, mask in self._pieces(bands, holes):
            for index, band in enumerate(bands):
                plane = planes[index]
                if mask is not None:
                    plane = plane[~mask[..., index if mask.shape[2] > 1 else 0]]
                if holes.value is not None:
                    plane = plane[plane != holes.value]
                if plane.size:
                    low, high = out[band]
                    out[band] = min(low, int(plane.min())), max(high, int(plane.max()))
        return out

    def _pieces(
        self, bands: tuple[int, ...], holes: Holes
    ) -> Iterator[tuple[NDArray[np.integer], Mask | None]]:
        """Yield samples and mask of the whole scene in pieces of bounded size."""
        block = max(int(self._dataset.block_shapes[0][0]), 1)
        width = min(self.width, max(1, _SAMPLES_AT_ONCE // (block * len(bands))))
        rows = max(1, _SAMPLES_AT_ONCE // (width * len(bands)) // block) * block
        for row in range(0, self.height, rows):
            for column in range(0, self.width, width):
                piece = FrameWindow(
                    column, row, min(width, self.width - column), min(rows, self.height - row)
                )
                yield self._read(piece, bands, holes)

    def _bits(self, bands: tuple[int, ...], low: int, high: int) -> int:
        declared = self._declared_bits(bands)
        if declared is not None and declared < 8:
            return declared
        if self.sample_type == "uint8":
            return 8
        return bits_needed(low, high)

    def _declared_bits(self, bands: tuple[int, ...]) -> int | None:
        """Return how many bits the file declares for these bands; None if it declares none."""
        declared = [self._declared[band - 1] for band in bands]
        known = [bits for bits in declared if bits is not None]
        return max(known) if len(known) == len(declared) else None

    def _free_value(self, content: SceneContent) -> int:
        """Return a value that no valid sample has, to use as nodata in place of masks by band.

        Raises:
            InputError: The samples use the whole range of their type.
        """
        low, high = sample_range(self.sample_type)
        if content.lowest > low:
            return low
        if content.highest < high:
            return high
        raise InputError(
            f"scene {self.path}: a mask or a nodata value for each band, and samples from {low} to "
            f"{high} that leave no value for nodata; allowed: one for all bands"
        )


_RANGES: dict[tuple[str, int, int, int | None], dict[int, tuple[float, float]]] = {}


def _whole(nodata: Any, sample_type: SampleType) -> int | None:
    """Return nodata as a sample value; None if no sample can have it."""
    if nodata is None or not float(nodata).is_integer():
        return None
    low, high = sample_range(sample_type)
    return int(nodata) if low <= nodata <= high else None
