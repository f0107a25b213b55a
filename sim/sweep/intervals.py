"""Medians and intervals of figures over the seeds of a point.

The interval goes from the 5th to the 95th percentile. Percentiles are by nearest rank, so they
are always values that were found; with fewer than 20 seeds they are the least and the greatest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ...link.files import whole_file
from ..results.statistics import percentile
from .table import OVER

POINTS: Final = "points.parquet"
LOW, HIGH = ".p5", ".p95"
_INPUTS: Final = ("cell", "point", "error", "seed")


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure over several runs.

    Attributes:
        median: The median, by nearest rank.
        low: The 5th percentile.
        high: The 95th percentile.
        runs: Number of runs that have the figure.
    """

    median: float
    low: float
    high: float
    runs: int


def interval(values: Iterable[float | int | None]) -> Interval | None:
    """Return median and 90 % interval of the values that are known; None if there are none."""
    known = [value for value in values if value is not None]
    if len(known) == 1:
        return Interval(known[0], known[0], known[0], 1)
    low, median, high = (percentile(known, share) for share in (0.05, 0.5, 0.95))
    if low is None or median is None or high is None:
        return None
    return Interval(median, low, high, len(known))


def write_points(path: Path, table: Path) -> None:
    """Write a row for each point: its values, its runs and failures, and each figure's interval.

    A figure FIGURE has three columns: `FIGURE` (the median), `FIGURE.p5` and `FIGURE.p95`.

    Args:
        path: The file.
        table: The table of cells, in the order of points.

    Raises:
        InputError: The file cannot be written.
    """
    source = pq.ParquetFile(table)
    names = source.schema_arrow.names
    figures = [name for name in names if is_figure(name, source.schema_arrow.field(name).type)]
    inputs = [name for name in names if name.startswith(OVER) and name != f"{OVER}seed"]
    fields = [("point", pa.int64())]
    fields += [(name, source.schema_arrow.field(name).type) for name in inputs]
    fields += [("runs", pa.int64()), ("failed", pa.int64()), ("error", pa.string())]
    for name in figures:
        kind = source.schema_arrow.field(name).type
        fields += [(name + ending, kind) for ending in ("", LOW, HIGH)]
    schema = pa.schema(fields)
    with whole_file(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        block: list[dict[str, Any]] = []
        for rows in _by_point(source, [*_columns(inputs), *figures]):
            block.append(_point(rows, inputs, figures))
            if len(block) == 2048:
                writer.write_table(_table(block, schema))
                block = []
        writer.write_table(_table(block, schema))


def is_figure(name: str, kind: Any) -> bool:
    """Return whether a column of the table is a figure that can be summed up over seeds."""
    return (
        (pa.types.is_integer(kind) or pa.types.is_floating(kind))
        and name not in _INPUTS
        and not name.startswith((OVER, "set."))
    )


def _columns(inputs: Sequence[str]) -> list[str]:
    return ["point", "error", *inputs]


def _by_point(source: Any, columns: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for batch in source.iter_batches(columns=list(columns)):
        for row in batch.to_pylist():
            if rows and row["point"] != rows[0]["point"]:
                yield rows
                rows = []
            rows.append(row)
    if rows:
        yield rows


def _point(
    rows: Sequence[Mapping[str, Any]], inputs: Sequence[str], figures: Sequence[str]
) -> dict[str, Any]:
    errors = [row["error"] for row in rows if row["error"] is not None]
    found: dict[str, Any] = {"point": rows[0]["point"]} | {name: rows[0][name] for name in inputs}
    found |= {"runs": len(rows), "failed": len(errors), "error": errors[0] if errors else None}
    for name in figures:
        over_seeds = interval(row[name] for row in rows)
        if over_seeds is not None:
            found[name] = over_seeds.median
            found[name + LOW], found[name + HIGH] = over_seeds.low, over_seeds.high
    return found


def _table(rows: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    columns = {
        name: pa.array([row.get(name) for row in rows], schema.field(name).type)
        for name in schema.names
    }
    return pa.table(columns, schema)
