"""Files of a value store, written without it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def put_value(path: Path, value: bytes, key: str | None = None, length: int | None = None) -> None:
    """Write a value whose CRC-32 matches."""
    crc = zlib.crc32(value, zlib.crc32((key or path.name).encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"DPC2" + struct.pack("<IQ", crc, length or len(value)) + value)
