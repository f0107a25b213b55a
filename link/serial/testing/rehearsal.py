"""Runs host and board over a faulty line in virtual time: hours in seconds, repeatably.

    HostEnd ──► FaultyLine (down to the board) ──► BoardEnd ──► encoder that takes its time
       ▲                                              │
       └────── FaultyLine (up to the host) ◄──────────┘

Both state machines are the real ones; only the lines, the clock and the encoder are simulated. The
results hold for every driver that moves bytes between the state machines and a port.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..blame import Blame
from ..board import BoardEnd, Work
from ..constants import JobFlag, SampleCode, SettingCode, Status, TickKind
from ..events import BoardClock, Closed, Event, Finished, Gone, Opened, Refused
from ..faults.faulty_line import FaultyLine
from ..faults.faulty_pair import FaultyPair
from ..faults.injector import FaultInjector
from ..framing import DELIMITER
from ..host import HostEnd
from ..host_settings import HostSettings
from ..messages import Capabilities, TileForm
from ..trip import Trip

TICK_RATE = 1_000_000


def capabilities(
    largest_tile: int = 1 << 16,
    slots: int = 3,
    window: int = 8,
    chunk: int = 1024,
    largest_result: int = 1 << 16,
) -> Capabilities:
    """Return the capabilities of a typical board."""
    return Capabilities(
        memory=1 << 20,
        largest_tile=largest_tile,
        largest_result=largest_result,
        most_columns=65535,
        most_rows=65535,
        most_bands=16,
        bit_depth=16,
        slots=slots,
        window=window,
        codec=1,
        features=63,
        tick_kind=TickKind.MODELLED,
        chunk=chunk,
        tick_rate=TICK_RATE,
        clock_hz=0,
        fingerprint=bytes(8),
        name="rehearsal",
        software="none",
    )


def plain_tile(samples: bytes, step: int = 0) -> TileForm:
    """Return the form of a uint8 tile that is one row of at most 65535 samples."""
    return TileForm(
        tile_bytes=len(samples),
        tile_crc=zlib.crc32(samples),
        columns=len(samples),
        rows=1,
        bands=1,
        bit_depth=8,
        sample=SampleCode.UINT8,
        flags=JobFlag(0),
        setting_kind=SettingCode.STEP,
        nodata=0,
        setting=step,
    )


def deflating(work: Work) -> tuple[Status, bytes]:
    """Encode a tile for tests: its setting, then its samples compressed by zlib."""
    return Status.CODED, work.form.setting.to_bytes(4, "little") + zlib.compress(work.tile, 1)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures of the two ends, as mean seconds between two such events; None means never.

    Attributes:
        restart: The board loses power, and boots again after up to `dark_s`.
        unplug: The host's port vanishes for up to `dark_s`.
        freeze: The board halts for up to `freeze_s`, and loses the bytes that its line's buffer
            cannot hold.
        wrong_baud: For up to `dark_s` both ends receive only random bytes.
        dark_s: The longest absence, in seconds.
        freeze_s: The longest halt, in seconds.
        same_nonce: Whether each boot has the same nonce, as on a board without a random source.
        until_s: When failures end, in seconds. Without an end, a line too slow for the time
            between two restarts would never transfer a tile.
    """

    restart: float | None = None
    unplug: float | None = None
    freeze: float | None = None
    wrong_baud: float | None = None
    dark_s: float = 2.0
    freeze_s: float = 2.0
    same_nonce: bool = False
    until_s: float = math.inf


