"""Integer reference of the entropy path: gains, means, scale indices and the coding order.

    for each channel group (principal components first)
      for each phase of positions (0,0) (1,1) (0,1) (1,0)
        base  = L + G                             log₂-scale in steps, 1/32 octave
        where index(base) = 0 the latent is skipped: k = 0, and nothing is coded
        μ     = (Σ w · ŷ + 2^13) >> 14            predicted channels only, else 0
        |k|   = (|y - μ| · M + offset) >> shift   the sign of k is that of y - μ
        index = (base + correction(num, den) + 130) >> 2, clipped to 0…120
        ŷ     = μ ± ((|k| · M' · 2^e + 2^11) >> 12)

`TileReference.run` is that loop, for encoder and decoder alike. They differ in the function that is
passed to it: the encoder's turns latents into symbols, the decoder's returns known symbols. The
runtime is tested against this module, which is written to be read beside
docs/codec-integers.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....link.student.entropy_model import Group
from ..networks.scale_context import (
    LARGEST_MAGNITUDE,
    PHASES,
    SCALES,
    SCALES_AN_OCTAVE,
    SMALLEST_SCALE_OCTAVE,
    groups,
)
from ..networks.shape import LATENT_FRACTION, LOG2_FRACTION
from .context_tables import BINS, LOWEST_BIN_OCTAVE
from .extract import MEAN_FRACTION
from .integer_networks import Arrays, Integers

MANTISSA_BITS = 12

MANTISSAS = np.floor(np.exp2(np.arange(32) / 32) * 2**MANTISSA_BITS + 0.5).astype(np.int64)
"""2^(i/32) in units of 2^-12."""

SKIPPED = -1
"""In place of a scale index: the latent is skipped, so it is zero and is not coded."""

SymbolsOf = Callable[[slice, tuple[slice, slice], Integers, Integers], Integers]
"""(channels, (rows, columns), means, indices) → signed symbols of that part of the tile."""


@dataclass(frozen=True, slots=True)
class TileReference:
    """Codes or decodes one tile at one quality, in a plain, slow form.

    Attributes:
        arrays: The exported integers (`gain`, `means`, `context.*`, `rounding`).
        log_scales: L (N, rows, columns) in 1/32 octave, from the hyper-synthesis.
        quality: Quality 0…256.
    """

    arrays: Arrays
    log_scales: Integers
    quality: int

    def run(self, symbols_of: SymbolsOf) -> tuple[Integers, Integers, Integers]:
        """Code or decode the tile.

        Args:
            symbols_of: Gives the symbols of a part of the tile when they are needed.

        Returns:
            Symbols, decoded latents ŷ and scale indices, (N, rows, columns) each; the index
            of a skipped latent is `SKIPPED`.
        """
        latents, rows, columns = self.log_scales.shape
        gain = self.arrays["gain"][self.quality].astype(np.int64)
        base = self.log_scales + gain[:, None, None]
        base_index = to_index(base)
        coded = base_index > 0
        symbols = np.zeros((latents, rows, columns), np.int64)
        decoded = np.zeros_like(symbols)
        indices = np.zeros_like(symbols)
        expected = self.arrays["context.expected"].astype(np.int64)[base_index]
        magnitude = np.zeros_like(symbols)
        for number, group in enumerate(groups(latents)):
            channels = slice(group.first, group.last)
            window_k = _window_sum(magnitude, group)
            window_e = _window_sum(expected, group)
            for phase, (row, column) in enumerate(PHASES):
                place = (slice(row, None, 2), slice(column, None, 2))
                if symbols[(0, *place)].size == 0:
                    continue
                part = (channels, *place)
                means = self._means(decoded, group, phase)
                weight = max(group.window, 1)
                num = weight * _neighbour_sum(magnitude[channels], phase) + window_k[place]
                den = weight * _neighbour_sum(expected[channels], phase) + window_e[place]
                octave = int(np.log2(weight))
                num_bin = _bin(16 * num + 2 * weight, octave)
                den_bin = _bin(den + 2 * weight, octave)
                table = self.arrays["context.correction"][number, phase].astype(np.int64)
                index = to_index(base[part] + table[num_bin, den_bin])
                index = np.where(coded[part], index, SKIPPED)
                k = np.where(coded[part], symbols_of(channels, place, means, index), 0)
                part_gain = gain[channels, None, None]
                symbols[part] = k
                indices[part] = index
                decoded[part] = means + np.sign(k) * rescale(np.abs(k), part_gain)
                magnitude[part] = np.minimum(np.abs(k), LARGEST_MAGNITUDE)
        return symbols, decoded, indices

    def encode(self, latents: Integers) -> tuple[Integers, Integers, Integers]:
        """Return (symbols, ŷ, scale indices) of a tile's latents."""
        gain = self.arrays["gain"][self.quality].astype(np.int64)
        # The offset follows from the scale before its correction; see "Symbol" in the page.
        offset = self.arrays["rounding"].astype(np.int64)[
            to_index(self.log_scales + gain[:, None, None])
        ]

        def quantised(
            channels: slice, place: tuple[slice, slice], means: Integers, _index: Integers
        ) -> Integers:
            part = (channels, *place)
            difference = latents[part] - means
            size = quantise(np.abs(difference), gain[channels, None, None], offset[part])
            return np.asarray(np.sign(difference) * size)

        return self.run(quantised)

    def decode(self, symbols: Integers) -> tuple[Integers, Integers, Integers]:
        """Return (symbols, ŷ, scale indices) of known symbols, which take the place of a stream."""
        return self.run(lambda channels, place, _means, _index: symbols[(channels, *place)])

    def _means(self, decoded: Integers, group: Group, phase: int) -> Integers:
        """Return μ of a group's channels at the positions of a phase."""
        row, column = PHASES[phase]
        weights = self.arrays["means"][phase].astype(np.int64)
        shape = decoded[group.first : group.last, row::2, column::2].shape
        if group.first >= weights.shape[0]:
            return np.zeros(shape, np.int64)
        weights = weights[group.first : group.last, : group.last]
        padded = np.pad(decoded[: group.last], ((0, 0), (1, 2), (1, 2)))
        total = np.zeros(shape, np.int64)
        for i in range(3):
            for j in range(3):
                near = padded[:, row + i :: 2, column + j :: 2][:, : shape[1], : shape[2]]
                total += np.tensordot(weights[:, :, i, j], near, axes=1)
        return (total + (1 << (MEAN_FRACTION - 1))) >> MEAN_FRACTION


