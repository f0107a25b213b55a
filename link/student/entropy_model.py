"""The learned codec's entropy model: the integers by which both ends code symbols.

It is a scale hyperprior (Ballé et al., arXiv 1802.01436) in integers. docs/codec-integers.md
("Integers of the entropy path") defines each array and every formula. This module turns the arrays
of the model's file into coder models and look-up tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .phases import PHASES
from .range_coder import Model, table_model, uniform_model
from .side_contexts import SIDE_CONTEXTS, SideContexts

SCALES: Final = 121
SCALES_AN_OCTAVE: Final = 8
TABLES: Final = 65
"""Number of tables of latents. Wider scales use the last eight and send low bits as they are."""
LARGEST_MAGNITUDE: Final = 255
INDEX_OFFSET: Final = 130
"""index = clip((log-scale + 130) >> 2, 0, 120)."""
MANTISSA_BITS: Final = 12
MANTISSAS: Final = np.floor(np.exp2(np.arange(32) / 32) * 2**MANTISSA_BITS + 0.5).astype(np.int64)
LATENT_FRACTION: Final = 4
MEAN_FRACTION: Final = 14
CODED_LEVEL: Final = 4
"""Log-scale + 130 + log-gain from which a latent is coded: scale index 1. Others are skipped."""
OUTSIDE: Final = -8192
"""Log-scale of positions outside the tile, so low that they are always skipped."""
LARGEST_WINDOW: Final = 256
"""Most channels of a window: sums of their magnitudes fit 16 bits."""
SIDE_LOW: Final = -32
BINS: Final = 32

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Group:
    """Channels that are coded together, and the window of their context.

    Attributes:
        first: First channel.
        last: Channel after the last one.
        window: Number of channels before `first` whose magnitudes are context; 0 or a power of two.
    """

    first: int
    last: int
    window: int


@dataclass(frozen=True, eq=False, slots=True)
class MeanSource:
    """The part of a group's means that one phase's decoded latents contribute.

    Attributes:
        phase: Phase of the neighbours.
        places: Offset (rows down, columns right) of each of n neighbours in its phase's plane;
            negative above and to the left.
        weights: Weights (n · channels, channels coded so far), float64. They are integers times
            2^-14, so sums are exact.
    """

    phase: int
    places: tuple[tuple[int, int], ...]
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class EntropyModel:
    """The tables and formulas that determine how integers become bits.

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
        """Refuse arrays that the coding loops cannot handle.

        Raises:
            ValueError: Arrays do not fit together, or a number is outside its range.
        """
        qualities, latents = self.arrays["gain"].shape
        if qualities != self.qualities or self.groups[-1].last != latents:
            raise ValueError(f"gains of {qualities} qualities and {latents} channels")
        if self.arrays["gain"].max() > 32 * 4 or self.arrays["gain"].min() < -32 * 14:
            raise ValueError("gains outside 2^-14 to 2^4")
        if self.arrays["context.correction"].shape != (len(self.groups), 4, BINS, BINS):
            raise ValueError("context tables do not fit the channel groups")
        for group in self.groups:
            if group.window & (group.window - 1) or not 0 <= group.window <= LARGEST_WINDOW:
                raise ValueError(
                    f"a window of {group.window} channels; powers of two up to {LARGEST_WINDOW} "
                    "are allowed, and 0"
                )
            if group.window > group.first:
                raise ValueError(
                    f"a window of {group.window} channels before channel {group.first}"
                )
        if int(self.arrays["rounding"].max()) > 128:
            raise ValueError("a rounding offset beyond half a step")
        if int(self.arrays["context.expected"].max()) > 16 * LARGEST_MAGNITUDE:
            raise ValueError("a scale expects more than any magnitude")
        if self.arrays["tables.side"].shape[1] != SIDE_CONTEXTS:
            raise ValueError("tables do not fit the side information's contexts")
        _ = self.side_contexts

    @property
    def qualities(self) -> int:
        """Number of qualities, which are counted from 0."""
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
        """Number of predicted channels. They are the first channels."""
        return int(self.arrays["means"].shape[1])

    @cached_property
    def gain(self) -> NDArray[np.int16]:
        """log₂-gains (qualities, channels) in 1/32 octave."""
        return np.ascontiguousarray(self.arrays["gain"], np.int16)

    @cached_property
    def expected(self) -> NDArray[np.uint16]:
        """E|k| in 1/16 by scale index, at most 16 · 255."""
        return self.arrays["context.expected"].astype(np.uint16)

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """Rounding offset in steps, added before |v| is floored, by scale index."""
        return self.arrays["rounding"] / 256.0

    @cached_property
    def corrections(self) -> NDArray[np.int16]:
        """Corrections of scales (groups · 4, 32 · 32) by bins of num and den."""
        return self.arrays["context.correction"].reshape(-1, BINS * BINS).astype(np.int16)

    @cached_property
    def to_groups(self) -> NDArray[np.int64]:
        """Index of each (phase, channel) plane minus the index of its (phase, group) plane."""
        sizes = [group.last - group.first for group in self.groups]
        group = np.repeat(np.arange(len(sizes)), sizes)
        moved = np.arange(4)[:, None] * (self.latents - len(sizes)) + np.arange(self.latents)
        return np.asarray((moved - group).ravel())

    @cached_property
    def means(self) -> tuple[tuple[tuple[MeanSource, ...], ...], ...]:
        """Sources of the means, by group of predicted channels and by phase."""
        weights = self.arrays["means"] * 2.0**-MEAN_FRACTION
        out = []
        for group in self.groups:
            if group.first >= self.predicted:
                break
            own = weights[:, group.first : group.last, : group.last]
            out.append(tuple(_mean_sources(own[phase], group, phase) for phase in range(4)))
        return tuple(out)

    @cached_property
    def packed_means(self) -> NDArray[np.float64]:
        """Weights of the predicted groups' means, group after group.

        Each group's have the shape (4, 9, last, channels): by phase, neighbour, channel of the
        neighbour, channel of the group.
        """
        weights = self.arrays["means"] * 2.0**-MEAN_FRACTION
        parts = [np.empty(0)]
        for group in self.groups:
            if group.first < self.predicted:
                own = weights[:, group.first : group.last, : group.last]
                parts.append(own.reshape(*own.shape[:3], 9).transpose(0, 3, 2, 1).ravel())
        return np.concatenate(parts)

    @cached_property
    def reader_tables(self) -> tuple[Any, ...]:
        """What native/tile_reader_module.c reads, in its order."""
        groups = [(group.first, group.last, group.window) for group in self.groups]
        sizes = [model.size for model in self.latent_models]
        return (
            self.predicted,
            self.side,
            np.array(groups, np.int32),
            MANTISSAS.astype(np.uint16),
            self.expected,
            self.corrections,
            self.packed_means,
            np.concatenate(self.latent_models),
            np.concatenate(([0], np.cumsum(sizes))).astype(np.int32),
            np.concatenate(self.side_tables),
            self.side_contexts.weights,
            self.side_contexts.bias,
            self.side_contexts.thresholds,
        )

    @cached_property
    def reaches(self) -> tuple[int, ...]:
        """The largest |k'| of each table of latents."""
        starts = self.arrays["tables.latents_start"].astype(int)
        return tuple(int(size - 2) // 2 for size in np.diff(starts))

    @cached_property
    def reach_of_table(self) -> NDArray[np.int32]:
        """`reaches` as an array."""
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
    def side_tables(self) -> tuple[Model, ...]:
        """`side_models` as one sequence, channel by channel."""
        return tuple(one for channel in self.side_models for one in channel)

    @cached_property
    def side_contexts(self) -> SideContexts:
        """What chooses the table of a value of ẑ."""
        return SideContexts.load(self.arrays, self.side)

    @cached_property
    def low_models(self) -> tuple[Model, ...]:
        """Coder models of one bit, two bits and so on."""
        return tuple(uniform_model(bits) for bits in range(1, 17))

    def _latent_table(self, number: int) -> NDArray[np.int64]:
        start, end = self.arrays["tables.latents_start"][number : number + 2].astype(int)
        return self.arrays["tables.latents"][start:end].astype(np.int64)


def _mean_sources(weights: NDArray[np.float64], group: Group, phase: int) -> tuple[MeanSource, ...]:
    """Return the sources of a group's means in a phase.

    `weights` has the shape (channels, channels coded so far, 3, 3).
    """
    found: dict[int, list[tuple[tuple[int, int], NDArray[np.float64]]]] = {}
    row, column = PHASES[phase]
    for i in range(3):
        for j in range(3):
            down, across = row + i - 1, column + j - 1
            source = PHASES.index((down % 2, across % 2))
            # The group's own channels are not decoded yet in this and in later phases.
            taken = group.last if source < phase else group.first
            one = weights[:, :taken, i, j]
            if one.any():
                found.setdefault(source, []).append(((down // 2, across // 2), one))
    return tuple(
        MeanSource(
            source, tuple(place for place, _ in terms), np.concatenate([w for _, w in terms])
        )
        for source, terms in found.items()
    )


SPLIT_INDEX: Final = np.maximum(-((TABLES - 1 - np.arange(SCALES)) // SCALES_AN_OCTAVE), 0)
"""Number of low bits that are written without a table, by scale index."""
TABLE_OF_INDEX: Final = (np.arange(SCALES) - SCALES_AN_OCTAVE * SPLIT_INDEX).astype(np.uint8)
"""Number of the table that codes the other bits, by scale index."""
