"""Converts messages of the protocol to frame bodies and back.

    message          what all messages share
    host_messages    host → board
    board_messages   board → host
    tile_form        a tile's description in JOB
    capabilities     a board's description in CAPS

Every message is `kind (u8), session (u32), fields`, little-endian. `pack` returns a message's
fields. `unpack` reads them and refuses everything that is not exactly such a message. `seal`
prepends the kind and the session; `open_body` removes them.

RESET, HELLO and ERROR keep their layout in every version of the protocol, because two ends without
a common version must still be able to report that.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from .board_messages import Caps, Data, Error, Hello, Pong, Ready, Result, State
from .capabilities import Capabilities
from .constants import Kind
from .framing import frame
from .host_messages import Got, Job, Load, Open, Ping, Query, Release, Reset, Run
from .message import MAGIC, NO_SESSION, Message, MessageError
from .tile_form import NO_ROTATION, TileForm

__all__ = [
    "MAGIC",
    "MESSAGES",
    "NO_ROTATION",
    "NO_SESSION",
    "Capabilities",
    "Caps",
    "Data",
    "Error",
    "Got",
    "Hello",
    "Job",
    "Load",
    "Message",
    "MessageError",
    "Open",
    "Ping",
    "Pong",
    "Query",
    "Ready",
    "Release",
    "Reset",
    "Result",
    "Run",
    "State",
    "TileForm",
    "open_body",
    "seal",
    "session_number",
]

_HEADER = struct.Struct("<BI")

MESSAGES: Final[dict[int, type[Message]]] = {
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
"""The message class of each kind."""


def session_number(host_nonce: int, boot_nonce: int) -> int:
    """Return the session number of a host's and a board's nonce; never 0, which is no session."""
    return zlib.crc32(struct.pack("<II", host_nonce, boot_nonce)) or 1


def seal(message: Message, session: int = NO_SESSION) -> bytes:
    """Return the bytes that carry a message over the line, delimiters included."""
    return frame(_HEADER.pack(message.kind, session) + message.pack())


def open_body(body: bytes) -> tuple[int, Message]:
    """Return the session and the message of a frame's body.

    Raises:
        MessageError: The body is not a message of this protocol.
    """
    if len(body) < _HEADER.size:
        raise MessageError(f"a message of {len(body)} bytes", body[0] if body else 0)
    kind, session = _HEADER.unpack_from(body)
    if kind not in MESSAGES:
        raise MessageError(f"kind {kind:#04x} is unknown", kind, session)
    try:
        return session, MESSAGES[kind].unpack(body[_HEADER.size :])
    except ValueError as error:
        raise MessageError(f"{Kind(kind).name}: {error}", kind, session) from None
