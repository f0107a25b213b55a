"""How much goes on around a latent: the sums whose logarithms pick a scale's correction.

docs/codec.md has num and den; both are here in units of 1/32, that is divided by the window's n,
a power of two, so that one formula serves every group:

    16 · S + (16 · F + 2n) / n          of magnitudes |k|
         S_E + (  F_E  + 2n) / n        of expectations E, which are in 1/16 already

So magnitudes are kept times 16, both fit 16 bits (at most 4080), and what follows is the same for
both. All of it is whole numbers, or float32 that holds them and their n-ths exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import BINS, PHASES, SCALES, SPOKEN, EntropyModel, Group
from .planes import Integers, LogScales, TileShape

UNIT: Final = 16
"""Magnitudes are kept times this."""
_NARROW: Final = 16
"""So many planes of at most 4080 add up in 16 bits."""
_LOWEST: Final = 256
"""What a float32's upper bits (exponent, first bit of the mantissa) are in the first bin."""


def own(
    planes: Integers, step: int, stride: int, phase: int, run: slice, out: Integers | None = None
) -> Integers:
    """Return S of a run of positions: coded neighbours, weighted 2 (edge) and 1 (corner).

    Args:
        planes: uint16 (4 · step): phases, in each of them the channels' planes.
        step: Positions of a phase.
        stride: Columns of a plane.
        phase: 1, 2 or 3; in the first phase no neighbour is coded.
        run: Positions inside the phase.
        out: To take the result.
    """

    def near(which: int, distance: int) -> Integers:
        begin = which * step + distance
        return planes[run.start + begin : run.stop + begin]

    if phase == 1:
        total = np.add(near(0, 0), near(0, 1), out=out)
        total += near(0, stride)
        total += near(0, stride + 1)
    elif phase == 2:
        total = np.add(near(0, 0), near(0, 1), out=out)
        total += near(1, -stride)
        total += near(1, 0)
        total += total
    else:
        total = np.add(near(0, 0), near(0, stride), out=out)
        total += near(1, -1)
        total += near(1, 0)
        total += total
        total += near(2, -1)
        total += near(2, 0)
        total += near(2, stride - 1)
        total += near(2, stride)
    return total


def around(planes: Integers, groups: Sequence[Group], shape: TileShape) -> NDArray[np.float32]:
    """Return (F + 2n) / n of each group's window: weights 8, 2 (edge) and 1 (corner).

    On the whole grid these are (1, 2, 1) down times (1, 2, 1) across, and 4 in the centre.

    Args:
        planes: uint16 (4, channels, plane).
        groups: Whose windows.
        shape: Of the tile.

    Returns:
        (4, groups, plane).
    """
    total = np.zeros((4, len(groups), shape.plane), np.float32)
    for number, group in enumerate(groups):
        if group.window:
            window = planes[:, group.first - group.window : group.first]
            if group.window > _NARROW:
                window = window.reshape(4, -1, _NARROW, shape.plane)
                window = np.add.reduce(window, axis=2, dtype=np.uint16)
                total[:, number] = np.add.reduce(window, axis=1, dtype=np.uint32)
            else:
                total[:, number] = np.add.reduce(window, axis=1, dtype=np.uint16)
    parts = total.reshape(4, len(groups), shape.height + 1, shape.stride)
    # A grid with a zero row before and a zero column before, which planes have behind.
    wide = np.zeros((len(groups), 2 * shape.height + 3, 2 * shape.stride + 1), np.float32)
    for one, (row, column) in zip(parts, PHASES, strict=True):
        wide[:, row + 1 :: 2, column + 1 :: 2] = one
    down = wide[:, :-2] + wide[:, 2:]
    down += wide[:, 1:-1]
    down += wide[:, 1:-1]
    across = down[:, :, :-2] + down[:, :, 2:]
    across += down[:, :, 1:-1]
    across += down[:, :, 1:-1]
    wide *= 4
    across += wide[:, 1:-1, 1:-1]
    weights = np.array([max(group.window, 1) for group in groups], np.float32)
    across *= (1 / weights)[:, None, None]
    across += np.float32(2)
    for one, (row, column) in zip(parts, PHASES, strict=True):
        part = across[:, row::2, column::2]
        one[:, : part.shape[1], : part.shape[2]] = part
    return total


def cells(num: NDArray[np.float32], den_bins: Integers) -> Integers:
    """Return places in a correction table, bins of num by bins of den; `num` is used up."""
    found = bins(num)
    found *= BINS
    found += den_bins
    return found


def bins(value: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return bin(v) = 2·e + h − 2 of sums in units of 1/32; the array is used up.

    e is the number of the highest bit and h the bit below it: a float's exponent and the first
    bit of its mantissa. The smallest sum is 2 and the largest below 2^17, so nothing is clipped.
    """
    bits: Any = value.view(np.int32)
    bits >>= 22
    bits -= _LOWEST
    return np.asarray(bits)


class Spoken:
    """The latents of a tile that are coded at one quality: where they are, and how wide.

    They are in the order of the planes (phase, channel, row, column).

    Attributes:
        flat: Positions in planes (4, channels, plane).
        plane: Which plane, phase · channels + channel.
        level: log₂-scale + log₂-gain + 130.
        base: The scale indices of that, before any correction.
        edges: Where each (phase, group) begins among them, and where the last ends.
    """

    def __init__(self, model: EntropyModel, scales: LogScales, quality: int) -> None:
        self.model, self.shape = model, scales.shape
        level = (scales.planes + model.gain[quality][:, None]).reshape(-1)
        self.flat = (level >= SPOKEN).nonzero()[0]
        self.plane = self.flat // self.shape.plane
        self.level = level.take(self.flat)
        self.base = np.minimum(self.level >> 2, SCALES - 1)
        firsts = np.array([group.first for group in model.groups])
        starts = (np.arange(4)[:, None] * model.latents + firsts).ravel() * self.shape.plane
        self.edges = np.append(self.flat.searchsorted(starts), self.flat.size)

    def parts(self) -> NDArray[np.uint16]:
        """Return each one's number in coding order: 4 · group + phase."""
        count = len(self.model.groups)
        number = (4 * np.arange(count) + np.arange(4)[:, None]).ravel().astype(np.uint16)
        return number.repeat(np.diff(self.edges))

    def mine(self, group: int, phase: int) -> slice:
        """Return which of them are in a group and phase."""
        at = phase * len(self.model.groups) + group
        return slice(int(self.edges[at]), int(self.edges[at + 1]))

    def sums(self, planes: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return num or den of every one, of the magnitudes or expectations of all."""
        model, shape = self.model, self.shape
        far = around(planes.reshape(4, model.latents, shape.plane), model.groups, shape)
        total = far.reshape(-1).take(self._far)
        step = model.latents * shape.plane
        near = np.zeros((4, step), np.uint16)
        for phase in range(1, 4):
            own(planes, step, shape.stride, phase, slice(0, step), near[phase])
        total += near.reshape(-1).take(self.flat)
        return total

    @cached_property
    def _far(self) -> Integers:
        """Their positions in planes (4, groups, plane)."""
        distance = self.model.to_groups * self.shape.plane
        return np.asarray(self.flat - distance.take(self.plane))

    def expected(self) -> NDArray[np.float32]:
        """Return den of every one: what the scales had led to expect."""
        planes = np.zeros(4 * self.model.latents * self.shape.plane, np.uint16)
        planes[self.flat] = self.model.expected.take(self.base)
        return self.sums(planes)
