"""Reads a trace of a serial line: what each frame is, its gap, and what was sent again.

A trace may come from anybody, so it is read block by block, and what is remembered of it is
bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

from ...link.errors import InputError
from ...link.serial.framing import unframe
from ...link.serial.messages import (
    Data,
    Job,
    Load,
    Message,
    MessageError,
    Open,
    Query,
    Ready,
    Release,
    Reset,
    Result,
    Run,
    open_body,
)
from ...link.serial.pcapng import USER0, Packet, PcapngReader
from .journal import body_text

MOST_REMEMBERED: Final = 1 << 18
"""Frames that are remembered to recognise what is sent again."""
_REPEATABLE: Final = (Reset, Query, Open, Ready, Job, Load, Run, Release, Data, Result)


@dataclass(frozen=True, slots=True)
class TracedFrame:
    """A frame of a trace.

    Attributes:
        seconds: Time since the first packet, in seconds.
        gap: Seconds since the frame before in the same direction and on the same line.
        line: Number of the line in the trace.
        port: The line's name.
        outbound: Whether the host sent it.
        size: Bytes on the line, delimiters included.
        raw: The bytes between the delimiters.
        body: The frame's body; None if it is damaged, or an event.
        session: The session number; 0 without one.
        message: The message; None if there is none.
        again: Whether the same frame was sent before in the same session.
        event: What happened to the port, if it is no frame.
    """

    seconds: float
    gap: float
    line: int
    port: str
    outbound: bool
    size: int
    raw: bytes
    body: bytes | None
    session: int
    message: Message | None
    again: bool
    event: str = ""

    def text(self) -> str:
        """Return what it is in a few words."""
        if self.event:
            return self.event
        if self.body is None:
            return "damaged, or no frame"
        return body_text(self.body)


@dataclass(slots=True)
class _LineState:
    """What is remembered of one line of the trace."""

    last: dict[bool, float] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def is_again(self, outbound: bool, session: int, body: bytes, message: Message) -> bool:
        if not isinstance(message, _REPEATABLE):
            return False
        key = hash((outbound, session, body))
        if key in self.seen:
            return True
        if isinstance(message, Reset) or len(self.seen) >= MOST_REMEMBERED:
            self.seen.clear()
        self.seen.add(key)
        return False


class TraceReader:
    """Reads the frames of a trace.

    Args:
        file: A binary file.
        name: Its name in messages.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._packets = PcapngReader(file, name)
        self._name = name

    @property
    def truncated(self) -> bool:
        """Whether the file ends within a block."""
        return self._packets.truncated

    @property
    def dropped(self) -> int:
        """Number of frames that the trace lacks because it was full."""
        return self._packets.dropped

    def frames(self) -> Iterator[TracedFrame]:
        """Yield the frames in order.

        Raises:
            InputError: The file is no trace.
        """
        lines: dict[int, _LineState] = {}
        begin: int | None = None
        for packet in self._packets.packets():
            if packet.link_type != USER0:
                raise InputError(
                    f"{self._name}: an interface of link type {packet.link_type}; allowed: {USER0}"
                )
            begin = packet.nanoseconds if begin is None else begin
            state = lines.setdefault(packet.interface, _LineState())
            yield _frame(packet, (packet.nanoseconds - begin) / 1e9, state)


def _frame(packet: Packet, seconds: float, state: _LineState) -> TracedFrame:
    outbound = bool(packet.outbound)
    event = packet.comment if not packet.data else ""
    gap = 0.0
    if not event:
        gap = seconds - state.last.get(outbound, seconds)
        state.last[outbound] = seconds
    body = unframe(packet.data) if packet.data else None
    session, message, again = 0, None, False
    if body is not None:
        try:
            session, message = open_body(body)
        except MessageError:
            pass
        else:
            again = state.is_again(outbound, session, body, message)
    return TracedFrame(
        seconds=seconds,
        gap=gap,
        line=packet.interface,
        port=packet.name,
        outbound=outbound,
        size=len(packet.data) + 2 if packet.data else 0,
        raw=packet.data,
        body=body,
        session=session,
        message=message,
        again=again,
        event=event,
    )


@dataclass(slots=True)
class TraceSummary:
    """Counts over a trace; in each pair the host's frames are first, then the board's."""

    seconds: float = 0.0
    frames: list[int] = field(default_factory=lambda: [0, 0])
    bytes: list[int] = field(default_factory=lambda: [0, 0])
    damaged: list[int] = field(default_factory=lambda: [0, 0])
    again: list[int] = field(default_factory=lambda: [0, 0])
    longest_gap: list[float] = field(default_factory=lambda: [0.0, 0.0])
    sessions: int = 0
    results: int = 0
    _ready: int = 0

    def add(self, frame: TracedFrame) -> None:
        """Count a frame."""
        self.seconds = max(self.seconds, frame.seconds)
        if frame.event:
            return
        way = 0 if frame.outbound else 1
        self.frames[way] += 1
        self.bytes[way] += frame.size
        self.damaged[way] += frame.body is None
        self.again[way] += frame.again
        self.longest_gap[way] = max(self.longest_gap[way], frame.gap)
        if isinstance(frame.message, Ready) and frame.session != self._ready:
            self.sessions += 1
            self._ready = frame.session
        self.results += isinstance(frame.message, Result) and not frame.again

    def figures(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {
            "seconds": round(self.seconds, 6),
            "sessions": self.sessions,
            "results": self.results,
            **{
                f"{way}_{what}": value
                for place, way in enumerate(("to_board", "to_host"))
                for what, value in (
                    ("frames", self.frames[place]),
                    ("bytes", self.bytes[place]),
                    ("damaged", self.damaged[place]),
                    ("sent_again", self.again[place]),
                    ("longest_gap_s", round(self.longest_gap[place], 6)),
                )
            },
        }