@dataclass(slots=True)
class RehearsalResult:
    """The result of a rehearsal.

    Attributes:
        payloads: Finished payloads by ticket.
        trips: The ways of finished tiles by ticket.
        refused: Causes of refused tiles by ticket.
        gone: Why the host gave up; None if it did not.
        seconds: Virtual time that passed, in seconds.
        first_load_s: Virtual time of the first session's opening, in seconds.
        encoded: How often the encoder ran.
        runs: How often it ran for each (boot, session, job).
        opened: Number of sessions opened.
        closed: Causes of the sessions' ends.
        blamed: Whose fault each of them was, as known at that moment.
        reboots: Number of sessions before which the board had started anew.
        clocks: Answers to pings.
        troubles: Number of restarts, unpluggings, freezes and wrong rates.
    """

    payloads: dict[int, bytes] = field(default_factory=dict)
    trips: dict[int, Trip] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    gone: str | None = None
    seconds: float = 0.0
    first_load_s: float = 0.0
    encoded: int = 0
    runs: dict[tuple[int, int, int], int] = field(default_factory=dict)
    opened: int = 0
    closed: list[str] = field(default_factory=list)
    blamed: list[Blame | None] = field(default_factory=list)
    reboots: int = 0
    clocks: list[BoardClock] = field(default_factory=list)
    troubles: int = 0


