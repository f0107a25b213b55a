"""Integers of variable length: LEB128, with zigzag for signed ones.

LEB128 is that of DWARF 5, section 7.6: seven bits a byte, the lowest first, the top bit set in
every byte but the last. Only the shortest form is accepted, so equal values have equal bytes.
"""

from __future__ import annotations

MAXIMUM = 0xFFFF_FFFF
_LONGEST = 5


def pack(value: int) -> bytes:
    """Return `value` as LEB128 bytes.

    Raises:
        ValueError: The value is negative or above 2**32 - 1.
    """
    if not 0 <= value <= MAXIMUM:
        raise ValueError(f"{value} does not fit a varint; allowed are 0 to {MAXIMUM}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unpack(data: bytes | memoryview, offset: int) -> tuple[int, int]:
    """Return the value at `offset` and the offset of the first byte after it.

    Raises:
        ValueError: The bytes end within the number, the number is above 2**32 - 1, or it is
            written longer than it needs.
    """
    value = 0
    for count in range(_LONGEST):
        if offset >= len(data):
            raise ValueError("the bytes end within a number")
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            if byte == 0 and count:
                raise ValueError("a number is written longer than it needs")
            if value > MAXIMUM:
                raise ValueError(f"a number is above {MAXIMUM}")
            return value, offset
    raise ValueError(f"a number is above {MAXIMUM}")


def size(value: int) -> int:
    """Return the number of bytes of `pack(value)`."""
    return max(1, (value.bit_length() + 6) // 7)


def pack_signed(value: int) -> bytes:
    """Return a signed value as zigzag LEB128 bytes: 0, -1, 1, -2 are packed as 0, 1, 2, 3."""
    return pack(value << 1 if value >= 0 else (-value << 1) - 1)


def unpack_signed(data: bytes | memoryview, offset: int) -> tuple[int, int]:
    """Return the signed value at `offset` and the offset of the first byte after it."""
    folded, offset = unpack(data, offset)
    return (folded >> 1) ^ -(folded & 1), offset
