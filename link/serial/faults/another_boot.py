"""Makes a board look as if it had started anew, although it has not.

After a reboot, a board has another boot nonce and none of the sessions that were open. Here the
boot nonce in the board's frames is changed, and with it the session's number, which both ends
compute from it (docs/serial-protocol.md, "A session"). The board keeps its own nonce and its own
number; frames in both directions are translated. Frames of sessions from before the reboot are
answered as the restarted board would, and what the board still sends in them is dropped.

    host: nonce P = B ^ mask, session S(P)  ◄──►  board: nonce B, session S(B)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..board import ANNOUNCEMENT
from ..constants import Code
from ..messages import (
    NO_SESSION,
    Caps,
    Error,
    Got,
    Hello,
    Job,
    Load,
    Message,
    Open,
    Pong,
    Release,
    Run,
    session_number,
)

_ABOUT_BOOT: Final = (Code.NO_SESSION, Code.WRONG_BOOT)
"""Refusals whose detail is the boot nonce."""


class AnotherBoot:
    """Translates the frames of a board between its real boot and the one that the host sees."""

    def __init__(self) -> None:
        self._mask = 0
        """What turns the real nonce into the one that the host sees; 0 before a reboot."""
        self._hello: Hello | None = None
        self._sessions: tuple[int, int] | None = None
        """The open session's number for the host and for the board; None if none is open."""

    def restart(self, mask: int) -> Hello | None:
        """End all sessions and change the boot nonce.

        Args:
            mask: What to change it by, not 0.

        Returns:
            What the board sends when it boots; None if it has sent no HELLO yet.
        """
        self._mask ^= mask
        self._sessions = None
        if self._hello is None:
            return None
        boot = self._hello.boot_nonce ^ self._mask
        return replace(self._hello, host_nonce=ANNOUNCEMENT, boot_nonce=boot)

    def to_board(self, session: int, message: Message) -> tuple[int, Message] | Error:
        """Return what the board is to receive, or the ERROR that answers it in its place."""
        match message:
            case Open():
                real = replace(message, boot_nonce=message.boot_nonce ^ self._mask)
                if session != session_number(message.host_nonce, message.boot_nonce):
                    return session, real
                number = session_number(real.host_nonce, real.boot_nonce)
                self._sessions = session, number
                return number, real
            case Job() | Load() | Run() | Got() | Release() if self._mask:
                if self._sessions is None or session != self._sessions[0]:
                    nonce = 0 if self._hello is None else self._hello.boot_nonce ^ self._mask
                    return Error(Code.NO_SESSION, message.job, nonce)
                return self._sessions[1], message
        return session, message

    def to_host(self, session: int, message: Message) -> tuple[int, Message] | None:
        """Return what the host is to receive; None if a restarted board would not send it."""
        if isinstance(message, Hello):
            self._hello = message
        if not self._mask:
            return session, message
        seen = session
        if session != NO_SESSION:
            if self._sessions is None or session != self._sessions[1]:
                return None
            seen = self._sessions[0]
        match message:
            case Hello() | Caps():
                return seen, replace(message, boot_nonce=message.boot_nonce ^ self._mask)
            case Pong():
                is_open = self._sessions is not None and message.open_session == self._sessions[1]
                return seen, replace(
                    message,
                    boot_nonce=message.boot_nonce ^ self._mask,
                    open_session=self._sessions[0] if is_open and self._sessions else NO_SESSION,
                )
            case Error() if message.code in _ABOUT_BOOT:
                return seen, replace(message, detail=message.detail ^ self._mask)
        return seen, message
