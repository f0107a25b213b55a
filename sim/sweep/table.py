"""The table of a sweep: a row for each cell, in Parquet, in the order of the plan.

It is written from the log in blocks, so it needs not fit into memory. Nothing in it depends on
which worker ran a cell or when, so the same sweep gives the same bytes.

| column | holds |
|---|---|
| `cell`, `point` | numbers from 0 |
| `error` | why the cell failed; null if it did not |
| `over.FIELD` | the value of each axis, as written; `over.seed` |
| `version`, `file`, `set.FIELD` | as `evaluate` gives them |
| all others | figures of summary.json |
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ...link.files import whole_file
from ..evaluate import Value
from .axes import written
from .cell import CellResult
from .plan import Plan

TABLE: Final = "sweep.parquet"
OVER: Final = "over."
_BLOCK: Final = 4096
_LEADING: Final = ("version", "file", "set.", "scenario", "seed", "start", "duration_s", "codecs.")
_LARGEST: Final = 2**63 - 1
_BY_CAUSE: Final = (
    ".frames.dropped.",
    ".frames.missed.",
    ".bytes.dropped",
    ".bytes.lost.",
    ".repeated.scenes.",
)
"""Blocks of summary.json that list what happened; what did not happen is not in them."""


class ResultSource:
    """Where the results of cells are found: the log, and the faults of this run.

    Args:
        plan: The plan.
        keys: The key of each cell.
        find: Returns a cell's result by its key, or raises KeyError.
        faults: Results that are not in the log, by key.
    """

    def __init__(
        self,
        plan: Plan,
        keys: Sequence[str],
        find: Callable[[str], CellResult],
        faults: Mapping[str, CellResult],
    ) -> None:
        self.plan = plan
        self._keys, self._find, self._faults = keys, find, faults

    def result(self, index: int) -> CellResult | None:
        """Return a cell's result; None if it has not been run."""
        key = self._keys[index]
        if key in self._faults:
            return self._faults[key]
        with contextlib.suppress(KeyError):
            return self._find(key)
        return None


def write_table(path: Path, source: ResultSource) -> None:
    """Write the table of all cells that have a result.

    Args:
        path: The file.
        source: The plan and the results of its cells.

    Raises:
        InputError: The file cannot be written.
    """
    kinds = _column_kinds(source)
    schema = pa.schema([(name, kind) for name, kind in kinds.items()])
    missing = [name for name in kinds if any(part in name for part in _BY_CAUSE)]
    with whole_file(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for block in _blocks(source):
            block = [_completed(row, missing) for row in block]
            columns = {
                name: pa.array([_as(kind, row.get(name)) for row in block], kind)
                for name, kind in kinds.items()
            }
            writer.write_table(pa.table(columns, schema))


def _blocks(source: ResultSource) -> Iterator[list[dict[str, Value]]]:
    block: list[dict[str, Value]] = []
    for row in _rows(source):
        block.append(row)
        if len(block) == _BLOCK:
            yield block
            block = []
    if block:
        yield block


def _rows(source: ResultSource) -> Iterator[dict[str, Value]]:
    plan = source.plan
    numeric = [a.is_numeric for a in plan.axes]
    for cell in plan.cells():
        result = source.result(cell.index)
        if result is None:
            continue
        row: dict[str, Value] = {
            "cell": cell.index,
            "point": cell.point,
            "error": result.error or None,
        }
        for a, is_number, value in zip(plan.axes, numeric, cell.values, strict=True):
            row[f"{OVER}{a.field}"] = value if is_number else written(value)
        row[f"{OVER}seed"] = cell.seed
        yield row | result.row | dict(sums(result.row))


def sums(row: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    """Yield frames dropped and missed, for whatever cause, and figures of all boards together."""
    if not row:
        return
    yield from _of_boards(row)
    for block in ("total.frames.dropped", "total.frames.missed"):
        causes = (value for name, value in row.items() if name.startswith(f"{block}."))
        yield block, sum(value for value in causes if isinstance(value, int))


def _of_boards(row: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    """Yield figures of all boards of a run; none without a board."""

    def of_each(name: str) -> list[int | float]:
        found = ((key.split("."), value) for key, value in row.items())
        return [
            value
            for steps, value in found
            if steps[0] == "boards"
            and ".".join(steps[2:]) == name
            and isinstance(value, int | float)
        ]

    walls = of_each("measured.wall_s")
    if not walls:
        return
    yield "boards.wrong_tiles", sum(of_each("tiles.encoded")) - sum(of_each("tiles.equal"))
    yield (
        "boards.unfinished_frames",
        sum(of_each("frames.asked")) - sum(of_each("frames.encoded")),
    )
    yield "boards.chunks_sent_again", sum(of_each("measured.chunks_sent_again"))
    yield "boards.sessions_lost", sum(of_each("measured.sessions_lost"))
    yield "boards.wall_s", max(walls)


def _completed(row: dict[str, Value], names: Sequence[str]) -> dict[str, Value]:
    """Return a row in which causes that did not occur are 0 instead of missing."""
    if row["error"] is not None:
        return row
    for name in names:
        if name not in row:
            owner, found, _ = name.partition(next((c for c in _BY_CAUSE if c in name), "\0"))
            if found and any(other.startswith(f"{owner}.") for other in row):
                row[name] = 0
    return row


def _column_kinds(source: ResultSource) -> dict[str, Any]:
    """Return the type of each column, in their order."""
    found: dict[str, set[type]] = {}
    for row in _rows(source):
        for name, value in row.items():
            kinds = found.setdefault(name, set())
            if value is not None:
                too_large = isinstance(value, int) and not -_LARGEST <= value <= _LARGEST
                kinds.add(float if too_large else type(value))
    inputs = [name for name in found if name in ("cell", "point", "error")]
    inputs += [name for name in found if name.startswith(OVER)]
    for prefix in _LEADING:
        inputs += sorted(
            n for n in found if n == prefix or (prefix[-1] == "." and n.startswith(prefix))
        )
    inputs = list(dict.fromkeys(inputs))
    figures = sorted(
        found.keys() - set(inputs), key=lambda name: (not name.startswith("total."), name)
    )
    return {name: _kind(name, found[name]) for name in (*inputs, *figures)}


def _kind(name: str, kinds: set[type]) -> Any:
    if name == "error" or str in kinds:
        return pa.string()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    return pa.float64()


def _as(kind: Any, value: Value) -> Value:
    if value is None or isinstance(value, str) or kind == pa.bool_():
        return value
    if kind == pa.string():
        return written(value)
    return float(value) if kind == pa.float64() else value
