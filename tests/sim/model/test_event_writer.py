"""Events that are written as they happen are those that a run would have kept."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from downpass.sim.model.events import NoEvents
from downpass.sim.model.simulation import simulate
from downpass.sim.results.event_writer import EventWriter
from downpass.sim.results.tables import events_table
from model_builders import Frames, capture, contact, mission, satellite


@pytest.mark.parametrize("batch", [1, 7, 10_000], ids=["one at a time", "batches", "all at once"])
def test_a_written_file_holds_the_events_of_the_run(tmp_path: Path, batch: int) -> None:
    setup = mission(
        [
            satellite(*(capture(5 * place + n, 1 + n) for n in range(5)), name=name)
            for place, name in enumerate(("one", "two"))
        ],
        [contact(10, 40), contact(50, 90, satellite=1, loss=0.2)],
    )
    sources = [Frames(), Frames()]
    kept = simulate(setup, sources)
    path = tmp_path / "events.parquet"
    with EventWriter(path, setup, batch) as sink:
        streamed = simulate(setup, sources, sink=sink)
    assert streamed.events == []
    assert streamed.backlogs == kept.backlogs
    expected = events_table(kept)
    assert expected.num_rows > 20
    assert pq.read_table(path).to_pylist() == expected.to_pylist()
    assert pq.read_schema(path).equals(expected.schema)


def test_a_run_without_events_ends_alike(tmp_path: Path) -> None:
    setup = mission([satellite(capture(0, 1))], [contact(10, 40)])
    silent = simulate(setup, [Frames()], sink=NoEvents())
    assert silent.events == []
    assert silent.total_backlog == simulate(setup, [Frames()]).total_backlog
    with EventWriter(tmp_path / "empty.parquet", setup):
        pass
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0
