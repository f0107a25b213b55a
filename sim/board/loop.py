"""Encodes a run's frames on a board, and compares every bitstream with this process's codec.

    frame ──┬── its tasks ──► BoardClient ──► board ──► container ──┐
            └── the same codec in this process ──► container ──── equal? ──► BoardFrame

A frame's encode time is the board's; the time on the line is counted separately.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Final

from ...link.clock import TICKS_PER_SECOND
from ...link.errors import InputError
from ...link.serial.blame import Blame
from ...link.serial.constants import DEFAULT_BAUD, TickKind
from ...link.serial.events import Finished, Refused
from ...link.serial.host_settings import HostSettings
from ...link.serial.line_kind import line_kind
from ...link.serial.port import Port
from ..frames.content_cache import CodedFrame
from .access import ANY_BOARD, BoardAccess
from .board_frame import BoardFrame, FrameRequest
from .client import BoardClient, BoardGoneError
from .emulators import board_port, is_emulated
from .figures import BoardFigures, WrongTile
from .frame_check import check_frame, unfinished_tiles
from .injection import FaultScript, Injection
from .job import FrameTasks, TileTask, frame_tasks
from .tile_record import TileRecord, TileTicks, TileVerdict
from .watch import Watch

NAMED_DIFFERENCES: Final = 10
_LISTEN_S: Final = 0.5


class BoardStoppedError(Exception):
    """The board encodes nothing more; finished frames stay finished."""


class _TileRefusedError(BoardGoneError):
    """The board, or the host, refuses a tile, so the board's work ends."""


@dataclass(slots=True)
class _FrameProgress:
    """A frame on its way: what the board has made of it so far."""

    request: FrameRequest
    plan: FrameTasks
    reference: Future[CodedFrame]
    results: list[Finished | None]
    left: int
    ticks: int = 0
    refused: int | None = None
    """Index of the task that the board refused."""
    wrong: list[WrongTile] = field(default_factory=list)
    differs: bool = False
    """Whether its container differs from this process's."""
    records: list[TileRecord] | None = None
    """A record of each task, once it is known; they are passed on in the order of the frames."""
    made_wrong: set[int] = field(default_factory=set)
    """Indices of the tasks whose result was made wrong by an injected fault."""


@dataclass(slots=True)
class _Sums:
    frames: int = 0
    tiles: Counter[TileVerdict] = field(default_factory=Counter)
    wrong: list[WrongTile] = field(default_factory=list)
    noticed_wrong: int = 0
    differing: list[str] = field(default_factory=list)
    ticks: int = 0
    host_s: float = 0.0
    raw_bytes: int = 0
    coded_bytes: int = 0
    began: float | None = None
    ended: float = 0.0
    stopped: str = ""
    stopped_by: Blame | None = None
    stopped_on_purpose: bool = False


