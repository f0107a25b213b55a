"""The encoder's compiled part (native/): the onboard networks and the entropy coder in C.

`link.student.compiled_networks` says when it is compiled and which variant runs. A computer without
ONNX Runtime uses the portable variant, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.student import lapped
from ....link.student.compiled_networks import chosen_variant, exact, layer
from ....link.student.frame_layout import BLOCK
from ....link.student.native_module import native_module
from ....link.student.rotation import MATRIX_FRACTION

_LAYERS: Final = (
    "analysis.linear",
    "analysis.enter",
    "analysis.block_fine.depthwise",
    "analysis.block_fine.pointwise",
    "analysis.down_middle",
    "analysis.block_middle.depthwise",
    "analysis.block_middle.pointwise",
    "analysis.down_coarse",
    "analysis.block_coarse.depthwise",
    "analysis.block_coarse.pointwise",
    "analysis.leave",
    "hyper.analysis_in",
    "hyper.analysis_out",
    "hyper.analysis_end",
    "hyper.synthesis_in",
    "hyper.synthesis_mix",
    "hyper.synthesis_up",
    "hyper.synthesis_out",
)
"""Names of the layers, in the order of native/networks.h."""
_NOT_ROTATED: Final = np.eye(3, dtype=np.int32) << MATRIX_FRACTION


NATIVE: Final = native_module(__package__)
"""The compiled module; None if there was no compiler. Then numpy and ONNX Runtime do its work."""


@dataclass(frozen=True, eq=False)
class CompiledNetworks:
    """The onboard networks in C; safe to use from several threads.

    Attributes:
        variant: Name of the variant, which says what vector instructions it uses.
        latents: Channels of y.
        side: Channels of ẑ.
    """

    variant: str
    latents: int
    side: int
    _native: Any
    _packed: Any

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        variant: str | None = None,
        portable: bool = False,
    ) -> CompiledNetworks | None:
        """Return the networks of a model's integers.

        Args:
            arrays: Arrays of `integers.npz`, by name.
            variant: One of `variants`. The default is the fastest.
            portable: Whether the default may be the portable variant. ONNX Runtime is faster.

        Returns:
            The networks. None if nothing was compiled, if the default would be the portable
            variant and may not, or if the C does not support these networks: arrays that are
            missing or of other types, unknown shapes, activations of more than 8 bits, sums that
            may exceed 32 bits.

        Raises:
            ValueError: This processor cannot run the variant.
        """
        variant = chosen_variant(variants(), variant, portable)
        if NATIVE is None or variant is None:
            return None
        try:
            layers = tuple(layer(arrays, name) for name in _LAYERS)
            spread = exact(arrays["hyper.spread_shift"], np.int8)
            prefilter = lapped.weights_of(arrays, lapped.PREFILTER)
            if prefilter is not None:
                prefilter = np.ascontiguousarray(prefilter)
            packed = NATIVE.make_networks(variant, layers, spread, prefilter)
        except (KeyError, OverflowError, TypeError, ValueError):
            return None
        latents, side = (
            arrays[f"{name}.bias"].size for name in ("analysis.linear", "hyper.analysis_end")
        )
        return cls(variant, latents, side, NATIVE, packed)

    def analyse(
        self, pixels: NDArray[np.uint8], rotation: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return latents y (N, rows, columns) and side information ẑ of a tile.

        Args:
            pixels: Pixels (16 · rows, 16 · columns, 3 or 1); one band stands for three equal ones.
            rotation: Matrix (3, 3), see `link.student.rotation`.
        """
        if pixels.shape[2] == 1 and not np.array_equal(rotation, _NOT_ROTATED):
            pixels = np.repeat(pixels, 3, axis=2)
        rows, columns = (side // BLOCK for side in pixels.shape[:2])
        latents = np.empty((self.latents, rows, columns), np.int32)
        side = np.empty((self.side, -(-rows // 2), -(-columns // 2)), np.int32)
        self._native.analyse(
            self._packed,
            np.ascontiguousarray(pixels),
            rows,
            columns,
            pixels.shape[2],
            np.ascontiguousarray(rotation, np.int32),
            latents,
            side,
        )
        return latents, side

    def log_scales(self, side: NDArray[np.int32]) -> NDArray[np.int16]:
        """Return log₂-scales L (N, 2 · rows, 2 · columns) of ẑ (channels, rows, columns)."""
        _, rows, columns = side.shape
        scales = np.empty((self.latents, 2 * rows, 2 * columns), np.int16)
        self._native.find_scales(
            self._packed, np.ascontiguousarray(side, np.int32), rows, columns, scales
        )
        return scales


def variants() -> tuple[str, ...]:
    """Return the variants that this processor can run, the fastest first."""
    return () if NATIVE is None else tuple(NATIVE.variants())
