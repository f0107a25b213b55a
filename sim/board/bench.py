"""Measures the speed of a board: its line, its encoder, and how well the two overlap."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...link.container.header import CODECS
from ...link.errors import InputError
from ...link.serial.constants import TickKind
from ...link.serial.events import Finished
from ...link.serial.host_settings import HostSettings
from ...link.serial.line_kind import LineKind, line_kind, wire_s
from ...link.serial.line_pace import BITS_PER_BYTE_ON_WIRE, LinePace
from ...link.serial.messages import Capabilities
from ...link.serial.port import check_baud
from ...payload.encoders.traits import TRAITS
from .access import ANY_BOARD, BoardAccess
from .client import BoardClient
from .job import TileTask
from .tile_room import trial_bands, trial_side
from .trial_tiles import task

MIDDLE_STEP: Final = 128
MOST_BYTES: Final = 1 << 30
"""Most bytes of all tiles of a benchmark, which are held in memory."""
MOST_TILES: Final = 100_000
"""Most tiles of a benchmark: small ones are many, and each takes half a millisecond or more."""
MOST_ALONE: Final = 8
"""Most tiles that are also sent one at a time, for comparison."""


@dataclass(frozen=True, slots=True)
class BenchTile:
    """One tile of a benchmark.

    Attributes:
        encode_s: Encode time by the board's ticks, in seconds.
        done_s: Wall-clock seconds from the first tile's sending until this result was complete.
        raw_bytes: Bytes of the tile.
        coded_bytes: Bytes of the encoded tile.
    """

    encode_s: float
    done_s: float
    raw_bytes: int
    coded_bytes: int


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark of one board.

    Attributes:
        own: The board's capabilities.
        tiles: The streamed tiles in order.
        side: Side of a tile in pixels.
        alone_s: Mean wall-clock seconds of a tile that is sent alone.
        baud: Bits per second that the port was opened with.
        line: The kind of the line.
        line_s: Least seconds that the streamed tiles need at its bit rate; None if it has none.
        chunks_repeated: Chunks sent again.
        timeouts: Time-outs of the host.
        chunk: Bytes of a chunk in the last session.
        sessions_lost: Sessions that were lost.
        restarts: Boots of the board that the host noticed.
        resets: How often the board was reset because it did not answer.
        kmac_per_px: Thousand multiplications per pixel of the board's model; None without one.
    """

    own: Capabilities
    tiles: tuple[BenchTile, ...]
    side: int
    alone_s: float
    baud: int
    line: LineKind
    line_s: float | None
    chunks_repeated: int
    timeouts: int
    chunk: int
    sessions_lost: int
    restarts: int
    resets: int
    kmac_per_px: float | None

    @property
    def wall_s(self) -> float:
        """Wall-clock seconds for all streamed tiles."""
        return max(tile.done_s for tile in self.tiles)

    @property
    def encode_s(self) -> float:
        """Encode time of all streamed tiles, in seconds."""
        return sum(tile.encode_s for tile in self.tiles)

    @property
    def measured(self) -> bool:
        """Whether the board's times are measured by a clock."""
        return self.own.tick_kind == TickKind.MEASURED

    def figures(self) -> dict[str, Any]:
        """Return the figures by name, rounded."""
        each = [tile.encode_s for tile in self.tiles]
        count, raw = len(each), sum(tile.raw_bytes for tile in self.tiles)
        pixels = self.side * self.side * count
        busy = max(self.encode_s, self.line_s or 0.0)
        return {
            "board": self.own.name,
            "software": self.own.software,
            "tiles": count,
            "raw_bytes": raw,
            "coded_bytes": sum(tile.coded_bytes for tile in self.tiles),
            "time_kind": "measured" if self.measured else "modelled",
            "encode_s_per_tile_median": round(statistics.median(each), 6),
            "encode_s_per_tile_max": round(max(each), 6),
            "encode_megapixels_per_s": _ratio(pixels / 1e6, self.encode_s),
            "encode_kmac_per_s": None
            if self.kmac_per_px is None
            else _ratio(self.kmac_per_px * pixels, self.encode_s),
            "wall_s": round(self.wall_s, 4),
            "line": self.line.value,
            "line_s": None if self.line_s is None else round(self.line_s, 4),
            "goodput_bytes_per_s": round(raw / self.wall_s),
            "goodput_share_of_line": _ratio(raw * BITS_PER_BYTE_ON_WIRE / self.baud, self.wall_s)
            if self.line_s is not None
            else None,
            # An emulated board's ticks are not wall-clock seconds.
            "wall_by_the_longer_of_encoder_and_line": _ratio(self.wall_s, busy)
            if self.measured
            else None,
            "wall_s_per_tile_alone": round(self.alone_s, 6),
            "alone_by_streamed": _ratio(self.alone_s * count, self.wall_s),
            "chunks_sent_again": self.chunks_repeated,
            "timeouts": self.timeouts,
            "chunk_bytes": self.chunk,
            "sessions_lost": self.sessions_lost,
            "board_restarts": self.restarts,
            "board_resets": self.resets,
        }


