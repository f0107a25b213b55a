"""Messages from the board to the host: one frozen dataclass each."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from .capabilities import Capabilities
from .constants import LONGEST_TEXT, Code, Kind, Stage, Status, TickKind
from .message import MAGIC, Chunk, at_least, check_magic, exactly


@dataclass(frozen=True, slots=True)
class Hello:
    """Report the boot's nonce: answers RESET, and is sent once at boot with host nonce 0."""

    kind: ClassVar = Kind.HELLO
    _layout: ClassVar = struct.Struct("<4sIIBB")
    host_nonce: int
    boot_nonce: int
    oldest: int
    newest: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(MAGIC, self.host_nonce, self.boot_nonce, self.oldest, self.newest)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields; ignore bytes that later versions append."""
        magic, nonce, boot, oldest, newest = at_least(cls._layout, data)
        check_magic(magic)
        return cls(nonce, boot, oldest, newest)


@dataclass(frozen=True, slots=True)
class Caps:
    """Report the board's capabilities: the answer to QUERY."""

    kind: ClassVar = Kind.CAPS
    _head: ClassVar = struct.Struct("<IIIIIHHHBBBBBBHII8s")
    host_nonce: int
    boot_nonce: int
    capabilities: Capabilities

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        can = self.capabilities
        head = self._head.pack(
            self.host_nonce,
            self.boot_nonce,
            can.memory,
            can.largest_tile,
            can.largest_result,
            can.most_columns,
            can.most_rows,
            can.most_bands,
            can.bit_depth,
            can.slots,
            can.window,
            can.codec,
            can.features,
            can.tick_kind,
            can.chunk,
            can.tick_rate,
            can.clock_hz,
            can.fingerprint,
        )
        return head + _text(can.name) + _text(can.software)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        (
            host_nonce,
            boot_nonce,
            memory,
            largest_tile,
            largest_result,
            most_columns,
            most_rows,
            most_bands,
            bit_depth,
            slots,
            window,
            codec,
            features,
            tick_kind,
            chunk,
            tick_rate,
            clock_hz,
            fingerprint,
        ) = at_least(cls._head, data)
        name, offset = _read_text(data, cls._head.size)
        software, offset = _read_text(data, offset)
        if offset != len(data):
            raise ValueError(f"{len(data) - offset} bytes too many")
        capabilities = Capabilities(
            memory=memory,
            largest_tile=largest_tile,
            largest_result=largest_result,
            most_columns=most_columns,
            most_rows=most_rows,
            most_bands=most_bands,
            bit_depth=bit_depth,
            slots=slots,
            window=window,
            codec=codec,
            features=features,
            tick_kind=TickKind(tick_kind),
            chunk=chunk,
            tick_rate=tick_rate,
            clock_hz=clock_hz,
            fingerprint=fingerprint,
            name=name,
            software=software,
        )
        return cls(host_nonce, boot_nonce, capabilities)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:LONGEST_TEXT]
    while True:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            data = data[:-1]
        else:
            return bytes((len(data),)) + data


def _read_text(data: bytes, offset: int) -> tuple[str, int]:
    length = data[offset] if offset < len(data) else 255
    end = offset + 1 + length
    if length > LONGEST_TEXT or end > len(data):
        raise ValueError("a text is cut off or too long")
    return data[offset + 1 : end].decode("utf-8"), end


@dataclass(frozen=True, slots=True)
class Ready:
    """Report that the session is open: the answer to OPEN."""

    kind: ClassVar = Kind.READY
    _layout: ClassVar = struct.Struct("<BBH")
    version: int
    window: int
    chunk: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.version, self.window, self.chunk)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class State:
    """Report how far a job is: the answer to JOB, LOAD, RUN and RELEASE.

    Attributes:
        job: The job's number.
        lowest: The lowest job that has not been released; all before it have been.
        stage: The job's stage.
        flags: `StateFlag`s.
        round: How often the board has discarded the tile because its CRC-32 did not match,
            modulo 256.
        first: The first chunk of the tile that has not arrived.
        received: Bit k: chunk `first` + k has arrived.
    """

    kind: ClassVar = Kind.STATE
    _layout: ClassVar = struct.Struct("<IIBBBHQ")
    job: int
    lowest: int
    stage: Stage
    flags: int
    round: int
    first: int
    received: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(
            self.job,
            self.lowest,
            self.stage,
            self.flags,
            self.round,
            self.first,
            self.received,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        job, lowest, stage, *rest = exactly(cls._layout, data)
        return cls(job, lowest, Stage(stage), *rest)


@dataclass(frozen=True, slots=True)
class Data(Chunk):
    """A chunk of an encoded tile."""

    kind: ClassVar = Kind.DATA


@dataclass(frozen=True, slots=True)
class Result:
    """Report the end of a job. Sent after its chunks were sent for the first time.

    Attributes:
        job: The job's number.
        status: How it ended. If it failed, the payload is the reason, in UTF-8.
        length: Bytes of the payload.
        crc: CRC-32 of the payload.
        tile_crc: CRC-32 of the tile that was encoded.
        receive_ticks: Ticks from JOB until the tile was complete.
        encode_ticks: Ticks for encoding alone.
        send_ticks: Ticks from the payload's first chunk to its last, with waits for credit.
    """

    kind: ClassVar = Kind.RESULT
    _layout: ClassVar = struct.Struct("<IBIIIQQQ")
    job: int
    status: Status
    length: int
    crc: int
    tile_crc: int
    receive_ticks: int
    encode_ticks: int
    send_ticks: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(
            self.job,
            self.status,
            self.length,
            self.crc,
            self.tile_crc,
            self.receive_ticks,
            self.encode_ticks,
            self.send_ticks,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        job, status, *rest = exactly(cls._layout, data)
        return cls(job, Status(status), *rest)


@dataclass(frozen=True, slots=True)
class Pong:
    """Report the board's clock: the answer to PING.

    Attributes:
        token: The token of PING.
        boot_nonce: The nonce of this boot.
        open_session: The open session's number; 0 if none is open.
        bad_frames: Damaged frames received since this boot, a measure of the line's quality.
        ticks: The clock, in ticks since an arbitrary moment of this boot.
    """

    kind: ClassVar = Kind.PONG
    _layout: ClassVar = struct.Struct("<IIIIQ")
    token: int
    boot_nonce: int
    open_session: int
    bad_frames: int
    ticks: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(
            self.token, self.boot_nonce, self.open_session, self.bad_frames, self.ticks
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Error:
    """Refuse a message. The frame's session is that of the refused message.

    Attributes:
        code: The reason, a `Code`.
        job: The job's number; 0 if the refusal concerns no job.
        detail: What is allowed, or what was found; the specification lists it for each code.
    """

    kind: ClassVar = Kind.ERROR
    _layout: ClassVar = struct.Struct("<BII")
    code: int
    job: int
    detail: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.code, self.job, self.detail)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields; accept codes and ignore bytes that later versions add."""
        return cls(*at_least(cls._layout, data))

    @property
    def reason(self) -> str:
        """The code's name."""
        return Code(self.code).name if self.code in set(Code) else f"code {self.code}"
