"""Context for entropy coding: weighted sums of already coded magnitudes around a latent.

Backward adaptation corrects a latent's scale by the magnitudes of its coded neighbours. It comes
from context modelling in image coding (Wu and Memon, CALIC, IEEE Trans. Commun. 45(4), 1997). Here
it corrects the scales of a hyperprior (Ballé et al., arXiv 1802.01436). The four phases of
positions are a checkerboard context (He et al., arXiv 2103.15306) applied twice.

docs/codec-integers.md defines num and den. This module holds both in units of 1/32 and divided by
the window's n, a power of two, so that one formula serves every group:

    16 · S + (16 · F + 2n) / n          of magnitudes |k|
         S_E + (  F_E  + 2n) / n        of expectations E, which are in 1/16 already

So magnitudes are stored times 16. Both kinds of value fit 16 bits (at most 4080), and the same
code sums both. All numbers are integers, or float32 values that hold integers and their n-ths
exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import BINS, CODED_LEVEL, SCALES, EntropyModel, Group
from .phases import PHASES
from .planes import Integers, LogScales, TileShape

UNIT: Final = 16
"""Factor of stored magnitudes."""
_PLANES_IN_16_BITS: Final = 16
"""How many planes of values up to 4080 can be added in 16 bits."""
_LOWEST: Final = 256
"""Upper bits of a float32 (exponent, first bit of the mantissa) in the first bin."""


def neighbour_sum(
    planes: Integers, step: int, stride: int, phase: int, run: slice, out: Integers | None = None
) -> Integers:
    """Return the neighbour sum S of a run of positions, each in its own channel.

    The weights of already coded neighbours are 2 (edge) and 1 (corner).

    Args:
        planes: Values, uint16 (4 · step): phase by phase, in each of them channel by channel.
        step: Positions of a phase.
        stride: Columns of a plane.
        phase: 1, 2 or 3; in the first phase no neighbour is coded.
        run: Positions inside the phase.
        out: Array for the result.
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


def window_sum(planes: Integers, groups: Sequence[Group], shape: TileShape) -> NDArray[np.float32]:
    """Return the window sum (F + 2n) / n of each group: weights 8, 2 (edge) and 1 (corner).

    On the whole grid these are (1, 2, 1) down times (1, 2, 1) across, and 4 in the centre.

    Args:
        planes: Values, uint16 (4, channels, plane).
        groups: The groups whose windows are summed.
        shape: Shape of the tile.

    Returns:
        (4, groups, plane).
    """
    total = np.zeros((4, len(groups), shape.plane), np.float32)
    for number, group in enumerate(groups):
        if group.window:
            window = planes[:, group.first - group.window : group.first]
            if group.window > _PLANES_IN_16_BITS:
                window = window.reshape(4, -1, _PLANES_IN_16_BITS, shape.plane)
                window = np.add.reduce(window, axis=2, dtype=np.uint16)
                total[:, number] = np.add.reduce(window, axis=1, dtype=np.uint32)
            else:
                total[:, number] = np.add.reduce(window, axis=1, dtype=np.uint16)
    parts = total.reshape(4, len(groups), shape.height + 1, shape.stride)
    # Planes have a zero row and column at their ends; the whole grid needs them at its start too.
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


def correction_index(num: NDArray[np.float32], den_bins: Integers) -> Integers:
    """Return indices into a correction table, bins of num by bins of den; `num` is overwritten."""
    index = log_bins(num)
    index *= BINS
    index += den_bins
    return index


def log_bins(value: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return bin(v) = 2·e + h − 2 of sums in units of 1/32; the array is overwritten.

    e is the number of the highest bit and h the bit below it: a float's exponent and the first
    bit of its mantissa. The smallest sum is 2 and the largest below 2^17, so nothing is clipped.
    """
    bits: Any = value.view(np.int32)
    bits >>= 22
    bits -= _LOWEST
    return np.asarray(bits)


class CodedLatents:
    """The latents of a tile that are coded at one quality: their positions and scales.

    The other latents are skipped: their scales are so small that both ends take them as zero.
    Coded latents are in the order of the planes (phase, channel, row, column).

    Attributes:
        flat: Positions in planes (4, channels, plane).
        plane: Number of each latent's plane, phase · channels + channel.
        level: Sum log₂-scale + log₂-gain + 130 of each latent.
        base: Scale index of each latent before any correction.
        edges: Index of the first coded latent of each (phase, group), then their number.
    """

    def __init__(self, model: EntropyModel, scales: LogScales, quality: int) -> None:
        self.model, self.shape = model, scales.shape
        level = (scales.planes + model.gain[quality][:, None]).reshape(-1)
        self.flat = (level >= CODED_LEVEL).nonzero()[0]
        self.plane = self.flat // self.shape.plane
        self.level = level.take(self.flat)
        self.base = np.minimum(self.level >> 2, SCALES - 1)
        firsts = np.array([group.first for group in model.groups])
        starts = (np.arange(4)[:, None] * model.latents + firsts).ravel() * self.shape.plane
        self.edges = np.append(self.flat.searchsorted(starts), self.flat.size)

    def steps(self) -> NDArray[np.uint16]:
        """Return each coded latent's step of the coding order: 4 · group + phase."""
        count = len(self.model.groups)
        number = (4 * np.arange(count) + np.arange(4)[:, None]).ravel().astype(np.uint16)
        return number.repeat(np.diff(self.edges))

    def latents_of(self, group: int, phase: int) -> slice:
        """Return which coded latents belong to a group and phase."""
        at = phase * len(self.model.groups) + group
        return slice(int(self.edges[at]), int(self.edges[at + 1]))

    def sums(self, planes: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return num (from magnitudes) or den (from expectations) of every coded latent."""
        model, shape = self.model, self.shape
        far = window_sum(planes.reshape(4, model.latents, shape.plane), model.groups, shape)
        total = far.reshape(-1).take(self._far)
        step = model.latents * shape.plane
        near = np.zeros((4, step), np.uint16)
        for phase in range(1, 4):
            neighbour_sum(planes, step, shape.stride, phase, slice(0, step), near[phase])
        total += near.reshape(-1).take(self.flat)
        return total

    @cached_property
    def _far(self) -> Integers:
        """Positions of the coded latents in planes (4, groups, plane)."""
        distance = self.model.to_groups * self.shape.plane
        return np.asarray(self.flat - distance.take(self.plane))

    def expected(self) -> NDArray[np.float32]:
        """Return den of every coded latent: the sums that are expected from the scales."""
        planes = np.zeros(4 * self.model.latents * self.shape.plane, np.uint16)
        planes[self.flat] = self.model.expected.take(self.base)
        return self.sums(planes)
