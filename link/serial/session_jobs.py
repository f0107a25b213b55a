"""Runs the jobs of one session: numbers them, sends their tiles and receives their results.

queue ──► HostJob (≤ slots) ──► chunks in flight (≤ window)
events ◄── finished tiles ◄──── chunks of results
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from .constants import Code, Stage, Status, Unsupported
from .download import Download
from .events import Event, Finished, Refused
from .fit import misfit
from .host_job import REACTIONS, HostJob, JobState, Reaction, Submission
from .host_settings import HostCounts, HostSettings
from .messages import Data, Error, Job, Load, Message, Release, Result, Run, State
from .session import Session, SessionLostError
from .trust import LONGEST_ENCODE_S, MOST_ROUNDS, cause_of, largest_payload, patience_s
from .upload import Upload

_UNSUPPORTED: Final[dict[int, str]] = {
    Unsupported.COLUMNS: "width",
    Unsupported.ROWS: "height",
    Unsupported.BANDS: "number of bands",
    Unsupported.BIT_DEPTH: "bit depth",
    Unsupported.SAMPLE: "sample type",
    Unsupported.FLAGS: "nodata",
    Unsupported.SETTING: "kind of setting",
    Unsupported.CHUNKS: "number of chunks",
    Unsupported.ROTATION: "rotation of the bands",
}
_ROUNDS_MODULUS: Final = 256


class SessionJobs:
    """The jobs of one session, from its opening to its end.

    Args:
        session: The open session.
        settings: What the host expects of the board.
        queue: Tiles that have no job yet; the first becomes the next job.
        counts: Where chunks and unexpected messages are counted.
        events: Where finished and refused tiles are reported.
        now: The time in seconds.

    Attributes:
        moved_at: When a job last made progress.
        finished: Number of tiles in this session that were encoded or whose encoding failed.
    """

    def __init__(
        self,
        session: Session,
        settings: HostSettings,
        queue: deque[Submission],
        counts: HostCounts,
        events: deque[Event],
        now: float,
    ) -> None:
        self.moved_at = now
        self.finished = 0
        self._settings = settings
        self._board = session.known_capabilities()
        self._chunk = session.chunk
        self._window = session.window
        self._stuck = session.stuck
        self._round_trip = session.round_trip
        self._queue = queue
        self._counts = counts
        self._events = events
        self._jobs: list[HostJob] = []
        self._numbers = 0
        """Number of job numbers assigned so far."""
        self._lowest = 0
        """The lowest job number that the board has not released."""
        self._launched = 0
        self._ended_at = now
        """When the last tile ended, or when the first job after an idle time began."""

    def __len__(self) -> int:
        return len(self._jobs)

    def unfinished(self) -> list[HostJob]:
        """Return the jobs whose tile is neither finished nor refused, oldest first."""
        return [job for job in self._jobs if not job.is_over]

    # ---- time

    def wake(self) -> float:
        """Return when `keep_time` or `check_progress` is to be called next."""
        times = [self.moved_at + self._stuck, self._must_end_at()]
        times += [job.ask_at for job in self._jobs]
        sent = [job.upload.oldest_sent_at for job in self._jobs]
        times += [at + self._round_trip.timeout for at in sent if at is not None]
        return min(times)

    def check_progress(self, now: float) -> None:
        """Check that the board makes progress.

        Raises:
            SessionLostError: The board makes no progress.
        """
        stuck = self._stuck
        if now < min(self.moved_at + stuck, self._must_end_at()):
            return
        self._counts.stalls += 1
        if now >= self.moved_at + stuck:
            raise SessionLostError(f"nothing has moved on the board for {stuck:g} s")
        raise SessionLostError(f"no tile was finished for {now - self._ended_at:.0f} s")

    def keep_time(self, now: float) -> bool:
        """Repeat every request whose answer is overdue; return whether there was one."""
        late = now - self._round_trip.timeout
        ran_out = False
        for job in self._jobs:
            if job.upload.repeat_sent_until(late):
                ran_out = True
            if now >= job.ask_at:
                job.ask()
                self._wait(job, now)
                # A board has nothing to report about a job that is queued or running.
                ran_out = ran_out or job.state not in (JobState.QUEUED, JobState.RUNNING)
        return ran_out

    def _must_end_at(self) -> float:
        """Return when the next tile must have ended, whatever other progress there is."""
        if not self._jobs:
            return math.inf
        forms = [job.submission.form for job in self._jobs]
        return self._ended_at + patience_s(self._stuck, forms, self._board)

    def _wait(self, job: HostJob, now: float) -> None:
        """Ask about this job one time-out from now."""
        job.ask_at = now + self._round_trip.timeout

    # ---- sending

    def next_message(self, now: float) -> Message | None:
        """Return the message to send next; None if nothing is due."""
        for job in self._jobs:
            message = self._due_control(job)
            if message is not None:
                self._wait(job, now)
                return message
        return self._next_chunk(now)

    def _due_control(self, job: HostJob) -> Message | None:
        if job.release_due:
            job.release_due = False
            return Release(job.number)
        if job.download.got_due:
            got = job.download.acknowledgement()
            job.submission.trip.chunks_requested += got.again.bit_count()
            return got
        if job.run_due and not job.announce_due and job.upload.is_sent:
            job.run_due = False
            return Run(job.number)
        return None

    def _next_chunk(self, now: float) -> Message | None:
        if sum(job.upload.in_flight for job in self._jobs) >= self._window:
            return None
        while True:
            for job in self._jobs:
                if not job.wants_chunks:
                    continue
                if job.announce_due:
                    job.announce_due = False
                    job.submission.trip.announce(now)
                    self._wait(job, now)
                    return Job(job.number, job.submission.form)
                index = job.upload.due()
                if index is not None:
                    return self._launch(job, index, now)
            if not self._take_on(now):
                return None

    def _launch(self, job: HostJob, index: int, now: float) -> Load:
        data, repeated = job.upload.launch(index, self._launched, now)
        self._launched += 1
        self._counts.chunks_sent += 1
        self._counts.chunks_repeated += repeated
        job.submission.trip.chunks_sent += 1
        self._wait(job, now)
        return Load(job.number, index, data)

    def _take_on(self, now: float) -> bool:
        """Give the next tile a job number if the board has a free slot."""
        while self._queue and self._numbers < self._lowest + self._board.slots:
            submission = self._queue.popleft()
            form = submission.form
            if found := misfit(form, self._board, self._chunk):
                self._events.append(Refused(submission.ticket, found.cause))
                continue
            if not self._jobs:
                self._ended_at = now
            number = self._numbers
            largest = largest_payload(form, self._board)
            download = Download(number, self._chunk, largest, self._settings.window)
            upload = Upload(submission.tile, self._chunk)
            submission.trip.begin(upload.count)
            self._jobs.append(HostJob(number, submission, upload, download))
            self._numbers += 1
            return True
        return False

    # ---- receiving

    def take_in(self, message: State | Data | Result, now: float) -> None:
        """Process a message about a job.

        Raises:
            SessionLostError: No correct board can send this message.
        """
        job = self._job(message.job)
        match message:
            case State():
                self._state(message, job, now)
            case _ if job is None:
                self._counts.strange += 1
            case _ if job.is_over:
                job.release_due = True
            case Data():
                self._data(message, job, now)
            case Result():
                self._result(message, job, now)

    def refused(self, message: Error, now: float) -> bool:
        """Process an ERROR of this session; return whether it says what becomes of a tile.

        Raises:
            SessionLostError: The two ends disagree about the session.
        """
        job = self._job(message.job)
        match message.code:
            case Code.NO_SESSION:
                raise SessionLostError("the board has lost the session")
            case Code.CONFLICT:
                raise SessionLostError("the board holds another tile under a job's number")
            case Code.TOO_LARGE if job is not None and not job.is_over:
                cause = (
                    f"the board refuses a tile of {job.submission.form.tile_bytes} bytes: it takes "
                    f"{message.detail} at most, though it said {self._board.largest_tile}"
                )
                self._end(job, Refused(job.submission.ticket, cause), now)
            case Code.UNSUPPORTED if job is not None and not job.is_over:
                what = _UNSUPPORTED.get(message.detail, f"field {message.detail}")
                cause = f"the board refuses the tile: its {what} is not supported"
                self._end(job, Refused(job.submission.ticket, cause), now)
            case _:
                self._counts.strange += 1
                return False
        return True

    def _job(self, number: int) -> HostJob | None:
        return next((job for job in self._jobs if job.number == number), None)

    def _end(self, job: HostJob, event: Event, now: float) -> None:
        self._events.append(event)
        job.end()
        self._ended_at = now
        self._wait(job, now)

    def _state(self, message: State, job: HostJob | None, now: float) -> None:
        if message.lowest > self._numbers:
            raise SessionLostError("the board has released jobs that it was never given")
        if message.lowest > self._lowest:
            if any(job.number < message.lowest for job in self.unfinished()):
                raise SessionLostError("the board has forgotten a job that is not done")
            self._lowest = message.lowest
            self.moved_at = now
            self._jobs = [job for job in self._jobs if job.number >= message.lowest]
        if job is None:
            return
        match REACTIONS[job.state][message.stage]:
            case Reaction.ANNOUNCE:
                job.start_over()
                job.announce_due = True
            case Reaction.ACKNOWLEDGE:
                self._acknowledge(message, job, now)
            case Reaction.PROCEED:
                self._proceed(message.stage, job, now)
            case Reaction.LOSE:
                raise SessionLostError("the board has released a job that is not done")
            case Reaction.FORGET:
                self._jobs = [other for other in self._jobs if other is not job]
                self.moved_at = now
            case Reaction.IGNORE:
                pass

    def _acknowledge(self, message: State, job: HostJob, now: float) -> None:
        job.state = JobState.LOADING
        ahead = (message.round - job.upload.round) % _ROUNDS_MODULUS
        if ahead >= _ROUNDS_MODULUS // 2:
            return  # the STATE is of an earlier round
        if ahead:
            job.upload.round = message.round
            job.rounds += 1
            if job.rounds > MOST_ROUNDS:
                raise SessionLostError(f"the board has thrown a tile away {job.rounds} times")
            job.start_over()
        newest = job.upload.acknowledge(message, now, self._round_trip)
        if job.upload.has_arrived:
            job.submission.trip.load(now)
        if newest is not None:
            self.moved_at = now
            self._round_trip.answered()
            for other in self._jobs:
                other.upload.repeat_before(newest)
            # The board may have every chunk but not RUN, so ask later.
            self._wait(job, now)

    def _proceed(self, stage: Stage, job: HostJob, now: float) -> None:
        job.upload.complete(now, self._round_trip)
        job.submission.trip.load(now)
        job.run_due = False
        if stage > job.state:
            job.state = JobState(stage)
            self.moved_at = now
        self._round_trip.answered()
        self._wait(job, now)

    def _data(self, message: Data, job: HostJob, now: float) -> None:
        if not job.download.accepts(message):
            self._counts.strange += 1
            return
        job.begin_fetching(now)
        job.submission.trip.answer(now)
        if job.download.take(message, now, self._round_trip.timeout):
            self.moved_at = now
        self._wait(job, now)
        self._finish(job, now)

    def _result(self, message: Result, job: HostJob, now: float) -> None:
        crc = job.submission.form.tile_crc
        if message.tile_crc != crc or not job.download.can_mean(message):
            raise SessionLostError(
                "the board gave a result of another tile, or a larger one than it can"
            )
        seconds = message.encode_ticks / self._board.tick_rate
        if message.encode_ticks > LONGEST_ENCODE_S * self._board.tick_rate:
            raise SessionLostError(
                f"the board says that a tile was encoded for {seconds:.3g} s; "
                f"allowed: at most {LONGEST_ENCODE_S}"
            )
        job.begin_fetching(now)
        job.submission.trip.answer(now)
        job.download.take_result(message)
        self._wait(job, now)
        self._finish(job, now)

    def _finish(self, job: HostJob, now: float) -> None:
        """Report a tile if its result has arrived complete."""
        try:
            payload = job.download.payload()
        except ValueError as error:
            self._counts.strange += 1
            raise SessionLostError(str(error)) from None
        result = job.download.result
        if payload is None or result is None:
            return
        self.finished += 1
        ticket = job.submission.ticket
        event: Event
        if result.status == Status.CODED:
            ticks = result.receive_ticks, result.encode_ticks, result.send_ticks
            trip = job.submission.trip
            trip.done_at = now
            event = Finished(ticket, payload, *ticks, trip)
        else:
            event = Refused(ticket, f"the board's encoder: {cause_of(payload)}")
        self._end(job, event, now)
