"""The codestream that constriction makes of symbols, as an oracle for the range coder."""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np

WORD = 1 << 32


class ConstrictionWriter:
    """Writes symbols with constriction, and ends the bytes as docs/bitstream.md says."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def table(self, symbols: np.ndarray, frequencies: np.ndarray) -> None:
        """Write symbols by a table of frequencies that sum to a power of two."""
        shares = frequencies.astype(np.float64) / int(frequencies.sum())
        self._write(symbols, constriction.stream.model.Categorical(shares, perfect=False))

    def bits(self, values: np.ndarray, bits: int) -> None:
        """Write numbers of this many bits."""
        self._write(values, constriction.stream.model.Uniform(1 << bits))

    def _write(self, symbols: np.ndarray, model: Any) -> None:
        self._coder.encode(symbols.astype(np.int32), model)

    def finish(self) -> bytes:
        words, (lower, span) = self._coder.pos()
        if span == WORD * WORD - 1:
            return b""
        head = self._coder.get_compressed()[:words].astype(">u4").tobytes()
        # constriction writes the words before its final number with that number's carry. The
        # number chosen below may have another carry.
        carried = (lower + WORD - 1) >> 64
        for kept in range(5):
            unit = 1 << (64 - 8 * kept)
            value = -(-lower // unit) * unit
            if value < lower + span:
                break
        carry, value = divmod(value, 1 << 64)
        if carry != carried:
            other = int.from_bytes(head, "big") + carry - carried
            head = other.to_bytes(len(head), "big")
        return bytes((head + value.to_bytes(8, "big")[:kept]).rstrip(b"\0"))