class Rehearsal:
    """One host, one board and the line between them.

    Args:
        own: The board's capabilities.
        settings: What the host expects of the board.
        down: The line from the host to the board.
        up: The line from the board to the host.
        seed: Seed of nonces, failures and times.
        encode: The encoder.
        encode_s: Seconds that the encoder takes for a tile; 10 ms by default.
        trouble: The failures of the two ends.
        injector: Faults of the board that are made between the two ends; None makes none.
    """

    def __init__(
        self,
        own: Capabilities,
        settings: HostSettings,
        down: FaultyLine,
        up: FaultyLine,
        seed: int = 1,
        encode: Callable[[Work], tuple[Status, bytes]] = deflating,
        encode_s: Callable[[Work], float] | None = None,
        trouble: Trouble | None = None,
        injector: FaultInjector | None = None,
    ) -> None:
        self.down, self.up = down, up
        self._pair = None if injector is None else FaultyPair(down, up, injector)
        self.now = 0.0
        self.outcome = RehearsalResult()
        self._own = own
        self._encode, self._encode_s = encode, encode_s or _ten_milliseconds
        self._trouble = trouble or Trouble()
        self._rng = random.Random(seed)  # noqa: S311  (repeatable, not secret)
        self._boots = itertools.count(1)
        self._boot = 0
        self.host = HostEnd(settings, _nonces(random.Random(seed + 1)), 0.0)  # noqa: S311
        self.board: BoardEnd | None = self._fresh_board()
        self._frozen_until = 0.0
        self._plugged = True
        self._encoding: tuple[float, Status, bytes, int] | None = None
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        for mean, strike in (
            (self._trouble.restart, self._restart),
            (self._trouble.unplug, self._unplug),
            (self._trouble.freeze, self._freeze),
            (self._trouble.wrong_baud, self._misread),
        ):
            if mean is not None:
                self._again(mean, strike)

    def run(self, tiles: Sequence[tuple[TileForm, bytes]], limit_s: float = 1e6) -> RehearsalResult:
        """Encode tiles until all are settled, the host gives up, or `limit_s` is reached."""
        for form, tile in tiles:
            self.host.submit(form, tile, self.now)
        while not self.host.settled and not self.host.gone and self.now < limit_s:
            self._move()
            following = self._next_time()
            if following is None:
                break
            self.now = max(self.now, following)
        self.outcome.seconds = self.now
        return self.outcome

    def _move(self) -> None:
        """Process everything that is due now."""
        while self._later and self._later[0][0] <= self.now:
            heapq.heappop(self._later)[2]()
        ticks = round(self.now * TICK_RATE)
        board = self.board if self.now >= self._frozen_until else None
        if board is not None:
            board.receive(self.down.read(self.now), ticks)
            if self._encoding is not None and self._encoding[0] <= self.now:
                _, status, payload, taken = self._encoding
                self._encoding = None
                board.finish(status, payload, taken)
            work = board.take()
            if work is not None:
                self._begin_encoding(work)
            while self.up.free_at() <= self.now and (data := board.send(ticks)):
                if self._plugged:
                    self._write(data, self.up)
        elif self.board is None:
            self.down.read(self.now)
        self.host.receive(self.up.read(self.now), self.now)
        while self.down.free_at() <= self.now and (data := self.host.send(self.now)):
            if self._plugged:
                self._write(data, self.down)
        while self.host.events:
            self._note(self.host.events.popleft())

    def _write(self, data: bytes, line: FaultyLine) -> None:
        if self._pair is None:
            line.write(data, self.now)
        else:
            self._pair.keep_time(self.now)
            self._pair.carry(data.strip(DELIMITER), line is self.down, self.now)

    def _next_time(self) -> float | None:
        times = [self.up.next_arrival()]
        # While the line is busy the host cannot send, so its own timers can wait.
        times.append(self.down.free_at() if self.down.free_at() > self.now else self.host.wake())
        if self._later:
            times.append(self._later[0][0])
        if self.board is not None:
            if self._frozen_until > self.now:
                times.append(self._frozen_until)
            else:
                times.append(self.down.next_arrival())
                if self.up.free_at() > self.now:
                    times.append(self.up.free_at())
                if self._encoding is not None:
                    times.append(self._encoding[0])
        known = [time for time in times if time is not None]
        if not known:
            return None
        # Everything due was processed; a smallest step keeps rounding from stopping the clock.
        return max(min(known), self.now + 1e-9)

    def _begin_encoding(self, work: Work) -> None:
        status, payload = self._encode(work)
        seconds = self._encode_s(work)
        self._encoding = (self.now + seconds, status, payload, round(seconds * TICK_RATE))
        self.outcome.encoded += 1
        key = (self._boot, work.session, work.job)
        self.outcome.runs[key] = self.outcome.runs.get(key, 0) + 1

    def _note(self, event: Event) -> None:
        outcome = self.outcome
        match event:
            case Opened():
                outcome.opened += 1
                outcome.reboots += event.rebooted
                outcome.first_load_s = outcome.first_load_s or self.now
            case Closed():
                outcome.closed.append(event.cause)
                outcome.blamed.append(event.blame)
            case Finished():
                if event.ticket in outcome.payloads or event.ticket in outcome.refused:
                    raise AssertionError(f"ticket {event.ticket} is settled twice")
                outcome.payloads[event.ticket] = event.payload
                outcome.trips[event.ticket] = event.trip
            case Refused():
                if event.ticket in outcome.payloads or event.ticket in outcome.refused:
                    raise AssertionError(f"ticket {event.ticket} is settled twice")
                outcome.refused[event.ticket] = event.cause
            case BoardClock():
                outcome.clocks.append(event)
            case Gone():
                outcome.gone = event.cause

    # ---- failures

    def _fresh_board(self) -> BoardEnd:
        self._boot = next(self._boots)
        nonce = 7 if self._trouble.same_nonce else self._rng.getrandbits(32)
        return BoardEnd(self._own, nonce)

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.now + seconds, next(self._order), what))

    def _again(self, mean: float, strike: Callable[[], None]) -> None:
        def struck() -> None:
            if self.now > self._trouble.until_s:
                return
            self.outcome.troubles += 1
            strike()
            self._again(mean, strike)

        self._after(self._rng.expovariate(1 / mean), struck)

    def _restart(self) -> None:
        self.board = self._encoding = None
        self._after(self._rng.random() * self._trouble.dark_s, self._boot_again)

    def _boot_again(self) -> None:
        if self.board is None:
            self.board = self._fresh_board()

    def _unplug(self) -> None:
        if self._plugged:
            self._plugged = False
            self.host.line_down("the port has vanished", self.now)
            self.up.cut()
            self.down.cut()
            self._after(self._rng.random() * self._trouble.dark_s, self._plug)

    def _plug(self) -> None:
        self._plugged = True
        self.host.line_up(self.now)

    def _freeze(self) -> None:
        self._frozen_until = self.now + self._rng.random() * self._trouble.freeze_s

    def _misread(self) -> None:
        self.up.scrambled = self.down.scrambled = True
        self._after(self._rng.random() * self._trouble.dark_s, self._read_well)

    def _read_well(self) -> None:
        self.up.scrambled = self.down.scrambled = False


def _ten_milliseconds(_work: Work) -> float:
    return 0.01


def _nonces(rng: random.Random) -> Iterator[int]:
    while True:
        yield rng.randrange(1, 1 << 32)
