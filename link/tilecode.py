"""A tile's codestream: side information and latents through one range coder.

docs/bitstream.md ("The student's codestream") tells the order of symbols; this is it as code,
writer and reader side by side. Nothing here runs a network: the reader is given log-scales by
whoever holds the hyper synthesis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import (
    MANTISSAS,
    PHASES,
    SIDE_CONTEXTS,
    SIDE_LOW,
    SPLIT_INDEX,
    TABLE_OF_INDEX,
    TABLES,
    EntropyModel,
)
from .latents import Integers, LogScales, Part, TileShape, Walk, rescale
from .rangecoder import CodeError, SymbolReader, Symbols, SymbolWriter

Hyper = Callable[[NDArray[np.int32]], Integers]
"""The hyper synthesis: ẑ (channels, rows, columns) to log₂-scales of twice the sides or more."""

_LONGEST_ESCAPE: Final = 20
_SPLIT: Final = SPLIT_INDEX.astype(np.uint8)


@dataclass(frozen=True, eq=False)
class AnalysedTile:
    """A tile after the networks: all that its codestream is made of, at any quality.

    Attributes:
        shape: Of the tile, in latents.
        latents: y as planes (4, channels, plane), int16 or int32.
        side: ẑ (channels, rows, columns).
        scales: L.
    """

    shape: TileShape
    latents: Integers
    side: Integers
    scales: LogScales

    @classmethod
    def of(cls, latents: Integers, side: Integers, log_scales: Integers) -> AnalysedTile:
        """Return the tile of the networks' outputs."""
        shape = TileShape(*latents.shape[1:])
        low, high = int(latents.min()), int(latents.max())
        kind = np.int16 if low > -32768 and high < 32768 else np.int32
        planes = shape.split(latents, kind)
        return cls(shape, planes, side.astype(np.int8), LogScales.of(shape, log_scales))

    @property
    def memory(self) -> int:
        """Bytes that the tile holds."""
        return int(self.latents.nbytes + self.scales.planes.nbytes + self.side.nbytes)


def encode_tile(model: EntropyModel, tile: AnalysedTile, quality: int) -> bytes:
    """Return a tile's codestream at a quality, 0 to 256."""
    writer = SymbolWriter()
    write_tile(writer, model, tile, quality)
    return writer.finish()


def write_tile(writer: SymbolWriter, model: EntropyModel, tile: AnalysedTile, quality: int) -> None:
    """Write a tile's symbols."""
    _write_side(writer, model, tile.side)
    walk = Walk(model, tile.scales, quality)
    encoding = _Encoding(model, tile, walk, quality)
    walk.run(encoding)
    encoding.write(writer)


