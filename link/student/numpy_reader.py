"""Read a tile's codestream with numpy: without a C compiler, and as what the C is compared with.

    range decoder ──► ẑ ──► (the caller's hyper synthesis) ──► L ──► decoding order ──► k ──► ŷ

docs/bitstream.md ("The student's codestream") specifies the order of symbols.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .coding_order import DecodingOrder, GroupPhase
from .entropy_model import (
    SIDE_LOW,
    SPLIT_INDEX,
    TABLE_OF_INDEX,
    TABLES,
    EntropyModel,
)
from .phases import PHASES
from .planes import Integers, LogScales, TileShape
from .predicted_means import rescale
from .range_coder import CodeError, SymbolReader, Symbols
from .side_contexts import neighbour_means, part_of_phase

_LONGEST_ESCAPE: Final = 20
_SPLIT: Final = SPLIT_INDEX.astype(np.uint8)


class NumpyTileReader:
    """Reads one tile's codestream as `CompiledTileReader` does, with numpy."""

    def __init__(self, model: EntropyModel, data: bytes) -> None:
        self._model = model
        self._reader = SymbolReader(data)

    def read_side(self, shape: TileShape) -> NDArray[np.int8]:
        """Return ẑ (channels, half the rows, half the columns)."""
        return _read_side(self._reader, self._model, *shape.halves)

    def read_latents(
        self, shape: TileShape, log_scales: Integers, quality: int
    ) -> NDArray[np.int32]:
        """Return ŷ (channels, rows, columns), and check that the bytes end behind it."""
        model = self._model
        order = DecodingOrder(model, LogScales.of(shape, log_scales), quality)
        decoding = _Decoding(self._reader, model, order, quality)
        order.run(decoding)
        self._reader.finish()
        latents = shape.join(decoding.latents)
        latents[: model.predicted] = order.predicted.latents()
        return np.asarray(latents, np.int32)


class _Decoding:
    """Reads the symbols of each step of the decoding order and keeps the decoded latents."""

    def __init__(
        self, reader: SymbolReader, model: EntropyModel, order: DecodingOrder, quality: int
    ) -> None:
        self.reader, self.model, self.order = reader, model, order
        self.gain = model.gain[quality]
        self.latents = np.zeros((4, model.latents, order.shape.plane), np.int32)

    def __call__(self, latents: GroupPhase) -> Symbols:
        symbols = self._read(latents.index)
        coded = self.order.coded
        gain = self.gain[coded.plane[latents.coded] % self.model.latents]
        self.latents.reshape(-1)[coded.flat[latents.coded]] = rescale(symbols, gain)
        return symbols

    def _read(self, index: NDArray[np.uint8]) -> Symbols:
        table = np.take(TABLE_OF_INDEX, index)
        order = np.argsort(table, kind="stable")
        counts = np.bincount(table, minlength=TABLES)
        sorted_symbols = np.empty(index.size, np.int32)
        reaches, end = self.model.reaches, 0
        for number in np.flatnonzero(counts).tolist():
            start, end = end, end + int(counts[number])
            read = self.reader.read(end - start, self.model.latent_models[number])
            sorted_symbols[start:end] = read - reaches[number]
        bits, low = None, np.zeros(index.size, np.int32)
        if int(index.max()) >= TABLES:
            bits = np.take(_SPLIT, index)[order]
            for count in range(1, int(bits.max()) + 1):
                own = bits == count
                if own.any():
                    low[own] = self.reader.read(int(own.sum()), self.model.low_models[count - 1])
        reach = np.take(self.model.reach_of_table, table[order])
        _read_escapes(self.reader, self.model, sorted_symbols, reach)
        if bits is not None:
            sorted_symbols = join(sorted_symbols, low, bits)
        symbols = np.empty_like(sorted_symbols)
        symbols[order] = sorted_symbols
        return symbols


def _read_escapes(
    reader: SymbolReader, model: EntropyModel, values: Symbols, reaches: Symbols
) -> None:
    """Replace escapes among `values` (reach + 1) by the symbols that they stand for."""
    one = model.low_models[0]
    for place in np.flatnonzero(values > reaches):
        reach = int(reaches[place])
        length = 0
        while not int(reader.read(1, one)[0]):
            length += 1
            if length > _LONGEST_ESCAPE:
                raise CodeError("an escape beyond any picture's")
        size = 1
        for bit in reader.read(length, one).tolist():
            size = 2 * size + bit
        negative = int(reader.read(1, one)[0])
        values[place] = -(reach + size) if negative else reach + size


def join(high: Symbols, low: Symbols, bits: NDArray[np.uint8]) -> Symbols:
    """Undo `codestream.split`."""
    octaves = bits.astype(np.int32)
    if high.size and int(np.abs(high).max()) > 1 << 22:
        raise CodeError("a symbol beyond any picture's")
    return (high << octaves) + low - ((1 << octaves) >> 1)


def _read_side(
    reader: SymbolReader, model: EntropyModel, rows: int, columns: int
) -> NDArray[np.int8]:
    side = np.zeros((model.side, rows, columns), np.int8)
    for phase in range(len(PHASES)):
        part = part_of_phase(side, phase)
        if part.size == 0:
            continue
        means = neighbour_means(side, phase)
        for channel, models in enumerate(model.side_models):
            own_channel = slice(channel, channel + 1)
            contexts = model.side_contexts.of_phase(phase, means, part, own_channel)[0]
            for context in np.flatnonzero(np.bincount(contexts.ravel(), minlength=1)):
                own = contexts == context
                read = reader.read(int(own.sum()), models[context])
                part[channel][own] = read + SIDE_LOW
    return side
