"""Encodes a run's frames on a board, and compares every bitstream with this process's codec.

    frame ──┬── its tasks ──► BoardClient ──► board ──► container ──┐
            └── the same codec in this process ──► container ──── equal? ──► BoardFrame

A frame's encode time is the board's; the time on the line is counted separately.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from ...link.clock import TICKS_PER_SECOND
from ...link.container import bitstream
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...link.serial.constants import DEFAULT_BAUD, TickKind
from ...link.serial.events import Finished, Refused
from ...link.serial.faults.line_proxy import LineProxy
from ...link.serial.host_settings import BITS_PER_BYTE_ON_WIRE, HostCounts, HostSettings
from ...link.serial.messages import Capabilities
from ...link.serial.port import Port
from ...payload.encoders.base import Encoder, Setting
from ..frames.content_cache import CodedFrame
from .access import ANY_BOARD, BoardAccess
from .client import BoardClient, BoardGoneError
from .emulators import board_port
from .injection import FaultScript, InjectedFaults, is_wrong
from .job import FrameTasks, TileTask, frame_tasks
from .watch import Watch

NAMED_DIFFERENCES: Final = 10
_LISTEN_S: Final = 0.5


class BoardStoppedError(Exception):
    """The board encodes nothing more; finished frames stay finished."""


@dataclass(frozen=True, slots=True)
class FrameWork:
    """A frame for the board.

    Attributes:
        key: The key for `BoardLoop.result`.
        name: The frame's name in reports.
        read: Returns the frame.
        encoder: The codec in this process.
        setting: A quality.
        reference: Encodes the same frame in this process.
    """

    key: Hashable
    name: str
    read: Callable[[], Frame]
    encoder: Encoder
    setting: Setting
    reference: Callable[[Frame], CodedFrame]


@dataclass(frozen=True, slots=True)
class BoardFrame:
    """A frame as encoded by the board.

    Attributes:
        size: Bytes of its container.
        ticks: Encode time in whole microseconds, rounded up, at least one.
        differing: The container if it differs from this process's; otherwise None.
    """

    size: int
    ticks: int
    differing: bytes | None


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """Results of a board in a run.

    Attributes:
        port: The port in the scenario.
        baud: Bits per second of the line.
        own: The board's capabilities.
        asked: Number of frames that the run gives to the board.
        frames: Number of finished frames.
        tiles: Number of finished tiles in complete frames.
        equal_tiles: How many of these have the same bytes as in this process.
        differing: Names of the first few frames that differ.
        encode_s: The board's encode time for all frames, in seconds.
        host_s: Seconds that this process took when it first encoded the same frames.
        raw_bytes: Bytes of all tiles sent.
        coded_bytes: Bytes of all finished tiles.
        wall_s: Wall-clock seconds from the first tile to the last.
        counts: What the line has carried.
        bad_frames: Damaged frames received from the board.
        stopped: Why the board encodes nothing more; empty if it encoded everything.
        lost: Why the latest session was lost; empty if none was.
        resets: How often the board was reset because it did not answer.
        injected: The faults that were injected; None if none were asked for.
    """

    port: str
    baud: int
    own: Capabilities
    asked: int
    frames: int
    tiles: int
    equal_tiles: int
    differing: tuple[str, ...]
    encode_s: float
    host_s: float
    raw_bytes: int
    coded_bytes: int
    wall_s: float
    counts: HostCounts
    bad_frames: int
    stopped: str
    lost: str = ""
    resets: int = 0
    injected: InjectedFaults | None = None

    @property
    def modelled(self) -> bool:
        """Whether the board's times are modelled instead of measured by a clock."""
        return self.own.tick_kind == TickKind.MODELLED

    @property
    def line_s(self) -> float:
        """Least seconds that the line needs: the busier direction at the line's rate."""
        most = max(self.counts.bytes_sent, self.counts.bytes_received)
        return most * BITS_PER_BYTE_ON_WIRE / self.baud


