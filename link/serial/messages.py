"""What the two ends say to each other: one frozen dataclass a message.

Every message is `kind (u8), session (u32), fields`, little-endian. `pack` gives a message's
fields, `unpack` reads them and refuses everything that is not exactly such a message; `seal` and
`open_body` put the kind and the session in front and take them off.

RESET, HELLO and ERROR keep their bytes in every version of the protocol: two ends that have no
version in common must still be able to say so.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, Self

from .constants import (
    LARGEST_CHUNK,
    LARGEST_WINDOW,
    LONGEST_TEXT,
    MOST_SLOTS,
    SMALLEST_CHUNK,
    Code,
    Kind,
    SampleCode,
    SettingCode,
    Stage,
    Status,
    TickKind,
)
from .framing import frame

NO_SESSION: Final = 0
MAGIC: Final = b"DPSL"
NO_ROTATION: Final = (0, 0, 0, 0)
_HEADER = struct.Struct("<BI")


class MessageError(Exception):
    """A body that passed its CRC-32 and still is no message of this protocol.

    Attributes:
        kind: The body's first byte.
        session: The session that it claims.
    """

    def __init__(self, message: str, kind: int = 0, session: int = NO_SESSION) -> None:
        super().__init__(message)
        self.kind = kind
        self.session = session


class Message(Protocol):
    """What every message has."""

    kind: ClassVar[Kind]

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        ...

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the message of these fields.

        Raises:
            ValueError: They are not such a message.
        """
        ...


def session_number(host_nonce: int, boot_nonce: int) -> int:
    """Return the session of a host's and a board's nonce; never 0, which is no session."""
    return zlib.crc32(struct.pack("<II", host_nonce, boot_nonce)) or 1


def _exactly(layout: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) != layout.size:
        raise ValueError(f"{len(data)} bytes of fields: {layout.size} expected")
    return layout.unpack(data)


@dataclass(frozen=True, slots=True)
class Reset:
    """Host: who is there? Begins a session under a nonce that this host never used before."""

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
        """Read the fields; bytes that later versions append are passed over."""
        if len(data) < cls._layout.size:
            raise ValueError(f"{len(data)} bytes of fields: at least {cls._layout.size} expected")
        magic, nonce, oldest, newest = cls._layout.unpack_from(data)
        if magic != MAGIC:
            raise ValueError(f"begins with {magic.hex()}: {MAGIC.hex()} expected")
        return cls(nonce, oldest, newest)


@dataclass(frozen=True, slots=True)
class Hello:
    """Board: I am here. Sent once at boot with host nonce 0, and in answer to every RESET."""

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
        """Read the fields; bytes that later versions append are passed over."""
        if len(data) < cls._layout.size:
            raise ValueError(f"{len(data)} bytes of fields: at least {cls._layout.size} expected")
        magic, nonce, boot, oldest, newest = cls._layout.unpack_from(data)
        if magic != MAGIC:
            raise ValueError(f"begins with {magic.hex()}: {MAGIC.hex()} expected")
        return cls(nonce, boot, oldest, newest)


