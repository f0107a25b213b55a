"""The learned codec's entropy model: integers that both ends of the link hold, ready for use.

What each array means, and every formula, stands in docs/codec.md ("Integers of the entropy
path"). Here the tables of the model's file become coder models and look-up tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .rangecoder import Model, table_model, uniform_model

PHASES: Final = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Row and column parity of the positions coded first, second, third and last."""
SCALES: Final = 121
SCALES_AN_OCTAVE: Final = 8
TABLES: Final = 65
"""Tables of latents; wider scales use the last eight and send low bits as they are."""
MOST_LOW_BITS: Final = (SCALES - TABLES) // SCALES_AN_OCTAVE
LARGEST_MAGNITUDE: Final = 255
INDEX_OFFSET: Final = 130
"""index = clip((log-scale + 130) >> 2, 0, 120)."""
MANTISSA_BITS: Final = 12
MANTISSAS: Final = np.floor(np.exp2(np.arange(32) / 32) * 2**MANTISSA_BITS + 0.5).astype(np.int64)
LATENT_FRACTION: Final = 4
MEAN_FRACTION: Final = 14
SPOKEN: Final = 4
"""Log-scale + 130 + log-gain from which a latent is coded: scale index 1. Below it is silent."""
OUTSIDE: Final = -8192
"""A log-scale of positions that are not there: always silent."""
SIDE_LOW: Final = -32
SIDE_CONTEXTS: Final = 6
BINS: Final = 32

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Group:
    """Channels first … last - 1, coded together, and how many before them are looked at."""

    first: int
    last: int
    window: int


@dataclass(frozen=True, eq=False, slots=True)
class MeanTerm:
    """One neighbour's share in the means of a group and phase.

    Attributes:
        phase: Of the neighbour.
        down: Rows that it lies below, in its phase's plane (negative: above).
        right: Columns that it lies to the right.
        weights: (channels, channels coded so far), float64: sums stay below 2^53.
    """

    phase: int
    down: int
    right: int
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class EntropyModel:
    """Everything that decides how integers become bits.

    Attributes:
        arrays: The model's integers by name.
        groups: Channel groups in coding order.
    """

    arrays: Arrays
    groups: tuple[Group, ...]

    @classmethod
    def load(cls, arrays: Arrays, groups: Sequence[Sequence[int]]) -> EntropyModel:
        """Return the model of a file's arrays and its card's groups.

        Raises:
            ValueError: They do not fit together, or a number is outside its range.
        """
        model = cls(arrays, tuple(Group(*group) for group in groups))
        model.check()
        return model

    def check(self) -> None:
        """Refuse arrays that the coding loops could not take.

        Raises:
            ValueError: What does not fit.
        """
        qualities, latents = self.arrays["gain"].shape
        if qualities != self.qualities or self.groups[-1].last != latents:
            raise ValueError(f"gains of {qualities} qualities and {latents} channels")
        if self.arrays["gain"].max() > 32 * 4 or self.arrays["gain"].min() < -32 * 14:
            raise ValueError("gains outside 2^-14 to 2^4")
        if self.arrays["context.correction"].shape != (len(self.groups), 4, BINS, BINS):
            raise ValueError("context tables do not fit the channel groups")
        if int(self.arrays["context.expected"].max()) > 16 * LARGEST_MAGNITUDE:
            raise ValueError("a scale expects more than any magnitude")

    @property
    def qualities(self) -> int:
        """Number of qualities, 0 to this less one."""
        return 257

    @property
    def latents(self) -> int:
        """Channels of y."""
        return int(self.arrays["gain"].shape[1])

    @property
    def side(self) -> int:
        """Channels of ẑ."""
        return int(self.arrays["tables.side"].shape[0])

    @property
    def predicted(self) -> int:
        """Leading channels that have means."""
        return int(self.arrays["means"].shape[1])

    @cached_property
    def gain(self) -> NDArray[np.int16]:
        """log₂-gains (qualities, channels) in 1/32 octave."""
        return np.ascontiguousarray(self.arrays["gain"], np.int16)

    @cached_property
    def expected(self) -> NDArray[np.float32]:
        """E|k| in 1/16 by scale index, whole numbers."""
        return self.arrays["context.expected"].astype(np.float32)

    @cached_property
    def rounding(self) -> NDArray[np.int32]:
        """What is added before flooring |v|, in 1/256, by scale index."""
        return self.arrays["rounding"].astype(np.int32)

    @cached_property
    def corrections(self) -> NDArray[np.int16]:
        """Corrections (groups, 4, 32 · 32) by bins of num and den."""
        flat = self.arrays["context.correction"].reshape(len(self.groups), 4, BINS * BINS)
        return flat.astype(np.int16)

    @cached_property
    def means(self) -> tuple[tuple[tuple[MeanTerm, ...], ...], ...]:
        """What each phase of each group that has means adds up: see `MeanTerm`."""
        weights = self.arrays["means"].astype(np.float64)
        out = []
        for group in self.groups:
            if group.first >= self.predicted:
                break
            own = weights[:, group.first : group.last, : group.last]
            phases = []
            for phase, (row, column) in enumerate(PHASES):
                terms = []
                for i in range(3):
                    for j in range(3):
                        down, across = row + i - 1, column + j - 1
                        source = PHASES.index((down % 2, across % 2))
                        one = np.ascontiguousarray(own[phase, :, :, i, j])
                        # The first channels of earlier groups only, where its own are not coded.
                        taken = group.last if one[:, group.first :].any() else group.first
                        if one.any():
                            terms.append(
                                MeanTerm(source, down // 2, across // 2, one[:, :taken].copy())
                            )
                phases.append(tuple(terms))
            out.append(tuple(phases))
        return tuple(out)

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """The largest |k'| of each table of latents."""
        starts = self.arrays["tables.latents_start"].astype(int)
        return tuple(int(size - 2) // 2 for size in np.diff(starts))

    @cached_property
    def reach_of_table(self) -> NDArray[np.int32]:
        """The same as an array."""
        return np.array(self.reaches, np.int32)

    @cached_property
    def latent_models(self) -> tuple[Model, ...]:
        """Coder models of k' + reach, the escape last."""
        return tuple(table_model(self._latent_table(number)) for number in range(TABLES))

    @cached_property
    def side_models(self) -> tuple[tuple[Model, ...], ...]:
        """Coder models of ẑ + 32 by channel and context."""
        return tuple(
            tuple(table_model(table.astype(np.int64)) for table in channel)
            for channel in self.arrays["tables.side"]
        )

    @cached_property
    def low_models(self) -> tuple[Model, ...]:
        """Coder models of one bit, two bits and so on."""
        return tuple(uniform_model(bits) for bits in range(1, 17))

    def _latent_table(self, number: int) -> NDArray[np.int64]:
        start, end = self.arrays["tables.latents_start"][number : number + 2].astype(int)
        return self.arrays["tables.latents"][start:end].astype(np.int64)


SPLIT_INDEX: Final = np.maximum(-((TABLES - 1 - np.arange(SCALES)) // SCALES_AN_OCTAVE), 0)
"""How many low bits go uncoded, by scale index."""
TABLE_OF_INDEX: Final = (np.arange(SCALES) - SCALES_AN_OCTAVE * SPLIT_INDEX).astype(np.uint8)
"""Which table codes the rest."""
