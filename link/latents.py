"""The order in which a tile's latents are coded, and the scale that each is coded at.

    for each channel group (leading components first)
      for each phase of positions (0,0) (1,1) (0,1) (1,0)
        means and scale indices ◄── what is coded so far
        exchange: symbols to bits, or bits to symbols

Encoder and decoder run the same `Walk` and differ only in the exchange. All of it is integers
(and float32 or float64 on integers that they hold exactly); docs/codec.md has the formulas, and
`ground/training/coding.py` says them once more, slowly, for the tests to compare with.

**Layout.** Positions are split into their phases. A phase of a channel is a *plane* of
⌈rows/2⌉ + 1 rows and ⌈columns/2⌉ + 1 columns, the last ones always zero, and planes lie one
after another. So a neighbour is at a fixed distance, whichever plane a position is in, and what
lies outside the tile reads as zero: every sum over neighbours is a few additions of long, plain
arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import (
    INDEX_OFFSET,
    LARGEST_MAGNITUDE,
    LATENT_FRACTION,
    MANTISSA_BITS,
    MANTISSAS,
    MEAN_FRACTION,
    OUTSIDE,
    PHASES,
    SCALES,
    SPOKEN,
    EntropyModel,
    Group,
)
from .rangecoder import CodeError, Symbols

LARGEST_LATENT: Final = 1 << 20
"""Latents beyond this come of no picture: y has 18 bits."""

Integers = NDArray[Any]


@dataclass(frozen=True)
class TileShape:
    """A tile's latent positions, and how they lie in planes.

    Attributes:
        rows: Rows of latents.
        columns: Columns of latents.
    """

    rows: int
    columns: int

    @cached_property
    def height(self) -> int:
        """Rows of a plane, without the zero row."""
        return -(-self.rows // 2)

    @cached_property
    def stride(self) -> int:
        """Columns of a plane, the zero column included."""
        return -(-self.columns // 2) + 1

    @cached_property
    def plane(self) -> int:
        """Positions of a plane."""
        return (self.height + 1) * self.stride

    def inside(self, phase: int) -> tuple[int, int]:
        """Return the rows and columns of a phase that lie inside the tile."""
        row, column = PHASES[phase]
        return (self.rows - row + 1) // 2, (self.columns - column + 1) // 2

    @cached_property
    def places(self) -> tuple[Integers, ...]:
        """For each phase the positions of a plane that lie inside the tile."""
        out = []
        for phase in range(4):
            rows, columns = self.inside(phase)
            place = np.arange(rows)[:, None] * self.stride + np.arange(columns)
            out.append(place.reshape(-1))
        return tuple(out)

    def split(self, value: Integers, kind: Any, outside: int = 0) -> Integers:
        """Return (channels, rows, columns) as planes (4, channels, plane)."""
        channels = value.shape[0]
        out = np.full((4, channels, self.height + 1, self.stride), outside, kind)
        for phase, (row, column) in enumerate(PHASES):
            rows, columns = self.inside(phase)
            out[phase, :, :rows, :columns] = value[
                :, row : self.rows : 2, column : self.columns : 2
            ]
        return out.reshape(4, channels, self.plane)

    def join(self, planes: Integers) -> Integers:
        """Undo `split`."""
        channels = planes.shape[1]
        wide = planes.reshape(4, channels, self.height + 1, self.stride)
        out = np.empty((channels, self.rows, self.columns), planes.dtype)
        for phase, (row, column) in enumerate(PHASES):
            rows, columns = self.inside(phase)
            out[:, row::2, column::2] = wide[phase, :, :rows, :columns]
        return out


@dataclass(frozen=True, eq=False)
class LogScales:
    """A tile's log₂-scales L, whatever the quality.

    Attributes:
        shape: Of the tile.
        planes: L + 130 (4, channels, plane), `OUTSIDE` where there is no position.
    """

    shape: TileShape
    planes: Integers

    @classmethod
    def of(cls, shape: TileShape, log_scales: Integers) -> LogScales:
        """Return those of the hyper synthesis' output (channels, rows or more, columns or more)."""
        planes = shape.split(log_scales, np.int16, OUTSIDE - INDEX_OFFSET)
        planes += np.int16(INDEX_OFFSET)
        return cls(shape, planes)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One group's channels in one phase: what is coded at once.

    Attributes:
        group: Number of the channel group.
        phase: Number of the phase.
        spoken: Which of the tile's spoken latents these are.
        places: Their positions among the part's channels' planes (flat), ascending.
        index: Their scale indices.
        means: μ (channels, plane), or None where it is zero.
    """

    group: int
    phase: int
    spoken: slice
    places: Integers
    index: NDArray[np.uint8]
    means: Integers | None


Exchange = Callable[[Part], Symbols]
"""What encoder and decoder do at each part: return the symbols of its spoken latents."""


class Walk:
    """Goes through a tile's parts in coding order and keeps what the next ones look at.

    Attributes:
        spoken: Flat positions in planes (4, channels, plane) of the latents that are coded,
            ascending.
        channels: Their channels.
    """

    def __init__(self, model: EntropyModel, scales: LogScales, quality: int) -> None:
        self.model, self.shape = model, scales.shape
        self.gain = model.gain[quality]
        plane, count = self.shape.plane, model.latents
        base = (scales.planes + self.gain[:, None]).reshape(-1)
        self.spoken = (base >= SPOKEN).nonzero()[0]
        edges = self.spoken.searchsorted(np.arange(4 * count + 1) * plane)
        where = np.repeat(np.arange(4 * count), np.diff(edges))
        self.channels = np.tile(np.arange(count), 4).take(where)
        self._within = self.spoken - where * plane
        self._level = base.take(self.spoken)
        self._slices = [
            [
                slice(*edges[[phase * count + group.first, phase * count + group.last]].tolist())
                for phase in range(4)
            ]
            for group in model.groups
        ]
        self._magnitude = np.zeros((4, count, plane), np.int16)
        lead = self.shape.stride + 1
        self._decoded = np.zeros(4 * model.predicted * plane + 2 * lead, np.float64)
        """ŷ of the leading channels as planes, with zeros before and after."""
        self._expectations()

    def run(self, exchange: Exchange) -> None:
        """Go through the tile."""
        for number, group in enumerate(self.model.groups):
            before: NDArray[np.float32] | None = None
            for phase, spoken in enumerate(self._slices[number]):
                means = self._means(number, group, phase)
                if spoken.start == spoken.stop:
                    if means is not None:
                        self._remember(group, phase, means)
                    continue
                if before is None:
                    before = self._before(group)
                start = (phase * self.model.latents + group.first) * self.shape.plane
                places = self.spoken[spoken] - start
                index = self._index(number, group, phase, spoken, places, before[phase])
                part = Part(number, phase, spoken, places, index, means)
                self._keep(group, part, exchange(part))

    def _expectations(self) -> None:
        """Work out, for all parts at once, what their scales had led to expect: `den`'s bins."""
        expected = np.zeros((4, self.model.latents, self.shape.plane), np.float32)
        level = np.minimum(self._level >> 2, SCALES - 1)
        expected.reshape(-1)[self.spoken] = self.model.expected.take(level)
        self._bins = np.empty(self.spoken.size, np.int32)
        for number, group in enumerate(self.model.groups):
            slices = self._slices[number]
            if slices[0].start == slices[0].stop and all(s.start == s.stop for s in slices):
                continue
            weight = max(group.window, 1)
            around = self._around(expected, group)
            around += np.float32(2 * weight)
            for phase, spoken in enumerate(slices):
                if spoken.start == spoken.stop:
                    continue
                den = around[phase].take(self._within[spoken])
                if phase:
                    start = (phase * self.model.latents + group.first) * self.shape.plane
                    places = self.spoken[spoken] - start
                    own = self._own(expected, phase, group, int(places[-1])).take(places)
                    own *= np.float32(weight)
                    den += own
                bins = _exponents(den)
                bins -= 33 * _lowest_exponent(weight)
                self._bins[spoken] = bins

    def _before(self, group: Group) -> NDArray[np.float32]:
        """Return the part of num that comes of the window's channels (4, plane)."""
        around = self._around(self._magnitude, group)
        around *= np.float32(16)
        around += np.float32(2 * max(group.window, 1))
        return around

    def _index(
        self,
        number: int,
        group: Group,
        phase: int,
        spoken: slice,
        places: Integers,
        before: NDArray[np.float32],
    ) -> NDArray[np.uint8]:
        """Return the scale indices of a part's spoken latents."""
        num = before.take(self._within[spoken])
        if phase:
            own = self._own(self._magnitude, phase, group, int(places[-1])).take(places)
            num += own * np.float32(16 * max(group.window, 1))
        cell = _exponents(num)
        cell <<= 5
        cell += self._bins[spoken]
        value = self.model.corrections[number, phase].take(cell)
        value += self._level[spoken]
        value >>= 2
        np.maximum(value, 0, out=value)
        np.minimum(value, SCALES - 1, out=value)
        return np.asarray(value.astype(np.uint8))

    def _own(self, planes: Integers, phase: int, group: Group, last: int) -> Integers:
        """Return S of a part (flat, as far as `last`): coded neighbours, 2 (edge), 1 (corner)."""
        flat, stride = planes.reshape(-1), self.shape.stride
        size = last + 1
        start = group.first * self.shape.plane
        step = self.model.latents * self.shape.plane

        def near(which: int, distance: int) -> Integers:
            begin = which * step + start + distance
            return flat[begin : begin + size]

        if phase == 1:
            total = near(0, 0) + near(0, 1)
            total += near(0, stride)
            total += near(0, stride + 1)
        elif phase == 2:
            total = near(0, 0) + near(0, 1)
            total += near(1, -stride)
            total += near(1, 0)
            total += total
        else:
            total = near(0, 0) + near(0, stride)
            total += near(1, -1)
            total += near(1, 0)
            total += total
            total += near(2, -1)
            total += near(2, 0)
            total += near(2, stride - 1)
            total += near(2, stride)
        return total

    def _around(self, planes: Integers, group: Group) -> NDArray[np.float32]:
        """Return F (4, plane) of a group's window: weights 8, 2 (edge) and 1 (corner).

        On the whole grid these are (1, 2, 1) down times (1, 2, 1) across, and 4 in the centre.
        Sums of magnitudes stay below 2^15, those of expectations are float32's below 2^24.
        """
        shape = self.shape
        if group.window == 0:
            return np.zeros((4, shape.plane), np.float32)
        total = np.add.reduce(
            planes[:, group.first - group.window : group.first], axis=1, dtype=planes.dtype
        )
        parts = total.reshape(4, shape.height + 1, shape.stride)
        # A grid with a zero row before and a zero column before, which planes have behind.
        wide = np.zeros((2 * shape.height + 3, 2 * shape.stride + 1), np.float32)
        for one, (row, column) in zip(parts, PHASES, strict=True):
            wide[row + 1 :: 2, column + 1 :: 2] = one
        down = wide[:-2] + wide[2:]
        down += wide[1:-1]
        down += wide[1:-1]
        across = down[:, :-2] + down[:, 2:]
        across += down[:, 1:-1]
        across += down[:, 1:-1]
        wide *= 4
        across += wide[1:-1, 1:-1]
        out = np.zeros((4, shape.height + 1, shape.stride), np.float32)
        for one, (row, column) in zip(out, PHASES, strict=True):
            part = across[row::2, column::2]
            one[: part.shape[0], : part.shape[1]] = part
        return out.reshape(4, shape.plane)

    def _means(self, number: int, group: Group, phase: int) -> Integers | None:
        """Return μ (channels, plane), zero outside the tile."""
        if group.first >= self.model.predicted:
            return None
        shape = self.shape
        total = np.zeros((group.last - group.first, shape.plane))
        for term in self.model.means[number][phase]:
            channels = term.weights.shape[1]
            start = (term.phase * self.model.predicted) * shape.plane + shape.stride + 1
            start += term.down * shape.stride + term.right
            near = self._decoded[start : start + channels * shape.plane]
            total += term.weights @ near.reshape(channels, shape.plane)
        total += 1 << (MEAN_FRACTION - 1)
        means = total.astype(np.int64) >> MEAN_FRACTION
        out = np.zeros_like(means)
        inside = shape.places[phase]
        out[:, inside] = means[:, inside]
        return out

    def _keep(self, group: Group, part: Part, symbols: Symbols) -> None:
        """Remember a part's symbols for those that follow."""
        size = np.abs(symbols)
        magnitude = self._magnitude.reshape(-1)
        magnitude[self.spoken[part.spoken]] = np.minimum(size, LARGEST_MAGNITUDE)
        if part.means is None:
            return
        decoded = part.means
        gain = self.gain[self.channels[part.spoken]]
        decoded.reshape(-1)[part.places] += rescale(symbols, gain)
        self._remember(group, part.phase, decoded)

    def _remember(self, group: Group, phase: int, decoded: Integers) -> None:
        """Keep ŷ of a part (channels, plane)."""
        if np.abs(decoded).max() > LARGEST_LATENT:
            raise CodeError("latents beyond any picture's")
        start = (phase * self.model.predicted + group.first) * self.shape.plane
        start += self.shape.stride + 1
        self._decoded[start : start + decoded.size] = decoded.reshape(-1)

    def leading(self) -> Integers:
        """Return ŷ of the leading channels (channels, rows, columns), in 2^-4."""
        lead = self.shape.stride + 1
        planes = self._decoded[lead:-lead].reshape(4, self.model.predicted, self.shape.plane)
        return self.shape.join(planes).astype(np.int32)


