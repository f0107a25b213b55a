"""Decides what happens to each frame between a host and a board, without I/O.

    host ──► to_board ──► (line) ──► board
    host ◄── (line) ◄── to_host ◄──────┘

A fault of the board strikes when the first frame of a tile's result comes: the result is made
wrong, is held back, or is lost with everything else. A stall, a reboot or a cut strikes a tile
once, however often it is sent again; a wrong or refused result stays so.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..framing import DELIMITER, unframe
from ..messages import (
    Data,
    Error,
    Job,
    Message,
    MessageError,
    Ready,
    Release,
    Result,
    Run,
    State,
    open_body,
    seal,
)
from .another_boot import AnotherBoot
from .board_faults import SOUND, BoardFaultCounts, BoardFaults, Interruption
from .changed_results import failed, wrong
from .frame_draws import FrameDraws
from .slow_results import SlowResults
from .tile_numbers import TileNumbers

_OVERHEAD: Final = 4096
_CUT, _STALL, _REBOOT, _WRONG, _REFUSE = "cut", "stall", "reboot", "wrong", "refuse"


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame for the line.

    Attributes:
        data: Its bytes, with delimiters.
        draws: Random numbers that decide about it; None for those of the line.
        held_s: Seconds by which it is sent later, without holding back other frames.
    """

    data: bytes
    draws: random.Random | None = None
    held_s: float = 0.0


@dataclass(slots=True)
class Passage:
    """What becomes of a frame.

    Attributes:
        onward: Frames that go on in its direction, in place of it.
        replies: Frames that go back.
        stall_s: Seconds for which the board sends nothing; the frames onward wait too.
        dark_s: Seconds for which both directions lose every frame, from now on.
        boot: What the board sends when it has booted after the reboot; None without a reboot.
        is_reset_due: Whether the board is really to be reset.
    """

    onward: list[Passed] = field(default_factory=list)
    replies: list[Passed] = field(default_factory=list)
    stall_s: float = 0.0
    dark_s: float = 0.0
    boot: Passed | None = None
    is_reset_due: bool = False


def nothing(_text: str) -> None:
    """Report nothing."""


