"""Choose how an end's networks run in C, and give them their integers.

If there is a C compiler when the package is installed, the C is compiled. Networks run in the
fastest variant whose instructions the processor has; all variants compute the same integers. Where
only the portable variant can run, ONNX Runtime runs the networks, because it is faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_PORTABLE: Final = "plain"


def chosen_variant(
    variants: tuple[str, ...], variant: str | None, portable: bool = False
) -> str | None:
    """Return the variant that a network is to run in.

    Args:
        variants: The variants that this processor can run, the fastest first; empty if nothing
            was compiled.
        variant: One of them. The default is the fastest.
        portable: Whether the default may be the portable variant.

    Returns:
        The variant. None if nothing was compiled, or if the default would be the portable variant
        and may not.

    Raises:
        ValueError: This processor cannot run the variant.
    """
    if not variants:
        return None
    if variant is None:
        return None if variants[0] == _PORTABLE and not portable else variants[0]
    if variant not in variants:
        raise ValueError(f"variant {variant}; this processor runs {', '.join(variants)}")
    return variant


def layer(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[Any, ...]:
    """Return a layer as the C reads it: weight, bias, shift, low, high.

    Raises:
        KeyError: An array is missing.
        TypeError: An array is of another type.
        ValueError: There are not two limits.
    """
    return (
        exact(arrays[f"{name}.weight"], np.int8),
        exact(arrays[f"{name}.bias"], np.int32),
        exact(arrays[f"{name}.shift"], np.int8),
        *limits(arrays, name),
    )


def limits(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[int, int]:
    """Return the lowest and the highest output of a layer.

    Raises:
        KeyError: The array is missing.
        ValueError: There are not two limits.
    """
    low, high = arrays[f"{name}.clip"]
    return int(low), int(high)


def exact(array: NDArray[Any], kind: Any) -> NDArray[Any]:
    """Return an array, contiguous and of the type that the C reads.

    Raises:
        TypeError: Its values may not fit this type.
    """
    return np.ascontiguousarray(array.astype(kind, casting="safe", copy=False))
