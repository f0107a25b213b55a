"""One job as the board sees it: its tile while it loads, then its result while it is sent.

    FREE ──► LOADING ──► QUEUED ──► RUNNING ──► DONE ──► RELEASED
             JOB, LOAD   RUN        encoder     DATA, RESULT, GOT

Pending answers are flags, so that a slot has a fixed size. docs/serial-protocol.md, "A job, at the
board", specifies each stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .constants import LARGEST_WINDOW, Stage, StateFlag, Status
from .messages import Data, Result, State, TileForm


@dataclass(slots=True)
class Slot:
    """The state of one job.

    Attributes:
        stage: How far it is.
        form: The tile's form; None while the slot is free.
        run: Whether RUN has arrived.
        round: How often the tile was discarded, modulo 256.
        tile: The samples that have arrived.
        come: For each chunk of the tile, 1 if it has arrived.
        first: The first chunk of the tile that has not arrived.
        status: How the job ended.
        payload: The result.
        crc: CRC-32 of the result.
        began: Ticks at JOB, and later at the first DATA.
        receive_ticks: Ticks from JOB to the whole tile.
        encode_ticks: Ticks of the encoder.
        send_ticks: Ticks from the first DATA to the last one.
        said: Whether the current state has been reported; if not, a STATE is due.
        next: The next chunk of the result that was never sent.
        fetched: Number of leading chunks of the result that the host has acknowledged.
        again: Bit k: chunk `fetched` + k is to be sent again.
        result: Whether RESULT is due.
        frozen: Whether every chunk was sent once, so that RESULT does not change any more.
        sending: Whether the first chunk was sent.
    """

    stage: Stage = Stage.FREE
    form: TileForm | None = None
    run: bool = False
    round: int = 0
    tile: bytearray = field(default_factory=bytearray)
    come: bytearray = field(default_factory=bytearray)
    first: int = 0
    status: Status = Status.CODED
    payload: bytes = b""
    crc: int = 0
    began: int = 0
    receive_ticks: int = 0
    encode_ticks: int = 0
    send_ticks: int = 0
    said: bool = True
    next: int = 0
    fetched: int = 0
    again: int = 0
    result: bool = False
    frozen: bool = False
    sending: bool = False

    def form_of_tile(self) -> TileForm:
        """Return the tile's form; call it in every stage but FREE and RELEASED."""
        assert self.form is not None  # noqa: S101  (every stage but FREE and RELEASED has one)
        return self.form

    def state(self, job: int, lowest: int) -> State:
        """Return the STATE of this job.

        Args:
            job: The job's number.
            lowest: The lowest job that has not been released.
        """
        received = 0
        if self.stage == Stage.LOADING:
            for bit, come in enumerate(self.come[self.first : self.first + LARGEST_WINDOW]):
                received |= come << bit
        flags = StateFlag.RUN if self.run else 0
        return State(job, lowest, self.stage, flags, self.round, self.first, received)

    def next_of_result(self, job: int, chunk: int, window: int, ticks: int) -> Data | Result | None:
        """Return the next message of a finished job's result; None if none is due.

        Args:
            job: The job's number.
            chunk: Bytes of a chunk in this session.
            window: Most chunks that the host has not acknowledged.
            ticks: The board's clock.
        """
        count = -(-len(self.payload) // chunk)
        if self.again:
            bit = (self.again & -self.again).bit_length() - 1
            self.again &= self.again - 1
            return self._data(job, chunk, self.fetched + bit)
        if self.next < count and self.next < self.fetched + window:
            if not self.sending:
                self.sending, self.began = True, ticks
            self.next += 1
            if self.next == count:
                self.send_ticks = ticks - self.began
                self.frozen = self.result = True
            return self._data(job, chunk, self.next - 1)
        if self.result:
            self.result = False
            return Result(
                job,
                self.status,
                len(self.payload),
                self.crc,
                self.form_of_tile().tile_crc,
                self.receive_ticks,
                self.encode_ticks,
                self.send_ticks,
            )
        return None

    def _data(self, job: int, chunk: int, index: int) -> Data:
        return Data(job, index, self.payload[index * chunk : (index + 1) * chunk])
