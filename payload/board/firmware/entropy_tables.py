"""The entropy model's tables as C: gains, context, means and frequencies (nn/model.h)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student.entropy_model import MANTISSAS, SCALES, TABLES, EntropyModel
from ....link.student.side_contexts import SIDE_CONTEXTS
from .c_arrays import Integers, c_array, numbers


def check_entropy(folder: Path, model: EntropyModel, latents: int, side: int) -> None:
    """Refuse an entropy model that does not fit the networks or the firmware's loops.

    Raises:
        InputError: Something does not fit; the message says what.
    """
    arrays, groups = model.arrays, model.groups
    starts = arrays["tables.latents_start"].astype(int)
    firsts = [0, *(group.last for group in groups)]
    sums = [int(arrays["tables.latents"][a:b].sum()) for a, b in pairwise(starts)]
    faults = {
        f"{model.latents} gains for {latents} latents": model.latents != latents,
        f"{latents} latents, allowed are multiples of 4": latents % 4 != 0,
        f"{model.side} side tables for {side} channels": model.side != side,
        f"side tables {arrays['tables.side'].shape}": arrays["tables.side"].shape[1:]
        != (SIDE_CONTEXTS, 64),
        "frequencies that do not sum to 2^16": any(total != 1 << 16 for total in sums)
        or bool((arrays["tables.side"].sum(axis=2) != 1 << 16).any()),
        f"{len(sums)} tables of latents, allowed are {TABLES}": len(sums) != TABLES,
        f"{arrays['context.expected'].size} scales": arrays["context.expected"].size != SCALES,
        "a silent scale that expects magnitudes": int(arrays["context.expected"][0]) != 0,
        f"means of {model.predicted} channels, allowed is the end of a group": model.predicted
        not in firsts,
        "channel groups that do not follow each other": any(
            group.first != first or group.window > first
            for group, first in zip(groups, firsts, strict=False)
        ),
    }
    for fault, found in faults.items():
        if found:
            raise InputError(f"{folder}: {fault}")


def entropy_sources(folder: Path, model: EntropyModel) -> Iterator[str]:
    """Yield the C of each table of the entropy model.

    Raises:
        InputError: The gains do not fit; see `gains`.
    """
    arrays = {name: array.astype(np.int64) for name, array in model.arrays.items()}
    groups = []
    for number, group in enumerate(model.groups):
        name = "0"
        if group.first < model.predicted:
            name = f"means_{number}"
            own = arrays["means"][:, group.first : group.last, : group.last]
            by_tap = own.reshape(*own.shape[:3], 9).transpose(0, 1, 3, 2)
            yield f"static {c_array(f'int16_t {name}[]', by_tap)}"
        groups.append(f"{{{group.first}, {group.last}, {group.window}, {name}}}")
    yield f"const struct dp_group dp_groups[DP_GROUPS] = {{{', '.join(groups)}}};"
    row, channel, rest = gains(folder, model.gain)
    yield c_array("int16_t dp_gain_row[257]", row)
    yield c_array("int16_t dp_gain_channel[DP_LATENTS]", channel)
    lines = ",\n".join(f"{{{numbers(line)}}}" for line in rest)
    yield f"const int8_t dp_gain_rest[257][DP_LATENTS] = {{{lines}}};"
    cells = [
        "{"
        + ",".join(
            "{" + ",".join(f"{{{numbers(line)}}}" for line in phase) + "}" for phase in group
        )
        + "}"
        for group in arrays["context.correction"]
    ]
    yield f"const int8_t dp_correction[DP_GROUPS][4][32][32] = {{{','.join(cells)}}};"
    yield c_array("uint16_t dp_expected[121]", arrays["context.expected"])
    yield c_array("uint8_t dp_rounding[121]", arrays["rounding"])
    yield c_array("uint16_t dp_mantissas[32]", MANTISSAS)
    starts = arrays["tables.latents_start"]
    tables = np.split(arrays["tables.latents"], starts[1:-1])
    yield c_array("uint16_t dp_latent_tables[]", np.concatenate([_before(one) for one in tables]))
    yield c_array("uint16_t dp_latent_start[66]", starts)
    sides = ",\n".join(
        "{" + ",".join(f"{{{numbers(_before(one))}}}" for one in channel) + "}"
        for channel in arrays["tables.side"]
    )
    yield f"const uint16_t dp_side_tables[DP_SIDE][DP_SIDE_CONTEXTS][64] = {{{sides}}};"
    yield f"static {c_array('int8_t side_weights[]', arrays['side.weights'])}"
    yield f"static {c_array('int32_t side_bias[]', arrays['side.bias'])}"
    yield f"static {c_array('int32_t side_thresholds[]', arrays['side.thresholds'])}"
    rule = "{side_weights, side_bias, side_thresholds}"
    yield f"const struct dp_side_rule dp_side_rule = {rule};"


def gains(folder: Path, gain: NDArray[np.int16]) -> tuple[Integers, Integers, Integers]:
    """Split log₂-gains into a part per row, a part per channel and a rest of 8 bits.

    Raises:
        InputError: The rest does not fit into 8 bits.
    """
    whole = gain.astype(np.int64)
    channel = np.median(whole, axis=0).astype(np.int64)
    rest = whole - channel
    row = (rest.max(axis=1) + rest.min(axis=1)) // 2
    rest -= row[:, None]
    if rest.min() < -128 or rest.max() > 127:
        raise InputError(
            f"{folder}: gain: {rest.min()} to {rest.max()} about its quality and its channel, "
            f"allowed are -128 to 127"
        )
    return row, channel, rest


def _before(frequencies: Integers) -> Integers:
    """Return the cumulative frequency before each symbol."""
    return np.asarray(np.cumsum(frequencies) - frequencies)
