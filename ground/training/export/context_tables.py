"""Integer tables of the scale context and of the encoder's rounding, read off a trained codec."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..networks.scale_context import (
    LOWEST_NODE,
    NODES,
    PHASES,
    ScaleContext,
    expected_magnitudes,
    rounding_offsets,
)
from ..networks.shape import LOG2_FRACTION
from .integer_networks import Arrays

BINS = 32
"""Bins of num and den: half octaves from 2^-4 to 2^12."""

LOWEST_BIN_OCTAVE = -4


def context_tables(context: ScaleContext) -> Arrays:
    """Return the integer tables of the scale correction, read off the trained context.

    `context.correction` int8 (groups, 4, BINS, BINS) in 1/32 octave, by bins of num and den;
    `context.expected` uint16 (SCALES), E|k| in 1/16;
    `rounding` uint8 (SCALES), see `rounding_table`.
    """
    table = context.table.detach().cpu().double().numpy()
    weights = bin_weights()
    values = weights @ table @ weights.T
    correction = np.clip(np.floor(values * 2**LOG2_FRACTION + 0.5), -127, 127).astype(np.int8)
    expected = np.floor(expected_magnitudes() * 16 + 0.5).astype(np.uint16)
    return {
        "context.correction": correction.reshape(-1, len(PHASES), BINS, BINS),
        "context.expected": expected,
        "rounding": rounding_table(),
    }


def bin_weights() -> NDArray[np.float64]:
    """Return the share (BINS, NODES) of each node in each bin's value: linear interpolation."""
    # Bins begin at 2^e and 1.5 · 2^e; these are the logarithms of their middles.
    centres = LOWEST_BIN_OCTAVE + np.arange(BINS) // 2 + np.where(np.arange(BINS) % 2, 0.79, 0.29)
    centres[0] = LOWEST_BIN_OCTAVE  # this bin is mostly reached by sums of zero
    place = np.clip(centres - LOWEST_NODE, 0, NODES - 1.001)
    distance = np.abs(place[:, None] - np.arange(NODES))
    return np.asarray(np.maximum(0.0, 1.0 - distance))


def rounding_table() -> NDArray[np.uint8]:
    """Return the rounding offsets at each scale in 1/256 step: 128 less the dead zone."""
    return (rounding_offsets() * 256).astype(np.uint8)
