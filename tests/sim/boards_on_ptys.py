"""Boards in this process behind a pseudo-terminal, some of which fail on purpose."""

from __future__ import annotations

import os
import termios
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from downpass.link.serial.board import BoardEnd, Work
from downpass.link.serial.constants import Kind, Status, TickKind
from downpass.link.serial.framing import DELIMITER, unframe
from downpass.link.serial.lines import PtySource
from downpass.payload.board.agent import capabilities
from downpass.payload.board.limits import Limits
from downpass.payload.board.tile_coder import tile_coder

TICK_RATE = 1_000_000
Make = Callable[[Work, bytes], tuple[Status, bytes]]


def soundly(_work: Work, payload: bytes) -> tuple[Status, bytes]:
    """Return the codec's result unchanged."""
    return Status.CODED, payload


@dataclass
class PtyBoard:
    """A board with a codec, whose times are modelled: one tick per byte of a tile.

    Attributes:
        port: The path of its pseudo-terminal.
        seen: Tiles that it has encoded.
        silent_after: Number of tiles after which it sends nothing more.
        hangs_after: Number of tiles after which it takes nothing but PING.
        boots: How often it has started.
    """

    port: str
    seen: list[Work] = field(default_factory=list)
    silent_after: int = 1_000_000
    hangs_after: int = 1_000_000
    boots: int = 1


def _pings(data: bytes) -> bytes:
    """Return the PINGs among whole frames."""
    kept = b""
    for stuffed in data.split(DELIMITER):
        body = unframe(stuffed) if stuffed else None
        if body is not None and body[0] == Kind.PING:
            kept += DELIMITER + stuffed + DELIMITER
    return kept


@contextmanager
def board_on_pty(
    runs: str = "student",
    make: Make = soundly,
    silent_after: int = 1_000_000,
    hangs_after: int = 1_000_000,
    reboots_after: Collection[int] = (),
    **changes: Any,
) -> Iterator[PtyBoard]:
    """Serve a board; `changes` replace capabilities that it reports.

    It starts anew instead of sending the results of the tiles that are numbered `reboots_after`.
    """
    coder = tile_coder(runs)
    own = capabilities(coder, "pty", Limits(256, 1 << 18, 3))
    own = replace(own, tick_kind=TickKind.MODELLED, tick_rate=TICK_RATE, **changes)
    source, stopping = PtySource(), threading.Event()
    board = PtyBoard(source.address, silent_after=silent_after, hangs_after=hangs_after)

    def serve() -> None:
        end, line = BoardEnd(own, 77), source.open()
        while not stopping.is_set():
            data = line.read()
            if len(board.seen) >= board.silent_after:
                continue
            if len(board.seen) >= board.hangs_after:
                data = _pings(data)
            ticks = time.monotonic_ns() // 1000
            end.receive(data, ticks)
            work = end.take()
            if work is not None:
                board.seen.append(work)
                if len(board.seen) in reboots_after:
                    board.boots += 1
                    end = BoardEnd(own, 76 + board.boots)
                    continue
                status, payload = make(work, coder.encode(work.form, work.tile))
                end.finish(status, payload, work.form.tile_bytes)
            while data := end.send(ticks):
                line.write(data)
        line.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield board
    finally:
        stopping.set()
        while thread.is_alive():
            # Discard unread output, which would block the board's write for ever.
            left = os.open(source.address, os.O_RDWR | os.O_NOCTTY)
            termios.tcflush(left, termios.TCIFLUSH)
            os.close(left)
            thread.join(0.05)
