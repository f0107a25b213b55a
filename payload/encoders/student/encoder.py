"""The encoder of the learned codec: the networks run once a frame, then it writes any quality.

    Frame ── samples from 0 ── tiles ── nodata filled ── band triples, 8 bits ──► networks
                                  └──── nodata mask ─────────────┐                   │ once
    Setting ── quality 0 … 256 (searched if a budget is given) ──┴─► tile writer ──► container

A frame has one quality, which is in the header's parameter. To use up a budget, the first tiles
of a frame may have the next finer quality: parameter = quality + 512 · (number of finer tiles).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link import inference
from ....link.container import bitstream, masks, varint
from ....link.container.band_scales import BandScale
from ....link.container.frame import Frame
from ....link.container.header import LARGEST_TILE, FrameHeader
from ....link.container.hole_filling import fill_holes
from ....link.container.tiles import grid
from ....link.errors import InputError
from ....link.student.band_map import choose_scales, to_values, triples, widen
from ....link.student.codestream import AnalysedTile
from ....link.student.entropy_model import (
    INDEX_OFFSET,
    SCALES,
    SPLIT_INDEX,
    TABLE_OF_INDEX,
    EntropyModel,
)
from ....link.student.frame_layout import BLOCK, FINER_TILES, check_size
from ....link.student.rotation import IDENTITY, Quaternion
from ..base import RateError, Setting, check_lossless
from ..rate_control import GOOD_ENOUGH, fit
from ..tiled import unsigned_samples
from .colours import difference_moments, rotation_of, sampled_rows
from .jobs import TileJob, analyse
from .spill_cache import SpillCache
from .student_model import StudentModel, load

_REVISION: Final = 3
"""Revision of the encoder; increase it with every change after which pixels give other bytes."""
_SLOPE: Final = 0.012
"""Typical growth of ln(bytes) from one quality to the next."""
_ENOUGH: Final = 0.98
"""Share of a budget at which the search stops if single tiles can be given a finer quality."""
_NO_DEAD_ZONE: Final = 128
"""Increase of the rounding offset, in 1/256 step, that leaves no dead zone at any scale."""
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
        self._coded: dict[tuple[int, int], bytes] = {}
        self._keep = frame.pixels.size <= _KEPT_SAMPLES

    def encode(self, setting: Setting) -> bytes:
        """Return the container at this setting.

        Raises:
            InputError: The setting asks for lossless coding, which this codec does not offer.
            RateError: The budget is below the smallest bitstream of this frame.
        """
        check_lossless(StudentEncoder.name, setting)
        budget = setting.budget(self._frame.width, self._frame.height)
        count = len(self._places)
        if budget is None:
            chosen = [self.quality(setting)] * count
        else:
            self._keep = True
            chosen = self._fit(budget)
        payloads = self._payloads(chosen)
        if budget is not None and count == 1:
            payloads = [self._fuller(chosen[0], budget, payloads[0])]
        finer = sum(own > chosen[-1] for own in chosen)
        header = replace(self._header, parameter=chosen[-1] + FINER_TILES * finer)
        return bitstream.pack(header, payloads)

    def quality(self, setting: Setting) -> int:
        """Return the quality 0 … 256 of a setting that has one."""
        if setting.quality is None:
            raise ValueError(f"setting {setting} names no quality")
        return round(setting.quality / 100 * (self._entropy.qualities - 1))

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
        head = b"".join(varint.pack(len(stream)) + stream for stream in streams[:-1])
        return mask + head + streams[-1]

    def container(self, payloads: Sequence[bytes], quality: int) -> bytes:
        """Return the frame's container from tiles that all have the same quality."""
        return bitstream.pack(replace(self._header, parameter=quality), payloads)

    @property
    def _entropy(self) -> EntropyModel:
        return self._model.entropy

    def _fit(self, budget: int) -> list[int]:
        """Return the quality of each tile for a budget in bytes.

        The first tiles may have the next finer quality.
        """
        chosen = None
        steps = self._entropy.qualities
        if budget > 0:
            first = self._guess(budget)
            # A single tile takes whole steps of quality only, so more tries would gain nothing.
            enough = _ENOUGH if len(self._places) > 1 else GOOD_ENOUGH
            chosen = fit(self._lengths, self._packed, budget, steps, first, _SLOPE, enough)
        if chosen is None:
            smallest = self._packed(self._lengths(0), 0)
            if smallest <= budget:
                return [0] * len(self._places)
            raise RateError(
                f"student: a budget of {budget} bytes for a frame of {self._frame.width} x "
                f"{self._frame.height} pixels; the smallest that it can make is {smallest} bytes",
                budget,
                smallest,
            )
        base, count = min(chosen), len(chosen)
        if max(chosen) == base:
            return chosen
        coarse, fine = self._lengths(base), self._lengths(base + 1)
        few, many = 0, count - 1
        while few < many:
            finer = (few + many + 1) // 2
            if self._packed([*fine[:finer], *coarse[finer:]]) <= budget:
                few = finer
            else:
                many = finer - 1
        return [base + 1] * few + [base] * (count - few)

    def _fuller(self, quality: int, budget: int, payload: bytes) -> bytes:
        """Return the only tile's bytes with a dead zone that uses up the rest of the budget.

        A step of quality can be four per cent of the bytes where all gains change at once. The
        decoding does not depend on the dead zone, so the encoder can narrow it to fill the gap.
        """
        low, high = 0, _NO_DEAD_ZONE
        while high - low > 1 and quality + 1 < self._entropy.qualities:
            if self._packed([len(payload)]) >= GOOD_ENOUGH * budget:
                break
            narrower = (low + high) // 2
            trial = self._payload(0, quality, narrower)
            if self._packed([len(trial)]) <= budget:
                low, payload = narrower, trial
            else:
                high = narrower
        return payload

    def _packed(self, lengths: Sequence[int], parameter: int | None = None) -> int:
        """Return the container's size in bytes, by default with the longest parameter."""
        if parameter is None:
            parameter = self._entropy.qualities - 1 + FINER_TILES * (len(lengths) - 1)
        return bitstream.packed_size(replace(self._header, parameter=parameter), lengths)

    def _guess(self, budget: int) -> int:
        """Return a first quality for the search, estimated from each channel's mean log-scale.

        If all tiles have been coded at some quality, the one nearest to the budget is returned.
        """
        model = self._entropy
        bits = _entropies(model)
        known = {quality for _, quality in self._coded}
        if known:
            sizes = {q: self._packed(self._lengths(q)) for q in known if self._complete(q)}
            if sizes:
                return min(sizes, key=lambda q: abs(np.log(sizes[q] / budget)))
        means, places = np.zeros(model.latents), 0
        for index in range(len(self._places)):
            for tile in self.tile(index):
                means += tile.log_scales.sum(axis=(1, 2), dtype=np.int64)
                places += tile.shape.rows * tile.shape.columns
        if not places:
            return 0
        level = (means / places).astype(np.int64) + model.gain.astype(np.int64) + INDEX_OFFSET
        guessed = bits[np.clip(level >> 2, 0, SCALES - 1)].sum(axis=1) * places / 8
        return int(np.argmin(np.abs(np.log((guessed + 1) / budget))))

    def _complete(self, quality: int) -> bool:
        return all((index, quality) in self._coded for index in range(len(self._places)))

    def _lengths(self, quality: int) -> list[int]:
        return [len(one) for one in self._payloads([quality] * len(self._places))]

    def _payloads(self, chosen: Sequence[int]) -> list[bytes]:
        missing = [at for at, quality in enumerate(chosen) if (at, quality) not in self._coded]

        def work(index: int) -> bytes:
            return self._payload(index, chosen[index])

        if self._threads > 1 and len(missing) > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                payloads = list(pool.map(work, missing))
        else:
            payloads = [work(index) for index in missing]
        for index, payload in zip(missing, payloads, strict=True):
            self._coded[index, chosen[index]] = payload
        return [self._coded[index, quality] for index, quality in enumerate(chosen)]

    def _payload(self, index: int, quality: int, narrower: int = 0) -> bytes:
        write = self._model.writer.write
        streams = [write(tile, quality, narrower) for tile in self.tile(index)]
        return self.payload(index, streams)

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


def _entropies(model: EntropyModel) -> NDArray[np.float64]:
    """Return the mean bits of a symbol at each scale index."""
    starts = model.arrays["tables.latents_start"].astype(int)
    tables = [model.arrays["tables.latents"][start:end] / 65536 for start, end in pairwise(starts)]
    bits = np.array([-(table * np.log2(table)).sum() for table in tables])
    return np.asarray(bits[TABLE_OF_INDEX] + SPLIT_INDEX)