def run_bench(
    port: str, baud: int, tiles: int, side: int, access: BoardAccess = ANY_BOARD
) -> Bench:
    """Encode `tiles` square tiles of `side` pixels; a few are first sent one at a time.

    Raises:
        InputError: The board refuses such tiles.
        BoardGoneError: No session can be opened any more.
    """
    if tiles < 1 or side < 1:
        raise InputError(f"{tiles} tiles of {side} pixels: allowed is at least 1 of each")
    tap = None if access.trace is None else access.trace.tap(port, baud)
    check_baud(baud)
    away = (10 if access.reset is None else 40) + LinePace(baud).opening_s
    settings = HostSettings(baud=baud, away=away)
    with BoardClient(port, baud, settings, tap, access.reset) as board:
        own = board.capabilities()
        _check_size(own, tiles, side)
        tasks = _tiles(own, tiles, side)
        alone = tasks[:MOST_ALONE]
        begin = time.monotonic()
        for one in alone:
            _stream(port, board, [one])
        alone_s = (time.monotonic() - begin) / len(alone)
        sent, received = board.counts.bytes_sent, board.counts.bytes_received
        done = _stream(port, board, tasks)
        kind = line_kind(port)
        counts, resets = board.counts, len(board.resets)
        most = max(counts.bytes_sent - sent, counts.bytes_received - received)
    return Bench(
        own=own,
        tiles=tuple(done),
        side=side,
        alone_s=alone_s,
        baud=baud,
        line=kind,
        line_s=wire_s(kind, baud, most),
        chunks_repeated=counts.chunks_repeated,
        timeouts=counts.timeouts,
        chunk=counts.chunk,
        sessions_lost=counts.sessions_lost,
        restarts=counts.restarts,
        resets=resets,
        kmac_per_px=_complexity(own),
    )


def _check_size(own: Capabilities, tiles: int, side: int) -> None:
    """Refuse tiles that the board cannot take, or that need too much memory or time here."""
    bands = trial_bands(own)
    tile_bytes = side * side * bands
    if side > (most := trial_side(own, bands, side)):
        raise InputError(f"--side {side}: the board takes {most} at most")
    if tile_bytes > MOST_BYTES:
        raise InputError(f"--side {side}: a tile has {tile_bytes} bytes; allowed are {MOST_BYTES}")
    most = min(MOST_TILES, MOST_BYTES // tile_bytes)
    if tiles > most:
        raise InputError(f"--tiles {tiles} of {tile_bytes} bytes: allowed are 1 to {most}")


def _tiles(own: Capabilities, count: int, side: int) -> list[TileTask]:
    """Return tiles with edges and some noise, similar to pictures."""
    rng = np.random.default_rng(1)
    bands = trial_bands(own)
    y, x = np.mgrid[0:side, 0:side]
    tasks = []
    for number in range(count):
        edge = 60 * ((x + number * 7) // 19 % 2) + (x + y + number * side) % 100
        noise = rng.integers(0, 12, (side, side, bands))
        tasks.append(task(own, edge[..., None] + noise, MIDDLE_STEP))
    return tasks


def _stream(port: str, board: BoardClient, tasks: Sequence[TileTask]) -> list[BenchTile]:
    rate = board.capabilities().tick_rate
    done: dict[int, BenchTile] = {}
    begin = time.monotonic()
    for index, result in board.encode(tasks):
        if not isinstance(result, Finished):
            raise InputError(f"{port}: {result.cause}")
        done[index] = BenchTile(
            result.encode_ticks / rate,
            time.monotonic() - begin,
            tasks[index][0].tile_bytes,
            len(result.payload),
        )
    return [done[index] for index in sorted(done)]


def _complexity(own: Capabilities) -> float | None:
    """Return thousand multiplications per pixel if the board runs this package's model."""
    codec = CODECS.get(own.codec)
    if codec is None or not TRAITS[codec].learned:
        return None
    from ...payload.encoders.student.student_model import load

    model = load()
    if model.fingerprint != own.fingerprint:
        return None
    return float(model.card["kmac_per_pixel"]["onboard"])


def _ratio(over: float, under: float) -> float | None:
    return round(over / under, 4) if under else None
