"""Integers as C: the contents of initialisers, and constant arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def numbers(values: Integers | Sequence[int]) -> str:
    """Return integers as the contents of a C initialiser."""
    flat = np.asarray(values).reshape(-1).tolist()
    return ",\n".join(",".join(map(str, flat[at : at + 24])) for at in range(0, len(flat), 24))


def c_array(name: str, values: Integers | Sequence[int]) -> str:
    """Return the definition of a constant array.

    Args:
        name: Type of the elements, name and length: `uint8_t dp_rounding[121]`.
        values: The elements.
    """
    return f"const {name} = {{\n{numbers(values)}}};"
