"""Requantise a frame of the learned codec to a lower quality, from its bitstream alone.

    container ── codestreams ── range decoder ──► k ──► ŷ ─┐
                                └──► ẑ ── h_s ──► L ───────┴─► tile writer ──► smaller container

Neither pixels nor analysis networks are needed: the latents ŷ that the ground would decode are
quantised again, with the gains of a lower quality. Header, nodata masks, band scales, rotations
and description stay as they are. docs/codec.md ("Requantisation") tells what it costs in rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ....link.container import codestreams, masks
from ....link.container.bitstream import Container, unpack
from ....link.container.tiles import grid
from ....link.errors import BitstreamError
from ....link.student.band_map import triples
from ....link.student.codestream import AnalysedTile, read_tile
from ....link.student.frame_layout import BLOCK, check_header
from ....link.student.planes import TileShape
from ..base import Setting, check_lossless
from .student_model import StudentModel, load
from .tile_rates import TileRates, quality_of

NAME: Final = "student"
_REVISION: Final = 1
"""Revision of `shrink`; increase it with every change after which it returns other bytes."""
_LARGEST: Final = (1 << 17) - 1
"""Bound on |y|, which has 18 bits; a decoded ŷ beyond it comes from no picture."""
_DEAD_ZONES: Final = ((42, -16), (54, -8))
"""Growth of the steps in 1/32 octave, and what below it is added to the rounding offset, in 1/256
step. Chosen from 0, -8, -16 and -24 on three test pictures, by rate at equal PSNR."""
_PER_PIXEL: Final = 16
"""Bytes that a decoded triple takes in memory, per pixel, rounded up."""
_MOST_KEPT: Final = 1 << 29
"""Bytes of decoded tiles that are kept between the tries of a search; a larger frame's tiles are
decoded again at every try."""


def shrink(
    bitstream: bytes, setting: Setting, threads: int = 1, model: StudentModel | None = None
) -> bytes:
    """Return a student frame at a lower quality; the same bytes if it is as small already.

    Args:
        bitstream: The frame's container, which may be damaged or hostile.
        setting: A quality, which all tiles get unless theirs is lower, or the most bytes.
        threads: Number of tiles coded at once.
        model: The codec's model; by default the one in the package.

    Raises:
        BitstreamError: The bitstream is damaged, or no student frame of this model.
        InputError: The setting asks for lossless coding.
        RateError: The budget is below the smallest bitstream of this frame.
    """
    check_lossless(NAME, setting)
    container = unpack(bitstream)
    header = container.header
    budget = setting.budget(header.width, header.height)
    frame = _DecodedFrame(container, model or load())
    if budget is not None and len(bitstream) <= budget:
        return bitstream
    finest = min(frame.qualities)
    rates = TileRates(frame.model.writer, header, frame, threads, finest, frame.narrower)
    if budget is not None:
        return rates.within(budget)
    quality = quality_of(setting, frame.model.entropy)
    if quality >= finest:
        return bitstream
    found = rates.at_quality(quality)
    return found if len(found) < len(bitstream) else bitstream


def version() -> str:
    """Return the versions of everything that determines the bytes that `shrink` returns."""
    return f"shrink {_REVISION}, model {load().fingerprint.hex()}"


class _DecodedFrame:
    """A frame's tiles as its bitstream says: the tile source of requantisation."""

    def __init__(self, container: Container, model: StudentModel) -> None:
        header = container.header
        if header.codec != NAME:
            raise BitstreamError(f"codec {header.codec}: only frames of codec {NAME} can be shrunk")
        self.model = model
        self.qualities = check_header(header, model.fingerprint, model.entropy.qualities - 1)
        if container.damaged:
            raise BitstreamError(
                f"{len(container.damaged)} of {header.tile_count} tiles are missing or damaged: "
                "only whole frames can be shrunk"
            )
        self._header = header
        self._payloads = container.payloads
        self._places = grid(header.width, header.height, header.tile)
        size = _PER_PIXEL * header.width * header.height * len(triples(header.bands))
        self._kept: dict[int, list[AnalysedTile]] | None = {} if size <= _MOST_KEPT else None

    @property
    def tiles(self) -> int:
        """Number of tiles of the frame."""
        return len(self._places)

    def narrower(self, quality: int) -> int:
        """Return by how much the dead zone is narrower than usual at a lower quality.

        ŷ lies on the steps of the former quality. If the new steps are about twice as wide, every
        second ŷ lies halfway between two of them: both are as far, and the lower one is cheaper.
        """
        gain = self.model.entropy.gain.astype(np.int64)
        growth = int(np.median(gain[min(self.qualities)] - gain[quality]))
        return next((offset for limit, offset in _DEAD_ZONES if growth < limit), 0)

    def tile(self, index: int) -> list[AnalysedTile]:
        """Return ŷ, ẑ and L of a tile's band triples; none if the whole tile is nodata.

        Raises:
            BitstreamError: No encoder writes these bytes.
        """
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        place, quality = self._places[index], self.qualities[index]
        shape = TileShape(-(-place.rows // BLOCK), -(-place.columns // BLOCK))
        entropy, log_scales = self.model.entropy, self.model.log_scales
        try:
            found = [
                _within_bounds(read_tile(entropy, log_scales, stream, shape, quality))
                for stream in self._streams(index)[1]
            ]
        except ValueError as error:
            raise BitstreamError(f"tile {index} is damaged: {error}") from None
        if self._kept is not None:
            self._kept[index] = found
        return found

    def payload(self, index: int, streams: Sequence[bytes]) -> bytes:
        """Return a tile's payload from codestreams: its mask stays as it is."""
        mask = self._streams(index)[0]
        return mask + codestreams.join(streams) if streams else mask

    def _streams(self, index: int) -> tuple[bytes, list[bytes]]:
        """Return a tile's mask, packed, and its codestreams.

        Raises:
            ValueError: The payload is not what its header says.
        """
        header, place, payload, start = self._header, self._places[index], self._payloads[index], 0
        assert payload is not None  # noqa: S101  (frames with damaged tiles are refused)
        if header.masks:
            empty, start = masks.unpack(payload, place.rows, place.columns, header.bands)
            if empty.all():
                if start != len(payload):
                    raise ValueError("bytes behind a tile of nodata")
                return payload, []
        return payload[:start], codestreams.split(payload, start, len(triples(header.bands)))


def _within_bounds(tile: AnalysedTile) -> AnalysedTile:
    """Limit a tile's latents to those of pictures, so that what is written can be decoded."""
    np.clip(tile.latents, -_LARGEST, _LARGEST, out=tile.latents)
    return tile