def _exponents(value: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return 2·e + h + 254 of whole numbers below 2^24; the array is used up.

    e is the number of the highest bit and h the bit below it: a float's exponent and the first
    bit of its mantissa.
    """
    bits = value.view(np.int32)
    np.right_shift(bits, 22, out=bits)
    return bits


def _lowest_exponent(weight: int) -> int:
    """Return what `_exponents` gives for the first bin."""
    return 254 + 2 * (weight.bit_length() - 1) + 2


def rescale(symbols: Integers, gain: Integers) -> Integers:
    """Return ŷ − μ of symbols k at log₂-gains in 1/32 octave, both of one shape.

    Raises:
        CodeError: Beyond any picture's latents.
    """
    down = -gain.astype(np.int64)
    if symbols.size and int(np.abs(symbols).max()) > LARGEST_LATENT:
        raise CodeError("symbols beyond any picture's")
    size = np.abs(symbols.astype(np.int64)) * MANTISSAS[down & 31]
    size <<= (down >> 5) + LATENT_FRACTION
    size += 1 << (MANTISSA_BITS - 1)
    size >>= MANTISSA_BITS
    if size.size and int(size.max()) > LARGEST_LATENT:
        raise CodeError("latents beyond any picture's")
    return np.asarray(np.where(symbols < 0, -size, size))
