"""The report's tables of passes over stations and of imaging opportunities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from . import wording as w
from .data import ReportData
from .style import DataTable

_MOST_ROWS = 300
_LOST = re.compile("lost_(.+)_bytes")


def passes(data: ReportData) -> DataTable:
    """Return the passes in order of AOS, with the bytes of each or why it was not used."""
    rows = _first(data.passes, "aos_s")
    return DataTable(
        caption="Passes over stations",
        columns=(
            ("Satellite", False),
            ("Station", False),
            ("AOS (UTC)", False),
            ("Length", True),
            ("Highest", True),
            ("Used", True),
            ("Sent", True),
            ("Received", True),
            ("Lost", False),
            ("Not used because of", False),
        ),
        rows=tuple(
            (
                w.plain(str(row["satellite"])),
                w.plain(str(row["station"])),
                w.instant(data.start, row["aos_s"]),
                w.duration(row["los_s"] - row["aos_s"]),
                w.degrees(row["max_elevation_deg"]),
                w.duration(row["used_s"]),
                w.size(row["sent_bytes"]),
                w.size(row["received_bytes"]),
                w.sizes(_lost(row)),
                w.cause(row["cause_unused"]) if row["cause_unused"] else "",
            )
            for row in rows
        ),
        note=_note(data.passes, "passes"),
    )


def accesses(data: ReportData) -> DataTable:
    """Return the imaging opportunities in order, with their frames or why there are none."""
    rows = _first(data.accesses, "start_s")
    return DataTable(
        caption="Imaging opportunities",
        columns=(
            ("Satellite", False),
            ("Target", False),
            ("From (UTC)", False),
            ("Length", True),
            ("Off nadir", True),
            ("Sun", True),
            ("Frames", True),
            ("Skipped because of", False),
        ),
        rows=tuple(
            (
                w.plain(str(row["satellite"])),
                w.plain(str(row["target"])),
                w.instant(data.start, row["start_s"]),
                w.duration(row["end_s"] - row["start_s"]),
                w.degrees(row["off_nadir_deg"]),
                w.degrees(row["sun_elevation_deg"]),
                w.count(row["frames"]),
                w.cause(row["cause_skipped"]) if row["cause_skipped"] else "",
            )
            for row in rows
        ),
        note=_note(data.accesses, "accesses"),
    )


def _lost(row: Mapping[str, Any]) -> dict[str, int]:
    """Return the bytes of a pass that were lost, by cause."""
    columns = {column: _LOST.fullmatch(column) for column in row}
    return {found[1]: int(row[column] or 0) for column, found in columns.items() if found}


def _first(table: pa.Table, by: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.sort_by(by).slice(0, _MOST_ROWS).to_pylist()
    return rows


def _note(table: pa.Table, stem: str) -> str:
    if table.num_rows <= _MOST_ROWS:
        return ""
    return f"The first {_MOST_ROWS} of {table.num_rows:,} rows; all are in {stem}.parquet."
