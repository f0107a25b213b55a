"""Judges by PING why a board has fallen silent, before the host gives it up.

A board answers PING in every state, whether a session is open or not, and a PING is short. So the
share that is answered tells a board that no longer works from a line that loses much:

    18 to 20 of 20 answered                                  the board: it lives and does not work
    fewer, or nothing but damaged frames                     the line
    none, and nothing damaged                                unknown: it hangs, or the line is cut
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .blame import Blame
from .host_settings import HostCounts
from .line_pace import BITS_PER_BYTE_ON_WIRE
from .overheard import Overheard

PROBES: Final = 20
"""How many PINGs are sent."""
CARRIED: Final = 18
"""PINGs of `PROBES` to be answered if the line is to be sound.

A PING is short: where wrong bits damage half of them, hardly a READY comes through in six tries.
"""
_ANSWER_S: Final = 0.15
"""Seconds that a board may take to answer before the next PING is sent, besides the line's time."""
_LAST_S: Final = 1.0
"""Seconds in which the last PINGs may still be answered."""
_OPENING_S: Final = 3.0
"""Seconds in which a session must open once a PING is answered: the line may have been mended."""
_BYTES: Final = 64
"""Bytes of a PING and its PONG with their framing, and a few more."""


def judged_by_ping(answered: int, damaged: int) -> Blame | None:
    """Return whose fault a silence is; None if it cannot be known.

    Args:
        answered: How many of `PROBES` PINGs were answered.
        damaged: Number of damaged frames that came during the silence.
    """
    if answered >= CARRIED:
        return Blame.BOARD
    return Blame.LINE if answered or damaged else None


def why_no_board(
    counts: HostCounts, overheard: Overheard, last_fault: str
) -> tuple[str, Blame | None] | None:
    """Return why no session could be opened, by what has come, and whose fault it is.

    None if the board has answered before, so that PINGs may tell more.

    Args:
        counts: What the line has carried.
        overheard: What has come that is no frame.
        last_fault: Why the latest unreadable message could not be read; empty if all could be.
    """
    if last_fault and counts.strange > counts.frames_received / 2:
        came = "a frame came that is"
        if counts.strange > 1:
            came = f"{counts.strange} frames came that are"
        return f"{came} not of this protocol; the last: {last_fault}", Blame.BOARD
    if counts.frames_received:
        return None
    if guess := overheard.guess():
        return guess, Blame.LINE
    if counts.bytes_received:
        came = "a byte came and made no frame"
        if counts.bytes_received > 1:
            came = f"{counts.bytes_received} bytes came and none of them made a frame"
        return f"{came}; is the baud rate the board's?", Blame.LINE
    return "not a byte came", None


class SilenceProbe:
    """PINGs that are sent one after the other while no session can be opened.

    The next PING is sent when one is answered, or after a short time. A late answer counts, too.
    Meanwhile the host goes on trying to open a session, and if it succeeds, nothing is judged.

    Args:
        tokens: Numbers that identify the PINGs, none of which was used before.
        baud: The line's rate in bits per second; None if it has none.
        now: The time in seconds of the host's clock.

    Attributes:
        answered: How many PINGs were answered.
        wake_at: When the next PING is due, or the probe is over.
    """

    def __init__(self, tokens: Iterator[int], baud: int | None, now: float) -> None:
        wire = 0.0 if baud is None else _BYTES * BITS_PER_BYTE_ON_WIRE / baud
        self._wait = _ANSWER_S + wire
        self._tokens = tokens
        self._pending: set[int] = set()
        self._sent = 0
        self._until = now
        self.answered = 0
        self.wake_at = now

    def due(self, now: float) -> int | None:
        """Return the token of the PING to send now; None if none is due."""
        if now < self.wake_at or self._sent >= PROBES:
            return None
        token = next(self._tokens)
        self._pending.add(token)
        self._sent += 1
        self.wake_at = now + self._wait
        if self._sent == PROBES:
            self.wake_at = max(now + max(self._wait, _LAST_S), self._until)
        return token

    def take(self, token: int, now: float) -> bool:
        """Count a PONG if it answers one of the PINGs; return whether it is the first one."""
        if token not in self._pending:
            return False
        self._pending.remove(token)
        self.answered += 1
        if self.answered == 1:
            self._until = now + _OPENING_S
        if self._sent < PROBES:
            self.wake_at = now
        elif not self._pending or self.answered == 1:
            self.wake_at = self._until
        return self.answered == 1

    def is_over(self, now: float) -> bool:
        """Whether all PINGs were sent, and each is answered or late."""
        return self._sent >= PROBES and now >= self.wake_at

    def verdict(self, damaged: int) -> tuple[str, Blame | None]:
        """Return what was found, as the end of a sentence, and whose fault the silence is.

        Args:
            damaged: Number of damaged frames that came during the silence.
        """
        blame = judged_by_ping(self.answered, damaged)
        if blame is Blame.BOARD:
            found = f"it opens no session, although it answers {self.answered} of {PROBES} PING"
        elif blame is Blame.LINE:
            frames = "frame" if damaged == 1 else "frames"
            found = (
                f"it answers {self.answered} of {PROBES} PING, and {damaged} damaged {frames} came "
                "meanwhile"
            )
        else:
            found = f"it answers none of {PROBES} PING: it hangs, or the line is cut"
        return found, blame
