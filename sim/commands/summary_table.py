"""The figures of a run as a table in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from ..report import wording


def print_summary(summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one column a run, and one a satellite where a run has several."""
    columns: dict[str, Mapping[str, Any]] = {}
    for label, summary in summaries.items():
        columns[label] = summary["total"]
        if len(summaries) == 1 and len(summary["satellites"]) > 1:
            columns |= summary["satellites"]
    table = Table()
    table.add_column("")
    for label in columns:
        table.add_column(label, justify="right")
    for title, figure in _ROWS:
        table.add_row(title, *(figure(block) for block in columns.values()))
    Console().print(table)


def _bytes(value: int) -> str:
    return wording.plain(wording.size(value))


def _time(value: float | None) -> str:
    return "–" if value is None else wording.plain(wording.duration(value))


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "–" if value is None else f"{value:.{digits}f}{unit}"


def _causes(amounts: Mapping[str, int]) -> str:
    if not amounts:
        return "0"
    return "\n".join(f"{amount} {cause}" for cause, amount in amounts.items())


_ROWS: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("frames captured", lambda b: str(b["frames"]["captured"])),
    ("frames delivered", lambda b: str(b["frames"]["delivered"])),
    ("frames still on board", lambda b: str(b["frames"]["stored"] + b["frames"]["queued"])),
    ("frames dropped", lambda b: _causes(b["frames"]["dropped"])),
    ("frames missed", lambda b: _causes(b["frames"]["missed"])),
    ("encoded", lambda b: _bytes(b["bytes"]["encoded"])),
    ("delivered", lambda b: _bytes(b["bytes"]["delivered"])),
    ("backlog, peak", lambda b: _bytes(b["backlog_bytes"]["peak"])),
    ("latency, median", lambda b: _time(b["latency_s"]["median"])),
    ("latency, 95 %", lambda b: _time(b["latency_s"]["p95"])),
    ("PSNR, mean", lambda b: _number(b["psnr_db"]["mean"], 2, " dB")),
    ("MS-SSIM, mean", lambda b: _number(b["ms_ssim"]["mean"], 4)),
    ("area delivered", lambda b: _number(b["delivered_km2"], 0, " km²")),
    ("encoding energy", lambda b: _number(b["encode_energy_j"], 1, " J")),
    ("pass time used", lambda b: _number((b["pass_time_used"] or 0) * 100, 1, " %")),
)