@dataclass(slots=True)
class _Doing:
    work: FrameWork
    plan: FrameTasks
    reference: Future[CodedFrame]
    payloads: list[bytes]
    left: int
    ticks: int = 0
    made_wrong: set[int] = field(default_factory=set)
    """Indices of the tasks whose result was made wrong by an injected fault."""


@dataclass(slots=True)
class _Sums:
    frames: int = 0
    tiles: int = 0
    equal_tiles: int = 0
    noticed_wrong: int = 0
    differing: list[str] = field(default_factory=list)
    ticks: int = 0
    host_s: float = 0.0
    raw_bytes: int = 0
    coded_bytes: int = 0
    began: float | None = None
    ended: float = 0.0
    stopped: str = ""


class BoardLoop:
    """Encodes a run's frames on a board in a thread of its own.

    Args:
        port: The board's port, or `emulator:NAME`.
        settings: What the host expects of the board; its `baud` is the port's.
        access: How the port is reached, and who hears of outages.
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
        self._watch = Watch(port, settings.away, access.say)
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            name = stack.enter_context(board_port(port))
            tap = None if access.trace is None else access.trace.tap(port, baud)
            reset: Callable[[Port], str] | None = access.reset
            self._injection: tuple[FaultScript, LineProxy] | None = None
            if script is not None:
                proxy = stack.enter_context(script.open_line(name, baud, reset, tap))
                self._injection = script, proxy
                name = proxy.address
                self.baud = baud if script.baud is None else min(baud, script.baud)
                settings = replace(settings, baud=self.baud)
                reset = None if reset is None else lambda _: proxy.reset_board()
            self._client = stack.enter_context(BoardClient(name, baud, settings, tap, reset))
            try:
                self.own = self._client.capabilities()
            except BoardGoneError as error:
                raise InputError(f"{port}: {error}") from None
            self._stack = stack.pop_all()
        self._lock = threading.Lock()
        self._sums = _Sums()
        self._results: dict[Hashable, Future[BoardFrame]] = {}
        self._whole: set[Hashable] = set()
        """Frames that the board has encoded; only the comparison remains."""
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, works: Sequence[FrameWork], pool: ThreadPoolExecutor) -> None:
        """Begin to encode frames in this order; `pool` encodes them in this process."""
        self._results = {work.key: Future() for work in works}
        self._thread = threading.Thread(target=self._work, args=(works, pool), daemon=True)
        self._thread.start()

    def result(self, key: Hashable) -> BoardFrame:
        """Wait for a frame and return it.

        Raises:
            BoardStoppedError: The board will not encode it any more.
            InputError: The codec cannot encode this frame at this setting.
        """
        return self._results[key].result()

    def figures(self) -> BoardFigures:
        """Return the results so far."""
        with self._lock:
            sums = self._sums
            return BoardFigures(
                port=self.port,
                baud=self.baud,
                own=self.own,
                asked=len(self._results),
                frames=sums.frames,
                tiles=sums.tiles,
                equal_tiles=sums.equal_tiles,
                differing=tuple(sums.differing),
                encode_s=sums.ticks / self.own.tick_rate,
                host_s=sums.host_s,
                raw_bytes=sums.raw_bytes,
                coded_bytes=sums.coded_bytes,
                wall_s=0.0 if sums.began is None else sums.ended - sums.began,
                counts=self._client.counts,
                bad_frames=self._client.bad_frames,
                stopped=sums.stopped,
                lost=self._watch.last_cause,
                resets=self._watch.resets,
                injected=None
                if self._injection is None
                else InjectedFaults.of(*self._injection, sums.noticed_wrong),
            )

    def close(self) -> None:
        """Stop, drop the unfinished frames, and close the port."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
        self._stack.close()

    # ---- the thread

    def _work(self, works: Sequence[FrameWork], pool: ThreadPoolExecutor) -> None:
        cause = "the run has ended"
        try:
            self._stream(self._tasks(works, pool), pool)
        except BoardGoneError as error:
            cause = str(error)
            with self._lock:
                self._sums.stopped = cause
        except BaseException as error:  # callers of `result` must receive every error
            self._give_up(error)
            raise
        if self._sums.stopped or self._closing:
            self._give_up(BoardStoppedError(cause))

    def _give_up(self, error: BaseException) -> None:
        for key, future in self._results.items():
            if key not in self._whole and not future.done():
                future.set_exception(error)

    def _tasks(
        self, works: Sequence[FrameWork], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[_Doing, int, TileTask]]:
        """Yield every tile of every frame, with its frame and its index in the frame."""
        for work in works:
            try:
                frame = work.read()
                plan = frame_tasks(work.encoder, frame, work.setting)
            except InputError as error:
                self._results[work.key].set_exception(error)
                continue
            reference = pool.submit(work.reference, frame)
            count = len(plan.tasks)
            doing = _Doing(work, plan, reference, [b""] * count, count)
            if not plan.tasks:
                self._whole.add(work.key)
                pool.submit(self._settle, doing)
            for place, task in enumerate(plan.tasks):
                yield doing, place, task

    def _stream(
        self, tasks: Iterator[tuple[_Doing, int, TileTask]], pool: ThreadPoolExecutor
    ) -> None:
        """Keep the board busy until all tiles are done, or `close` is called."""
        ahead = 2 * self.own.slots
        pending: dict[int, tuple[_Doing, int]] = {}
        while not self._closing:
            while len(pending) < ahead:
                following = next(tasks, None)
                if following is None:
                    break
                doing, place, (form, tile) = following
                if self._sums.began is None:
                    self._sums.began = self._sums.ended = time.monotonic()
                pending[self._client.submit(form, tile)] = doing, place
            if not pending:
                return
            event = self._client.event(_LISTEN_S)
            doing, place = next(iter(pending.values()))
            self._watch.heard(event, f"tile {place} of {doing.work.name}")
            while self._client.resets:
                self._watch.was_reset(self._client.resets.popleft())
            if isinstance(event, Refused) and event.ticket in pending:
                doing, place = pending[event.ticket]
                raise BoardGoneError(f"tile {place} of {doing.work.name}: {event.cause}")
            if isinstance(event, Finished) and event.ticket in pending:
                self._take(event, *pending.pop(event.ticket), pool)

    def _take(self, event: Finished, doing: _Doing, place: int, pool: ThreadPoolExecutor) -> None:
        doing.payloads[place] = event.payload
        if self._injection is not None and is_wrong(self._injection[1], event.ticket):
            doing.made_wrong.add(place)
        doing.ticks += event.encode_ticks
        doing.left -= 1
        with self._lock:
            self._sums.ended = time.monotonic()
            self._sums.raw_bytes += doing.plan.tasks[place][0].tile_bytes
            self._sums.coded_bytes += len(event.payload)
        if not doing.left:
            self._whole.add(doing.work.key)
            # The pool was given the reference first, so the two cannot block each other.
            pool.submit(self._settle, doing)

    def _settle(self, doing: _Doing) -> None:
        """Compare a finished frame with this process's, and set its result."""
        future = self._results[doing.work.key]
        try:
            expected = doing.reference.result()
            made = doing.plan.container(doing.payloads)
            ours, theirs = (bitstream.unpack(one).payloads for one in (expected.bitstream, made))
            differing = {i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b}
            equal = len(ours) - len(differing)
            same = made == expected.bitstream
            ticks = -(-doing.ticks * TICKS_PER_SECOND // self.own.tick_rate)
            with self._lock:
                sums = self._sums
                sums.frames += 1
                sums.tiles += len(ours)
                sums.equal_tiles += equal
                sums.noticed_wrong += len(doing.made_wrong & differing)
                sums.ticks += doing.ticks
                sums.host_s += expected.host_seconds
                if not same and len(sums.differing) < NAMED_DIFFERENCES:
                    sums.differing.append(doing.work.name)
            future.set_result(BoardFrame(len(made), max(1, ticks), None if same else made))
        except BaseException as error:  # callers of `result` must receive every error
            if not future.done():
                future.set_exception(error)
