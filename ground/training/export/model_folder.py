"""A checkpoint's model folder: integers, ONNX graphs, fingerprint and model card.

Files of a model folder:
  encoder.onnx, hyper.onnx, decoder.onnx   See `float32_graphs`.
  encoder_int8.onnx, side_int8.onnx,
  hyper_int8.onnx, probe.onnx            See `int8_graphs`.
  integers.npz                             Every integer: see `extract`, `context_tables`, `tables`.
  card.json                                Shape, training data and held-out results.
  decoder_card.json                        The decoder's own card, see `decoder_folder`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.augment import CropSampler
from ..data.corpus import Corpus
from ..loop.checkpoint import averaged_codec, load
from ..loop.held_out import HeldOutPicture
from ..networks.calibrate import put_on_grids, round_synthesis
from ..networks.complexity import complexity
from ..networks.scale_context import groups
from ..networks.shape import KNOTS, LOG2_LAMBDA_HIGH, LOG2_LAMBDA_LOW, QUALITY_STEPS
from . import int8_graphs
from .context_tables import context_tables
from .decoder_folder import decoder_card
from .extract import extract, limit_shifts
from .fingerprints import FORMAT, model_fingerprint
from .fit_context import fit_context
from .float32_graphs import decoder_graph, encoder_graph, hyper_graph
from .held_out_report import held_out_report
from .integer_networks import Arrays
from .tables import count_tables
from .training_tiles import training_tiles

log = logging.getLogger(__name__)

DECODER_CARD = "decoder_card.json"


def export(
    checkpoint: Path,
    corpus: Corpus,
    held_out: Sequence[HeldOutPicture],
    out: Path,
    batches: int = 40,
) -> dict[str, Any]:
    """Write a checkpoint's model folder, and return its card.

    Args:
        checkpoint: The checkpoint; its averaged weights are exported.
        corpus: Training pictures, for calibration and the counts of the tables.
        held_out: Held-out pictures, for the card's results.
        out: Folder to write.
        batches: Batches of crops that the tables are counted on.

    Raises:
        InputError: The checkpoint is not valid.
        NotExactError: The integer networks would not be exact in float32.
    """
    content = load(checkpoint)
    codec = averaged_codec(checkpoint)
    sampler = CropSampler(corpus, crop=128, batch=16, seed=7, device=torch.device("cpu"))
    put_on_grids(codec, sampler)
    round_synthesis(codec, sampler)
    limit_shifts(codec)
    larger_crops = CropSampler(corpus, crop=256, batch=8, seed=8, device=torch.device("cpu"))
    before, after = fit_context(codec, larger_crops, batches=max(2, batches // 2))
    log.info("scale context fitted: %.2f %% fewer bits on training crops", 100 * (before - after))
    arrays = extract(codec)
    arrays.update(context_tables(codec.context))
    arrays.update(count_tables(arrays, training_tiles(codec, larger_crops, batches)))
    out.mkdir(parents=True, exist_ok=True)
    write_graphs(arrays, out)
    np.savez_compressed(out / "integers.npz", **arrays)  # type: ignore[arg-type]
    card: dict[str, Any] = {
        "name": "downpass student",
        "format": FORMAT,
        "fingerprint": model_fingerprint(arrays).hex(),
        "shape": content["shape"],
        "groups": [[g.first, g.last, g.window] for g in groups(codec.shape.latents)],
        "quality": {
            "steps": QUALITY_STEPS,
            "knots": KNOTS,
            "log2_lambda": [LOG2_LAMBDA_LOW, LOG2_LAMBDA_HIGH],
        },
        "kmac_per_pixel": {k: round(v / 1000, 3) for k, v in complexity(codec).items()},
        "training": {
            **_length(content.get("encoder") or content),
            **_before(content),
            "pictures": len(corpus.pictures),
            "megapixels": round(sum(p.height * p.width for p in corpus.pictures) / 1e6, 1),
            "groups": sorted({p.group for p in corpus.pictures}),
        },
        "held_out": held_out_report(codec, arrays, held_out),
    }
    ground = decoder_card("fast", codec, arrays, content)
    totals = ("bd_rate", "coverage", "groups")
    ground["held_out"] = {name: card["held_out"][name] for name in totals}
    (out / DECODER_CARD).write_text(json.dumps(ground, indent=1) + "\n")
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def _length(trained: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long a run, or the encoder that it took over, was trained for."""
    return {"steps": trained["step"], "minutes": round(trained["seconds"] / 60, 1)}


def _before(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return from which model the training began, and how long that was trained for."""
    origin = content.get("origin")
    if not origin:
        return {}
    return {
        "began_from": origin["fingerprint"],
        "steps_before": origin["steps"],
        "minutes_before": origin["minutes"],
    }


def write_graphs(arrays: Arrays, out: Path) -> None:
    """Write the ONNX graphs of a model's integers into a folder."""
    graphs = {
        "encoder": encoder_graph(arrays),
        "hyper": hyper_graph(arrays),
        "decoder": decoder_graph(arrays),
        "encoder_int8": int8_graphs.encoder_graph(arrays),
        "side_int8": int8_graphs.side_graph(arrays),
        "hyper_int8": int8_graphs.hyper_graph(arrays),
        "probe": int8_graphs.probe_graph(),
    }
    for name, graph in graphs.items():
        (out / f"{name}.onnx").write_bytes(graph)
