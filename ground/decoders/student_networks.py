"""The student's decoder networks: which ones there are, and which model each was made for.

    latents ŷ, quality, rotation, joined blocks ──► decoder.onnx ──► pixels

Encoder and decoder must agree on the entropy model and the hyper synthesis alone (`link.student`).
The network that makes pixels of decoded latents is the ground's own: a bitstream does not depend on
it, so it can be replaced after launch, and there can be several: `fast`, and `full`, which is
heavier and better.

Each has a folder under models/, with
  decoder.onnx   the network, in float32 that holds integers
  integers.npz   its integers
  card.json      format, the fingerprint of the model that it is for, its own fingerprint, the width
                 of its halo, complexity, training
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from ...link.student.frame_layout import BLOCK

DecoderName = Literal["fast", "full"]
DECODERS: Final[tuple[DecoderName, ...]] = get_args(DecoderName)
MODELS: Final = Path(__file__).parent / "models"
FORMAT: Final = 1
"""Version of a decoder's card that this code reads."""


@dataclass(frozen=True, slots=True)
class DecoderNetwork:
    """A network that makes pixels of decoded latents.

    Attributes:
        name: Its name.
        folder: Its folder.
        model: Fingerprint of the model whose latents it reads.
        fingerprint: Eight bytes that change with any of its own integers.
        halo: Width in latents of the border around a window on which the window's pixels depend.
    """

    name: DecoderName
    folder: Path
    model: bytes
    fingerprint: bytes
    halo: int

    @property
    def graph(self) -> Path:
        """The ONNX graph."""
        return self.folder / "decoder.onnx"

    def flat(self) -> NDArray[np.intp]:
        """Return the indices of the latents that carry the block means of the three planes."""
        return _flat(self.folder)


def available() -> tuple[DecoderName, ...]:
    """Return the decoders that this installation has."""
    return tuple(name for name in DECODERS if (MODELS / name / "card.json").is_file())


def check_name(name: str) -> None:
    """Refuse a decoder that no installation has; a missing one is refused when it is needed.

    Raises:
        InputError: There is no decoder of this name.
    """
    if name not in DECODERS:
        raise InputError(f"decoder {name!r}: allowed is {' or '.join(available() or DECODERS)}")


@cache
def load_network(name: str = "fast") -> DecoderNetwork:
    """Return a decoder network.

    Raises:
        InputError: There is no decoder of this name.
        ValueError: Its card is of another format.
    """
    for known in available():
        if known == name:
            return _read(known, MODELS / known)
    raise InputError(f"decoder {name!r}: allowed is {' or '.join(available())}")


def _read(name: DecoderName, folder: Path) -> DecoderNetwork:
    card = json.loads((folder / "card.json").read_text())
    if card["format"] != FORMAT:
        raise ValueError(f"{folder}: decoder format {card['format']}; this code reads {FORMAT}")
    return DecoderNetwork(
        name,
        folder,
        bytes.fromhex(card["fingerprint"]),
        bytes.fromhex(card["decoder"]),
        int(card["halo"]),
    )


@cache
def _flat(folder: Path) -> NDArray[np.intp]:
    with np.load(folder / "integers.npz") as file:
        blocks = file["synthesis.linear.weight"].astype(np.float64).reshape(3, BLOCK**2, -1)
    plain = (blocks.sum(axis=1) ** 2 / BLOCK**2).sum(axis=0)
    return np.flatnonzero(plain > (blocks**2).sum(axis=(0, 1)) / 2)
