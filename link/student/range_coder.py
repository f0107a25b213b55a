"""A range coder over integer tables: constriction's, but its output ends without unused bytes.

constriction keeps an interval of 64 bits and writes words of 32 bits. Its own end costs one or two
whole words, which is one per cent of a small tile. Here the bytes stop as soon as they identify a
number inside the last interval, and the reader replaces the missing bytes by zeros.

A table of n frequencies that sum to 2^bits, at most 2^22, becomes a model whose symbol i begins at
((F_i · (2^24 − n)) >> bits) + i of 2^24, where F_i is the sum of the frequencies before i.
constriction computes that from float64 probabilities. They are multiples of 2^-bits, so every
product fits 53 bits, and the floor is exact on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import constriction
import numpy as np
from numpy.typing import NDArray

MOST_TABLE_BITS: Final = 22
_WORD: Final = 1 << 32
_STATE_BITS: Final = 64

Symbols = NDArray[np.int32]
Model = Any
"""A constriction model; it has no public type."""


class CodeError(ValueError):
    """Bytes that no encoder writes."""


def table_model(frequencies: NDArray[Any]) -> Model:
    """Return the coder model of a table of frequencies.

    Raises:
        ValueError: A frequency is below one, or their sum is not a power of two up to 2^22.
    """
    total = int(frequencies.sum())
    if total & (total - 1) or total > 1 << MOST_TABLE_BITS or int(frequencies.min()) < 1:
        raise ValueError(f"a table of {frequencies.size} frequencies that sum to {total}")
    probabilities = frequencies.astype(np.float64) / total
    return constriction.stream.model.Categorical(probabilities, perfect=False)


def uniform_model(bits: int) -> Model:
    """Return the coder model of equally likely numbers of this many bits (1 to 16)."""
    return constriction.stream.model.Uniform(1 << bits)


class SymbolWriter:
    """Writes symbols into bytes.

    Attributes:
        write: Appends symbols (a contiguous array; symbols count from 0) under one model.
    """

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()
        self.write: Callable[[Symbols, Model], None] = self._coder.encode

    def finish(self) -> bytes:
        """Return the fewest bytes from which a reader decodes the symbols written."""
        words, (lower, span) = self._coder.pos()
        if span == _WORD * _WORD - 1:
            return b""
        head = self._coder.get_compressed()[:words].astype(">u4").tobytes()
        # constriction writes the words before its final number with that number's carry. The
        # number chosen below may have another carry.
        carried = (lower + _WORD - 1) >> _STATE_BITS
        size = _STATE_BITS // 8
        for kept in range(size // 2 + 1):
            unit = 1 << (_STATE_BITS - 8 * kept)
            value = -(-lower // unit) * unit
            if value < lower + span:
                break
        carry, value = divmod(value, 1 << _STATE_BITS)
        if carry != carried:
            other = int.from_bytes(head, "big") + carry - carried
            head = other.to_bytes(len(head), "big")
        return bytes((head + value.to_bytes(size, "big")[:kept]).rstrip(b"\0"))


class SymbolReader:
    """Reads symbols from bytes, and checks that an encoder would have written these bytes."""

    def __init__(self, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4)
        words = np.frombuffer(padded, ">u4").astype(np.uint32)
        self._data = data
        self._coder = constriction.stream.queue.RangeDecoder(words)
        self._mirror = SymbolWriter()

    def read(self, count: int, model: Model) -> Symbols:
        """Return the next symbols.

        Raises:
            CodeError: No encoder writes these bytes.
        """
        try:
            symbols: Symbols = self._coder.decode(model, count)
        except (AssertionError, ValueError) as error:
            raise CodeError(str(error)) from None
        self._mirror.write(symbols, model)
        return symbols

    def finish(self) -> None:
        """Check that the bytes are those that an encoder writes for the symbols read.

        Raises:
            CodeError: An encoder writes other bytes.
        """
        if self._mirror.finish() != self._data:
            raise CodeError("the bytes do not end where the symbols do")
