"""What the contexts of the side information save: bits of ẑ on held-out crops.

    nice python benchmarks/side_contexts.py --images DIR [--cache DIR]

Contexts and tables are fitted to training crops, as export fits them, and priced on crops of
held-out pictures. Beside them stand two simpler choices: the rounded mean of a channel's own coded
neighbours, limited to -2 to 2, and no context at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.data.colour import canonical_planes
from downpass.ground.training.data.corpus import Corpus, load_corpus, split
from downpass.ground.training.export.fit_side_contexts import fit_side_contexts
from downpass.ground.training.export.tables import side_tables
from downpass.ground.training.export.training_tiles import to_integers
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.verify.shipped_codec import (
    from_integers,
    shipped_arrays,
    shipped_shape,
)
from downpass.link.student.entropy_model import SIDE_LOW
from downpass.link.student.side_contexts import LARGEST_SUM, MEAN_UNIT, SIDE_CONTEXTS, SideContexts

CROP = 256


@torch.no_grad()
def side_of_crops(codec: Codec, corpus: Corpus, batches: int) -> list[np.ndarray[Any, Any]]:
    """Return ẑ (channels, rows, columns) of eight crops for each batch."""
    sampler = CropSampler(corpus, crop=CROP, batch=8, seed=8, device=torch.device("cpu"))
    low, high = codec.hyper.side.low, codec.hyper.side.high
    found = []
    for step in range(batches):
        planes = canonical_planes(sampler.draw(step), np.random.default_rng(step))
        side = torch.floor(codec.hyper.analyse(codec.analysis(planes)) + 0.5).clamp(low, high)
        found += [to_integers(one[None]) for one in side]
    return found


def own_means(channels: int) -> dict[str, Any]:
    """Return contexts by a channel's own neighbours: their rounded mean, or that there are none."""
    arrays = no_contexts(channels)
    own = np.arange(channels)
    arrays["side.weights"][own, 1:, 0, own] = 1
    arrays["side.thresholds"][:, :4] = np.array([-3, -1, 1, 3]) * MEAN_UNIT // 2
    arrays["side.thresholds"][:, 4] = arrays["side.bias"][:, 0] = LARGEST_SUM // 2
    return arrays


def no_contexts(channels: int) -> dict[str, Any]:
    """Return one context for all values."""
    return {
        "side.weights": np.zeros((channels, 4, 2, channels), np.int8),
        "side.bias": np.zeros((channels, 4), np.int32),
        "side.thresholds": np.full((channels, SIDE_CONTEXTS - 1), LARGEST_SUM, np.int32),
    }


def bits(tables: np.ndarray[Any, Any], arrays: dict[str, Any], sides: Sequence[Any]) -> float:
    """Return the mean bits of a value under tables."""
    contexts = SideContexts.load(arrays, tables.shape[0])
    channel = np.arange(tables.shape[0])[:, None, None]
    price = 16 - np.log2(tables)
    return float(np.mean([price[channel, contexts.of_all(s), s - SIDE_LOW].mean() for s in sides]))


def main() -> None:
    """Print the bits of each choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=Path, required=True, help="folder of training pictures")
    parser.add_argument("--cache", type=Path, help="folder for decoded pictures")
    parser.add_argument("--batches", type=int, default=40, help="of eight crops (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    codec = from_integers(shipped_arrays(), shipped_shape()).eval()
    training, held_out = split(load_corpus(options.images, options.cache))
    fitted_to = side_of_crops(codec, training, options.batches)
    priced_on = side_of_crops(codec, held_out, max(1, options.batches // 2))
    channels = fitted_to[0].shape[0]
    choices = {
        "no context": no_contexts(channels),
        "mean of own neighbours": own_means(channels),
        "prediction from all channels": fit_side_contexts(fitted_to),
    }
    found = {
        name: bits(side_tables(fitted_to, arrays), arrays, priced_on)
        for name, arrays in choices.items()
    }
    before = found["mean of own neighbours"]
    pixels = CROP**2 / priced_on[0][0].size
    print(f"{len(priced_on)} held-out crops of {CROP} x {CROP} pixels")
    for name, value in found.items():
        print(f"{name:30} {value:.3f} bits a value, {value * channels / pixels:.5f} bit/px, "
              f"{value / before - 1:+.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
