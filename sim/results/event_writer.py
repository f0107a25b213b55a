"""An event sink that writes Parquet as a run goes on, so that events need not fit into memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from ..model.events import EventRow
from ..model.setup import MissionSetup
from .tables import EVENTS, event_rows_table, joined

BATCH: Final = 65_536
"""Events that are held in memory as they are; more become a table, a fifth as large."""

ROW_GROUP: Final = 1_048_576
"""Events of a row group, as pyarrow chooses it for a table written at once."""


class EventWriter:
    """Writes the events of a run into a Parquet file, one row group after another.

    Give it to `simulate` as its sink, and close it after the run. The file has the columns of
    events.parquet.

    Args:
        path: The file to write.
        setup: The mission that is simulated.
        batch: Events that become a table together.
    """

    def __init__(self, path: Path, setup: MissionSetup, batch: int = BATCH) -> None:
        self._setup = setup
        self._batch = batch
        self._rows: list[EventRow] = []
        self._tables: list[pa.Table] = []
        self._waiting = 0
        self._writer = pq.ParquetWriter(path, EVENTS, compression="zstd")

    def append(self, row: EventRow) -> None:
        """Take one event."""
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self._pack()

    def close(self) -> None:
        """Write what is left and end the file."""
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
        self._tables.append(event_rows_table(self._rows, self._setup))
        self._waiting += len(self._rows)
        self._rows.clear()
        if self._waiting >= ROW_GROUP:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(joined(self._tables))
        self._tables.clear()
        self._waiting = 0
