"""Serves the serial protocol on a Linux computer, which so becomes a board.

    line ──► reader thread ──► BoardEnd ──► encoder thread
      ▲                           │
      └────── writer thread ◄─────┘

Memory is bounded: `slots` tiles and as many results, each with a limit that CAPS reports.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from ...link.errors import InputError
from ...link.serial.board import BoardEnd
from ...link.serial.constants import LARGEST_CHUNK, Status, TickKind
from ...link.serial.lines import Line, LineSource
from ...link.serial.messages import Capabilities
from ...link.serial.port import PortLostError
from ...link.serial.trust import LONGEST_CAUSE
from .limits import Limits
from .tile_coder import TileCoder

TICK_RATE: Final = 1_000_000_000
_AGAIN_S: Final = 0.2
_LAST_TILE_S: Final = 1.0
"""Seconds that a tile which is being encoded has left when the agent is stopped."""


def capabilities(coder: TileCoder, name: str, limits: Limits) -> Capabilities:
    """Return the capabilities that an agent with this coder announces."""
    # A still-picture codec may expand noise a little.
    largest_result = limits.tile_bytes + limits.tile_bytes // 4 + 4096
    return Capabilities(
        memory=min(2**32 - 1, limits.slots * (limits.tile_bytes + largest_result)),
        largest_tile=limits.tile_bytes,
        largest_result=largest_result,
        most_columns=limits.side,
        most_rows=limits.side,
        most_bands=coder.most_bands,
        bit_depth=coder.bit_depth,
        slots=limits.slots,
        window=limits.window,
        codec=coder.codec,
        features=coder.features,
        tick_kind=TickKind.MEASURED,
        chunk=LARGEST_CHUNK,
        tick_rate=TICK_RATE,
        clock_hz=0,
        fingerprint=coder.fingerprint,
        name=name,
        software=coder.software,
    )


def _words(cause: str) -> bytes:
    """Return the reason of a failed job in UTF-8, cut to the length that a host keeps."""
    return cause[:LONGEST_CAUSE].encode("utf-8", "replace")


class Agent:
    """A board at the end of a line. It opens a lost line again and keeps its session.

    Args:
        source: Opens the line.
        coder: The encoder.
        name: The board's name in CAPS.
        limits: The limits that it announces.
    """

    def __init__(
        self, source: LineSource, coder: TileCoder, name: str, limits: Limits | None = None
    ) -> None:
        self._source = source
        self._coder = coder
        own = capabilities(coder, name, limits or Limits())
        self._board = BoardEnd(own, secrets.randbits(32))
        # Guards the board; notified when there may be a frame to send or a tile to encode.
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: BaseException | None = None
        """What ended one of the threads, which nothing should."""

    def serve(self) -> None:
        """Serve until `stop` is called; the calling thread writes to the line."""
        encoder = self._thread("encoder", self._encode)
        while not self._stopping:
            line = self._source.open()
            if line is None:
                time.sleep(_AGAIN_S)
            else:
                self._serve_line(line)
        encoder.join(_LAST_TILE_S)
        if self._failure is not None:
            raise RuntimeError("a thread of the agent has failed") from self._failure

    def stop(self) -> None:
        """End `serve` soon; may be called from any thread or a signal handler."""
        self._stopping = True

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Start a thread; its error ends the agent, which would otherwise hang."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._failure = error
                self._stopping = True

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def _serve_line(self, line: Line) -> None:
        lost = threading.Event()
        reader = self._thread("reader", lambda: self._read(line, lost))
        try:
            while not (lost.is_set() or self._stopping):
                with self._changed:
                    data = self._board.send(time.perf_counter_ns())
                    if not data:
                        self._changed.wait(_AGAIN_S)
                if data:
                    line.write(data)
        except PortLostError:
            pass  # `serve` opens another line
        finally:
            lost.set()
            reader.join()
            line.close()

    def _read(self, line: Line, lost: threading.Event) -> None:
        while not (lost.is_set() or self._stopping):
            try:
                data = line.read()
            except PortLostError:
                lost.set()
                data = b""
            with self._changed:
                if data:
                    self._board.receive(data, time.perf_counter_ns())
                self._changed.notify_all()

    def _encode(self) -> None:
        while not self._stopping:
            with self._changed:
                work = self._board.take()
                if work is None:
                    self._changed.wait(_AGAIN_S)
                    continue
                self._changed.notify_all()
            begin = time.perf_counter_ns()
            try:
                status, payload = Status.CODED, self._coder.encode(work.form, work.tile)
            except InputError as error:
                status, payload = Status.FAILED, _words(str(error))
            except Exception as error:  # the codec's library may raise anything
                status, payload = Status.FAILED, _words(f"{type(error).__name__}: {error}")
            ticks = time.perf_counter_ns() - begin
            with self._changed:
                self._board.finish(status, payload, ticks)
                self._changed.notify_all()
