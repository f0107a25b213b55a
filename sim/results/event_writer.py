"""An event sink that writes Parquet as a run goes on, so that events need not fit into memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow.parquet as pq

from ..model.events import EventRow
from ..model.setup import MissionSetup
from .tables import EVENTS, event_rows_table

BATCH: Final = 65_536
"""Events of a row group: as many are held in memory."""


class EventWriter:
    """Writes the events of a run into a Parquet file, one row group after another.

    Give it to `simulate` as its sink, and close it after the run. The file has the columns of
    events.parquet.

    Args:
        path: The file to write.
        setup: The mission that is simulated.
        batch: Events of a row group.
    """

    def __init__(self, path: Path, setup: MissionSetup, batch: int = BATCH) -> None:
        self._setup = setup
        self._batch = batch
        self._rows: list[EventRow] = []
        self._writer = pq.ParquetWriter(path, EVENTS, compression="zstd")

    def append(self, row: EventRow) -> None:
        """Take one event."""
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self._flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        if self._rows:
            self._flush()
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

    def _flush(self) -> None:
        self._writer.write_table(event_rows_table(self._rows, self._setup))
        self._rows.clear()
