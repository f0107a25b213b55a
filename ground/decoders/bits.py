"""Read a codestream's header bit by bit, in the bit order of its standard."""

from __future__ import annotations

from typing import Literal


class HeaderBits:
    """Reads the first bits of a codestream as a sequence of numbers."""

    def __init__(self, data: bytes, order: Literal["big", "little"]) -> None:
        """Begin at the first byte.

        Args:
            data: Bytes of the header; more may follow.
            order: Bit order: "little" if a byte's lowest bit comes first (JPEG XL), "big" if its
                highest does (AV1).
        """
        self._data, self._order, self._at = data, order, 0

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number.

        Raises:
            ValueError: Fewer bits are left.
        """
        start, end = self._at, self._at + count
        if end > 8 * len(self._data):
            raise ValueError("the bytes end within the header")
        part = int.from_bytes(self._data[start // 8 : -(-end // 8)], self._order)
        part >>= start % 8 if self._order == "little" else -end % 8
        self._at = end
        return part & ((1 << count) - 1)

    def to_byte(self) -> None:
        """Skip the remaining bits of the current byte."""
        self._at += -self._at % 8
