"""One job as the host sees it, from its announcement until the board has forgotten it.

    ANNOUNCED ──► LOADING ──► QUEUED ──► RUNNING ──► FETCHING ──► RELEASING
                  Upload                             Download

A job advances when the board sends a STATE, the first chunk of a result, or the RESULT.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import Final

from .constants import Stage
from .download import Download
from .messages import TileForm
from .trip import Trip
from .upload import Upload


class JobState(IntEnum):
    """A job's state as the host knows it, in the order of the board's `Stage`s."""

    ANNOUNCED = Stage.FREE
    """The board has not confirmed the job yet."""
    LOADING = Stage.LOADING
    QUEUED = Stage.QUEUED
    RUNNING = Stage.RUNNING
    FETCHING = Stage.DONE
    RELEASING = Stage.RELEASED
    """The job is over for the host, and the board is to forget it."""


class Reaction(Enum):
    """What a host does about a STATE."""

    IGNORE = auto()
    """The STATE is older than what the host knows, or reports nothing new."""
    ANNOUNCE = auto()
    """Send JOB again: the board does not know the job."""
    ACKNOWLEDGE = auto()
    """Record which chunks have arrived."""
    PROCEED = auto()
    """The tile is on the board: stop sending it."""
    LOSE = auto()
    """The board forgot a job that is not finished: the session is lost."""
    FORGET = auto()
    """The job is over."""


def _row(*reactions: Reaction) -> dict[Stage, Reaction]:
    return dict(zip(Stage, reactions, strict=True))


_R = Reaction
REACTIONS: Final[dict[JobState, dict[Stage, Reaction]]] = {
    # Reported:               FREE         LOADING         QUEUED     RUNNING     DONE     RELEASED
    JobState.ANNOUNCED: _row(
        _R.ANNOUNCE, _R.ACKNOWLEDGE, _R.PROCEED, _R.PROCEED, _R.PROCEED, _R.LOSE
    ),
    JobState.LOADING: _row(_R.IGNORE, _R.ACKNOWLEDGE, _R.PROCEED, _R.PROCEED, _R.PROCEED, _R.LOSE),
    JobState.QUEUED: _row(_R.IGNORE, _R.IGNORE, _R.PROCEED, _R.PROCEED, _R.PROCEED, _R.LOSE),
    JobState.RUNNING: _row(_R.IGNORE, _R.IGNORE, _R.IGNORE, _R.PROCEED, _R.PROCEED, _R.LOSE),
    JobState.FETCHING: _row(_R.IGNORE, _R.IGNORE, _R.IGNORE, _R.IGNORE, _R.PROCEED, _R.LOSE),
    JobState.RELEASING: _row(_R.IGNORE, _R.IGNORE, _R.IGNORE, _R.IGNORE, _R.IGNORE, _R.FORGET),
}
"""The reaction by the job's state and the stage that the board reports."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A tile that waits to be encoded.

    Attributes:
        ticket: The number that identifies the tile in events.
        form: The tile's properties and how to encode it.
        tile: The samples.
        trip: Its way to the board and back.
    """

    ticket: int
    form: TileForm
    tile: bytes
    trip: Trip = field(default_factory=Trip, compare=False)


@dataclass(slots=True)
class HostJob:
    """A submission in this session, under a job number.

    Attributes:
        number: The job's number.
        submission: The tile. Its samples are kept, because a lost session submits it again.
        upload: The transfer of the tile to the board.
        download: The transfer of the result to the host.
        state: The job's state.
        announce_due: JOB is to be sent.
        run_due: RUN is to be sent, as soon as every chunk is sent.
        release_due: RELEASE is to be sent.
        rounds: How often the board has discarded the tile.
        ask_at: When to ask the board about this job if it has not reported until then.
    """

    number: int
    submission: Submission
    upload: Upload
    download: Download
    state: JobState = JobState.ANNOUNCED
    announce_due: bool = True
    run_due: bool = True
    release_due: bool = False
    rounds: int = 0
    ask_at: float = field(default=float("inf"))

    @property
    def is_over(self) -> bool:
        """Whether the tile is finished or refused."""
        return self.state is JobState.RELEASING

    @property
    def wants_chunks(self) -> bool:
        """Whether JOB or LOAD may have to be sent."""
        return not self.is_over and (self.announce_due or not self.upload.has_arrived)

    def start_over(self) -> None:
        """Send the tile again from the beginning, because the board has none of it."""
        self.upload.start_over()
        self.run_due = True

    def begin_fetching(self, now: float) -> None:
        """Stop sending the tile: the board sends the result, so it has encoded the tile."""
        if self.state is not JobState.FETCHING:
            self.state = JobState.FETCHING
            self.upload.complete(now)
            self.announce_due = self.run_due = False

    def end(self) -> None:
        """End the job and have the board forget it."""
        self.upload.stop()
        self.download.stop()
        self.state = JobState.RELEASING
        self.release_due = True
        self.announce_due = self.run_due = False
        # Free the samples.
        self.submission = Submission(self.submission.ticket, self.submission.form, b"")

    def ask(self) -> None:
        """Send a message that makes the board report this job."""
        if self.is_over:
            self.release_due = True
        elif self.state is JobState.FETCHING:
            self.download.ask_for_missing()
        else:
            self.run_due = True
