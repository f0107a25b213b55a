"""Fitted contexts of the side information, on values whose dependence is known."""

from __future__ import annotations

import numpy as np
from downpass.ground.training.export.fit_side_contexts import fit_side_contexts
from downpass.ground.training.export.tables import side_tables
from downpass.link.student.side_contexts import SIDE_CONTEXTS, SideContexts


def bits(arrays: dict[str, np.ndarray], sides: list[np.ndarray]) -> np.ndarray:
    """Return the bits of each channel's values, under tables counted on them."""
    tables = side_tables(sides, arrays) / 2**16
    contexts = SideContexts.load(arrays, sides[0].shape[0])
    channel = np.arange(sides[0].shape[0])[:, None, None]
    each = [-np.log2(tables[channel, contexts.of_all(side), side + 32]) for side in sides]
    return np.mean([one.mean(axis=(1, 2)) for one in each], axis=0)


def test_what_a_channel_says_of_another_is_found() -> None:
    rng = np.random.default_rng(5)
    sides = []
    for _ in range(150):
        first = rng.integers(-3, 4, (8, 8))
        sides.append(np.stack((first, 1 - first, np.zeros_like(first))))
    found = bits(fit_side_contexts(sides), sides)
    assert abs(found[0] - np.log2(7)) < 0.05  # as many bits as values say
    assert found[1] < 0.1
    assert found[2] < 0.05


def test_smooth_values_are_predicted_from_their_neighbours() -> None:
    rng = np.random.default_rng(6)
    slopes = [rng.integers(-2, 3, 2) for _ in range(60)]
    rows, columns = np.mgrid[:8, :8]
    sides = [(a * rows + b * columns)[None] - 4 * (a + b) for a, b in slopes]
    arrays = fit_side_contexts(sides)
    none = {**arrays, "side.thresholds": np.full((1, SIDE_CONTEXTS - 1), 1 << 24, np.int32)}
    assert bits(arrays, sides)[0] < 0.75 * bits(none, sides)[0]
