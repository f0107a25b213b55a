"""board_tiles.parquet: its columns as docs/boards.md lists them, and percentiles by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from downpass.link.serial.trip import Trip
from downpass.sim.board.tile_record import TileRecord, TileTicks, TileVerdict
from downpass.sim.results import row_writer
from downpass.sim.results.board_tiles import (
    BOARD_TILES,
    SHOWN_TILES,
    TileRecords,
    board_tiles_table,
    tile_times,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scenarios import REPOSITORY


def record(ticks: int, port: str = "loop://", tile: int = 0, rate: int = 1000) -> TileRecord:
    trip = Trip(10.0, 12.0, 12.5, 13.5, 13.75, sessions=2, chunks=4, chunks_sent=7,
                chunks_requested=1)  # fmt: skip
    counted = TileTicks(5, ticks, 6)
    return TileRecord(port, "b", 7, tile, 0, TileVerdict.EQUAL, 12, 3, rate, False, counted, trip)


def test_a_row_by_hand() -> None:
    (row,) = board_tiles_table([record(2500)]).to_pylist()
    assert row == {
        "port": "loop://", "board": "b", "frame": 7, "tile": 0, "part": 0, "verdict": "equal",
        "injected": False,
        "raw_bytes": 12, "coded_bytes": 3, "time_kind": "measured on board", "tick_rate": 1000,
        "receive_ticks": 5, "encode_ticks": 2500, "send_ticks": 6, "encode_s": 2.5,
        "queue_s": 2.0, "upload_s": 0.5, "on_board_s": 1.0, "download_s": 0.25,
        "chunks": 4, "chunks_sent_again": 3, "chunks_asked_again": 1, "sessions": 2,
    }  # fmt: skip


def test_a_refused_tile_has_no_times() -> None:
    kind = TileVerdict.REFUSED
    refused = TileRecord("loop://", "b", 7, 1, 0, kind, 12, None, 1000, True, None, None)
    (row,) = board_tiles_table([refused]).to_pylist()
    assert row["verdict"] == "refused"
    assert row["encode_s"] is row["encode_ticks"] is row["upload_s"] is row["coded_bytes"] is None


def test_ticks_of_any_board_fit() -> None:
    most = 2**64 - 1
    kind, ticks = TileVerdict.EQUAL, TileTicks(most, most, most)
    odd = TileRecord("p", "b", 0, 0, 0, kind, 1, 1, 2**32 - 1, False, ticks, Trip())
    (row,) = board_tiles_table([odd]).to_pylist()
    assert row["receive_ticks"] == row["send_ticks"] == most
    assert row["upload_s"] is None


def test_percentiles_by_hand() -> None:
    """Of 1 to 200 ms, at least half are up to 100 ms, 95 % up to 190 ms, 99 % up to 198 ms."""
    rows = [record(ticks) for ticks in range(200, 0, -1)] + [record(9999, "other://")]
    assert tile_times(board_tiles_table(rows), "loop://", "encode_s") == {
        "p50": 0.1, "p95": 0.19, "p99": 0.198, "max": 0.2,
    }  # fmt: skip
    assert tile_times(board_tiles_table(rows), "other://", "encode_s")["p50"] == 9.999
    nothing = dict.fromkeys(("p50", "p95", "p99", "max"))
    assert tile_times(board_tiles_table([]), "loop://", "encode_s") == nothing


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10**6), max_size=40))
def test_a_file_holds_what_memory_holds(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[int]
) -> None:
    path = tmp_path_factory.mktemp("tiles") / "board_tiles.parquet"
    streamed, kept = TileRecords(path), TileRecords()
    for number, value in enumerate(ticks):
        streamed.append(record(value, tile=number))
        kept.append(record(value, tile=number))
    assert streamed.table().to_pylist() == kept.table().to_pylist()
    assert pq.read_table(path).to_pylist() == kept.table().to_pylist()
    assert pq.read_schema(path).equals(BOARD_TILES)


def test_of_a_large_file_only_what_is_shown_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "SMALL", 2)
    streamed = TileRecords(tmp_path / "board_tiles.parquet")
    for number in range(3):
        streamed.append(record(1000 * number, tile=number))
    table = streamed.table()
    assert table.column_names == list(SHOWN_TILES)
    assert table.column("encode_s").to_pylist() == [0.0, 1.0, 2.0]
    assert tile_times(table, "loop://", "encode_s")["max"] == 2.0


def test_the_page_lists_the_columns() -> None:
    page = (Path(REPOSITORY) / "docs" / "boards.md").read_text(encoding="utf-8")
    section = page[page.index("| column | holds |") :]
    section = section[: section.index("\n\n")]
    listed = [
        name
        for cell in re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    ]
    assert listed == BOARD_TILES.names
