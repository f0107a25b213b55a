"""The encoder's compiled part (native/): the onboard networks and the entropy coder in C.

If there is a C compiler when the package is installed, its C is compiled. Networks run in the
fastest variant whose instructions the processor has; all variants compute the same integers. If
only the portable variant can run, ONNX Runtime runs the networks, because it is faster; a computer
without ONNX Runtime uses the portable variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.frame_layout import BLOCK
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
_PORTABLE: Final = "plain"
_NOT_ROTATED: Final = np.eye(3, dtype=np.int32) << MATRIX_FRACTION


def _found() -> ModuleType | None:
    try:
        from . import _native
    except ImportError:
        return None
    return _native


NATIVE: Final = _found()
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
            variant and may not, or if the C does not support these networks: unknown shapes,
            activations of more than 8 bits, sums that may exceed 32 bits.

        Raises:
            ValueError: This processor cannot run the variant.
        """
        if NATIVE is None:
            return None
        if variant is None:
            variant = variants()[0]
            if variant == _PORTABLE and not portable:
                return None
        elif variant not in variants():
            raise ValueError(f"variant {variant}; this processor runs {', '.join(variants())}")
        layers = tuple(_layer(arrays, name) for name in _LAYERS)
        spread = np.ascontiguousarray(arrays["hyper.spread_shift"], np.int8)
        try:
            packed = NATIVE.make_networks(variant, layers, spread)
        except ValueError:
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


def _layer(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[Any, ...]:
    low, high = (int(limit) for limit in arrays[f"{name}.clip"])
    return (
        np.ascontiguousarray(arrays[f"{name}.weight"], np.int8),
        np.ascontiguousarray(arrays[f"{name}.bias"], np.int32),
        np.ascontiguousarray(arrays[f"{name}.shift"], np.int8),
        low,
        high,
    )
