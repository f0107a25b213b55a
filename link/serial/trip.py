"""The way of one tile to a board and back, by the host's clock, and what was sent again.

    submitted ──► announced ──► loaded ──► answered ──► done
        queue         to the board   on the board   to the host

A tile whose session is lost begins again: its times are those of the session that finished it, so
the lost sessions count as a part of the wait in the queue. What was sent is the sum of all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Trip:
    """The way of one tile; times are seconds of the host's clock, None until they come.

    Attributes:
        submitted_at: When the tile was submitted.
        announced_at: When its JOB was first sent in the latest session.
        loaded_at: When the host learned that the board has the whole tile.
        answered_at: When the first frame of the result arrived.
        done_at: When the result was complete.
        sessions: Number of sessions in which the tile was given to the board.
        chunks: Chunks of the tile, in the latest session.
        chunks_sent: Chunks of the tile that were sent, in all sessions.
        chunks_requested: Chunks of the result that the host asked for again, in all sessions.
    """

    submitted_at: float = 0.0
    announced_at: float | None = None
    loaded_at: float | None = None
    answered_at: float | None = None
    done_at: float | None = None
    sessions: int = 0
    chunks: int = 0
    chunks_sent: int = 0
    chunks_requested: int = 0

    @property
    def chunks_repeated(self) -> int:
        """Chunks of the tile that were sent more often than once."""
        return max(0, self.chunks_sent - self.chunks)

    @property
    def queue_s(self) -> float | None:
        """Seconds from the tile's submission until it was announced to the board."""
        return _between(self.submitted_at, self.announced_at)

    @property
    def upload_s(self) -> float | None:
        """Seconds from its announcement until the board had it; other tiles share the line."""
        return _between(self.announced_at, self.loaded_at)

    @property
    def on_board_s(self) -> float | None:
        """Seconds from then until the first frame of the result: the board's queue and encoder."""
        return _between(self.loaded_at, self.answered_at)

    @property
    def download_s(self) -> float | None:
        """Seconds from the first frame of the result until it was complete."""
        return _between(self.answered_at, self.done_at)

    def begin(self, chunks: int) -> None:
        """Begin again in a session, as a tile of so many chunks."""
        self.sessions += 1
        self.chunks = chunks
        self.announced_at = self.loaded_at = self.answered_at = None

    def announce(self, now: float) -> None:
        """Record that JOB is sent."""
        if self.announced_at is None:
            self.announced_at = now

    def load(self, now: float) -> None:
        """Record that the board has the whole tile."""
        if self.loaded_at is None:
            self.loaded_at = now

    def answer(self, now: float) -> None:
        """Record that a frame of the result has arrived; so the board had the tile before."""
        self.load(now)
        if self.answered_at is None:
            self.answered_at = now


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start
