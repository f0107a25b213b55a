"""Write the results of a run: summary.json, the tables, and the curves of the trade-off."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from ...link.text import json_text
from ..report.data import TradeoffPoint
from ..report.from_results import tradeoff_points
from .board_tiles import BOARD_TILES
from .outputs import SUMMARY, TABLES, TRADEOFF
from .results import Results
from .tables import EVENTS

_STREAMED: Final = {"events": EVENTS, "board_tiles": BOARD_TILES}
"""All columns of the tables of which `Results` may have only some."""


def write(results: Results, folder: Path) -> None:
    """Write summary.json, the tables and the curves into an existing folder.

    Tables that were written there as the run went on stay.
    """
    for name in TABLES:
        table = getattr(results, name)
        if table is None or table.num_columns < len(_STREAMED.get(name, ())):
            continue
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    write_summary(results, folder)


def write_summary(results: Results, folder: Path) -> None:
    """Write summary.json and the curves, which may have come after the tables."""
    (folder / SUMMARY).write_text(json_text(results.summary) + "\n", encoding="utf-8")
    if results.ratings:
        _write_tradeoff(tradeoff_points(results), folder / TRADEOFF)


def _write_tradeoff(points: Sequence[TradeoffPoint], path: Path) -> None:
    """Write the throughput-versus-PSNR curves as comma-separated values."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(one.name for one in fields(TradeoffPoint))
        rows.writerows(astuple(point) for point in points)
