"""Guesses what is at the other end of a line on which no board answers, from what came.

Three things are common: a loopback plug (or a terminal that echoes), which returns the host's own
frames; a console, whose login prompt or kernel messages are text; and a wrong baud rate, which
gives bytes that are neither frames nor text.
"""

from __future__ import annotations

from typing import Final

from ..text import printable

_KEPT: Final = 400
_ENOUGH: Final = 12
"""Bytes that are needed before they count as text."""
_SHARE: Final = 0.9
"""Share of printable bytes from which bytes count as text; random bytes have 0.38."""
_VARIETY: Final = 6
"""Different bytes that text has; a line at a wrong rate often repeats one or two."""
_LONGEST_QUOTE: Final = 60
_TEXT: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


class Overheard:
    """Observes received bytes and frames while there is no session.

    Attributes:
        echoes: Frames of a host that have come back.
    """

    def __init__(self) -> None:
        self.echoes = 0
        self._last = b""

    def take(self, data: bytes) -> None:
        """Observe bytes from the line."""
        self._last = (self._last + data)[-_KEPT:]

    def guess(self) -> str:
        """Return what seems to be there, as the end of a sentence; empty if there is no guess."""
        if self.echoes:
            return (
                f"{self.echoes} of this computer's own frames came back: is there a loopback plug, "
                "or a terminal that echoes?"
            )
        text = bytes(byte for byte in self._last if byte)  # a zero is an idle line's or a frame's
        readable = sum(byte in _TEXT for byte in text)
        if len(text) < _ENOUGH or len(set(text)) < _VARIETY or readable < _SHARE * len(text):
            return ""
        lines = [line.strip() for line in text.decode("ascii", "replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "")[:_LONGEST_QUOTE]
        return (
            f"text came, the last “{printable(last)}”: a console has the port "
            "(docs/linux-boards.md, “As a service”, says how to end it)"
        )
