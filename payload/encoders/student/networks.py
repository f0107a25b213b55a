"""The model that flies: two small networks and the tables of the entropy coder.

A model folder here holds what a board needs and nothing of the ground's decoder:
  encoder.onnx   pixels to latents and side information, in float32 that holds integers
  hyper.onnx     side information to log-scales, likewise
  encoder_narrow.onnx, hyper_narrow.onnx   the same in 8-bit kernels, several times as fast
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
import onnxruntime
from numpy.typing import NDArray

from ....link.entropy_model import EntropyModel
from ....link.student import BLOCK as BLOCK
from .cells import CELL_BYTES, Cells
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
    """

    folder: Path
    card: dict[str, Any]
    fingerprint: bytes
    entropy: EntropyModel

    def analyse(
        self, pixels: NDArray[np.uint8], rotation: NDArray[np.int32], threads: int = 1
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return latents y (N, rows, columns) and side information ẑ of a tile.

        Args:
            pixels: (16 · rows, 16 · columns, 3).
            rotation: Matrix (3, 3), see `link.rotation`.
            threads: Of the convolutions; the result does not depend on it.
        """
        session = self._session("encoder", threads)
        given = {"pixels": pixels, "rotation": rotation}
        if narrow_is_exact(self.folder):
            copies = session.get_inputs()[0].shape[-1] // CELL_BYTES - 1
            cells = Cells.of(pixels, rotation, copies)
            given = {"entering": cells.entering, "high": cells.high, "low": cells.low}
        latents, side = session.run(["latents", "side"], given)
        return latents, side

    def log_scales(self, side: NDArray[np.int32], threads: int = 1) -> NDArray[np.int32]:
        """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns)."""
        scales: NDArray[np.int32] = self._session("hyper", threads).run(
            ["log_scales"], {"side": side}
        )[0]
        return scales

    @cached_property
    def writer(self) -> TileWriter:
        """Writes codestreams with this entropy model."""
        return TileWriter(self.entropy)

    def _session(self, name: str, threads: int) -> onnxruntime.InferenceSession:
        narrow = "_narrow" if narrow_is_exact(self.folder) else ""
        return session(self.folder / f"{name}{narrow}.onnx", threads)


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
        arrays = {
            name: file[name]
            for name in file.files
            if name.split(".")[0] in ("gain", "means", "context", "rounding", "tables")
        }
    entropy = EntropyModel.load(arrays, card["groups"])
    return StudentModel(folder, card, bytes.fromhex(card["fingerprint"]), entropy)


@cache
def narrow_is_exact(folder: Path = FOLDER) -> bool:
    """Return whether 8-bit kernels add exactly on this processor.

    Those without VNNI or dot products add two products of bytes in 16 bits, which saturate. The
    probe's weights are all 127, its inputs large bytes, so what comes out is known.
    """
    given = np.random.default_rng(0).integers(192, 256, (1, 8, 8, 64)).astype(np.uint8)
    given[0, 0] = 255
    product, convolved, depthwise = session(folder / "probe.onnx", 1).run(
        ["product", "convolved", "depthwise"], {"bytes": given}
    )
    wide = np.pad(given.astype(np.int64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    around = sum(wide[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3))
    total = 127 * given.sum(axis=3, keepdims=True, dtype=np.int64)
    return bool(
        (product == total).all()
        and (convolved == np.clip((total + (1 << 12)) >> 13, 0, 255)).all()
        and (depthwise == np.clip((127 * around + (1 << 12)) >> 13, 0, 255)).all()
    )


@cache
def session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """Return a network ready to run; the same numbers come out at any number of threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # Threads that wait by spinning take the processor from whatever else the board does.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