class FaultInjector:
    """Injects faults of a board. Two threads may call it, one for each direction.

    Args:
        seed: Seed of all faults.
        faults: The faults.
        resets: Whether a reboot really resets the board. If not, it only looks as if.
        report: Receives a few words about each fault when it strikes.

    Attributes:
        counts: The faults so far.
    """

    def __init__(
        self,
        seed: str,
        faults: BoardFaults = SOUND,
        resets: bool = False,
        report: Callable[[str], None] = nothing,
    ) -> None:
        self.counts = BoardFaultCounts()
        self._seed = seed
        self._faults = faults
        self._resets = resets
        self._report = report
        self._lock = threading.Lock()
        self._tiles = TileNumbers()
        self._draws = FrameDraws(seed)
        self._boot = AnotherBoot()
        self._slow = SlowResults(faults.slow)
        self._chunk = 1
        self._struck: set[tuple[str, int]] = set()
        """The interruptions that have struck the unfinished tiles."""
        self._began: float | None = None
        self._moments = sorted(faults.cut.at_s, reverse=True)

    def to_board(self, stuffed: bytes, now: float) -> Passage:
        """Return what becomes of a frame from the host.

        Args:
            stuffed: The bytes between the frame's delimiters.
            now: The time in seconds.
        """
        opened = _opened(stuffed)
        if opened is None:
            return _unchanged(stuffed)
        session, message = opened
        with self._lock:
            tile = self._tile_to_board(session, message, now)
            draws = self._draws.draws(True, message, tile)
            if isinstance(message, Release) and tile is not None:
                self._forget(tile)
            translated = self._boot.to_board(session, message)
            if isinstance(translated, Error):
                reply = self._draws.draws(False, translated, None)
                return Passage(replies=[Passed(seal(translated, session), reply)])
            if translated == (session, message):
                return Passage([Passed(DELIMITER + stuffed + DELIMITER, draws)])
            number, real = translated
            return Passage([Passed(seal(real, number), draws)])

    def to_host(self, stuffed: bytes, now: float) -> Passage:
        """Return what becomes of a frame from the board; the arguments are those of `to_board`."""
        opened = _opened(stuffed)
        if opened is None:
            return _unchanged(stuffed)
        with self._lock:
            translated = self._boot.to_host(*opened)
            if translated is None:
                return Passage()
            session, message = translated
            if isinstance(message, Ready):
                self._chunk = message.chunk
            passage = Passage()
            sent: list[tuple[Message, float]] = [(message, 0.0)]
            tile = None
            if isinstance(message, State | Data | Result):
                tile = self._tiles.number(session, message.job)
                if tile is not None:
                    sent = self._about_tile(tile, message, now, passage)
            for one, held_s in sent:
                draws = self._draws.draws(False, one, tile)
                same = one == opened[1] and session == opened[0]
                data = DELIMITER + stuffed + DELIMITER if same else seal(one, session)
                passage.onward.append(Passed(data, draws, held_s))
            return passage

    def cut_due(self, now: float) -> float:
        """Return the seconds of a cut that begins now; 0 if none does."""
        with self._lock:
            began, moments = self._began, self._moments
            if began is None or not moments or now < began + moments[-1]:
                return 0.0
            moments.pop()
            self.counts.timed_cuts += 1
            self._report(f"injected: the line is cut for {self._faults.cut.seconds:g} s")
            return self._faults.cut.seconds

    # ---- tiles

    def _tile_to_board(self, session: int, message: Message, now: float) -> int | None:
        match message:
            case Job():
                self._began = now if self._began is None else self._began
                return self._tiles.announce(session, message.job, message.form)
            case Release():
                return self._tiles.release(session, message.job)
        tile = self._tiles.number(session, getattr(message, "job", -1))
        if isinstance(message, Run) and tile is not None:
            self._slow.begin(tile, now)
        return tile

    def _forget(self, tile: int) -> None:
        self._draws.forget(tile)
        self._slow.forget(tile)
        self._struck -= {(name, tile) for name in (_CUT, _STALL, _REBOOT)}

    def _about_tile(
        self, tile: int, message: State | Data | Result, now: float, passage: Passage
    ) -> list[tuple[Message, float]]:
        """Return what the board sends in place of a frame about a tile, with seconds to hold it."""
        faults = self._faults
        if not isinstance(message, State):
            if seconds := self._interruption(_REBOOT, faults.reboot, tile):
                self._reboot(tile, seconds, passage)
                return []
            if seconds := self._interruption(_CUT, faults.cut, tile):
                self.counts.cuts += 1
                self._report(f"injected: the line is cut for {seconds:g} s at tile {tile}")
                passage.dark_s = seconds
            if seconds := self._interruption(_STALL, faults.stall, tile):
                self.counts.stalls += 1
                self._report(f"injected: the board stalls for {seconds:g} s at tile {tile}")
                passage.stall_s = seconds
        slower, held_s = self._slow.pass_on(tile, message, now)
        if isinstance(slower, State):
            return [(slower, held_s)]
        return [(one, held_s) for one in self._result(tile, slower)]

    def _interruption(self, name: str, fault: Interruption, tile: int) -> float:
        """Return the seconds of an interruption that strikes now; 0 if it does not."""
        # A late frame of a tile that the host has released strikes nothing, and not again.
        if not fault.seconds or (name, tile) in self._struck or self._tiles.form(tile) is None:
            return 0.0
        if not fault.strikes.strikes(tile, f"{self._seed}/{name}"):
            return 0.0
        self._struck.add((name, tile))
        return fault.seconds

    def _reboot(self, tile: int, seconds: float, passage: Passage) -> None:
        self.counts.reboots += 1
        self._report(f"injected: the board reboots in {seconds:g} s at tile {tile}")
        self._slow.restart()
        passage.dark_s = seconds
        if self._resets:
            passage.is_reset_due = True
            return
        mask = random.Random(f"{self._seed}/boot/{self.counts.reboots}")  # noqa: S311
        hello = self._boot.restart(mask.randrange(1, 1 << 32))
        if hello is not None:
            passage.boot = Passed(seal(hello), self._draws.draws(False, hello, None))

    def _result(self, tile: int, message: Data | Result) -> list[Data | Result]:
        faults, counts = self._faults, self.counts
        if faults.refuse.strikes(tile, f"{self._seed}/{_REFUSE}"):
            if tile not in counts.refused:
                counts.refused.add(tile)
                self._report(f"injected: the board refuses tile {tile}")
            return failed(message)
        if not faults.wrong.strikes(tile, f"{self._seed}/{_WRONG}"):
            return [message]
        form = self._tiles.form(tile)
        if form is None:
            return [message]
        draw = random.Random(f"{self._seed}/byte/{tile}").getrandbits(64)  # noqa: S311
        changed = wrong(message, self._chunk, draw, 2 * form.tile_bytes + _OVERHEAD)
        if changed != message and isinstance(message, Result) and tile not in counts.wrong:
            counts.wrong.add(tile)
            self._report(f"injected: the result of tile {tile} is wrong")
        return [changed]


def _opened(stuffed: bytes) -> tuple[int, Message] | None:
    """Return the session and the message of a frame; None if it is damaged, or no message."""
    body = unframe(stuffed)
    if body is None:
        return None
    try:
        return open_body(body)
    except MessageError:
        return None


def _unchanged(stuffed: bytes) -> Passage:
    return Passage([Passed(DELIMITER + stuffed + DELIMITER)])
