"""The codestreams of a tile's band groups in one payload: each but the last after its length."""

from __future__ import annotations

from collections.abc import Sequence

from . import varint


def join(streams: Sequence[bytes]) -> bytes:
    """Return the payload of at least one codestream."""
    head = b"".join(varint.pack(len(stream)) + stream for stream in streams[:-1])
    return head + streams[-1]


def split(payload: bytes, start: int, count: int) -> list[bytes]:
    """Return the `count` codestreams of a payload, which begin at its byte `start`.

    Raises:
        ValueError: The payload ends within a codestream or a length.
    """
    streams = []
    for _ in range(count - 1):
        length, start = varint.unpack(payload, start)
        if start + length > len(payload):
            raise ValueError("the bytes end within a codestream")
        streams.append(payload[start : start + length])
        start += length
    streams.append(payload[start:])
    return streams
