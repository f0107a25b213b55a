"""Frequency tables of the entropy coder, counted from the symbols that the codec really codes.

Latents. A symbol k at scale index i is coded with table t = i - 8·b, where b is the number of
octaves by which i lies above the widest table. Its b low bits are sent uncoded:
  k' = (k + 2^(b-1)) >> b,  low = (k + 2^(b-1)) & (2^b - 1)      (b = 0: k' = k)
Table t holds 2·T_t + 2 frequencies, of k' = -T_t … T_t and of the escape; they sum to 2^16.

A skipped latent (see `entropy_reference`) is not coded at all.

Side information. A value of ẑ is coded with the table of its channel and of its context, see
`link.student.side_contexts`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....link.student.entropy_model import SIDE_LOW
from ....link.student.side_contexts import SIDE_CONTEXTS, SideContexts
from ..networks.scale_context import SCALES_AN_OCTAVE, SMALLEST_SCALE_OCTAVE
from .entropy_reference import SKIPPED, TileReference
from .fit_side_contexts import SIDE_VALUES, fit_side_contexts
from .integer_networks import Arrays, Integers

TOTAL_BITS = 16
TABLES = 8 * SCALES_AN_OCTAVE + 1
"""Tables of latents: scales of 2^-4 … 2^4 steps."""
PRIOR_LATENTS = 3000.0
"""Weight of the logistic distribution beside the counted symbols, in symbols."""
PRIOR_SIDE = 30.0


def split_symbols(symbols: Integers, index: Integers) -> tuple[Integers, Integers, Integers]:
    """Return (k', low bits, table) of symbols at scale indices."""
    octaves = low_bits(index)
    half = np.where(octaves > 0, np.int64(1) << np.maximum(octaves - 1, 0), 0)
    shifted = symbols + half
    low = shifted & ((np.int64(1) << octaves) - 1)
    return shifted >> octaves, low, index - SCALES_AN_OCTAVE * octaves


def low_bits(index: Integers) -> Integers:
    """Return b, the number of low bits that are sent uncoded at a scale index."""
    return np.maximum(-((TABLES - 1 - index) // SCALES_AN_OCTAVE), 0)


@dataclass(frozen=True, slots=True)
class IntegerTile:
    """One tile's latents and side information in integers, and the quality to code it at.

    Attributes:
        latents: Latents y (N, rows, columns) in 1/16.
        side: Side information ẑ (side channels, ⌈rows/2⌉, ⌈columns/2⌉).
        log_scales: log₂ scales L (N, rows, columns) in 1/32 octave.
        quality: Quality 0…256.
    """

    latents: Integers
    side: Integers
    log_scales: Integers
    quality: int


def count_tables(arrays: Arrays, tiles: Iterable[IntegerTile]) -> Arrays:
    """Return the frequency tables, counted on tiles of training pictures at all rates.

    Returns:
        `tables.latents` uint32 (all tables, one after another), `tables.latents_start` uint32
        (TABLES + 1), `tables.side` uint32 (side channels, contexts, 64), and the arrays of
        `fit_side_contexts`.
    """
    sides = []
    reach = 512
    counts = np.zeros((TABLES, 2 * reach + 1))
    for tile in tiles:
        symbols, _, index = TileReference(arrays, tile.log_scales, tile.quality).encode(
            tile.latents
        )
        coded = index != SKIPPED
        high, _, table = split_symbols(symbols[coded], index[coded])
        np.add.at(counts, (table.ravel(), np.clip(high, -reach, reach).ravel() + reach), 1)
        sides.append(tile.side)
    contexts = fit_side_contexts(sides)
    latent_tables, starts = _latent_tables(counts, reach)
    return {
        "tables.latents": latent_tables,
        "tables.latents_start": starts,
        "tables.side": side_tables(sides, contexts),
        **contexts,
    }


def _latent_tables(
    counts: NDArray[np.float64], reach: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    parts, starts = [], [0]
    counts = counts + counts[:, ::-1]  # both signs are equally likely
    values = np.arange(-reach, reach + 1)
    for table in range(TABLES):
        scale = 2.0 ** (table / SCALES_AN_OCTAVE + SMALLEST_SCALE_OCTAVE)
        prior = _logistic(values, scale)
        weight = counts[table] + PRIOR_LATENTS * prior
        probability = weight / weight.sum()
        # Values that are rarer than one count in the table are coded with the escape.
        common = np.flatnonzero(probability * 2**TOTAL_BITS >= 0.5)
        largest = max(1, int(np.abs(values[common]).max()))
        inside = np.abs(values) <= largest
        escape = max(probability[~inside].sum(), 2.0**-TOTAL_BITS)
        parts.append(integer_frequencies(np.append(probability[inside], escape)))
        starts.append(starts[-1] + parts[-1].size)
    return np.concatenate(parts), np.array(starts, np.uint32)


def side_tables(sides: Sequence[Integers], arrays: Arrays) -> NDArray[np.uint32]:
    """Return frequency tables of ẑ (channels, contexts, values), counted on these tiles.

    Args:
        sides: ẑ (channels, rows, columns) of each tile.
        arrays: The arrays of `SideContexts`.
    """
    channels = sides[0].shape[0]
    contexts = SideContexts.load(arrays, channels)
    channel = np.arange(channels)[:, None, None]
    counts = np.zeros((channels, SIDE_CONTEXTS, SIDE_VALUES))
    for side in sides:
        np.add.at(counts, (channel, contexts.of_all(side), side - SIDE_LOW), 1)
    marginal = counts.sum(axis=1, keepdims=True) + 0.05
    marginal /= marginal.sum(axis=2, keepdims=True)
    weight = counts + PRIOR_SIDE * marginal
    tables = [[integer_frequencies(row / row.sum()) for row in channel] for channel in weight]
    return np.array(tables, np.uint32)


def integer_frequencies(probability: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return frequencies of at least one that sum to 2^16, as near as possible to probabilities."""
    spare = 2**TOTAL_BITS - probability.size
    exact = probability / probability.sum() * spare
    whole = np.floor(exact).astype(np.int64)
    missing = spare - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:missing]] += 1
    return np.asarray((whole + 1).astype(np.uint32))


def ideal_bits(arrays: Arrays, symbols: Integers, index: Integers, side: Integers) -> float:
    """Return the bits of a tile under an ideal entropy coder with these tables."""
    coded = index != SKIPPED
    high, _, table = split_symbols(symbols[coded], index[coded])
    starts = arrays["tables.latents_start"].astype(np.int64)
    frequencies = arrays["tables.latents"].astype(np.float64)
    reach = (starts[table + 1] - starts[table] - 2) // 2
    escaped = np.abs(high) > reach
    position = np.where(escaped, 2 * reach + 1, high + reach)
    bits = -np.log2(frequencies[starts[table] + position] / 2**TOTAL_BITS).sum()
    bits += float(low_bits(index[coded]).sum())
    beyond = np.abs(high[escaped]) - reach[escaped]
    bits += float(sum(2 * math.floor(math.log2(v)) + 2 for v in beyond))
    which = np.broadcast_to(np.arange(side.shape[0])[:, None, None], side.shape)
    contexts = SideContexts.load(arrays, side.shape[0]).of_all(side)
    chosen = arrays["tables.side"][which, contexts, side - SIDE_LOW]
    return float(bits - np.log2(chosen / 2**TOTAL_BITS).sum())


def _logistic(values: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
    edge = -np.abs(values).astype(np.float64)
    upper, lower = (np.exp(np.maximum((edge + side) / scale, -700.0)) for side in (0.5, -0.5))
    return np.asarray(np.maximum(upper / (1.0 + upper) - lower / (1.0 + lower), 1e-30))
