"""The onboard model: two small networks and the tables of the entropy coder.

The networks run in C (`compiled`) where it fits them, else in ONNX Runtime; the same integers come
out. A model folder here holds what a board needs and nothing of the ground's decoder:
  encoder.onnx   pixels to latents and side information, in float32 that holds integers
  hyper.onnx     side information to log-scales, likewise
  encoder_narrow.onnx, side_narrow.onnx, hyper_narrow.onnx
                 the same in 8-bit kernels, see `narrow`
  probe.onnx     tells whether those are exact on this processor
  integers.npz   every integer of analysis, hyper networks and entropy coder
  card.json      format, fingerprint, channel groups, complexity, training, held-out curve
docs/codec.md says what is in each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.inference import session
from ....link.student.entropy_model import EntropyModel
from ....link.student.frame_layout import BLOCK as BLOCK
from . import int8_graphs
from .compiled import CompiledNetworks
from .tilewriter import TileWriter

FOLDER: Final = Path(__file__).parent / "model"
FORMAT: Final = 1
"""The meaning of the integers that this code knows."""


@dataclass(frozen=True, eq=False)
class StudentModel:
    """A model folder, open.

    Attributes:
        folder: Where it lies.
        card: The model card.
        fingerprint: Eight bytes that any change of an integer changes.
        entropy: The entropy model.
        spread: What |y| is multiplied with for the hyper analysis, by channel.
        compiled: The networks in C; None where ONNX Runtime has to run them.
    """

    folder: Path
    card: dict[str, Any]
    fingerprint: bytes
    entropy: EntropyModel
    spread: NDArray[np.float32]
    compiled: CompiledNetworks | None

    def analyse(
        self, pixels: NDArray[np.uint8], rotation: NDArray[np.int32], threads: int = 1
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return latents y (N, rows, columns) and side information ẑ of a tile.

        Args:
            pixels: (16 · rows, 16 · columns, 3 or 1); one band stands for three equal ones.
            rotation: Matrix (3, 3), see `link.student.rotation`.
            threads: Of ONNX Runtime, where it runs the networks; the result does not depend on it.
        """
        if self.compiled is not None:
            return self.compiled.analyse(pixels, rotation)
        if pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        if int8_graphs.is_exact(self.folder):
            return int8_graphs.analyse(self.folder, pixels, rotation, self.spread, threads)
        latents, side = session(self.folder / "encoder.onnx", threads).run(
            ["latents", "side"], {"pixels": pixels, "rotation": rotation}
        )
        return latents, side

    def log_scales(self, side: NDArray[np.int32], threads: int = 1) -> NDArray[np.integer]:
        """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns)."""
        if self.compiled is not None:
            return self.compiled.log_scales(side)
        if int8_graphs.is_exact(self.folder):
            return int8_graphs.log_scales(self.folder, side, threads)
        scales: NDArray[np.int32] = session(self.folder / "hyper.onnx", threads).run(
            ["log_scales"], {"side": side}
        )[0]
        return scales

    @cached_property
    def writer(self) -> TileWriter:
        """Writes codestreams with this entropy model."""
        return TileWriter(self.entropy)


@cache
def load(folder: Path = FOLDER) -> StudentModel:
    """Return the model of a folder, the shipped one by default.

    Raises:
        ValueError: A format that this code does not know, or integers that do not fit.
    """
    card = json.loads((folder / "card.json").read_text())
    if card["format"] != FORMAT:
        raise ValueError(f"{folder}: model format {card['format']}; this code reads {FORMAT}")
    with np.load(folder / "integers.npz") as file:
        arrays = {name: file[name] for name in file.files}
    coding = ("gain", "means", "context", "rounding", "tables")
    entropy = EntropyModel.load(
        {name: array for name, array in arrays.items() if name.split(".")[0] in coding},
        card["groups"],
    )
    return StudentModel(
        folder,
        card,
        bytes.fromhex(card["fingerprint"]),
        entropy,
        np.exp2(-arrays["hyper.spread_shift"].astype(np.float32)),
        CompiledNetworks.of(arrays),
    )
