"""The range coder in Python alone, for computers without a C compiler: the same bytes, slower.

The interval is [low, low + span) of a 64-bit number, and words of 32 bits leave it
(docs/bitstream.md, "Range coder"). Here `low` may have a 65th bit, and a word that left may have a
33rd: these are carries into the words before, which are added up once, at the end.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SHARE_BITS: Final = 24
_WORD_BITS: Final = 32
_WORD: Final = 1 << _WORD_BITS
_STATE_BITS: Final = 64
_WHOLE: Final = (1 << _STATE_BITS) - 1


class Writer:
    """Writes symbols into bytes."""

    def __init__(self) -> None:
        self._low, self._span = 0, _WHOLE
        self._words: list[int] = []

    def write(self, symbols: NDArray[np.int32], starts: NDArray[np.uint32]) -> None:
        """Append symbols under one model (see `range_coder.Model`).

        Raises:
            ValueError: A symbol is outside the model.
        """
        if symbols.size and not 0 <= int(symbols.min()) <= int(symbols.max()) < starts.size - 1:
            raise ValueError(f"a symbol outside a model of {starts.size - 1}")
        begin, shares = starts[symbols].tolist(), np.diff(starts)[symbols].tolist()
        low, span = self._low, self._span
        for start, share in zip(begin, shares, strict=True):
            scale = span >> _SHARE_BITS
            low += scale * start
            span = scale * share
            if span < _WORD:
                self._words.append(low >> _WORD_BITS)
                low = (low & (_WORD - 1)) << _WORD_BITS
                span <<= _WORD_BITS
        self._low, self._span = low, span

    def finish(self) -> bytes:
        """Return the fewest bytes that name a number of the last interval."""
        if self._span == _WHOLE and not self._words:
            return b""
        for kept in range(_STATE_BITS // 16 + 1):
            unit = 1 << (_STATE_BITS - 8 * kept)
            value = -(-self._low // unit) * unit
            if value < self._low + self._span:
                break
        tail = [value >> _WORD_BITS, value & (_WORD - 1)]
        digits, carry = [], 0
        for word in reversed([*self._words, *tail]):
            carry, digit = divmod(word + carry, _WORD)
            digits.append(digit)
        whole = np.array(digits[::-1], ">u4").tobytes()
        return whole[: 4 * len(self._words) + kept].rstrip(b"\0")


class Reader:
    """Reads symbols from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        words = np.frombuffer(data + bytes(-len(data) % 4), ">u4").tolist()
        self._words: list[int] = words
        self._next = 0
        self._span = _WHOLE
        self._ahead = self._word() << _WORD_BITS
        self._ahead |= self._word()
        self._mirror = Writer()

    def _word(self) -> int:
        """Return the next word; missing bytes are zeros."""
        self._next += 1
        return self._words[self._next - 1] if self._next <= len(self._words) else 0

    def read(self, symbols: NDArray[np.int32], starts: NDArray[np.uint32]) -> bool:
        """Fill an array with the next symbols; return False if no symbols belong to the bytes."""
        places: list[int] = starts.tolist()
        found: list[int] = []
        ahead, span = self._ahead, self._span
        for _ in range(symbols.size):
            scale = span >> _SHARE_BITS
            at = ahead // scale
            if at >> _SHARE_BITS:
                return False
            symbol = bisect_right(places, at) - 1
            found.append(symbol)
            ahead -= scale * places[symbol]
            span = scale * (places[symbol + 1] - places[symbol])
            if span < _WORD:
                ahead = ahead << _WORD_BITS | self._word()
                span <<= _WORD_BITS
        self._ahead, self._span = ahead, span
        symbols[:] = found
        self._mirror.write(symbols, starts)
        return True

    def ends(self) -> bool:
        """Return whether a writer of the symbols read so far makes these bytes."""
        return self._mirror.finish() == self._data
