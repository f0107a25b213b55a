"""Write and read a tile's codestream: side information and latents through one range coder.

docs/bitstream.md ("The student's codestream") specifies the order of symbols. No network runs in
this module: the reader's caller passes the hyper synthesis as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import compiled_reader
from .compiled_reader import CompiledTileReader
from .entropy_model import (
    SIDE_LOW,
    SPLIT_INDEX,
    TABLE_OF_INDEX,
    TABLES,
    EntropyModel,
)
from .numpy_reader import NumpyTileReader
from .phases import PHASES
from .planes import Integers, LogScales, TileShape
from .range_coder import Symbols, SymbolWriter
from .side_contexts import SIDE_CONTEXTS
from .symbols import TileSymbols, tile_symbols

Hyper = Callable[[NDArray[np.int32]], Integers]
"""The hyper synthesis: ẑ (channels, rows, columns) to log₂-scales of at least twice the sides."""

_SPLIT: Final = SPLIT_INDEX.astype(np.uint8)


@dataclass(frozen=True, eq=False)
class AnalysedTile:
    """The networks' outputs for a tile: all that its codestream depends on besides the quality.

    Attributes:
        shape: Size of the tile in latents.
        latents: y (channels, rows, columns), int32.
        side: ẑ (channels, half the rows, half the columns), int8.
        log_scales: L (channels, rows, columns), int16.
    """

    shape: TileShape
    latents: Integers
    side: Integers
    log_scales: Integers

    @classmethod
    def of(cls, latents: Integers, side: Integers, log_scales: Integers) -> AnalysedTile:
        """Return the tile from the networks' outputs; surplus rows and columns of L are cut off."""
        shape = TileShape(*latents.shape[1:])
        inside = log_scales[:, : shape.rows, : shape.columns]
        return cls(
            shape,
            np.ascontiguousarray(latents, np.int32),
            np.ascontiguousarray(side, np.int8),
            np.ascontiguousarray(inside, np.int16),
        )

    @property
    def planes(self) -> Integers:
        """The latents y as planes (4, channels, plane)."""
        return self.shape.split(self.latents, np.int32)

    @property
    def scales(self) -> LogScales:
        """The log-scales L as planes."""
        return LogScales.of(self.shape, self.log_scales)


def encode_tile(model: EntropyModel, tile: AnalysedTile, quality: int, narrower: int = 0) -> bytes:
    """Return a tile's codestream at a quality, 0 to 256 (`narrower`: see `tile_symbols`)."""
    writer = SymbolWriter()
    write_tile(writer, model, tile, quality, narrower)
    return writer.finish()


def write_tile(
    writer: SymbolWriter, model: EntropyModel, tile: AnalysedTile, quality: int, narrower: int = 0
) -> None:
    """Write a tile's side information, then its latents."""
    _write_side(writer, model, tile.side)
    found = tile_symbols(model, tile.planes, tile.scales, quality, narrower)
    if found.symbols.size:
        _write_latents(writer, model, found)


def decode_tile(
    model: EntropyModel, hyper: Hyper, data: bytes, shape: TileShape, quality: int
) -> NDArray[np.int32]:
    """Return ŷ (channels, rows, columns) of a codestream; see `read_tile`."""
    return np.asarray(read_tile(model, hyper, data, shape, quality).latents, np.int32)


def read_tile(
    model: EntropyModel, hyper: Hyper, data: bytes, shape: TileShape, quality: int
) -> AnalysedTile:
    """Return what a codestream says of a tile: ŷ in the place of y, ẑ and L.

    Args:
        model: The entropy model.
        hyper: The hyper synthesis.
        data: The codestream, which may be damaged or hostile.
        shape: Size of the tile in latents.
        quality: Quality of the tile, 0 to 256.

    Raises:
        CodeError: No encoder writes these bytes.
    """
    reader: CompiledTileReader | NumpyTileReader
    if compiled_reader.NATIVE is None:
        reader = NumpyTileReader(model, data)
    else:
        reader = CompiledTileReader(compiled_reader.NATIVE, model, data)
    side = reader.read_side(shape)
    log_scales = np.asarray(hyper(side.astype(np.int32)))
    latents = reader.read_latents(shape, log_scales, quality)
    return AnalysedTile.of(latents, side, log_scales)


