"""Decoding order: the order in which a tile's latents are decoded, and the scale of each.

    for each channel group (principal components first)
      for each phase of positions (0,0) (1,1) (0,1) (1,0)
        means and scale indices ◄── latents decoded so far
        read_symbols: bits to symbols

Uneven channel groups (small ones first) with a spatial context come from ELIC (He et al., arXiv
2203.10886). All numbers are integers, or float32 and float64 values that hold integers exactly.
docs/codec-integers.md has the formulas, and `ground/training/export/entropy_reference.py`
implements them in a plain, slow form as the tests' reference. The encoder knows all symbols before
it writes the first bit, so it finds their scales without this loop: see `symbols`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .context import UNIT, CodedLatents, correction_index, log_bins, neighbour_sum, window_sum
from .entropy_model import LARGEST_MAGNITUDE, SCALES, EntropyModel, Group
from .planes import Integers, LogScales
from .predicted_means import PredictedMeans, rescale
from .range_coder import Symbols


@dataclass(frozen=True, slots=True, eq=False)
class GroupPhase:
    """The channels of one group in one phase: the latents that are decoded in one step.

    Attributes:
        coded: Range of these latents among the tile's coded latents.
        index: Scale index of each latent.
    """

    coded: slice
    index: NDArray[np.uint8]


ReadSymbols = Callable[[GroupPhase], Symbols]
"""Returns the symbols of one step's coded latents."""


class DecodingOrder:
    """Goes through a tile in decoding order and keeps the context for the latents that follow.

    Attributes:
        coded: The latents that are coded; the others are skipped.
        predicted: ŷ of the predicted channels.
    """

    def __init__(self, model: EntropyModel, scales: LogScales, quality: int) -> None:
        self.model, self.shape = model, scales.shape
        self.gain = model.gain[quality]
        self.coded = CodedLatents(model, scales, quality)
        self.predicted = PredictedMeans(model, self.shape)
        self._magnitude = np.zeros(4 * model.latents * self.shape.plane, np.uint16)
        self._den_bins = log_bins(self.coded.expected())

    def run(self, read_symbols: ReadSymbols) -> None:
        """Decode the tile: call `read_symbols` for each step that has coded latents."""
        for number, group in enumerate(self.model.groups):
            before: NDArray[np.float32] | None = None
            for phase in range(4):
                chosen = self.coded.latents_of(number, phase)
                means = self.predicted.means(number, group, phase)
                if chosen.start < chosen.stop:
                    if before is None:
                        planes = self._magnitude.reshape(4, -1, self.shape.plane)
                        before = window_sum(planes, [group], self.shape)[:, 0]
                    start = (phase * self.model.latents + group.first) * self.shape.plane
                    places = self.coded.flat[chosen] - start
                    index = self._index(number, group, phase, chosen, places, before[phase])
                    symbols = read_symbols(GroupPhase(chosen, index))
                    size = np.minimum(np.abs(symbols), LARGEST_MAGNITUDE)
                    size *= UNIT
                    self._magnitude[self.coded.flat[chosen]] = size
                    if means is not None:
                        gain = self.gain[places // self.shape.plane + group.first]
                        means.reshape(-1)[places] += rescale(symbols, gain)
                if means is not None:
                    self.predicted.keep(group, phase, means)
                    self.predicted.check(group, phase)

    def _index(
        self,
        number: int,
        group: Group,
        phase: int,
        chosen: slice,
        places: Integers,
        before: NDArray[np.float32],
    ) -> NDArray[np.uint8]:
        """Return the scale indices of one step's coded latents."""
        num = before.take(places % self.shape.plane)
        if phase:
            start, step = group.first * self.shape.plane, self._magnitude.size // 4
            run = slice(start, start + int(places[-1]) + 1)
            num += neighbour_sum(self._magnitude, step, self.shape.stride, phase, run).take(places)
        value = self.model.corrections[4 * number + phase].take(
            correction_index(num, self._den_bins[chosen])
        )
        value += self.coded.level[chosen]
        return scale_index(value)


def scale_index(level: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return the scale index of v, given v + 130; the array is overwritten."""
    level >>= 2
    np.maximum(level, 0, out=level)
    np.minimum(level, SCALES - 1, out=level)
    return level.astype(np.uint8)
