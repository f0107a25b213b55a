"""A decoder network's folder: graph, integers and card.

    python -m downpass.ground.training.export.ship --decoder full --checkpoint RUN/best.ckpt …

exports a decoder that was trained for the model in the package (`loop.decoder_trainer`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....link.errors import InputError
from ....link.student.lapped import REACH
from ..data.augment import CropSampler
from ..loop.checkpoint import averaged_codec, load
from ..loop.held_out import HeldOutPicture
from ..networks.calibrate import put_synthesis_on_grids, round_synthesis
from ..networks.codec import Codec
from ..networks.complexity import complexity
from ..networks.shape import BLOCK, CodecShape
from .extract import extract, limit_shifts
from .fingerprints import DECODER_FORMAT, SYNTHESIS, decoder_fingerprint, model_fingerprint
from .float32_graphs import decoder_graph
from .held_out_report import held_out_report
from .integer_networks import Arrays

log = logging.getLogger(__name__)

_ONBOARD = ("analysis.", "hyper.")


def halo(shape: CodecShape) -> int:
    """Return the width in latents of the border on which a window's pixels depend.

    In pixels, the first and last convolutions reach 4 each, a residual block 8 at 1/4 and 16 at
    1/8; the cells of 8 pixels at 1/8 add 4. A block boundary's filter needs all of the pixels
    that it changes, up to 8 on either side, of which the others may see one only.
    """
    before, below, after = shape.depth
    return -(-(8 * (before + after) + 16 * below + 12 + REACH) // BLOCK)


def export_decoder(
    checkpoint: Path,
    name: str,
    model: Arrays,
    sampler: CropSampler,
    held_out: Sequence[HeldOutPicture],
    out: Path,
) -> dict[str, Any]:
    """Write the folder of a decoder's checkpoint, and return its card.

    Args:
        checkpoint: The checkpoint; its averaged weights are exported.
        name: Name of the decoder.
        model: All integers of the model that it was trained for.
        sampler: Training crops, for calibration.
        held_out: Held-out pictures, for the card's results.
        out: Folder to write.

    Raises:
        InputError: The checkpoint is not valid, or was trained for another model.
        NotExactError: The integer network would not be exact in float32.
    """
    content, codec = load(checkpoint), averaged_codec(checkpoint)
    if not codec.on_grids:
        raise InputError(f"{checkpoint}: no decoder's checkpoint: its encoder is not in integers")
    put_synthesis_on_grids(codec, sampler)
    round_synthesis(codec, sampler)
    limit_shifts(codec)  # as the model's own export does
    found = extract(codec)
    for array in found:
        if array.startswith(_ONBOARD) and not np.array_equal(found[array], model[array]):
            raise InputError(f"{checkpoint}: a decoder for another model ({array} differs)")
    arrays = {a: v for a, v in model.items() if not a.startswith(SYNTHESIS)}
    arrays |= {a: v for a, v in found.items() if a.startswith(SYNTHESIS)}
    out.mkdir(parents=True, exist_ok=True)
    (out / "decoder.onnx").write_bytes(decoder_graph(arrays))
    own: Arrays = {a: v for a, v in arrays.items() if a.startswith(SYNTHESIS)}
    np.savez_compressed(out / "integers.npz", **own)  # type: ignore[arg-type]
    card = decoder_card(name, codec, arrays, content)
    card["held_out"] = held_out_report(codec, arrays, held_out)
    del card["held_out"]["curves"]
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def decoder_card(
    name: str, codec: Codec, arrays: Arrays, content: dict[str, Any]
) -> dict[str, Any]:
    """Return a decoder's card, without its held-out results.

    Args:
        name: Name of the decoder.
        codec: The codec with this decoder.
        arrays: Its integers.
        content: The checkpoint's content.
    """
    return {
        "format": DECODER_FORMAT,
        "name": name,
        "fingerprint": model_fingerprint(arrays).hex(),
        "decoder": decoder_fingerprint(arrays).hex(),
        "shape": {
            "synthesis": list(codec.shape.synthesis),
            "depth": list(codec.shape.depth),
        },
        "halo": halo(codec.shape),
        "kmac_per_pixel": round(complexity(codec)["synthesis"] / 1000, 3),
        "training": {
            "steps": content["step"],
            "minutes": round(content["seconds"] / 60, 1),
        },
    }
