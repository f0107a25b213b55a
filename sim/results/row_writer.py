"""Collects rows of a result table as a run goes on, in memory or in a Parquet file.

append ──► rows ──► table of a batch ──► row group of the file
(objects)  (a fifth as large)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from .tables import joined

BATCH: Final = 65_536
"""Rows that are held in memory as they are; more become a table, a fifth as large."""

ROW_GROUP: Final = 1_048_576
"""Rows of a row group, as pyarrow chooses it for a table written at once."""

SMALL: Final = 10_000
"""Rows up to which a file is read back whole; a report offers such a table inside its page."""

Row = TypeVar("Row")


def read_back(path: Path, shown: Sequence[str]) -> pa.Table:
    """Return the table of a file: whole if it is small, and otherwise these columns of it."""
    small = pq.read_metadata(path).num_rows <= SMALL
    return pq.read_table(path, columns=None if small else list(shown))


class RowTable(Generic[Row]):
    """Collects the rows of a table in memory.

    Args:
        schema: The table's columns.
        to_table: Makes a table of rows.
        batch: Rows that become a table together.
    """

    def __init__(
        self, schema: pa.Schema, to_table: Callable[[Sequence[Row]], pa.Table], batch: int = BATCH
    ) -> None:
        self.schema = schema
        self._to_table = to_table
        self._batch = batch
        self._rows: list[Row] = []
        self._tables: list[pa.Table] = []
        self._waiting = 0

    def append(self, row: Row) -> None:
        """Take one row."""
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self._pack()

    def table(self) -> pa.Table:
        """Return all rows that are held in memory as one table."""
        if self._rows:
            self._pack()
        return joined(self._tables) if self._tables else self.schema.empty_table()

    def _pack(self) -> None:
        self._tables.append(self._to_table(self._rows))
        self._waiting += len(self._rows)
        self._rows.clear()


class RowWriter(RowTable[Row]):
    """Writes rows into a Parquet file, one row group after another, so that they need no memory.

    Close it after the last row.

    Args:
        path: The file to write.
        schema: The table's columns.
        to_table: Makes a table of rows.
        batch: Rows that become a table together.
        row_group: Rows of a row group.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        to_table: Callable[[Sequence[Row]], pa.Table],
        batch: int = BATCH,
        row_group: int = ROW_GROUP,
    ) -> None:
        super().__init__(schema, to_table, batch)
        self._row_group = row_group
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def close(self) -> None:
        """Write what is left and end the file; a second call does nothing."""
        if self._rows:
            self._pack()
        if self._tables:
            self._write()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _pack(self) -> None:
        super()._pack()
        if self._waiting >= self._row_group:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(joined(self._tables))
        self._tables.clear()
        self._waiting = 0
