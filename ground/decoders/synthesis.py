"""A decoder network, ready to run: in C if it is compiled and fits, else in ONNX Runtime.

    latents ŷ, quality, rotation, joined blocks ──► C, or decoder.onnx ──► pixels

Both compute the same integers, so they give the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...link import inference
from ...link.inference import session
from ...link.student.shared_model import load_integers
from .block_boundaries import JoinedBlocks
from .compiled_synthesis import CompiledSynthesis
from .student_networks import DecoderNetwork


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Makes pixels of the latents of a frame or of a window of it.

    Attributes:
        network: The decoder network.
        threads: Number of windows at once; threads of ONNX Runtime, if it runs the network.
        compiled: The network in C; None if ONNX Runtime has to run it.
    """

    network: DecoderNetwork
    threads: int
    compiled: CompiledSynthesis | None

    @classmethod
    def of(cls, network: DecoderNetwork, threads: int) -> Synthesis:
        """Return a network, ready to run.

        Raises:
            InputError: ONNX Runtime has to run it and is not installed.
        """
        compiled = compiled_network(network.folder)
        if compiled is None:
            session(network.graph, threads)
        return cls(network, threads, compiled)

    @property
    def engine(self) -> str:
        """What runs the network: the compiled variant, or ONNX Runtime with its version."""
        return inference.VERSION if self.compiled is None else f"C ({self.compiled.variant})"

    @property
    def windows_at_once(self) -> int:
        """Number of windows that may be computed at once. ONNX Runtime has threads of its own."""
        return 1 if self.compiled is None else self.threads

    def run(
        self,
        latents: NDArray[np.int32],
        quality: int,
        rotation: NDArray[np.int32],
        joined: JoinedBlocks | None = None,
    ) -> NDArray[np.uint8]:
        """Return pixels (16 · rows, 16 · columns, 3).

        Args:
            latents: Decoded latents ŷ (N, rows, columns).
            quality: Quality, 0 to 256.
            rotation: Matrix (3, 3), see `link.student.rotation`.
            joined: Which block boundaries lie inside a tile; None if the latents are one tile's.
        """
        joined = joined or JoinedBlocks.one_tile(latents)
        if self.compiled is not None:
            return self.compiled.run(latents, quality, rotation, joined)
        inputs = {
            "latents": latents,
            "quality": np.array(quality, np.int64),
            "rotation": rotation,
            "joined_rows": joined.rows.astype(np.uint8),
            "joined_columns": joined.columns.astype(np.uint8),
        }
        pixels: NDArray[np.uint8] = session(self.network.graph, self.threads).run(
            ["pixels"], inputs
        )[0]
        return pixels


@cache
def compiled_network(folder: Path) -> CompiledSynthesis | None:
    """Return the network of a decoder's folder in C; None if ONNX Runtime has to run it."""
    return CompiledSynthesis.of(load_integers(folder))
