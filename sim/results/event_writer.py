"""An event sink that writes Parquet as a run goes on, so that events need not fit into memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..model.events import EventRow
from ..model.setup import MissionSetup
from .row_writer import BATCH, RowWriter
from .tables import EVENTS, event_rows_table


class EventWriter(RowWriter[EventRow]):
    """Writes the events of a run into a Parquet file with the columns of events.parquet.

    Give it to `simulate` as its sink, and close it after the run.

    Args:
        path: The file to write.
        setup: The mission that is simulated.
        batch: Events that become a table together.
    """

    def __init__(self, path: Path, setup: MissionSetup, batch: int = BATCH) -> None:
        super().__init__(path, EVENTS, partial(event_rows_table, setup=setup), batch)
