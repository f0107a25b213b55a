"""A range coder over integer tables: constriction's, but its output ends without unused bytes.

It keeps an interval of 64 bits and writes words of 32 bits (docs/bitstream.md, "Range coder").
constriction's own end costs one or two whole words, which is one per cent of a small tile. Here the
bytes stop as soon as they identify a number inside the last interval, and the reader replaces the
missing bytes by zeros. The coder is compiled when there is a C compiler at installation; otherwise
`plain_range_coder` gives the same bytes.

A table of n frequencies that sum to 2^bits, at most 2^22, becomes a model whose symbol i begins at
((F_i · (2^24 − n)) >> bits) + i of 2^24, where F_i is the sum of the frequencies before i.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import plain_range_coder
from .native_module import native_module

MOST_TABLE_BITS: Final = 22
_SHARE_BITS: Final = 24

Symbols = NDArray[np.int32]
WRONG_END: Final = "the bytes do not end where the symbols do"
Model = NDArray[np.uint32]
"""Where each symbol's share begins, in units of 2^-24, and 2^24 at the end."""


_CODER: Final = native_module(__package__, "_range_coder") or plain_range_coder


class CodeError(ValueError):
    """Bytes that no encoder writes."""


def table_model(frequencies: NDArray[Any]) -> Model:
    """Return the coder model of a table of frequencies.

    Raises:
        ValueError: A frequency is below one, or their sum is not a power of two up to 2^22.
    """
    count, total = frequencies.size, int(frequencies.sum())
    if total & (total - 1) or total > 1 << MOST_TABLE_BITS or int(frequencies.min()) < 1:
        raise ValueError(f"a table of {count} frequencies that sum to {total}")
    sums = np.concatenate(([0], np.cumsum(frequencies, dtype=np.int64)))
    unit = (1 << _SHARE_BITS) - count
    starts = (sums * unit >> (total.bit_length() - 1)) + np.arange(count + 1)
    return np.asarray(starts.astype(np.uint32))


def uniform_model(bits: int) -> Model:
    """Return the coder model of equally likely numbers of this many bits (1 to 16)."""
    return np.arange((1 << bits) + 1, dtype=np.uint32) << np.uint32(_SHARE_BITS - bits)


class SymbolWriter:
    """Writes symbols into bytes."""

    def __init__(self) -> None:
        self._coder = _CODER.Writer()

    def write(self, symbols: Symbols, model: Model) -> None:
        """Append symbols (a contiguous array; symbols count from 0) under one model.

        Raises:
            ValueError: A symbol is outside the model.
        """
        self._coder.write(symbols, model)

    def finish(self) -> bytes:
        """Return the fewest bytes from which a reader decodes the symbols written."""
        data: bytes = self._coder.finish()
        return data


class SymbolReader:
    """Reads symbols from bytes, and checks that an encoder would have written these bytes."""

    def __init__(self, data: bytes) -> None:
        self._coder = _CODER.Reader(data)

    def read(self, count: int, model: Model) -> Symbols:
        """Return the next symbols.

        Raises:
            CodeError: No encoder writes these bytes.
        """
        symbols = np.empty(count, np.int32)
        if not self._coder.read(symbols, model):
            raise CodeError("no symbols have these bytes")
        return symbols

    def finish(self) -> None:
        """Check that the bytes are those that an encoder writes for the symbols read.

        Raises:
            CodeError: An encoder writes other bytes.
        """
        if not self._coder.ends():
            raise CodeError(WRONG_END)
