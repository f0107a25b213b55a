"""The order in which a tile's latents are decoded, and the scale that each is decoded at.

    for each channel group (leading components first)
      for each phase of positions (0,0) (1,1) (0,1) (1,0)
        means and scale indices ◄── what is decoded so far
        exchange: bits to symbols

All of it is integers (and float32 or float64 on integers that they hold exactly); docs/codec.md
has the formulas, and `ground/training/coding.py` says them once more, slowly, for the tests to
compare with. The encoder knows all symbols before the first bit and has no need to walk: see
`symbols`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .activity import UNIT, Spoken, around, bins, cells, own
from .entropy_model import LARGEST_MAGNITUDE, SCALES, EntropyModel, Group
from .leading import Leading, rescale
from .planes import Integers, LogScales
from .rangecoder import Symbols


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One group's channels in one phase: what is coded at once.

    Attributes:
        spoken: Which of the tile's spoken latents these are.
        index: Their scale indices.
    """

    spoken: slice
    index: NDArray[np.uint8]


Exchange = Callable[[Part], Symbols]
"""Returns the symbols of a part's spoken latents."""


class Walk:
    """Goes through a tile's parts in coding order and keeps what the next ones look at.

    Attributes:
        spoken: The latents that are coded.
        leading: ŷ of the leading channels.
    """

    def __init__(self, model: EntropyModel, scales: LogScales, quality: int) -> None:
        self.model, self.shape = model, scales.shape
        self.gain = model.gain[quality]
        self.spoken = Spoken(model, scales, quality)
        self.leading = Leading(model, self.shape)
        self._magnitude = np.zeros(4 * model.latents * self.shape.plane, np.uint16)
        self._bins = bins(self.spoken.expected())

    def run(self, exchange: Exchange) -> None:
        """Go through the tile."""
        for number, group in enumerate(self.model.groups):
            before: NDArray[np.float32] | None = None
            for phase in range(4):
                mine = self.spoken.mine(number, phase)
                means = self.leading.means(number, group, phase)
                if mine.start < mine.stop:
                    if before is None:
                        planes = self._magnitude.reshape(4, -1, self.shape.plane)
                        before = around(planes, [group], self.shape)[:, 0]
                    start = (phase * self.model.latents + group.first) * self.shape.plane
                    places = self.spoken.flat[mine] - start
                    index = self._index(number, group, phase, mine, places, before[phase])
                    symbols = exchange(Part(mine, index))
                    size = np.minimum(np.abs(symbols), LARGEST_MAGNITUDE)
                    size *= UNIT
                    self._magnitude[self.spoken.flat[mine]] = size
                    if means is not None:
                        gain = self.gain[places // self.shape.plane + group.first]
                        means.reshape(-1)[places] += rescale(symbols, gain)
                if means is not None:
                    self.leading.keep(group, phase, means)
                    self.leading.check(group, phase)

    def _index(
        self,
        number: int,
        group: Group,
        phase: int,
        mine: slice,
        places: Integers,
        before: NDArray[np.float32],
    ) -> NDArray[np.uint8]:
        """Return the scale indices of a part's spoken latents."""
        num = before.take(places % self.shape.plane)
        if phase:
            start, step = group.first * self.shape.plane, self._magnitude.size // 4
            run = slice(start, start + int(places[-1]) + 1)
            num += own(self._magnitude, step, self.shape.stride, phase, run).take(places)
        value = self.model.corrections[4 * number + phase].take(cells(num, self._bins[mine]))
        value += self.spoken.level[mine]
        return scale_index(value)


def scale_index(level: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return index(v) of v + 130, which is used up."""
    level >>= 2
    np.maximum(level, 0, out=level)
    np.minimum(level, SCALES - 1, out=level)
    return level.astype(np.uint8)
