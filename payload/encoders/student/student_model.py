"""The onboard model: the analysis networks, and the model part that both ends share.

    pixels ── analysis g_a ──► y ── hyper analysis h_a ──► ẑ ── `link.student.shared_model` ──► L

The networks run in C (`compiled`) if it supports them, else in ONNX Runtime; both give the same
integers. The model folder here holds the files that only the encoder needs:
  encoder.onnx   planes to latents and side information, in float32 that holds integers
  encoder_int8.onnx, side_int8.onnx, hyper_int8.onnx
                 the same and the hyper synthesis in 8-bit kernels, see `int8_graphs`
  probe.onnx     to test whether 8-bit kernels are exact on this processor
  integers.npz   every integer of analysis and hyper analysis
  card.json      format and fingerprint
docs/codec-integers.md ("The model folder") describes the content of each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link import inference
from ....link.errors import InputError
from ....link.inference import session
from ....link.student import lapped, shared_model
from ....link.student.entropy_model import EntropyModel
from ....link.student.shared_model import SharedModel, load_integers
from . import int8_graphs
from .compiled import CompiledNetworks
from .pixel_blocks import planes_of
from .tilewriter import TileWriter

FOLDER: Final = Path(__file__).parent / "model"


@dataclass(frozen=True, eq=False)
class StudentModel:
    """A model for the encoder: analysis networks, hyper synthesis and entropy model.

    Attributes:
        folder: Folder of the analysis networks.
        shared: Entropy model and hyper synthesis.
        spread: Factor of |y| for the hyper analysis, by channel.
        prefilter: Weights of the filter across block boundaries; None if the model has none.
        compiled: The networks in C; None if ONNX Runtime has to run them.
    """

    folder: Path
    shared: SharedModel
    spread: NDArray[np.float32]
    prefilter: NDArray[np.int16] | None
    compiled: CompiledNetworks | None

    @property
    def card(self) -> dict[str, Any]:
        """The model card."""
        return self.shared.card

    @property
    def fingerprint(self) -> bytes:
        """Eight bytes that change with any integer of the whole model."""
        return self.shared.fingerprint

    @property
    def entropy(self) -> EntropyModel:
        """The entropy model."""
        return self.shared.entropy

    @property
    def engine(self) -> str:
        """What runs the networks: the compiled variant, or ONNX Runtime with its version."""
        return inference.VERSION if self.compiled is None else f"C ({self.compiled.variant})"

    def analyse(
        self, pixels: NDArray[np.uint8], rotation: NDArray[np.int32], threads: int = 1
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return latents y (N, rows, columns) and side information ẑ of a tile.

        Args:
            pixels: Pixels (16 · rows, 16 · columns, 3 or 1); one band stands for three equal ones.
            rotation: Matrix (3, 3), see `link.student.rotation`.
            threads: Threads of ONNX Runtime, if it runs the networks; the result does not
                depend on them.
        """
        if self.compiled is not None:
            return self.compiled.analyse(pixels, rotation)
        if pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        planes = planes_of(pixels, rotation, self.prefilter)
        if int8_graphs.is_exact(self.folder):
            return int8_graphs.analyse(self.folder, planes, self.spread, threads)
        latents, side = session(self.folder / "encoder.onnx", threads).run(
            ["latents", "side"], {"planes": planes}
        )
        return latents, side

    def log_scales(self, side: NDArray[np.int32], threads: int = 1) -> NDArray[np.integer]:
        """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns)."""
        if self.compiled is not None:
            return self.compiled.log_scales(side)
        if int8_graphs.is_exact(self.folder):
            return int8_graphs.log_scales(self.folder, side, threads)
        return self.shared.log_scales(side, threads)

    @cached_property
    def writer(self) -> TileWriter:
        """The writer of codestreams with this entropy model."""
        return TileWriter(self.entropy)


@cache
def load(folder: Path | None = None) -> StudentModel:
    """Return a model.

    Args:
        folder: A model folder with all parts, as `ground.training.export` writes it; by default
            the model in the package, whose parts lie here and in `link.student.shared_model`.

    Raises:
        OSError: A file of the folder cannot be read.
        ValueError: The format is unknown, the integers do not fit together, or the parts belong
            to different models.
        InputError: There is neither ONNX Runtime nor compiled networks.
    """
    shared = shared_model.load() if folder is None else shared_model.load(folder)
    own = folder or FOLDER
    fingerprint = json.loads((own / "card.json").read_text())["fingerprint"]
    if fingerprint != shared.fingerprint.hex():
        raise ValueError(
            f"{own}: model {fingerprint}, but {shared.folder} has {shared.fingerprint.hex()}"
        )
    arrays = load_integers(shared.folder, own)
    networks = CompiledNetworks.of(arrays, portable=not inference.INSTALLED)
    if networks is None and not inference.INSTALLED:
        raise InputError(
            "student: nothing here runs its networks; install downpass again with a C compiler and "
            "Python's headers (apt install gcc python3-dev), or install onnxruntime"
        )
    return StudentModel(
        own,
        shared,
        np.exp2(-arrays["hyper.spread_shift"].astype(np.float32)),
        lapped.weights_of(arrays, lapped.PREFILTER),
        networks,
    )