def to_index(log_scale: Integers) -> Integers:
    """Return the entry of the table of scales for log₂-scales in 1/32 octave."""
    spacing = 2**LOG2_FRACTION // SCALES_AN_OCTAVE
    lowest = SMALLEST_SCALE_OCTAVE * 2**LOG2_FRACTION
    shift = spacing.bit_length() - 1
    return np.asarray(np.clip((log_scale - lowest + spacing // 2) >> shift, 0, SCALES - 1))


def quantise(size: Integers, gain: Integers, offset: Integers) -> Integers:
    """Return |k| of |y - μ| at a log₂-gain in 1/32 octave; `offset` in 1/256 step."""
    shift = MANTISSA_BITS + LATENT_FRACTION - (gain >> LOG2_FRACTION)
    scaled = size * MANTISSAS[gain & 31]
    return np.asarray((scaled + ((offset << shift) >> 8)) >> shift)


def rescale(size: Integers, gain: Integers) -> Integers:
    """Return |ŷ - μ| of |k|."""
    exponent = ((-gain) >> LOG2_FRACTION) + LATENT_FRACTION
    scaled = (size * MANTISSAS[(-gain) & 31]) << exponent
    return np.asarray((scaled + (1 << (MANTISSA_BITS - 1))) >> MANTISSA_BITS)


def log_bin(value: Integers) -> Integers:
    """Return 2·e + h of positive integers: the number e of the highest bit, and the next bit h.

    These are the exponent of a float and the first bit of its mantissa.
    """
    return np.asarray((value.astype(np.float64).view(np.int64) >> 51) - 2 * 1023)


def _bin(value: Integers, octave: int) -> Integers:
    """Return the bin of num or den, given in units of 2^-(5 + octave)."""
    return np.asarray(np.clip(log_bin(value) - 2 * (5 + octave + LOWEST_BIN_OCTAVE), 0, BINS - 1))


def _window_sum(value: Integers, group: Group) -> Integers:
    """Return F (rows, columns): the sum over the window's channels, weighted 8, 2 and 1."""
    if group.window == 0:
        return np.zeros(value.shape[1:], np.int64)
    total = value[group.first - group.window : group.first].sum(axis=0)
    padded = np.pad(total, 1)
    rows, columns = total.shape
    out = 8 * total
    for i in range(3):
        for j in range(3):
            if (i, j) != (1, 1):
                weight = 2 if (i == 1) != (j == 1) else 1
                out = out + weight * padded[i : i + rows, j : j + columns]
    return np.asarray(out)


def _neighbour_sum(value: Integers, phase: int) -> Integers:
    """Return S at the positions of a phase: coded neighbours, weighted 2 (edge) and 1 (corner)."""
    row, column = PHASES[phase]
    shape = value[:, row::2, column::2].shape
    padded = np.pad(value, ((0, 0), (1, 2), (1, 2)))
    total = np.zeros(shape, np.int64)
    for i in range(3):
        for j in range(3):
            parity = ((row + i - 1) % 2, (column + j - 1) % 2)
            if PHASES.index(parity) < phase:
                weight = 2 if (i == 1) != (j == 1) else 1
                near = padded[:, row + i :: 2, column + j :: 2]
                total += weight * near[:, : shape[1], : shape[2]]
    return total
