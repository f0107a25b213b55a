"""What all messages share: checked field layouts, and two layouts that several messages use."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, Self

from .constants import LARGEST_CHUNK, Kind

NO_SESSION: Final = 0
MAGIC: Final = b"DPSL"


class MessageError(Exception):
    """A frame's body passed its CRC-32 but is not a message of this protocol.

    Attributes:
        kind: The body's first byte.
        session: The session number in the body.
    """

    def __init__(self, message: str, kind: int = 0, session: int = NO_SESSION) -> None:
        super().__init__(message)
        self.kind = kind
        self.session = session


class Message(Protocol):
    """The interface of every message."""

    kind: ClassVar[Kind]

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        ...

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the message with these fields.

        Raises:
            ValueError: The bytes are not such a message.
        """
        ...


def exactly(layout: struct.Struct, data: bytes) -> tuple[Any, ...]:
    """Return the fields of a message whose length is fixed.

    Raises:
        ValueError: The bytes are too few or too many.
    """
    if len(data) != layout.size:
        raise ValueError(f"{len(data)} bytes of fields: {layout.size} expected")
    return layout.unpack(data)


def at_least(layout: struct.Struct, data: bytes) -> tuple[Any, ...]:
    """Return the fields of a message to which later versions may append others.

    Raises:
        ValueError: The bytes are too few.
    """
    if len(data) < layout.size:
        raise ValueError(f"{len(data)} bytes of fields: at least {layout.size} expected")
    return layout.unpack_from(data)


def check_magic(magic: bytes) -> None:
    """Refuse a RESET or HELLO of another protocol.

    Raises:
        ValueError: The magic bytes are not this protocol's.
    """
    if magic != MAGIC:
        raise ValueError(f"begins with {magic.hex()}: {MAGIC.hex()} expected")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a tile or of a result: chunk `index` begins at byte index × chunk size."""

    _layout: ClassVar = struct.Struct("<IH")
    job: int
    index: int
    data: bytes

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.job, self.index) + self.data

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        size = len(data) - cls._layout.size
        if not 1 <= size <= LARGEST_CHUNK:
            raise ValueError(f"a chunk of {size} bytes: allowed are 1 to {LARGEST_CHUNK}")
        job, index = cls._layout.unpack_from(data)
        return cls(job, index, data[cls._layout.size :])


@dataclass(frozen=True, slots=True)
class AboutJob:
    """A message whose only field is a job's number."""

    _layout: ClassVar = struct.Struct("<I")
    job: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.job)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))