@dataclass(frozen=True, slots=True)
class Query:
    """Host: what can you do?"""

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
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a board is and can do.

    Attributes:
        memory: Bytes that the firmware or the agent may use in all.
        largest_tile: Bytes of the largest tile's samples.
        largest_result: Bytes of the largest finished tile.
        most_columns: Columns of the widest tile.
        most_rows: Rows of the highest tile.
        most_bands: Bands of a tile.
        bit_depth: The deepest samples.
        slots: Jobs that it holds at once: loading, running, being fetched.
        window: Chunks that it can take before it has acknowledged any.
        codec: Number of its codec in the bitstream's header.
        features: `Feature`s.
        tick_kind: What its ticks are.
        chunk: Bytes of the largest chunk.
        tick_rate: Ticks in a second.
        clock_hz: Clock of its processor, 0 where it doesn't know.
        fingerprint: Which model it runs, 8 bytes; zeros where its codec has none.
        name: Who it is.
        software: What it runs, with the version.
    """

    memory: int
    largest_tile: int
    largest_result: int
    most_columns: int
    most_rows: int
    most_bands: int
    bit_depth: int
    slots: int
    window: int
    codec: int
    features: int
    tick_kind: TickKind
    chunk: int
    tick_rate: int
    clock_hz: int
    fingerprint: bytes
    name: str
    software: str

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("slots", self.slots, 1, MOST_SLOTS),
            ("window", self.window, 1, LARGEST_WINDOW),
            ("chunk", self.chunk, SMALLEST_CHUNK, LARGEST_CHUNK),
            ("bit depth", self.bit_depth, 1, 16),
            ("tick rate", self.tick_rate, 1, 0xFFFFFFFF),
            ("largest tile", self.largest_tile, 1, 0xFFFFFFFF),
            ("largest result", self.largest_result, 1, 0xFFFFFFFF),
        ):
            if not low <= value <= high:
                raise ValueError(f"{what} {value}: allowed are {low} to {high}")


_CAPS = struct.Struct("<IIIIIHHHBBBBBBHII8s")


@dataclass(frozen=True, slots=True)
class Caps:
    """Board: this is what I can do."""

    kind: ClassVar = Kind.CAPS
    host_nonce: int
    boot_nonce: int
    capabilities: Capabilities

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        own = self.capabilities
        head = _CAPS.pack(
            self.host_nonce,
            self.boot_nonce,
            own.memory,
            own.largest_tile,
            own.largest_result,
            own.most_columns,
            own.most_rows,
            own.most_bands,
            own.bit_depth,
            own.slots,
            own.window,
            own.codec,
            own.features,
            own.tick_kind,
            own.chunk,
            own.tick_rate,
            own.clock_hz,
            own.fingerprint,
        )
        return head + _text(own.name) + _text(own.software)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        if len(data) < _CAPS.size:
            raise ValueError(f"{len(data)} bytes of fields: at least {_CAPS.size} expected")
        fields = _CAPS.unpack_from(data)
        host, boot, fingerprint = fields[0], fields[1], fields[-1]
        numbers: list[Any] = list(fields[2:-1])
        name, offset = _read_text(data, _CAPS.size)
        software, offset = _read_text(data, offset)
        if offset != len(data):
            raise ValueError(f"{len(data) - offset} bytes too many")
        numbers[11] = TickKind(numbers[11])
        numbers += [fingerprint, name, software]
        return cls(host, boot, Capabilities(*numbers))


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
class Open:
    """Host: let us begin, under these conditions. Ends the session before.

    Attributes:
        host_nonce: The RESET's.
        boot_nonce: The HELLO's.
        version: The protocol's version for this session.
        window: DATA chunks that the host can take before it has acknowledged any.
        chunk: Bytes of every chunk but a tile's or a result's last, both ways.
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
        if len(data) != cls._layout.size:
            raise ValueError(f"{len(data)} bytes of fields: {cls._layout.size} expected")
        return cls(*cls._layout.unpack(data))


@dataclass(frozen=True, slots=True)
class Ready:
    """Board: the session is open."""

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
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class TileForm:
    """What a tile is and how it is to be coded: everything but its samples.

    Attributes:
        tile_bytes: Bytes of the samples.
        tile_crc: CRC-32 of the samples.
        columns: Width in pixels.
        rows: Height in pixels.
        bands: Bands; samples lie row by row, pixel by pixel, band by band.
        bit_depth: Bits that a sample uses.
        sample: Type of a sample; 16-bit ones lie little-endian.
        flags: `JobFlag`s.
        setting_kind: What `setting` is.
        nodata: Sample value that means no data, 0 without the flag.
        setting: How hard to compress.
        rotation: How a learned codec rotates the three bands: the quaternion w, x, y, z of
            `link.student.rotation`, in signed bytes; `NO_ROTATION` for codecs that do not rotate.
    """

    tile_bytes: int
    tile_crc: int
    columns: int
    rows: int
    bands: int
    bit_depth: int
    sample: SampleCode
    flags: int
    setting_kind: SettingCode
    nodata: int
    setting: int
    rotation: tuple[int, int, int, int] = NO_ROTATION

    def __post_init__(self) -> None:
        size = 1 if self.sample == SampleCode.UINT8 else 2
        if min(self.columns, self.rows, self.bands) < 1:
            raise ValueError(f"a tile of {self.columns} x {self.rows} x {self.bands}")
        if self.tile_bytes != self.columns * self.rows * self.bands * size:
            raise ValueError(
                f"{self.tile_bytes} bytes for a tile of {self.columns} x {self.rows} x "
                f"{self.bands} samples of {size} bytes"
            )
        if not 1 <= self.bit_depth <= 8 * size:
            raise ValueError(f"bit depth {self.bit_depth} of samples of {size} bytes")
        if self.flags & ~7:
            raise ValueError(f"job flags {self.flags:#x}")
        if len(self.rotation) != 4 or not all(-128 <= part <= 127 for part in self.rotation):
            raise ValueError(f"rotation {self.rotation}: allowed are four signed bytes")


@dataclass(frozen=True, slots=True)
class Job:
    """Host: a tile is about to come, and what is to be done with it."""

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
        job, *numbers, w, x, y, z = _exactly(cls._layout, data)
        numbers[6], numbers[8] = SampleCode(numbers[6]), SettingCode(numbers[8])
        return cls(job, TileForm(*numbers, (w, x, y, z)))  # type: ignore[arg-type,call-arg]


@dataclass(frozen=True, slots=True)
class _Chunk:
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
class Load(_Chunk):
    """Host: a chunk of a tile."""

    kind: ClassVar = Kind.LOAD


