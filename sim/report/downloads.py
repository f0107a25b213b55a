"""Downloads that the report offers: the result files beside it, and small tables inside it."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from ...link.text import printable
from .data import ReportData
from .style import Download

MOST_BYTES: Final = 60_000
"""A table that is longer as CSV is not put into the page; its Parquet file is beside the page."""

# Rows that cannot fit are not formatted: a row has ten bytes at least.
_MOST_ROWS = MOST_BYTES // 10
# A spreadsheet would take text that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")

TABLES: Final = ("frames", "passes", "accesses", "events", "board_tiles")


def csv_text(table: pa.Table) -> str | None:
    """Return a table as comma-separated values with a header; None if it is too long.

    Numbers are as in the Parquet file. Text is on one line, and an apostrophe stands before text
    that a spreadsheet would run as a formula. Missing values are empty.
    """
    if table.num_rows > _MOST_ROWS:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            writer.writerow([_cell(row[name]) for name in table.column_names])
        if text.tell() > MOST_BYTES:
            return None
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def inside(name: str, text: str, kind: str, words: str) -> Download:
    """Return a download of text as a data URI.

    Args:
        name: The file's name.
        text: Its content.
        kind: Its media type, such as "text/csv".
        words: The link's text.
    """
    data = base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")
    return Download(name, f"data:{kind};charset=utf-8;base64,{data}", words)


def downloads(data: ReportData) -> list[Download]:
    """Return small tables and the scenario as files inside the page."""
    found = []
    for name in TABLES:
        table: pa.Table | None = getattr(data, name)
        text = csv_text(table) if table is not None and table.num_rows else None
        if text is not None:
            found.append(inside(f"{name}.csv", text, "text/csv", f"{name}.csv"))
    if data.scenario_yaml:
        found.append(
            inside("scenario.yaml", data.scenario_yaml, "application/yaml", "scenario.yaml")
        )
    return found


def beside(data: ReportData) -> Sequence[Download]:
    """Return the result files that a run writes into the report's folder."""
    there = (name for name in TABLES if getattr(data, name) is not None)
    names = ["summary.json", *(f"{name}.parquet" for name in there)]
    if len(data.tradeoff) > 1:
        names.append("tradeoff.csv")
    return [Download(name, name, name) for name in names]