class BoardLoop:
    """Encodes a run's frames on a board in a thread of its own.

    Args:
        port: The board's port, or `emulator:NAME`.
        settings: What the host expects of the board; its `baud` is the port's.
        access: How the port is reached, and who hears of outages and of tiles.
        script: Faults to inject in front of the port; None injects none.

    Raises:
        InputError: No such port, or no board answers.
    """

    def __init__(
        self,
        port: str,
        settings: HostSettings,
        access: BoardAccess = ANY_BOARD,
        script: FaultScript | None = None,
    ) -> None:
        baud = settings.baud or DEFAULT_BAUD
        self.port, self.baud = port, baud
        if script is not None:
            self.baud = script.line_baud(baud)
            settings = replace(settings, baud=self.baud)
        self._record = access.record
        self._watch = Watch(port, settings.patience, access.say)
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            name = stack.enter_context(board_port(port))
            self._line = line_kind(name)
            tap = None if access.trace is None else access.trace.tap(port, baud)
            reset: Callable[[Port], str] | None = access.reset
            self._injection: Injection | None = None
            if script is not None:
                found = stack.enter_context(Injection(script, name, baud, reset, tap))
                self._injection, name, reset = found, found.address, found.reset
            self._client = stack.enter_context(BoardClient(name, baud, settings, tap, reset))
            try:
                self.own = self._client.capabilities()
            except BoardGoneError as error:
                injected = "" if script is None else "; the scenario injects faults into its line"
                raise InputError(f"{port}: {error}{injected}") from None
            self._stack = stack.pop_all()
        self._lock = threading.Lock()
        self._sums = _Sums()
        self._results: dict[Hashable, Future[BoardFrame]] = {}
        self._order: deque[_FrameProgress] = deque()
        """Frames whose records were not passed on yet."""
        self._whole: set[Hashable] = set()
        """Frames that the board has encoded; only the comparison remains."""
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, requests: Sequence[FrameRequest], pool: ThreadPoolExecutor) -> None:
        """Begin to encode frames in this order; `pool` encodes them in this process."""
        self._results = {request.key: Future() for request in requests}
        self._thread = threading.Thread(target=self._run, args=(requests, pool), daemon=True)
        self._thread.start()

    def result(self, key: Hashable) -> BoardFrame:
        """Wait for a frame and return it.

        Raises:
            BoardStoppedError: The board will not encode it any more.
            InputError: The codec cannot encode this frame at this setting.
        """
        return self._results[key].result()

    def finish(self) -> BoardFigures:
        """Wait until the board has encoded everything or has stopped; return the results.

        A run may end before: it need not take every frame that it has planned.
        """
        if self._thread is not None:
            self._thread.join()
        wait([self._results[key] for key in self._whole])
        return self.figures()

    def figures(self) -> BoardFigures:
        """Return the results so far."""
        with self._lock:
            sums, injection = self._sums, self._injection
            return BoardFigures(
                port=self.port,
                baud=self.baud,
                line=self._line,
                own=self.own,
                asked=len(self._results),
                frames=sums.frames,
                tiles=dict(sums.tiles),
                wrong=tuple(sums.wrong),
                differing=tuple(sums.differing),
                encode_s=sums.ticks / self.own.tick_rate,
                host_s=sums.host_s,
                raw_bytes=sums.raw_bytes,
                coded_bytes=sums.coded_bytes,
                wall_s=0.0 if sums.began is None else sums.ended - sums.began,
                counts=self._client.counts,
                bad_frames=self._client.bad_frames,
                stopped=sums.stopped,
                stopped_by=sums.stopped_by,
                stopped_on_purpose=sums.stopped_on_purpose,
                lost=self._watch.last_cause,
                losses=self._watch.losses,
                resets=self._watch.resets,
                injected=None if injection is None else injection.faults(sums.noticed_wrong),
            )

    def close(self) -> None:
        """Stop, drop the unfinished frames, and close the port."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
        self._stack.close()

    # ---- the thread

    def _run(self, requests: Sequence[FrameRequest], pool: ThreadPoolExecutor) -> None:
        cause = "the run has ended"
        try:
            self._stream(self._tasks(requests, pool), pool)
        except BoardGoneError as error:
            cause, blame, on_purpose = self._why_it_stopped(error)
            self._watch.gave_up(blame)
            with self._lock:
                self._sums.stopped, self._sums.stopped_by = cause, blame
                self._sums.stopped_on_purpose = on_purpose
                self._record_unfinished()
        except BaseException as error:  # callers of `result` must receive every error
            self._give_up(error)
            raise
        if self._sums.stopped or self._closing:
            self._give_up(BoardStoppedError(cause))

    def _why_it_stopped(self, error: BoardGoneError) -> tuple[str, Blame | None, bool]:
        """Return the cause, whose fault it is, and whether an injected interruption is the cause.

        An emulator's line is within this computer and cannot be cut, except on purpose.
        """
        cause, blame = str(error), error.blame
        if isinstance(error, _TileRefusedError):
            return cause, blame, False
        if self._injection is not None:
            return cause, blame, self._injection.is_interrupting
        if blame is None and is_emulated(self.port):
            return f"{cause}; the line is within this computer, so it hangs", Blame.BOARD, False
        return cause, blame, False

    def _give_up(self, error: BaseException) -> None:
        for key, future in self._results.items():
            if key not in self._whole and not future.done():
                future.set_exception(error)

    def _tasks(
        self, requests: Sequence[FrameRequest], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[_FrameProgress, int, TileTask]]:
        """Yield every tile of every frame, with its frame and its index in the frame."""
        for request in requests:
            try:
                pixels = request.read()
                plan = frame_tasks(request.encoder, pixels, request.setting)
            except InputError as error:
                self._results[request.key].set_exception(error)
                continue
            reference = pool.submit(request.reference, pixels)
            count = len(plan.tasks)
            frame = _FrameProgress(request, plan, reference, [None] * count, count)
            with self._lock:
                self._order.append(frame)
            if not plan.tasks:
                self._whole.add(request.key)
                pool.submit(self._settle, frame)
            for place, task in enumerate(plan.tasks):
                yield frame, place, task

    def _stream(
        self, tasks: Iterator[tuple[_FrameProgress, int, TileTask]], pool: ThreadPoolExecutor
    ) -> None:
        """Keep the board busy until all tiles are done, or `close` is called."""
        ahead = 2 * self.own.slots
        pending: dict[int, tuple[_FrameProgress, int]] = {}
        while not self._closing:
            while len(pending) < ahead:
                following = next(tasks, None)
                if following is None:
                    break
                frame, place, (form, tile) = following
                if self._sums.began is None:
                    self._sums.began = self._sums.ended = time.monotonic()
                pending[self._client.submit(form, tile)] = frame, place
            if not pending:
                return
            event = self._client.event(_LISTEN_S)
            frame, place = next(iter(pending.values()))
            index = frame.plan.places[place].tile
            self._watch.heard(event, f"tile {index} of {frame.request.name}")
            while self._client.resets:
                self._watch.was_reset(self._client.resets.popleft())
            if isinstance(event, Refused) and event.ticket in pending:
                frame, place = pending[event.ticket]
                frame.refused = place
                raise _TileRefusedError(
                    f"tile {frame.plan.places[place].tile} of {frame.request.name}: {event.cause}",
                    event.blame,
                )
            if isinstance(event, Finished) and event.ticket in pending:
                self._take(event, *pending.pop(event.ticket), pool)

    def _take(
        self, event: Finished, frame: _FrameProgress, place: int, pool: ThreadPoolExecutor
    ) -> None:
        if self._injection is not None and self._injection.made_wrong(event.ticket):
            frame.made_wrong.add(place)
        frame.results[place] = event
        frame.ticks += event.encode_ticks
        frame.left -= 1
        with self._lock:
            self._sums.ended = time.monotonic()
            self._sums.raw_bytes += frame.plan.tasks[place][0].tile_bytes
            self._sums.coded_bytes += len(event.payload)
        if not frame.left:
            self._whole.add(frame.request.key)
            # The pool was given the reference first, so the two cannot block each other.
            pool.submit(self._settle, frame)

    def _settle(self, frame: _FrameProgress) -> None:
        """Compare a finished frame with this process's, and set its result."""
        future = self._results[frame.request.key]
        try:
            expected = frame.reference.result()
            payloads = [one.payload for one in frame.results if one is not None]
            found = check_frame(frame.plan, payloads, expected.bitstream)
            noticed = [place for place in frame.made_wrong if found.tasks[place].is_wrong]
            injected = {frame.plan.places[place].tile for place in noticed}
            frame.wrong = [
                WrongTile(frame.request.number, tile, verdict, tile in injected)
                for tile, verdict in enumerate(found.tiles)
                if verdict.is_wrong
            ]
            frame.differs = not found.is_equal
            ticks = -(-frame.ticks * TICKS_PER_SECOND // self.own.tick_rate)
            with self._lock:
                sums = self._sums
                sums.frames += 1
                sums.tiles.update(found.tiles)
                sums.noticed_wrong += len(injected)
                sums.ticks += frame.ticks
                sums.host_s += expected.host_seconds
                self._pass_on(frame, found.tasks)
            made, wrong = found.container, len(frame.wrong)
            future.set_result(
                BoardFrame(len(made), max(1, ticks), None if found.is_equal else made, wrong)
            )
        except BaseException as error:  # callers of `result` must receive every error
            if not future.done():
                future.set_exception(error)

    # ---- records, with the lock held

    def _pass_on(self, frame: _FrameProgress, verdicts: Sequence[TileVerdict | None]) -> None:
        """Record a frame's tasks, except those without a verdict, when its turn comes."""
        frame.records = [
            TileRecord(
                port=self.port,
                board=self.own.name,
                frame=frame.request.number,
                tile=place.tile,
                part=place.part,
                verdict=verdict,
                raw_bytes=task[0].tile_bytes,
                coded_bytes=None if result is None else len(result.payload),
                tick_rate=self.own.tick_rate,
                modelled=self.own.tick_kind == TickKind.MODELLED,
                ticks=None if result is None else _ticks(result),
                trip=None if result is None else result.trip,
                injected=index in frame.made_wrong,
            )
            for index, (task, place, result, verdict) in enumerate(
                zip(frame.plan.tasks, frame.plan.places, frame.results, verdicts, strict=True)
            )
            if verdict is not None
        ]
        frame.results = []
        while self._order and (records := self._order[0].records) is not None:
            first, sums = self._order.popleft(), self._sums
            sums.wrong += first.wrong[: NAMED_DIFFERENCES - len(sums.wrong)]
            if first.differs and len(sums.differing) < NAMED_DIFFERENCES:
                sums.differing.append(first.request.name)
            for record in records:
                self._record(record)

    def _record_unfinished(self) -> None:
        """Record what there is of the frames that the board will not complete."""
        for frame in [one for one in self._order if one.left]:
            verdicts = [
                TileVerdict.REFUSED
                if index == frame.refused
                else TileVerdict.UNVERIFIED
                if result is not None
                else None
                for index, result in enumerate(frame.results)
            ]
            self._sums.tiles.update(unfinished_tiles(frame.plan, verdicts))
            self._pass_on(frame, verdicts)


def _ticks(result: Finished) -> TileTicks:
    return TileTicks(result.receive_ticks, result.encode_ticks, result.send_ticks)
