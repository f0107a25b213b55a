"""Models that differ from the shipped one, and the networks in numpy to compare the C with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from downpass.ground.training.export.integer_networks import IntegerNetworks
from downpass.link.student import lapped, shared_model
from downpass.link.student.entropy_model import EntropyModel
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.student.student_model import FOLDER

Arrays = dict[str, np.ndarray]


def changed(folder: Path, change: Callable[[Arrays], None]) -> Path:
    """A copy of the shipped model with other integers."""
    shutil.copytree(FOLDER, folder)
    shutil.copytree(shared_model.FOLDER, folder, dirs_exist_ok=True)
    arrays = load_integers(shared_model.FOLDER, FOLDER)
    change(arrays)
    np.savez(folder / "integers.npz", **arrays)
    return folder


def with_prefilter(arrays: Arrays) -> None:
    """Add a prefilter near the identity."""
    weights = 4096 * np.eye(8) + np.random.default_rng(8).integers(-800, 801, (8, 8))
    arrays[lapped.PREFILTER] = weights.astype(np.int16)


def without_prefilter(arrays: Arrays) -> None:
    """Remove the prefilter of a lapped model."""
    arrays.pop(lapped.PREFILTER, None)


@dataclass(frozen=True, eq=False)
class ReferenceModel:
    """A `StudentModel` whose networks are computed in numpy.

    Attributes:
        arrays: The model's integers.
        entropy: Its entropy model.
    """

    arrays: Arrays
    entropy: EntropyModel

    @classmethod
    def of(cls, folder: Path) -> ReferenceModel:
        """Return the model of a folder with all parts."""
        return cls(load_integers(folder), shared_model.load(folder).entropy)

    def analyse(self, pixels: np.ndarray, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return latents and side information of pixels (16 · rows, 16 · columns, 3)."""
        planes = (pixels.astype(np.int64) - 128) @ rotation.astype(np.int64).T
        planes = np.moveaxis((planes + (1 << 12)) >> 13, 2, 0)
        networks = IntegerNetworks(self.arrays)
        latents = networks.analyse(planes)
        side = networks.side(latents)
        return latents.astype(np.int32), side.astype(np.int32)

    def log_scales(self, side: np.ndarray) -> np.ndarray:
        """Return log₂-scales of side information."""
        rows, columns = (2 * count for count in side.shape[1:])
        scales = IntegerNetworks(self.arrays).log_scales(side.astype(np.int64), rows, columns)
        return scales.astype(np.int32)