@dataclass(frozen=True, slots=True)
class Data(_Chunk):
    """Board: a chunk of a finished tile."""

    kind: ClassVar = Kind.DATA


@dataclass(frozen=True, slots=True)
class _AboutJob:
    """A message that only names a job."""

    _layout: ClassVar = struct.Struct("<I")
    job: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.job)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Run(_AboutJob):
    """Host: encode this job as soon as its tile is whole. Repeated, it asks how the job is."""

    kind: ClassVar = Kind.RUN


@dataclass(frozen=True, slots=True)
class Release(_AboutJob):
    """Host: I have all of this job, or want nothing of it; forget it."""

    kind: ClassVar = Kind.RELEASE


@dataclass(frozen=True, slots=True)
class Got:
    """Host: these chunks of a result have come, and these are wanted again.

    Attributes:
        job: Which job.
        flags: `GotFlag`s.
        first: The first chunk that has not come.
        received: Bit k: chunk `first` + k has come.
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
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class State:
    """Board: this is where a job stands; the answer to JOB, LOAD, RUN and RELEASE.

    Attributes:
        job: Which job.
        lowest: The lowest job that has not been released; all before it have been.
        stage: Where the job stands.
        flags: `StateFlag`s.
        round: How often the board has thrown the tile away because its CRC-32 did not match,
            modulo 256.
        first: The first chunk of the tile that has not come.
        received: Bit k: chunk `first` + k has come.
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
        job, lowest, stage, *rest = _exactly(cls._layout, data)
        return cls(job, lowest, Stage(stage), *rest)


@dataclass(frozen=True, slots=True)
class Result:
    """Board: a job is done, this is what came of it. Follows the first sending of its chunks.

    Attributes:
        job: Which job.
        status: How it ended. Where it failed, the payload says why, in UTF-8.
        length: Bytes of the payload.
        crc: CRC-32 of the payload.
        tile_crc: CRC-32 of the tile that it was made of.
        receive_ticks: From JOB until the tile was whole.
        encode_ticks: Encoding alone.
        send_ticks: From the first chunk of the payload to the last, waiting for credit included.
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
        job, status, *rest = _exactly(cls._layout, data)
        return cls(job, Status(status), *rest)


@dataclass(frozen=True, slots=True)
class Ping:
    """Host: are you there, and what is your clock? Needs no session."""

    kind: ClassVar = Kind.PING
    _layout: ClassVar = struct.Struct("<I")
    token: int

    def pack(self) -> bytes:
        """Return the fields' bytes."""
        return self._layout.pack(self.token)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the fields."""
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Pong:
    """Board: I am, and this is my clock.

    Attributes:
        token: The PING's.
        boot_nonce: This boot's.
        open_session: The session that is open, 0 where none is.
        bad_frames: Damaged frames since this boot: how good the line to the board is.
        ticks: The clock, in ticks since some moment of this boot.
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
        return cls(*_exactly(cls._layout, data))


@dataclass(frozen=True, slots=True)
class Error:
    """Board: I refuse that. The frame's session is the one that the refused frame named.

    Attributes:
        code: Why.
        job: Which job, 0 where it is about none.
        detail: What would be right, or what was found; the specification says for each code.
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
        """Read the fields; codes and bytes that later versions append are no fault."""
        if len(data) < cls._layout.size:
            raise ValueError(f"{len(data)} bytes of fields: at least {cls._layout.size} expected")
        return cls(*cls._layout.unpack_from(data))

    @property
    def reason(self) -> str:
        """The code's name."""
        return Code(self.code).name if self.code in set(Code) else f"code {self.code}"


_MESSAGES: Final[dict[int, type[Message]]] = {
    message.kind: message
    for message in (
        Reset,
        Query,
        Open,
        Job,
        Load,
        Run,
        Got,
        Release,
        Ping,
        Hello,
        Caps,
        Ready,
        State,
        Data,
        Result,
        Pong,
        Error,
    )
}


def seal(message: Message, session: int = NO_SESSION) -> bytes:
    """Return the bytes that carry a message over the line, delimiters included."""
    return frame(_HEADER.pack(message.kind, session) + message.pack())


def open_body(body: bytes) -> tuple[int, Message]:
    """Return the session and the message of a frame's body.

    Raises:
        MessageError: The body is no message of this protocol.
    """
    if len(body) < _HEADER.size:
        raise MessageError(f"a message of {len(body)} bytes", body[0] if body else 0)
    kind, session = _HEADER.unpack_from(body)
    if kind not in _MESSAGES:
        raise MessageError(f"kind {kind:#04x} is unknown", kind, session)
    try:
        return session, _MESSAGES[kind].unpack(body[_HEADER.size :])
    except ValueError as error:
        raise MessageError(f"{Kind(kind).name}: {error}", kind, session) from None
