"""Quantise a tile's latents to symbols and find the scale index of each, for the encoder.

The rounding offset of a latent depends on its scale before any correction, so the symbols
need no context:

    L + G ─┬─ coded ─┬─ k of channels without means: at once
           │         └─ k of the predicted channels: group by group, phase by phase
           └─ E ── den ─┐
              |k| ── num ┴─ correction ── index: at once

`codestream` sorts the symbols into coding order when it writes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coding_order import scale_index
from .context import UNIT, CodedLatents, correction_index, log_bins
from .entropy_model import BINS, CODED_LEVEL, LARGEST_MAGNITUDE, MANTISSAS, SCALES, EntropyModel
from .planes import Integers, LogScales
from .predicted_means import LARGEST_LATENT, PredictedMeans, signed
from .range_coder import Symbols


@dataclass(frozen=True, slots=True, eq=False)
class TileSymbols:
    """The coded latents of a tile in the order of the planes (phase, channel, row, column).

    Attributes:
        symbols: Symbols k.
        index: Scale index of each symbol.
        step: Step of the coding order that each symbol belongs to, 4 · group + phase.
    """

    symbols: Symbols
    index: NDArray[np.uint8]
    step: NDArray[np.uint16]


def tile_symbols(
    model: EntropyModel, latents: Integers, scales: LogScales, quality: int, narrower: int = 0
) -> TileSymbols:
    """Return the symbols of a tile and the scales that they are coded at.

    Args:
        model: The entropy model.
        latents: Latents y as planes (4, channels, plane).
        scales: Log-scales L.
        quality: Quality, 0 to 256.
        narrower: Increase of the rounding offset, in 1/256 step, which narrows the dead zone; it
            may be negative. The sum is limited to 0 and half a step, where there is no dead zone.
    """
    offset = model.offset
    if narrower:
        offset = np.clip(offset + narrower / 256, 0.0, 0.5)
    coded = CodedLatents(model, scales, quality)
    symbols = _symbols(model, latents, coded, quality, offset)
    _replace_predicted(symbols, model, latents, scales, coded, quality, offset)
    magnitude = np.zeros(latents.size, np.uint16)
    size = np.abs(symbols)
    np.minimum(size, LARGEST_MAGNITUDE, out=size)
    size *= UNIT
    magnitude[coded.flat] = size
    index = correction_index(coded.sums(magnitude), log_bins(coded.expected()))
    step = coded.steps()
    index += np.multiply(step, BINS**2, dtype=np.int32)
    level = model.corrections.reshape(-1).take(index)
    level += coded.level
    return TileSymbols(symbols, scale_index(level), step)


def _steps(model: EntropyModel, quality: int) -> NDArray[np.float64]:
    """Return the factor M · 2^-shift that scales |y − μ| to steps, by channel."""
    gain = model.gain[quality].astype(np.int64)
    return np.asarray(np.ldexp(MANTISSAS[gain & 31].astype(np.float64), (gain >> 5) - 16))


def _symbols(
    model: EntropyModel,
    latents: Integers,
    coded: CodedLatents,
    quality: int,
    offset: NDArray[np.float64],
) -> Symbols:
    """Return the symbols k as if all means were zero.

    The products have less than 53 bits, so float64 floors them exactly.
    """
    value = latents.reshape(-1).take(coded.flat).astype(np.int32)
    size = np.abs(value) * np.tile(_steps(model, quality), 4).take(coded.plane)
    size += offset.take(coded.base)
    symbols = np.minimum(size, LARGEST_LATENT).astype(np.int32)
    return signed(symbols, value)


def _replace_predicted(
    symbols: Symbols,
    model: EntropyModel,
    latents: Integers,
    scales: LogScales,
    coded: CodedLatents,
    quality: int,
    offset: NDArray[np.float64],
) -> None:
    """Replace the symbols of predicted channels by those of y − μ."""
    shape, count = scales.shape, model.predicted
    gain = model.gain[quality, :count].astype(np.int64)[:, None]
    step = _steps(model, quality)[:count, None]
    back = np.ldexp(MANTISSAS[-gain & 31].astype(np.float64), (-gain >> 5) + 4 - 12)
    level = scales.planes[:, :count] + gain
    coded_here = level >= CODED_LEVEL
    added = offset.take(np.clip(level >> 2, 0, SCALES - 1))
    added *= coded_here
    steps = coded_here * step
    predicted = PredictedMeans(model, shape)
    found = np.zeros((4, count, shape.plane))
    for number, group in enumerate(model.groups):
        if group.first >= count:
            break
        own = slice(group.first, group.last)
        for phase in range(4):
            means = predicted.means(number, group, phase)
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
            predicted.keep(group, phase, means)
    step_of_phase = model.latents * shape.plane
    for phase in range(4):
        begin = phase * step_of_phase
        first, last = coded.flat.searchsorted((begin, begin + count * shape.plane))
        symbols[first:last] = found[phase].take(coded.flat[first:last] - begin)
