"""The encoder of the learned codec: the networks run once a frame, then it writes any quality.

    Frame ── samples from 0 ── tiles ── nodata filled ── band triples, 8 bits ──► networks
                                  └──── nodata mask ─────────────┐                   │ once
    Setting ── quality 0 … 256 (searched if a budget is given) ──┴─► tile writer ──► container

A frame has one quality, which is in the header's parameter. To use up a budget, the first tiles
of a frame may have the next finer quality: parameter = quality + 512 · (number of finer tiles).
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link import inference
from ....link.container import bitstream, codestreams, masks
from ....link.container.band_scales import BandScale
from ....link.container.frame import Frame
from ....link.container.header import LARGEST_TILE, FrameHeader
from ....link.container.hole_filling import fill_holes
from ....link.container.tiles import grid
from ....link.errors import InputError
from ....link.student.band_map import choose_scales, to_values, triples, widen
from ....link.student.codestream import AnalysedTile
from ....link.student.frame_layout import BLOCK, check_size
from ....link.student.rotation import IDENTITY, Quaternion
from ..base import Setting, check_lossless
from ..tiled import unsigned_samples
from .colours import difference_moments, rotation_of, sampled_rows
from .jobs import TileJob, analyse
from .spill_cache import SpillCache
from .student_model import StudentModel, load
from .tile_rates import TileRates, quality_of

_REVISION: Final = 3
"""Revision of the encoder; increase it with every change after which pixels give other bytes."""
_KEPT_SAMPLES: Final = 1 << 26
"""For larger frames, the networks' outputs are cached only if a budget needs several tries."""


class StudentEncoder:
    """The encoder of the learned codec.

    Attributes:
        tile: Side of a tile in pixels, a multiple of 16; 0 for one tile a frame.
        threads: Number of tiles coded at once. For a frame of one tile, number of threads of
            ONNX Runtime, if it runs the networks.
    """

    name: Final = "student"

    def __init__(
        self, tile: int = 512, threads: int = 1, model: StudentModel | None = None
    ) -> None:
        if not 0 <= tile <= LARGEST_TILE or tile % BLOCK:
            raise InputError(
                f"student: tile {tile}: allowed are multiples of {BLOCK} "
                f"up to {LARGEST_TILE}, or 0 (one a frame)"
            )
        if threads < 1:
            raise InputError(f"threads {threads}: allowed is at least 1")
        self.model = model or load()
        self.tile = tile
        self.threads = threads

    @property
    def version(self) -> str:
        """Versions of everything that determines the encoder's bytes: code, libraries, model."""
        return f"encoder {_REVISION}, {inference.VERSION}, model {self.fingerprint.hex()}"

    @property
    def foreign(self) -> None:
        """None: downpass decodes its bitstreams."""

    @property
    def fingerprint(self) -> bytes:
        """The model's fingerprint."""
        return self.model.fingerprint

    def check(self, frame: Frame, setting: Setting) -> None:  # noqa: ARG002
        """Refuse frames for which a decoder would need too much memory."""
        try:
            check_size(frame.width, frame.height, self.tile)
        except ValueError as error:
            raise InputError(f"student: {error}; choose another tile") from None

    def prepare(self, frame: Frame) -> PreparedStudent:
        """Return the frame, ready to be encoded at several settings."""
        return PreparedStudent(self, frame)

    def encode(self, frame: Frame, setting: Setting) -> bytes:
        """Return the frame's container.

        Raises:
            RateError: The budget is below the smallest bitstream of this frame.
        """
        return self.prepare(frame).encode(setting)


