"""Keeps the latest frames of a line, so that a failed check can show what it has seen."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from ...link.serial.describe import describe
from ...link.serial.framing import DELIMITER, unframe
from ...link.serial.messages import MessageError, open_body
from ...link.text import printable

KEPT: Final = 400
_TO_BOARD, _TO_HOST = ">", "<"


class Journal:
    """The latest frames in both directions; text is made only when somebody reads it."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._entries: deque[tuple[float, str, bytes | int]] = deque(maxlen=KEPT)

    def clear(self) -> None:
        """Forget everything; times count from now on."""
        self._begin = time.monotonic()
        self._entries.clear()

    def sent(self, data: bytes) -> None:
        """Note bytes that were sent: a frame with its delimiters, or anything else."""
        self._entries.append((time.monotonic(), _TO_BOARD, data))

    def received(self, body: bytes) -> None:
        """Note the body of an undamaged frame."""
        self._entries.append((time.monotonic(), _TO_HOST, body))

    def damaged(self, count: int) -> None:
        """Note damaged frames that were received."""
        self._entries.append((time.monotonic(), _TO_HOST, count))

    def lines(self, most: int) -> tuple[str, ...]:
        """Return the latest frames, one line each: seconds, direction, message."""
        latest = list(self._entries)[-most:]
        return tuple(
            f"{at - self._begin:8.3f} s {way} {printable(_text(way, what), 160)}"
            for at, way, what in latest
        )


def _text(way: str, what: bytes | int) -> str:
    if isinstance(what, int):
        return f"damaged: {what}"
    if way == _TO_HOST:
        return body_text(what)
    body = unframe(what.strip(DELIMITER))
    return f"{len(what)} bytes that are no frame" if body is None else body_text(body)


def body_text(body: bytes) -> str:
    """Return a frame's body as text: its message, or why it is none."""
    try:
        return describe(open_body(body)[1])
    except MessageError as error:
        return f"no message: {error}"
