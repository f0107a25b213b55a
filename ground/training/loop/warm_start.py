"""Warm start: a codec to train on, from the integers of a model that was shipped.

Checkpoints are not kept in the repository, so a training that continues an earlier one begins from
the integers in the package. The networks come back through `verify.shipped_codec`. What the entropy
coder has as tables is fitted to the parameters that the tables were made from:

| array                | parameter                     | fit                                    |
| -------------------- | ----------------------------- | -------------------------------------- |
| `gain`               | `gain.values`                 | least squares over 257 qualities       |
| blocks' `bias`       | `bias.values` of each block   | the same                               |
| `means`              | `neighbours.weight`           | exact, up to its unit of 2^-14         |
| `context.correction` | `context.table`               | least squares over 32 x 32 bins        |
| `tables.side`        | `hyper.side_mean`, `side_log2_scale` | most likely logistic distribution |

Then the grids are switched off, and training goes on in floating point.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....link.errors import InputError
from ....link.student.entropy_model import SIDE_LOW
from ....link.student.phases import PHASES
from ....link.student.shared_model import load_integers
from ....link.student.side_contexts import SideContexts, neighbour_means, part_of_phase
from ..arguments import SHIPPED
from ..export.context_tables import bin_weights
from ..export.extract import MEAN_FRACTION
from ..export.integer_networks import Arrays
from ..networks.codec import Codec
from ..networks.layers import KnotTable
from ..networks.logistic_prior import logistic_bits
from ..networks.quantise import switch_off
from ..networks.shape import KNOTS, LOG2_FRACTION, QUALITY_STEPS, CodecShape
from ..networks.synthesis import Synthesis
from ..verify.shipped_codec import from_integers, shipped_arrays, shipped_card
from .checkpoint import load, shape_of


def load_start(
    start: Path, device: torch.device | str = "cpu", *, on_grids: bool = False
) -> dict[str, Any]:
    """Return the checkpoint that a run begins from.

    Args:
        start: A checkpoint, a model folder, or `SHIPPED` for the model in the package.
        device: Where its arrays are put.
        on_grids: Whether a model's networks stay on their grids.

    Returns:
        The content of a checkpoint. Of a model it has `shape`, `model` and `origin`: the model's
        fingerprint, and the steps and minutes that it was trained for.

    Raises:
        InputError: The file does not exist or is not a checkpoint of the learned codec.
    """
    if start == SHIPPED:
        card, arrays = shipped_card(), shipped_arrays()
    elif start.is_dir():
        card, arrays = _read_folder(start)
    else:
        return load(start, device)
    codec = warm_start(arrays, shape_of(card), on_grids=on_grids).to(device)
    before = card["training"]
    return {
        "shape": card["shape"],
        "model": codec.state_dict(),
        "origin": {
            "fingerprint": card["fingerprint"],
            "steps": before["steps"] + before.get("steps_before", 0),
            "minutes": round(before["minutes"] + before.get("minutes_before", 0.0), 1),
        },
    }


def _read_folder(folder: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        card = json.loads((folder / "card.json").read_text())
        return card, load_integers(folder)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a model folder ({error})") from error


@torch.no_grad()
def warm_start(arrays: Arrays, shape: CodecShape, *, on_grids: bool = False) -> Codec:
    """Return a codec in floating point that computes nearly what the integers compute.

    Args:
        arrays: All integers of a model: networks, entropy coder and tables.
        shape: Widths of its networks.
        on_grids: Whether the networks stay on their grids, and compute exactly the same.

    Raises:
        ValueError: A layer's limits are not those of this code's grids.
    """
    codec = from_integers(arrays, shape)
    codec.gain.values.copy_(fit_knots(torch.from_numpy(arrays["gain"]) / 2**LOG2_FRACTION))
    restore_biases(codec.synthesis)
    means = torch.from_numpy(arrays["means"]).float() / 2**MEAN_FRACTION
    codec.neighbours.weight.copy_(means.reshape(codec.neighbours.weight.shape))
    codec.context.table.copy_(fit_nodes(arrays["context.correction"]))
    mean, log2_scale = fit_side_prior(drawn_side_counts(arrays))
    codec.hyper.side_mean.copy_(mean)
    codec.hyper.side_log2_scale.copy_(log2_scale)
    if not on_grids:
        switch_off(codec)
    return codec


@torch.no_grad()
def restore_biases(synthesis: Synthesis) -> None:
    """Replace the blocks' biases at every quality by knots, which can be trained on."""
    for block in (*synthesis.before, *synthesis.below, *synthesis.after):
        table = KnotTable(block.first.out_channels)
        table.values.copy_(fit_knots(block.bias.values))
        block.bias = table