class PreparedStudent:
    """A frame that is encoded at one or more settings; it caches the networks' outputs and bytes.

    The outputs of large frames are cached only once a budget is searched for.
    """

    def __init__(self, encoder: StudentEncoder, frame: Frame) -> None:
        try:
            check_size(frame.width, frame.height, encoder.tile)
        except ValueError as error:
            raise InputError(f"student: {error}; choose another tile") from None
        self._model, self._threads = encoder.model, encoder.threads
        self._frame = frame
        self._samples, negative = unsigned_samples(frame)
        self._holes = frame.holes()
        self._places = grid(frame.width, frame.height, encoder.tile)
        self._triples = triples(frame.bands)
        self._scales = _scales(self._samples, self._holes, frame.bit_depth)
        self._masks = (
            [] if self._holes is None else [masks.pack(self._holes[p.window]) for p in self._places]
        )
        self._rotations = tuple(self._rotation(bands) for bands in self._triples)
        self._header = FrameHeader(
            codec=encoder.name,
            width=frame.width,
            height=frame.height,
            bands=frame.bands,
            bit_depth=frame.bit_depth,
            sample_type=frame.sample_type,
            negative=negative,
            tile=encoder.tile if len(self._places) > 1 else 0,
            fingerprint=encoder.fingerprint,
            nodata=frame.nodata,
            masks=self._holes is not None,
            scales=self._scales,
            rotations=self._rotations
            if any(rotation != IDENTITY for rotation in self._rotations)
            else None,
        )
        self._analysed = SpillCache()
        # A weak reference, so that the memory is used again as soon as the frame is encoded:
        # a cycle would keep it until the next garbage collection.
        source = weakref.proxy(self)
        self._rates = TileRates(self._model.writer, self._header, source, self._threads)
        self._keep = frame.pixels.size <= _KEPT_SAMPLES

    def encode(self, setting: Setting) -> bytes:
        """Return the container at this setting.

        Raises:
            InputError: The setting asks for lossless coding, which this codec does not offer.
            RateError: The budget is below the smallest bitstream of this frame.
        """
        check_lossless(StudentEncoder.name, setting)
        budget = setting.budget(self._frame.width, self._frame.height)
        if budget is None:
            return self._rates.at_quality(self.quality(setting))
        self._keep = True
        return self._rates.within(budget)

    def quality(self, setting: Setting) -> int:
        """Return the quality 0 … 256 of a setting that has one."""
        return quality_of(setting, self._model.entropy)

    @property
    def tiles(self) -> int:
        """Number of tiles of the frame."""
        return len(self._places)

    def jobs(self, index: int) -> list[TileJob]:
        """Return the jobs of a tile's band triples; none if the whole tile is nodata."""
        place = self._places[index]
        samples = self._samples[place.window]
        if self._holes is not None:
            holes = self._holes[place.window]
            if holes.all():
                return []
            samples = samples.copy()
            fill_holes(samples, holes)
        return [
            TileJob(_values(samples, _distinct(bands), self._scales), rotation)
            for bands, rotation in zip(self._triples, self._rotations, strict=True)
        ]

    def payload(self, index: int, streams: Sequence[bytes]) -> bytes:
        """Return a tile's payload from the codestreams of its triples."""
        mask = self._masks[index] if self._masks else b""
        if not streams:
            return mask
        return mask + codestreams.join(streams)

    def container(self, payloads: Sequence[bytes], quality: int) -> bytes:
        """Return the frame's container from tiles that all have the same quality."""
        return bitstream.pack(replace(self._header, parameter=quality), payloads)

    def tile(self, index: int) -> list[AnalysedTile]:
        """Return the networks' outputs for a tile's triples; none if the whole tile is nodata."""
        kept = self._analysed.get(index)
        if kept is not None:
            return kept
        threads = self._threads if len(self._places) == 1 else 1
        found = [analyse(self._model, job, threads) for job in self.jobs(index)]
        if self._keep:
            self._analysed.put(index, found)
        return found

    def _rotation(self, bands: Sequence[int]) -> Quaternion:
        """Return the rotation of a triple; a single band is grey and needs none."""
        if len(set(bands)) == 1:
            return IDENTITY
        rows, below, columns = sampled_rows(self._samples.shape[:2])
        values = [
            _values(self._samples[one, columns], bands, self._scales) for one in (rows, below)
        ]
        seen = [self._seen(one, columns, bands) for one in (rows, below)]
        return rotation_of(difference_moments(values[0], values[1], seen[0], seen[1]))

    def _seen(self, rows: Any, columns: Any, bands: Sequence[int]) -> NDArray[np.bool_] | None:
        """Return (rows, columns), True where all bands have data; None if there are no holes."""
        if self._holes is None:
            return None
        holes = self._holes[rows, columns]
        shared = holes.shape[-1] == 1
        empty: NDArray[np.bool_] = (holes if shared else holes[..., list(bands)]).any(axis=-1)
        return ~empty


def _distinct(bands: Sequence[int]) -> Sequence[int]:
    """Return a triple's bands; a single band, which is repeated to fill it, is listed once."""
    return bands[:1] if len(set(bands)) == 1 else bands


def _values(
    samples: NDArray[Any], bands: Sequence[int], scales: Sequence[BandScale] | None
) -> NDArray[np.uint8]:
    """Return bands as 8-bit values (rows, columns, bands)."""
    if scales is None and samples.shape[2] == len(bands):
        return samples
    planes = {b: to_values(samples[..., b], scales[b] if scales else None) for b in set(bands)}
    return np.stack([planes[b] for b in bands], axis=2)


def _scales(
    samples: NDArray[Any], holes: NDArray[np.bool_] | None, bit_depth: int
) -> tuple[BandScale, ...] | None:
    """Return the scales that bring bands to 8 bits; None if they have 8 bits."""
    bands = int(samples.shape[2])
    if bit_depth == 8:
        return None
    if bit_depth < 8:
        return (widen(bit_depth),) * bands
    histograms = [np.zeros(1 << bit_depth, np.int64) for _ in range(bands)]
    for top in range(0, samples.shape[0], 1024):
        rows = slice(top, top + 1024)
        for band, histogram in enumerate(histograms):
            seen = samples[rows, :, band]
            if holes is not None:
                seen = seen[~holes[rows, :, band if holes.shape[2] > 1 else 0]]
            seen = seen.ravel()
            histogram += np.bincount(seen, minlength=histogram.size)
    scales: tuple[BandScale, ...] = choose_scales(histograms)
    return scales