def decode_tile(
    model: EntropyModel, hyper: Hyper, data: bytes, shape: TileShape, quality: int
) -> NDArray[np.int32]:
    """Return ŷ (channels, rows, columns) of a codestream.

    Args:
        model: The entropy model.
        hyper: The hyper synthesis.
        data: The codestream; never trusted.
        shape: Of the tile, in latents.
        quality: Of the tile, 0 to 256.

    Raises:
        CodeError: No encoder writes this.
    """
    reader = SymbolReader(data)
    side = _read_side(reader, model, -(-shape.rows // 2), -(-shape.columns // 2))
    scales = LogScales.of(shape, hyper(side))
    walk = Walk(model, scales, quality)
    decoding = _Decoding(reader, model, walk, quality)
    walk.run(decoding)
    reader.finish()
    out = shape.join(decoding.latents)
    out[: model.predicted] = walk.leading()
    return out


class _Encoding:
    """Latents to symbols; symbols to bits when all are known."""

    def __init__(self, model: EntropyModel, tile: AnalysedTile, walk: Walk, quality: int) -> None:
        self.model = model
        gain = model.gain[quality].astype(np.int64)
        self._mantissa = MANTISSAS[gain & 31].astype(np.int32)
        self._shift = (8 - (gain >> 5)).astype(np.int32)
        self._channels = walk.channels
        self._value = tile.latents.reshape(-1)[walk.spoken].astype(np.int32)
        self._size = self._scaled(self._value, slice(None))
        self._index: list[NDArray[np.uint8]] = []
        self._symbols: list[Symbols] = []

    def _scaled(self, value: NDArray[np.int32], which: slice) -> NDArray[np.int32]:
        """Return |v| of spoken latents in 1/256 step."""
        channels = self._channels[which]
        size = np.abs(value)
        size *= self._mantissa.take(channels)
        size >>= self._shift.take(channels)
        return size

    def __call__(self, part: Part) -> Symbols:
        value, size = self._value[part.spoken], self._size[part.spoken]
        if part.means is not None:
            value = value - part.means.reshape(-1)[part.places].astype(np.int32)
            size = self._scaled(value, part.spoken)
        symbols = size + self.model.rounding.take(part.index)
        symbols >>= 8
        np.negative(symbols, out=symbols, where=value < 0)
        self._index.append(part.index)
        self._symbols.append(symbols)
        return symbols

    def write(self, writer: SymbolWriter) -> None:
        """Write all parts; what can be worked out for all of them at once is."""
        if not self._index:
            return
        sizes = np.array([one.size for one in self._index])
        index, symbols = np.concatenate(self._index), np.concatenate(self._symbols)
        tables = _Tables(self.model, index, symbols, sizes)
        for part in range(sizes.size):
            tables.write(writer, part)


class _Tables:
    """Symbols of all parts, sorted by part and table."""

    def __init__(
        self, model: EntropyModel, index: NDArray[np.uint8], symbols: Symbols, sizes: Integers
    ) -> None:
        self.model = model
        table = np.take(TABLE_OF_INDEX, index)
        part = np.repeat(np.arange(sizes.size, dtype=np.uint16) * np.uint16(TABLES), sizes)
        key = part + table
        order = np.argsort(key, kind="stable")
        self._counts = np.bincount(key, minlength=sizes.size * TABLES)
        symbols = np.take(symbols, order)
        self._bits: NDArray[np.uint8] | None = None
        if int(index.max()) >= TABLES:
            self._bits = np.take(np.take(_SPLIT, index), order)
            symbols, self._low = split(symbols, self._bits)
        reach = np.repeat(np.tile(model.reach_of_table, sizes.size), self._counts)
        self._places, beyond = _table_places(symbols, reach)
        self._ends = np.concatenate(([0], np.cumsum(sizes)))
        self._escape_ends = np.searchsorted(beyond[0], self._ends).tolist()
        self._escapes = beyond[1]

    def write(self, writer: SymbolWriter, part: int) -> None:
        """Write a part: its tables' symbols, low bits, escapes."""
        end = int(self._ends[part])
        first = end
        counts = self._counts[part * TABLES : (part + 1) * TABLES].tolist()
        places, models = self._places, self.model.latent_models
        for number, count in enumerate(counts):
            if count:
                start, end = end, end + count
                writer.write(places[start:end], models[number])
        if self._bits is not None and end > first:
            bits, low = self._bits[first:end], self._low[first:end]
            for count in range(1, int(bits.max()) + 1):
                own = low[bits == count]
                if own.size:
                    writer.write(own, self.model.low_models[count - 1])
        start, end = self._escape_ends[part : part + 2]
        _write_escapes(writer, self.model, self._escapes[start:end])


def _table_places(symbols: Symbols, reach: Symbols) -> tuple[Symbols, tuple[Integers, list[int]]]:
    """Return table places of symbols (the escape for those beyond), and the latter.

    These are their places among the symbols, and by how much they are beyond, with their sign.
    """
    places = symbols + reach
    beyond = np.flatnonzero(places.view(np.uint32) > 2 * reach.view(np.uint32))
    if not beyond.size:
        return places, (beyond, [])
    own = np.broadcast_to(reach, symbols.shape)[beyond]
    out = symbols[beyond]
    places[beyond] = 2 * own + 1
    return places, (beyond, np.where(out < 0, out + own, out - own).tolist())


def _write_escapes(writer: SymbolWriter, model: EntropyModel, escapes: list[int]) -> None:
    """Write how far symbols are beyond their tables: Elias gamma, then the sign."""
    for value in escapes:
        size = abs(value)
        length = size.bit_length() - 1
        bits = [0] * length + [size >> at & 1 for at in range(length, -1, -1)]
        writer.write(np.array([*bits, int(value < 0)], np.int32), model.low_models[0])


class _Decoding:
    """Bits to symbols, symbols to decoded latents."""

    def __init__(self, reader: SymbolReader, model: EntropyModel, walk: Walk, quality: int) -> None:
        self.reader, self.model, self.walk = reader, model, walk
        self.gain = model.gain[quality]
        self.latents = np.zeros((4, model.latents, walk.shape.plane), np.int32)

    def __call__(self, part: Part) -> Symbols:
        symbols = self._read(part.index)
        gain = self.gain[self.walk.channels[part.spoken]]
        self.latents.reshape(-1)[self.walk.spoken[part.spoken]] = rescale(symbols, gain)
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
    """Replace escapes among `values` (reach + 1) by what was written."""
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


def split(symbols: Symbols, bits: NDArray[np.uint8]) -> tuple[Symbols, Symbols]:
    """Return what tables code of symbols, and the low bits that they do not."""
    octaves = bits.astype(np.int32)
    shifted = symbols + ((1 << octaves) >> 1)
    return shifted >> octaves, shifted & ((1 << octaves) - 1)


def join(high: Symbols, low: Symbols, bits: NDArray[np.uint8]) -> Symbols:
    """Undo `split`."""
    octaves = bits.astype(np.int32)
    if high.size and int(np.abs(high).max()) > 1 << 22:
        raise CodeError("a symbol beyond any picture's")
    return (high << octaves) + low - ((1 << octaves) >> 1)


def side_contexts(side: Integers, phase: int) -> Integers:
    """Return the contexts 0 … 5 of a phase's values of ẑ (channels, positions of the phase)."""
    row, column = PHASES[phase]
    rows, columns = (side.shape[1] - row + 1) // 2, (side.shape[2] - column + 1) // 2
    if phase == 0:
        return np.full((side.shape[0], rows, columns), SIDE_CONTEXTS - 1)
    padded = np.pad(side.astype(np.int64), ((0, 0), (1, 2), (1, 2)))
    there = np.pad(np.ones(side.shape[1:], np.int64), ((1, 2), (1, 2)))
    near = ((0, 0), (0, 2), (2, 0), (2, 2)) if phase == 1 else ((0, 1), (1, 0), (1, 2), (2, 1))
    total = np.zeros((side.shape[0], rows, columns), np.int64)
    count = np.zeros((rows, columns), np.int64)
    for i, j in near:
        total += padded[:, row + i :: 2, column + j :: 2][:, :rows, :columns]
        count += there[row + i :: 2, column + j :: 2][:rows, :columns]
    mean = (2 * total + count) // np.maximum(2 * count, 1)
    return np.where(count > 0, np.clip(mean, -2, 2) + 2, SIDE_CONTEXTS - 1)


def _write_side(writer: SymbolWriter, model: EntropyModel, side: Integers) -> None:
    channels = np.arange(model.side)[:, None, None] * SIDE_CONTEXTS
    models = [one for channel in model.side_models for one in channel]
    for phase, (row, column) in enumerate(PHASES):
        key = (side_contexts(side, phase) + channels).reshape(-1)
        order = key.argsort(kind="stable")
        symbols = side[:, row::2, column::2].astype(np.int32).reshape(-1).take(order)
        symbols -= SIDE_LOW
        end = 0
        for number, count in enumerate(np.bincount(key).tolist()):
            if count:
                start, end = end, end + count
                writer.write(symbols[start:end], models[number])


def _read_side(
    reader: SymbolReader, model: EntropyModel, rows: int, columns: int
) -> NDArray[np.int32]:
    side = np.zeros((model.side, rows, columns), np.int32)
    for phase, (row, column) in enumerate(PHASES):
        part = side[:, row::2, column::2]
        if part.size == 0:
            continue
        contexts = side_contexts(side, phase)
        for channel, models in enumerate(model.side_models):
            for context in np.flatnonzero(np.bincount(contexts[channel].ravel(), minlength=1)):
                own = contexts[channel] == context
                read = reader.read(int(own.sum()), models[context])
                part[channel][own] = read + SIDE_LOW
    return side
