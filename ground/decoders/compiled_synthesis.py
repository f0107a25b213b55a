"""The decoder networks in C (native/): latents to pixels, in the integers of ONNX Runtime's graph.

`link.student.compiled_networks` says when it is compiled and which variant runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...link.student.compiled_networks import chosen_variant, exact, layer, limits
from ...link.student.frame_layout import BLOCK
from ...link.student.lapped import POSTFILTER, weights_of
from ...link.student.native_module import native_module
from .block_boundaries import JoinedBlocks

_LAYERS: Final = ("latent_in", "enter", "down", "up", "leave")
_MOVES: Final = ("to_down", "to_up", "to_leave")
_PARTS: Final = ("before", "below", "after")


NATIVE: Final = native_module(__package__)
"""The compiled module; None if there was no compiler. Then ONNX Runtime runs the networks."""


@dataclass(frozen=True, eq=False)
class CompiledSynthesis:
    """A decoder network in C; safe to use from several threads.

    Attributes:
        variant: Name of the variant, which says what vector instructions it uses.
    """

    variant: str
    _native: Any
    _packed: Any

    @classmethod
    def of(
        cls, arrays: Mapping[str, NDArray[Any]], variant: str | None = None
    ) -> CompiledSynthesis | None:
        """Return the network of a decoder's integers.

        Args:
            arrays: Arrays of a decoder's `integers.npz`, by name.
            variant: One of `variants`. The default is the fastest, if it is not the portable one.

        Returns:
            The network. None if nothing was compiled, if the default would be the portable
            variant, or if the C does not support this network: arrays that are missing or of
            other types, channels that are no multiples of 16, values beyond 16 bits, sums that may
            exceed 32 bits.

        Raises:
            ValueError: This processor cannot run the variant.
        """
        variant = chosen_variant(variants(), variant)
        if NATIVE is None or variant is None:
            return None
        try:
            return cls(variant, NATIVE, NATIVE.make_network(variant, *_arguments(arrays)))
        except (KeyError, OverflowError, TypeError, ValueError):
            return None

    def run(
        self,
        latents: NDArray[np.int32],
        quality: int,
        rotation: NDArray[np.int32],
        joined: JoinedBlocks | None = None,
    ) -> NDArray[np.uint8]:
        """Return pixels (16 · rows, 16 · columns, 3) of latents.

        Args:
            latents: Decoded latents ŷ (N, rows, columns).
            quality: Quality, 0 to 256.
            rotation: Matrix (3, 3), see `link.student.rotation`.
            joined: Which block boundaries lie inside a tile; None if the latents are one tile's.

        Raises:
            ValueError: The arrays do not fit the network.
        """
        _, rows, columns = latents.shape
        joined = joined or JoinedBlocks.one_tile(latents)
        pixels = np.empty((BLOCK * rows, BLOCK * columns, 3), np.uint8)
        self._native.synthesise(
            self._packed,
            np.ascontiguousarray(latents, np.int32),
            rows,
            columns,
            np.ascontiguousarray(joined.rows, np.bool_),
            np.ascontiguousarray(joined.columns, np.bool_),
            quality,
            np.ascontiguousarray(rotation, np.int32),
            pixels,
        )
        return pixels


def variants() -> tuple[str, ...]:
    """Return the variants that this processor can run, the fastest first."""
    return () if NATIVE is None else tuple(NATIVE.variants())


def _arguments(arrays: Mapping[str, NDArray[Any]]) -> tuple[Any, ...]:
    """Return what describes a network to the C: sizes, layers, moves and tables."""
    start = "synthesis."
    own = {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
    blocks = [[f"{part}.{number}" for number in range(_count(own, part))] for part in _PARTS]
    names = [name for part in blocks for name in part]
    layers = [*_LAYERS, *(f"{name}.{which}" for name in names for which in ("first", "second"))]
    moves = [*_MOVES, *(f"{name}.entering" for name in names)]
    tables = [exact(own[f"{name}.bias"], np.int32) for name in names]
    if not tables:
        raise ValueError("a network without residual blocks")
    linear = (
        exact(own["linear.weight"], np.int32),
        exact(own["linear.bias"], np.int64),
        exact(own["spread_shift"], np.int8),
    )
    postfilter = weights_of(arrays, POSTFILTER)
    return (
        len(tables[0]),
        tuple(len(part) for part in blocks),
        linear,
        None if postfilter is None else np.ascontiguousarray(postfilter),
        tuple(layer(own, name) for name in layers),
        tuple((int(own[f"{name}.shift"]), *limits(own, name)) for name in moves),
        tuple(tables),
    )


def _count(arrays: Mapping[str, NDArray[Any]], part: str) -> int:
    """Return the number of residual blocks of a part of the network."""
    start, end = f"{part}.", ".first.weight"
    return sum(name.startswith(start) and name.endswith(end) for name in arrays)
