"""The table board_tiles.parquet: one row for each job of a board, a tile or a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ..board.tile_record import TileRecord
from .row_writer import RowTable, RowWriter, read_back
from .statistics import percentile
from .tables import TEXT, table_of

BOARD_TILES: Final = pa.schema(
    [
        ("port", TEXT),
        ("board", TEXT),
        ("frame", pa.int64()),
        ("tile", pa.int32()),
        ("part", pa.int32()),
        ("verdict", TEXT),
        ("injected", pa.bool_()),
        ("raw_bytes", pa.int64()),
        ("coded_bytes", pa.int64()),
        ("time_kind", TEXT),
        ("tick_rate", pa.int64()),
        ("receive_ticks", pa.uint64()),
        ("encode_ticks", pa.uint64()),
        ("send_ticks", pa.uint64()),
        ("encode_s", pa.float64()),
        ("queue_s", pa.float64()),
        ("upload_s", pa.float64()),
        ("on_board_s", pa.float64()),
        ("download_s", pa.float64()),
        ("chunks", pa.int32()),
        ("chunks_sent_again", pa.int32()),
        ("chunks_asked_again", pa.int32()),
        ("sessions", pa.int32()),
    ]
)

LINE_TIMES: Final = ("queue_s", "upload_s", "on_board_s", "download_s")
"""Columns of times by the host's clock, in the order in which they pass."""

SHOWN_TILES: Final = ("port", "encode_s", *LINE_TIMES)
"""The columns that summary.json and the report use."""

_BATCH: Final = 16_384
"""Rows of objects; a board makes some hundred a second at most, and they have many columns."""
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


class TileRecords:
    """Collects the records of a run's boards, in a file or in memory.

    Args:
        path: The Parquet file that gets the rows as the tiles are done; None keeps them in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows = (
            RowTable[TileRecord](BOARD_TILES, board_tiles_table, _BATCH)
            if path is None
            else RowWriter[TileRecord](path, BOARD_TILES, board_tiles_table, _BATCH, 4 * _BATCH)
        )
        # Several boards record their tiles at once.
        self._lock = Lock()

    def append(self, record: TileRecord) -> None:
        """Take one record."""
        with self._lock:
            self._rows.append(record)

    def table(self) -> pa.Table:
        """Return the table after the last record; of a large file, only `SHOWN_TILES`."""
        self.close()
        if self._path is None:
            return self._rows.table()
        return read_back(self._path, SHOWN_TILES)

    def close(self) -> None:
        """End the file."""
        if isinstance(self._rows, RowWriter):
            self._rows.close()


def board_tiles_table(records: Sequence[TileRecord]) -> pa.Table:
    """Return records as a table."""
    return table_of(map(_row, records), BOARD_TILES)


def tile_times(table: pa.Table, port: str, column: str) -> dict[str, float | None]:
    """Return the percentiles of a column of times over one board's jobs, in seconds.

    Args:
        table: Rows of board_tiles.parquet, perhaps with the columns of `SHOWN_TILES` alone.
        port: The board's port.
        column: Name of the column.

    Returns:
        `p50`, `p95`, `p99` and `max` by nearest rank; None without a finished tile.
    """
    rows = table.filter(pc.equal(table.column("port").cast(pa.string()), port))
    values = rows.column(column).drop_null().to_pylist()
    values.sort()
    return {name: percentile(values, share) for name, share in _SHARES.items()}


def _row(record: TileRecord) -> dict[str, Any]:
    ticks, trip = record.ticks, record.trip
    return {
        "port": record.port,
        "board": record.board,
        "frame": record.frame,
        "tile": record.tile,
        "part": record.part,
        "verdict": str(record.verdict),
        "injected": record.injected,
        "raw_bytes": record.raw_bytes,
        "coded_bytes": record.coded_bytes,
        "time_kind": "modelled" if record.modelled else "measured on board",
        "tick_rate": record.tick_rate,
        "receive_ticks": ticks.receive if ticks else None,
        "encode_ticks": ticks.encode if ticks else None,
        "send_ticks": ticks.send if ticks else None,
        "encode_s": ticks.encode / record.tick_rate if ticks else None,
        **{name: _rounded(getattr(trip, name, None)) for name in LINE_TIMES},
        "chunks": trip.chunks if trip else None,
        "chunks_sent_again": trip.chunks_repeated if trip else None,
        "chunks_asked_again": trip.chunks_requested if trip else None,
        "sessions": trip.sessions if trip else None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
