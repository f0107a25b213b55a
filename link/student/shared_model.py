"""The part of the learned codec's model that both ends need: entropy model and hyper synthesis.

    ẑ ── hyper synthesis h_s ──► log-scales L ── entropy model ──► integer tables for ŷ

This is the hyperprior of Ballé et al., "Variational image compression with a scale hyperprior"
(ICLR 2018): side information ẑ gives the decoder the scales of the latents y. The encoder's
networks (pixels to y and ẑ) are in `payload.encoders.student`, the decoder's network (ŷ to pixels)
is in `ground.decoders`. Each of the three parts has a model folder; the folder here holds:
  hyper.onnx     side information to log-scales, in float32 that holds integers
  integers.npz   every integer of hyper synthesis and entropy coder
  card.json      format, fingerprint, channel groups, complexity, training, held-out curve
docs/codec-integers.md ("The model folder") describes the content of each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference import session
from .entropy_model import EntropyModel

FOLDER: Final = Path(__file__).parent / "model"
FORMAT: Final = 2
"""Version of the model's integers that this code reads."""
CODING: Final = ("gain", "means", "context", "rounding", "side", "tables")
"""First parts, up to a dot, of the names of the entropy coder's arrays."""
HYPER_SYNTHESIS: Final = "hyper.synthesis_"
"""Prefix of the names of the hyper synthesis's arrays."""


@dataclass(frozen=True, eq=False)
class SharedModel:
    """Entropy model and hyper synthesis of a model folder.

    Attributes:
        folder: The model folder.
        card: The model card.
        fingerprint: Eight bytes that change with any integer of the whole model.
        entropy: The entropy model.
    """

    folder: Path
    card: dict[str, Any]
    fingerprint: bytes
    entropy: EntropyModel

    def log_scales(self, side: NDArray[np.int32], threads: int = 1) -> NDArray[np.integer]:
        """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns).

        Args:
            side: Side information ẑ.
            threads: Threads of ONNX Runtime; the result does not depend on them.
        """
        scales: NDArray[np.int32] = session(self.folder / "hyper.onnx", threads).run(
            ["log_scales"], {"side": side}
        )[0]
        return scales


@cache
def load(folder: Path = FOLDER) -> SharedModel:
    """Return the shared part of a model, by default of the model in the package.

    Args:
        folder: A model folder with the shared part, alone or with other parts.

    Raises:
        OSError: A file of the folder cannot be read.
        ValueError: The format is unknown, or the integers do not fit together.
    """
    card = json.loads((folder / "card.json").read_text())
    if card["format"] != FORMAT:
        raise ValueError(f"{folder}: model format {card['format']}; this code reads {FORMAT}")
    coding = {
        name: array for name, array in load_integers(folder).items() if name.split(".")[0] in CODING
    }
    return SharedModel(
        folder,
        card,
        bytes.fromhex(card["fingerprint"]),
        EntropyModel.load(coding, card["groups"]),
    )


def load_integers(*folders: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of `integers.npz` in all these model folders, by name."""
    arrays: dict[str, NDArray[Any]] = {}
    for folder in folders:
        with np.load(folder / "integers.npz") as file:
            arrays |= {name: file[name] for name in file.files}
    return arrays
