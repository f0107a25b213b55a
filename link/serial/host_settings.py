"""What a host expects of a board and its line, and counts of what the line has carried."""

from __future__ import annotations

from dataclasses import dataclass

from .constants import LARGEST_WINDOW
from .line_pace import LinePace


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host expects of a board: limits, time-outs and the model.

    Attributes:
        fingerprint: The model that the board must run, 8 bytes; None accepts any.
        baud: The line's rate in bits per second, which bounds chunks, window and time-outs; None
            if it has none.
        window: Most chunks in flight; the board's own limit holds too.
        chunk: Largest chunk in bytes; the board's own limit holds too.
        adapts: Whether a slow line gets smaller chunks, and one that damages frames, in a new
            session.
        silence: Seconds without a valid frame after which the session counts as lost; more on a
            slow line.
        away: Seconds without a session after which the board counts as gone; more on a line that
            needs longer to open one.
        stuck: Seconds in which some job must make progress; more on a slow line. This must exceed
            the time that any tile takes to encode.
        fruitless: Consecutive sessions that may end without a finished tile. After that many,
            the tile that got furthest is refused.

    Raises:
        ValueError: The window is outside its range.
    """

    fingerprint: bytes | None = None
    baud: int | None = None
    window: int = 32
    chunk: int = 2048
    adapts: bool = True
    silence: float = 5.0
    away: float = 30.0
    stuck: float = 300.0
    fruitless: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.window <= LARGEST_WINDOW:
            raise ValueError(f"window {self.window}: allowed are 1 to {LARGEST_WINDOW}")

    @property
    def patience(self) -> float:
        """Seconds without a session after which a board at this line counts as gone."""
        return max(self.away, LinePace(self.baud).opening_s)


@dataclass(slots=True)
class HostCounts:
    """Counts of what the line has carried so far."""

    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0
    chunks_sent: int = 0
    chunks_repeated: int = 0
    timeouts: int = 0
    sessions: int = 0
    sessions_lost: int = 0
    stalls: int = 0
    """Sessions that were lost because the board answered and made no progress."""
    restarts: int = 0
    """Boots of the board that the host noticed after the first session."""
    chunk: int = 0
    """Bytes of a chunk in the latest session; 0 before the first."""
    chunk_changes: int = 0
    """Sessions that were ended for smaller chunks."""
    strange: int = 0
    """Undamaged frames that were late, of another session, or wrong."""
