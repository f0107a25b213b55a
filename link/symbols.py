"""A tile's latents as symbols and the scales that they are coded at: the encoder's half.

Which rounding offset a latent gets follows from its scale before any correction, so symbols
follow from latents alone:

    L + G ─┬─ spoken ─┬─ k of channels without means: at once
           │          └─ k of the leading ones: group by group, phase by phase
           └─ E ── den ─┐
              |k| ── num ┴─ correction ── index: at once

The order of coding is kept where symbols are sorted (`tilecode`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .activity import UNIT, Spoken, bins, cells
from .entropy_model import (
    BINS,
    LARGEST_MAGNITUDE,
    MANTISSAS,
    SCALES,
    SPOKEN,
    EntropyModel,
)
from .latents import scale_index
from .leading import LARGEST_LATENT, Leading, signed
from .planes import Integers, LogScales
from .rangecoder import Symbols


@dataclass(frozen=True, slots=True, eq=False)
class TileSymbols:
    """The spoken latents of a tile in the order of the planes (phase, channel, row, column).

    Attributes:
        symbols: k.
        index: Their scale indices.
        part: 4 · group + phase: which part of the tile each belongs to.
    """

    symbols: Symbols
    index: NDArray[np.uint8]
    part: NDArray[np.uint16]


def tile_symbols(
    model: EntropyModel, latents: Integers, scales: LogScales, quality: int, narrower: int = 0
) -> TileSymbols:
    """Return what is to be coded of a tile.

    Args:
        model: The entropy model.
        latents: y as planes (4, channels, plane).
        scales: L.
        quality: 0 to 256.
        narrower: By how much of a step, in 1/256, the dead zone is narrower than the model's; at
            the most there is none.
    """
    offset = model.offset
    if narrower:
        offset = np.minimum(offset + narrower / 256, 0.5)
    spoken = Spoken(model, scales, quality)
    symbols = _symbols(model, latents, spoken, quality, offset)
    _put_leading(symbols, model, latents, scales, spoken, quality, offset)
    magnitude = np.zeros(latents.size, np.uint16)
    size = np.abs(symbols)
    np.minimum(size, LARGEST_MAGNITUDE, out=size)
    size *= UNIT
    magnitude[spoken.flat] = size
    cell = cells(spoken.sums(magnitude), bins(spoken.expected()))
    part = spoken.parts()
    cell += np.multiply(part, BINS**2, dtype=np.int32)
    level = model.corrections.reshape(-1).take(cell)
    level += spoken.level
    return TileSymbols(symbols, scale_index(level), part)


def _steps(model: EntropyModel, quality: int) -> NDArray[np.float64]:
    """Return what |y − μ| is multiplied with, M · 2^-shift, by channel."""
    gain = model.gain[quality].astype(np.int64)
    return np.asarray(np.ldexp(MANTISSAS[gain & 31].astype(np.float64), (gain >> 5) - 16))


def _symbols(
    model: EntropyModel,
    latents: Integers,
    spoken: Spoken,
    quality: int,
    offset: NDArray[np.float64],
) -> Symbols:
    """Return k as if no channel had means.

    The products have less than 53 bits, so float64 floors them as integers would.
    """
    value = latents.reshape(-1).take(spoken.flat).astype(np.int32)
    size = np.abs(value) * np.tile(_steps(model, quality), 4).take(spoken.plane)
    size += offset.take(spoken.base)
    symbols = np.minimum(size, LARGEST_LATENT).astype(np.int32)
    return signed(symbols, value)


def _put_leading(
    symbols: Symbols,
    model: EntropyModel,
    latents: Integers,
    scales: LogScales,
    spoken: Spoken,
    quality: int,
    offset: NDArray[np.float64],
) -> None:
    """Replace the leading channels' symbols by those of y − μ."""
    shape, count = scales.shape, model.predicted
    gain = model.gain[quality, :count].astype(np.int64)[:, None]
    step = _steps(model, quality)[:count, None]
    back = np.ldexp(MANTISSAS[-gain & 31].astype(np.float64), (-gain >> 5) + 4 - 12)
    level = scales.planes[:, :count] + gain
    spoken_here = level >= SPOKEN
    added = offset.take(np.clip(level >> 2, 0, SCALES - 1))
    added *= spoken_here
    steps = spoken_here * step
    leading = Leading(model, shape)
    found = np.zeros((4, count, shape.plane))
    for number, group in enumerate(model.groups):
        if group.first >= count:
            break
        own = slice(group.first, group.last)
        for phase in range(4):
            means = leading.means(number, group, phase)
            if means is None:
                break
            value = latents[phase, own] - means
            size = np.abs(value)
            size *= steps[phase, own]
            size += added[phase, own]
            np.floor(size, out=size)
            np.minimum(size, LARGEST_LATENT, out=size)
            np.copysign(size, value, out=found[phase, own])
            size *= back[own]
            size += 0.5
            np.floor(size, out=size)
            means += np.copysign(size, value, out=size)
            leading.keep(group, phase, means)
    step_of_phase = model.latents * shape.plane
    for phase in range(4):
        begin = phase * step_of_phase
        first, last = spoken.flat.searchsorted((begin, begin + count * shape.plane))
        symbols[first:last] = found[phase].take(spoken.flat[first:last] - begin)
