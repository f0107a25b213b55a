"""A range coder over integer tables: constriction's, with an end that wastes no bytes.

constriction keeps an interval of 64 bits and writes words of 32. Its own end costs one or two
whole words, which is one per cent of a small tile; here the bytes stop as soon as they name a
number inside the last interval, and the reader takes what is missing for zeros.

A table of n frequencies that sum to 2^22 at most, a power of two, becomes a model whose symbol i
begins at ((F_i · (2^24 − n)) >> bits) + i of 2^24, F_i being the sum of frequencies before i.
constriction computes that from float64 probabilities; frequencies are multiples of a power of
two below 2^22, so every product fits 53 bits and the floor is exact on any machine.
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
    """The bytes are not what an encoder writes."""


def table_model(frequencies: NDArray[Any]) -> Model:
    """Return the model of a table.

    Raises:
        ValueError: A frequency below one, or a sum that is no power of two up to 2^22.
    """
    total = int(frequencies.sum())
    if total & (total - 1) or total > 1 << MOST_TABLE_BITS or int(frequencies.min()) < 1:
        raise ValueError(f"a table of {frequencies.size} frequencies that sum to {total}")
    probabilities = frequencies.astype(np.float64) / total
    return constriction.stream.model.Categorical(probabilities, perfect=False)


def uniform_model(bits: int) -> Model:
    """Return the model of numbers of so many bits (1 to 16), all alike."""
    return constriction.stream.model.Uniform(1 << bits)


class SymbolWriter:
    """Writes symbols into bytes.

    Attributes:
        write: Appends symbols (contiguous, from 0) under one model.
    """

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()
        self.write: Callable[[Symbols, Model], None] = self._coder.encode

    def finish(self) -> bytes:
        """Return the fewest bytes that a reader takes for what was written."""
        words, (lower, span) = self._coder.pos()
        if span == _WORD * _WORD - 1:
            return b""
        head = self._coder.get_compressed()[:words].astype(">u4").tobytes()
        # constriction ends with a number that it calls its point; words before it are written
        # with the carry that the point has, and another number may have another.
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
    """Reads symbols out of bytes, and can tell whether an encoder would have written these."""

    def __init__(self, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4)
        words = np.frombuffer(padded, ">u4").astype(np.uint32)
        self._data = data
        self._coder = constriction.stream.queue.RangeDecoder(words)
        self._mirror = SymbolWriter()

    def read(self, count: int, model: Model) -> Symbols:
        """Return the next symbols.

        Raises:
            CodeError: No such symbols can have been written.
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
            CodeError: They are not.
        """
        if self._mirror.finish() != self._data:
            raise CodeError("the bytes do not end where the symbols do")
