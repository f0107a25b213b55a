"""Messages from the host to the board: one frozen dataclass each."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from .constants import Kind, SampleCode, SettingCode
from .message import MAGIC, AboutJob, Chunk, at_least, check_magic, exactly
from .tile_form import TileForm


@dataclass(frozen=True, slots=True)
class Reset:
    """Begin a handshake with a nonce that this host never used before; ask for HELLO."""

    kind: ClassVar = Kind.RESET
    _layout: ClassVar = struct.Struct("<4sIBB")
    host_nonce: int
    oldest: int
    newest: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(MAGIC, self.host_nonce, self.oldest, self.newest)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields; ignore bytes that later versions append."""
        magic, nonce, oldest, newest = at_least(cls._layout, data)
        check_magic(magic)
        return cls(nonce, oldest, newest)


@dataclass(frozen=True, slots=True)
class Query:
    """Ask for the board's capabilities, CAPS."""

    kind: ClassVar = Kind.QUERY
    _layout: ClassVar = struct.Struct("<IB")
    host_nonce: int
    version: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.host_nonce, self.version)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session with these parameters, which ends any earlier session; ask for READY.

    Attributes:
        host_nonce: The nonce of RESET.
        boot_nonce: The nonce of HELLO.
        version: The protocol's version for this session.
        window: DATA chunks that the host can receive before it has acknowledged any.
        chunk: Bytes of every chunk but a tile's or a result's last, in both directions.
        fingerprint: The model that the host expects.
    """

    kind: ClassVar = Kind.OPEN
    _layout: ClassVar = struct.Struct("<IIBBH8s")
    host_nonce: int
    boot_nonce: int
    version: int
    window: int
    chunk: int
    fingerprint: bytes

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(
            self.host_nonce,
            self.boot_nonce,
            self.version,
            self.window,
            self.chunk,
            self.fingerprint,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Job:
    """Announce a tile and how to encode it."""

    kind: ClassVar = Kind.JOB
    _layout: ClassVar = struct.Struct("<IIIHHHBBBBiI4b")
    job: int
    form: TileForm

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        form = self.form
        return self._layout.pack(
            self.job,
            form.tile_bytes,
            form.tile_crc,
            form.columns,
            form.rows,
            form.bands,
            form.bit_depth,
            form.sample,
            form.flags,
            form.setting_kind,
            form.nodata,
            form.setting,
            *form.rotation,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        (
            job,
            tile_bytes,
            tile_crc,
            columns,
            rows,
            bands,
            bit_depth,
            sample,
            flags,
            setting_kind,
            nodata,
            setting,
            *rotation,
        ) = exactly(cls._layout, data)
        w, x, y, z = rotation
        form = TileForm(
            tile_bytes=tile_bytes,
            tile_crc=tile_crc,
            columns=columns,
            rows=rows,
            bands=bands,
            bit_depth=bit_depth,
            sample=SampleCode(sample),
            flags=flags,
            setting_kind=SettingCode(setting_kind),
            nodata=nodata,
            setting=setting,
            rotation=(w, x, y, z),
        )
        return cls(job, form)


@dataclass(frozen=True, slots=True)
class Load(Chunk):
    """A chunk of a tile."""

    kind: ClassVar = Kind.LOAD


@dataclass(frozen=True, slots=True)
class Run(AboutJob):
    """Encode this job once its tile is complete. If repeated, RUN asks for the job's STATE."""

    kind: ClassVar = Kind.RUN


@dataclass(frozen=True, slots=True)
class Got:
    """Acknowledge chunks of a result, and request others again.

    Attributes:
        job: The job's number.
        flags: `GotFlag`s.
        first: The first chunk that has not arrived.
        received: Bit k: chunk `first` + k has arrived.
        again: Bit k: send chunk `first` + k again.
    """

    kind: ClassVar = Kind.GOT
    _layout: ClassVar = struct.Struct("<IBHQQ")
    job: int
    flags: int
    first: int
    received: int
    again: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.job, self.flags, self.first, self.received, self.again)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Release(AboutJob):
    """Forget this job: the host has its result, or does not want it."""

    kind: ClassVar = Kind.RELEASE


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for the board's clock, PONG. Needs no session."""

    kind: ClassVar = Kind.PING
    _layout: ClassVar = struct.Struct("<I")
    token: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.token)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))
