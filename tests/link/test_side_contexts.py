"""Contexts of the side information: by hand, and properties that both ends rely on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from downpass.link.student.side_contexts import (
    LARGEST_SUM,
    SIDE_CONTEXTS,
    SideContexts,
    neighbour_means,
    part_of_phase,
)
from hypothesis import given
from hypothesis import strategies as st

from .random_tiles import random_side_contexts

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 9)


def test_means_by_hand() -> None:
    side = np.array([[[4, 9, 3], [8, 1, 9], [3, 9, 3]]])
    assert neighbour_means(side, 0).tolist() == [[[0, 0], [0, 0]]]
    # The centre sees four corners: 13 / 4.
    assert neighbour_means(side, 1).tolist() == [[[39]]]
    # The upper and the lower edge see two corners and the centre.
    assert neighbour_means(side, 2).tolist() == [[[4 * 8], [4 * 7]]]
    assert neighbour_means(side, 3).tolist() == [[[4 * 8, 4 * 7]]]
    # Nothing is around a single value.
    assert neighbour_means(side[:, :1, :1], 2).shape == (1, 1, 0)


def test_contexts_by_hand() -> None:
    weights = np.zeros((2, 4, 2, 2), np.int8)
    weights[1, 1, 0] = 3, -2  # means of both channels
    weights[1, 1, 1, 0] = 5  # the first channel's value
    bias = np.array([[0] * 4, [0, 100, 0, 0]], np.int32)
    thresholds = np.full((2, SIDE_CONTEXTS - 1), LARGEST_SUM, np.int32)
    side = np.array([[[1, 0], [0, 4]], [[7, 0], [0, 9]]])
    # Of the second channel's (1, 1): 100 + 3 · 12 - 2 · 84 + 5 · 12 · 4 = 208.
    thresholds[1, :3] = 207, 208, 209
    contexts = SideContexts.load(arrays(weights, bias, thresholds), 2).of_all(side)
    assert contexts.tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 2]]]


@given(SEEDS, st.integers(1, 4), SIDES, SIDES)
def test_contexts_do_not_depend_on_what_is_coded_later(
    seed: int, channels: int, rows: int, columns: int
) -> None:
    rng = np.random.default_rng(seed)
    contexts = SideContexts.load(random_side_contexts(rng, channels), channels)
    side = rng.integers(-32, 32, (channels, rows, columns))
    wanted = contexts.of_all(side)
    assert wanted.max() < SIDE_CONTEXTS
    known = np.full_like(side, -32)
    for phase in range(4):
        for channel in range(channels):
            values, means = part_of_phase(known, phase), neighbour_means(known, phase)
            found = contexts.of_phase(phase, means, values, slice(channel, channel + 1))
            np.testing.assert_array_equal(found[0], part_of_phase(wanted, phase)[channel])
            values[channel] = part_of_phase(side, phase)[channel]


def arrays(weights: Any, bias: Any, thresholds: Any) -> dict[str, Any]:
    return {"side.weights": weights, "side.bias": bias, "side.thresholds": thresholds}


def changed(name: str, at: tuple[int, ...], value: int) -> dict[str, Any]:
    out = random_side_contexts(np.random.default_rng(1), 3)
    out[f"side.{name}"][at] = value
    return out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (changed("weights", (1, 2, 0, 2), 1), "not yet coded"),
        (changed("weights", (1, 2, 1, 1), 1), "not yet coded"),
        (changed("bias", (0, 0), LARGEST_SUM + 1), "sums beyond"),
        (changed("thresholds", (2, 3), -LARGEST_SUM - 1), "sums beyond"),
        (random_side_contexts(np.random.default_rng(1), 2), "do not fit the channels"),
    ],
)
def test_contexts_that_no_reader_has_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SideContexts.load(given, 3)
