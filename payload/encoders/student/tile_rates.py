"""Code a frame's analysed tiles at a quality, or within a byte budget, and cache what was coded.

    TileSource ── tile(i): y, ẑ, L ──► TileRates ── quality of each tile ──► container
    networks, or a bitstream               └─ searched, if a budget is given

Quality is a gain and nothing else (docs/codec.md), so this needs tables and additions, but neither
pixels nor networks. A source that decodes a bitstream serves as well as one that runs the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ....link.container import bitstream
from ....link.container.header import FrameHeader
from ....link.student.codestream import AnalysedTile
from ....link.student.entropy_model import (
    INDEX_OFFSET,
    SCALES,
    SPLIT_INDEX,
    TABLE_OF_INDEX,
    EntropyModel,
)
from ....link.student.frame_layout import FINER_TILES
from ..base import RateError, Setting
from ..rate_control import GOOD_ENOUGH, Ladder, fit
from .tilewriter import MOST_ROUNDING, TileWriter

_SLOPE: Final = 0.012
"""Typical growth of ln(bytes) from one quality to the next."""
_ENOUGH: Final = 0.98
"""Share of a budget at which the search stops if single tiles can be given a finer quality."""


class TileSource(Protocol):
    """Where the tiles of a frame come from."""

    @property
    def tiles(self) -> int:
        """Number of tiles of the frame."""
        ...

    def tile(self, index: int) -> Sequence[AnalysedTile]:
        """Return a tile's band triples; none if the whole tile is nodata."""
        ...

    def payload(self, index: int, streams: Sequence[bytes]) -> bytes:
        """Return a tile's payload from the codestreams of its triples."""
        ...


class TileRates:
    """The tiles of one frame, coded at any quality; each tile once at most.

    Args:
        writer: Writes codestreams.
        header: Header of the frame; its parameter is replaced.
        source: The frame's analysed tiles.
        threads: Number of tiles coded at once.
        finest: The finest quality to use, 0 to 256.
        narrower: Returns by how much the dead zone is narrower than usual at a quality, see
            `TileWriter.write`.
    """

    def __init__(
        self,
        writer: TileWriter,
        header: FrameHeader,
        source: TileSource,
        threads: int = 1,
        finest: int | None = None,
        narrower: Callable[[int], int] = lambda _: 0,
    ) -> None:
        self._writer = writer
        self._header = header
        self._source = source
        self._threads = threads
        self._narrower = narrower
        self._finest = self._entropy.qualities - 1 if finest is None else finest
        self._coded: dict[tuple[int, int], bytes] = {}

    def at_quality(self, quality: int) -> bytes:
        """Return the container with this quality, 0 to 256, in all tiles."""
        return self._container([quality] * self._source.tiles)

    def within(self, budget: int) -> bytes:
        """Return the finest container of at most `budget` bytes that the search finds.

        Raises:
            RateError: The budget is below the smallest bitstream of this frame.
        """
        chosen = self._fit(budget)
        if len(chosen) > 1:
            return self._container(chosen)
        payload = self._fuller(chosen[0], budget, self._payloads(chosen)[0])
        return bitstream.pack(replace(self._header, parameter=chosen[0]), [payload])

    @property
    def _entropy(self) -> EntropyModel:
        return self._writer.model

    def _container(self, chosen: Sequence[int]) -> bytes:
        finer = sum(own > chosen[-1] for own in chosen)
        header = replace(self._header, parameter=chosen[-1] + FINER_TILES * finer)
        return bitstream.pack(header, self._payloads(chosen))

    def _fit(self, budget: int) -> list[int]:
        """Return the quality of each tile for a budget in bytes.

        The first tiles may have the next finer quality.
        """
        chosen = None
        if budget > 0:
            first = self._guess(budget)
            # A single tile takes whole steps of quality only, so more tries would gain nothing.
            enough = _ENOUGH if self._source.tiles > 1 else GOOD_ENOUGH
            ladder = Ladder(self._lengths, self._packed, self._finest + 1)
            chosen = fit(ladder, budget, first, _SLOPE, enough, ahead=0)
        if chosen is None:
            smallest = self._packed(self._lengths(0), 0)
            if smallest <= budget:
                return [0] * self._source.tiles
            raise RateError(
                f"student: a budget of {budget} bytes for a frame of {self._header.width} x "
                f"{self._header.height} pixels; the smallest that it can make is {smallest} bytes",
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
        low, high = 0, MOST_ROUNDING
        while high - low > 1 and quality < self._finest:
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
        known = {quality for _, quality in self._coded}
        if known:
            sizes = {q: self._packed(self._lengths(q)) for q in known if self._complete(q)}
            if sizes:
                return min(sizes, key=lambda q: abs(np.log(sizes[q] / budget)))
        bits = _entropies(model)
        means, places = np.zeros(model.latents), 0
        for index in range(self._source.tiles):
            for tile in self._source.tile(index):
                means += tile.log_scales.sum(axis=(1, 2), dtype=np.int64)
                places += tile.shape.rows * tile.shape.columns
        if not places:
            return 0
        level = (means / places).astype(np.int64) + model.gain.astype(np.int64) + INDEX_OFFSET
        guessed = bits[np.clip(level >> 2, 0, SCALES - 1)].sum(axis=1) * places / 8
        return int(np.argmin(np.abs(np.log((guessed + 1) / budget))))

    def _complete(self, quality: int) -> bool:
        return all((index, quality) in self._coded for index in range(self._source.tiles))

    def _lengths(self, quality: int) -> list[int]:
        return [len(one) for one in self._payloads([quality] * self._source.tiles)]

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
        write, offset = self._writer.write, narrower + self._narrower(quality)
        streams = [write(tile, quality, offset) for tile in self._source.tile(index)]
        return self._source.payload(index, streams)


def quality_of(setting: Setting, model: EntropyModel) -> int:
    """Return the quality 0 … 256 of a setting that has one, 0 … 100."""
    if setting.quality is None:
        raise ValueError(f"setting {setting} names no quality")
    return round(setting.quality / 100 * (model.qualities - 1))


def _entropies(model: EntropyModel) -> NDArray[np.float64]:
    """Return the mean bits of a symbol at each scale index."""
    starts = model.arrays["tables.latents_start"].astype(int)
    tables = [model.arrays["tables.latents"][start:end] / 65536 for start, end in pairwise(starts)]
    bits = np.array([-(table * np.log2(table)).sum() for table in tables])
    return np.asarray(bits[TABLE_OF_INDEX] + SPLIT_INDEX)