def _write_latents(writer: SymbolWriter, model: EntropyModel, tile: TileSymbols) -> None:
    """Write a tile's symbols: step by step in coding order, table by table within a step."""
    steps = 4 * len(model.groups)
    has_low_bits = int(tile.index.max()) >= TABLES
    key = tile.step * np.uint16(TABLES)
    key += np.take(TABLE_OF_INDEX, tile.index) if has_low_bits else tile.index
    order = stable_order(key)
    counts = np.bincount(key, minlength=steps * TABLES)
    symbols = tile.symbols.take(order)
    bits, low = np.empty(0, np.uint8), np.empty(0, np.int32)
    if has_low_bits:
        bits = np.take(_SPLIT, tile.index).take(order)
        symbols, low = split(symbols, bits)
    reach = np.repeat(np.tile(model.reach_of_table, steps), counts)
    places, (beyond, escapes) = _table_places(symbols, reach)
    step_ends = counts.reshape(steps, TABLES).sum(axis=1).cumsum()
    escape_ends = np.searchsorted(beyond, step_ends).tolist() if escapes else []
    tables = counts.nonzero()[0]
    ends = counts.take(tables).cumsum().tolist()
    models, write, start, begin = model.latent_models, writer.write, 0, 0
    if not has_low_bits and not escapes:
        for at, end in zip((tables % TABLES).tolist(), ends, strict=True):
            write(places[start:end], models[at])
            start = end
        return
    first_escape, step_end = 0, step_ends.tolist()
    for at, end in zip(tables.tolist(), ends, strict=True):
        step, table = divmod(at, TABLES)
        write(places[start:end], models[table])
        start = end
        if end == step_end[step]:
            # The format puts a step's low bits and escapes after its symbols.
            if has_low_bits:
                _write_low(writer, model, bits[begin:end], low[begin:end])
            if escapes:
                _write_escapes(writer, model, escapes[first_escape : escape_ends[step]])
                first_escape = escape_ends[step]
            begin = end


def stable_order(key: NDArray[np.uint16]) -> Integers:
    """Return the indices that sort small keys and keep equal keys in their order.

    Sorting integers that pack a key with its index is several times faster than a stable argsort.
    """
    size = key.size
    kind: Any = np.uint32 if size << int(key.max()).bit_length() < 1 << 32 else np.uint64
    places = size.bit_length()
    both = key.astype(kind) << kind(places)
    both |= np.arange(size, dtype=kind)
    both.sort()
    both &= kind((1 << places) - 1)
    return np.asarray(both.astype(np.intp))


def _write_low(
    writer: SymbolWriter, model: EntropyModel, bits: NDArray[np.uint8], low: Symbols
) -> None:
    """Write the low bits of a step's symbols."""
    for count in range(1, int(bits.max()) + 1):
        own = low[bits == count]
        if own.size:
            writer.write(own, model.low_models[count - 1])


def _table_places(symbols: Symbols, reach: Symbols) -> tuple[Symbols, tuple[Integers, list[int]]]:
    """Return each symbol's place in its table, and the symbols that are beyond their tables.

    The place of a symbol beyond its table is that of the escape. These symbols are returned as
    their indices and the signed distances by which they exceed the tables' reach.
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
    """Write by how much symbols exceed their tables' reach: Elias gamma code, then the sign."""
    for value in escapes:
        size = abs(value)
        length = size.bit_length() - 1
        bits = [0] * length + [size >> at & 1 for at in range(length, -1, -1)]
        writer.write(np.array([*bits, int(value < 0)], np.int32), model.low_models[0])


def split(symbols: Symbols, bits: NDArray[np.uint8]) -> tuple[Symbols, Symbols]:
    """Split symbols into the part that tables code and the low bits that are written as they are.

    `bits` is the number of low bits of each symbol.
    """
    octaves = bits.astype(np.int32)
    shifted = symbols + ((1 << octaves) >> 1)
    return shifted >> octaves, shifted & ((1 << octaves) - 1)


def _write_side(writer: SymbolWriter, model: EntropyModel, side: Integers) -> None:
    """Write ẑ, ordered by phase, then channel, then context."""
    count = model.side * SIDE_CONTEXTS
    key = model.side_contexts.of_all(side)
    key += (np.arange(model.side) * SIDE_CONTEXTS).astype(np.uint16)[:, None, None]
    for phase, (row, column) in enumerate(PHASES):
        key[:, row::2, column::2] += np.uint16(phase * count)
    key = key.reshape(-1)
    symbols = side.reshape(-1).take(stable_order(key)).astype(np.int32)
    symbols -= SIDE_LOW
    counts = np.bincount(key)
    tables = counts.nonzero()[0]
    models, write, start = model.side_tables, writer.write, 0
    ends = counts.take(tables).cumsum().tolist()
    for table, end in zip((tables % count).tolist(), ends, strict=True):
        write(symbols[start:end], models[table])
        start = end
