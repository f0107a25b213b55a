"""PINGs by which a host asks for the board's clock: each is repeated until it is answered."""

from __future__ import annotations

import math
from collections import deque


class Pings:
    """The PINGs without an answer, by their tokens."""

    def __init__(self) -> None:
        self._sent_at: dict[int, float] = {}
        """When each was asked for or sent last, in seconds."""
        self._due: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._sent_at)

    def __contains__(self, token: object) -> bool:
        return token in self._sent_at

    def ask(self, token: int, now: float) -> None:
        """Have a new PING sent."""
        self._sent_at[token] = now
        self._due.append(token)

    def due(self, now: float) -> int | None:
        """Return the token of the PING to send now; None if none is due."""
        if not self._due:
            return None
        token = self._due.popleft()
        self._sent_at[token] = now
        return token

    def answer(self, token: int) -> float | None:
        """Take a PONG; return when its PING was sent, or None if none waits for it."""
        if token in self._due:
            self._due.remove(token)
        return self._sent_at.pop(token, None)

    def repeat_sent_until(self, late: float) -> bool:
        """Have those sent until `late` sent again; return whether there are any."""
        overdue = [
            token for token, at in self._sent_at.items() if at <= late and token not in self._due
        ]
        self._due.extend(overdue)
        return bool(overdue)

    def wake(self, timeout: float) -> float:
        """Return when the first is overdue, `timeout` seconds after it was sent."""
        return min(self._sent_at.values(), default=math.inf) + timeout