def fit_knots(values: Tensor) -> Tensor:
    """Return values (KNOTS, channels) at the knots, of a table (QUALITY_STEPS + 1, channels)."""
    place = np.arange(QUALITY_STEPS + 1) * (KNOTS - 1) / QUALITY_STEPS
    hats = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(KNOTS)))
    fitted = np.linalg.lstsq(hats, values.double().numpy(), rcond=None)[0]
    return torch.from_numpy(fitted).float()


def fit_nodes(correction: NDArray[np.int8]) -> Tensor:
    """Return the context's table (groups · phases, NODES, NODES) of (groups, phases, bins, bins).

    The bins' values are bilinear in the nodes' ones, up to rounding and the limits of ±127.
    """
    bins = correction.shape[-1]
    values = correction.reshape(-1, bins, bins).astype(np.float64) / 2**LOG2_FRACTION
    inverse = np.linalg.pinv(bin_weights())
    return torch.from_numpy(inverse @ values @ inverse.T).float()


def drawn_side_counts(arrays: Arrays, places: int = 96) -> NDArray[np.int64]:
    """Return how often each channel of ẑ has each value (channels, values), whatever its context.

    A model stores a table for each context, and not how frequent the contexts are. So a tile of
    `places` x `places` values is drawn from the tables, as a decoder of random bytes would.
    """
    tables = arrays["tables.side"].astype(np.int64)
    channels, values = tables.shape[0], tables.shape[2]
    ends = tables.cumsum(axis=2)
    contexts = SideContexts.load(arrays, channels)
    rng = np.random.default_rng(0)
    side = np.zeros((channels, places, places), np.int64)
    for phase in range(len(PHASES)):
        part, means = part_of_phase(side, phase), neighbour_means(side, phase)
        for channel in range(channels):
            own = slice(channel, channel + 1)
            end = ends[channel][contexts.of_phase(phase, means, part, own)[0]]
            drawn = rng.integers(0, end[..., -1:])
            part[channel] = (drawn >= end).sum(axis=-1) + SIDE_LOW
    return np.stack([np.bincount(one.ravel() - SIDE_LOW, minlength=values) for one in side])


def fit_side_prior(side_counts: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return mean and log₂ of the scale of each channel of ẑ (channels,).

    Args:
        side_counts: How often each value occurs (channels, values).
    """
    counts = torch.from_numpy(side_counts.astype(np.float32))
    share = counts / counts.sum(dim=1, keepdim=True)
    values = torch.arange(counts.shape[1]) + float(SIDE_LOW)
    centre = (share * values).sum(dim=1)
    offsets, scales = torch.linspace(-1, 1, 41), torch.linspace(-3, 4, 141)
    means, log2_scales = [], []
    for row, start in zip(share, centre, strict=True):
        mean = start + offsets
        bits = logistic_bits(values - mean[:, None, None], scales[:, None])
        best = int((bits * row).sum(dim=2).argmin())
        means.append(mean[best // len(scales)])
        log2_scales.append(scales[best % len(scales)])
    return torch.stack(means), torch.stack(log2_scales)
