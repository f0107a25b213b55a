"""Make the result tables: one row for each event, frame, pass and access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...link.clock import to_seconds
from ..mission.contacts import why_unused
from ..mission.preparation import Mission
from ..model.events import EventRow
from ..model.ledger import LOSS_CAUSES
from ..model.network import NOTHING
from ..model.records import FrameRecord, FrameState
from ..model.setup import MissionSetup
from ..model.simulation import Outcome
from ..orbit.access import Access
from ..scenario.scene_names import scene_names
from .grade import Grade, delivery

TEXT = pa.dictionary(pa.int32(), pa.string())
"""The type of text, of which a table has few different ones."""
_BATCH = 20_000  # rows that are Python objects at a time

EVENTS = pa.schema(
    [
        ("time_s", pa.float64()),
        ("satellite", TEXT),
        ("event", TEXT),
        ("frame", pa.int64()),
        ("target", TEXT),
        ("station", TEXT),
        ("bytes", pa.int64()),
        ("cause", TEXT),
        ("queued_bytes", pa.int64()),
        ("backlog_bytes", pa.int64()),
        ("delivered_bytes", pa.int64()),
        ("charge", pa.float64()),
    ]
)

SHOWN_EVENTS = ("time_s", "satellite", "backlog_bytes")
"""The columns of events that the report shows."""

FRAMES = pa.schema(
    [
        ("satellite", TEXT),
        ("frame", pa.int64()),
        ("target", TEXT),
        ("scene", TEXT),
        ("window_col", pa.int32()),
        ("window_row", pa.int32()),
        ("window_width", pa.int32()),
        ("window_height", pa.int32()),
        ("scene_fit", TEXT),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bands", pa.int32()),
        ("bit_depth", pa.int32()),
        ("priority", pa.int32()),
        ("capture_s", pa.float64()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("off_nadir_deg", pa.float64()),
        ("raw_bytes", pa.int64()),
        ("encode_start_s", pa.float64()),
        ("encode_end_s", pa.float64()),
        ("encode_time_kind", TEXT),
        ("encode_energy_j", pa.float64()),
        ("encoded_bytes", pa.int64()),
        ("requantised_bytes", pa.int64()),
        ("bpp", pa.float64()),
        ("stored_s", pa.float64()),
        ("first_sent_s", pa.float64()),
        ("delivered_s", pa.float64()),
        ("station", TEXT),
        ("latency_s", pa.float64()),
        ("received_bytes", pa.int64()),
        ("missing_bytes", pa.int64()),
        ("duplicate_bytes", pa.int64()),
        ("tiles", pa.int32()),
        ("lost_tiles", pa.int32()),
        ("undecodable_tiles", pa.int32()),
        ("wrong_tiles", pa.int32()),
        ("state", TEXT),
        ("delivery", TEXT),
        ("decoded", pa.bool_()),
        ("drop_cause", TEXT),
        ("psnr_db", pa.float64()),
        ("ms_ssim", pa.float64()),
    ]
)


def _lost_column(cause: str) -> str:
    """Return the name of the column with the bytes lost by one cause."""
    return f"lost_{cause.replace(' ', '_')}_bytes"


PASSES = pa.schema(
    [
        ("satellite", TEXT),
        ("station", TEXT),
        ("aos_s", pa.float64()),
        ("los_s", pa.float64()),
        ("max_elevation_deg", pa.float64()),
        ("used_s", pa.float64()),
        ("sent_bytes", pa.int64()),
        ("received_bytes", pa.int64()),
        ("lost_bytes", pa.int64()),
        *((_lost_column(cause), pa.int64()) for cause in LOSS_CAUSES),
        ("capacity_bytes", pa.int64()),
        ("cause_unused", TEXT),
    ]
)

ACCESSES = pa.schema(
    [
        ("satellite", TEXT),
        ("target", TEXT),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("off_nadir_deg", pa.float64()),
        ("sun_elevation_deg", pa.float64()),
        ("frames", pa.int32()),
        ("cause_skipped", TEXT),
    ]
)


def events_table(outcome: Outcome) -> pa.Table:
    """Return all events of a run that kept them, in order of time."""
    return event_rows_table(outcome.events, outcome.setup)


def event_rows_table(rows: Sequence[EventRow], setup: MissionSetup) -> pa.Table:
    """Return events as a table.

    Args:
        rows: Events in order of time.
        setup: The mission that they are of; it has the names.
    """
    names = _Names(setup)
    columns = list(zip(*rows, strict=True)) or [()] * len(EVENTS)
    time, satellite, event, frame, target, station, size, cause, *state = columns
    return pa.table(
        [
            pa.array([to_seconds(t) for t in time], pa.float64()),
            _text(names.satellites[i] for i in satellite),
            _text(str(e) for e in event),
            pa.array([None if f < 0 else f for f in frame], pa.int64()),
            _text(None if i < 0 else names.targets[i] for i in target),
            _text(None if i < 0 else names.stations[i] for i in station),
            pa.array(size, pa.int64()),
            _text(c or None for c in cause),
            *map(pa.array, state, EVENTS.types[8:]),
        ],
        schema=EVENTS,
    )


def frames_table(
    mission: Mission,
    outcome: Outcome,
    time_kinds: Sequence[str],
    grades: Mapping[int, Grade],
) -> pa.Table:
    """Return all captured frames in order of number.

    Args:
        mission: What was planned.
        outcome: What the simulation did with it.
        time_kinds: For each satellite, the kind of its encode times, such as `modelled`.
        grades: Grades of delivered frames with pixels, by frame number.
    """
    records = sorted(
        (record for satellite in outcome.satellites for record in satellite.frames.values()),
        key=lambda record: record.capture.number,
    )
    scenes = scene_names(mission.flight.scenario)
    return table_of(
        (
            _frame(mission, outcome, record, time_kinds, grades.get(record.capture.number), scenes)
            for record in records
        ),
        FRAMES,
    )


def passes_table(mission: Mission, outcome: Outcome) -> pa.Table:
    """Return all passes in order of AOS, with how each was used."""
    names = _Names(outcome.setup)
    flight = mission.flight
    rows: list[dict[str, Any]] = [
        {
            "satellite": names.satellites[one.satellite],
            "station": names.stations[one.station],
            "aos_s": round(one.aos_s, 3),
            "los_s": round(one.los_s, 3),
            "max_elevation_deg": round(one.max_elevation_deg, 4),
            "used_s": 0,
            "sent_bytes": 0,
            "received_bytes": 0,
            "lost_bytes": 0,
            **{_lost_column(cause): 0 for cause in LOSS_CAUSES},
            "capacity_bytes": 0,
            "cause_unused": "",
        }
        for one in flight.passes
    ]
    for index, cause in mission.refused.items():
        rows[index]["cause_unused"] = cause
    causes: list[set[str]] = [set() for _ in rows]
    for contact, use in zip(outcome.setup.contacts, outcome.uses, strict=True):
        row = rows[contact.pass_index]
        row["used_s"] += use.ticks
        row["sent_bytes"] += use.sent_bytes
        row["received_bytes"] += use.received_bytes
        for cause, lost in use.lost_bytes.items():
            row["lost_bytes"] += lost
            row[_lost_column(cause)] += lost
        row["capacity_bytes"] += contact.downlink.capacity
        causes[contact.pass_index].add(use.cause_unused)
    for row, one, found in zip(rows, flight.passes, causes, strict=True):
        row["used_s"] = to_seconds(row["used_s"])
        if row["sent_bytes"]:
            row["cause_unused"] = None
        elif found:
            telling = sorted(found - {"", NOTHING})
            row["cause_unused"] = telling[0] if telling else NOTHING
        elif not row["cause_unused"]:
            row["cause_unused"] = why_unused(flight.scenario, one)
    return table_of(rows, PASSES)


def accesses_table(mission: Mission, outcome: Outcome) -> pa.Table:
    """Return all imaging opportunities in order of start, with the frames taken in each."""
    names = _Names(outcome.setup)
    flight = mission.flight
    skipped: dict[int, str] = {}
    taken = [0] * len(flight.accesses)
    first = 0
    for geometry, timetable in zip(flight.geometries, flight.timetables, strict=True):
        skipped |= {first + index: cause for index, cause in timetable.skipped.items()}
        first += len(geometry.accesses)
    for satellite, planned in zip(outcome.satellites, outcome.setup.satellites, strict=True):
        for capture in planned.captures:
            if capture.number in satellite.frames:
                taken[capture.access] += 1
            elif capture.number in satellite.missed:
                skipped[capture.access] = satellite.missed[capture.number]

    def row(index: int) -> dict[str, Any]:
        access = flight.accesses[index]
        return {
            "satellite": names.satellites[access.satellite],
            "target": names.targets[access.target],
            "start_s": round(access.start_s, 3),
            "end_s": round(access.end_s, 3),
            "off_nadir_deg": round(access.off_nadir_deg, 4),
            "sun_elevation_deg": round(access.sun_elevation_deg, 4),
            "frames": taken[index],
            "cause_skipped": None if taken[index] else skipped.get(index),
        }

    return table_of(map(row, _by_start(flight.accesses, names)), ACCESSES)


def _by_start(accesses: Sequence[Access], names: _Names) -> list[int]:
    """Return the order of accesses by start, then by the names of satellite and target."""
    satellites, targets = _ranks(names.satellites), _ranks(names.targets)
    keys = [(round(a.start_s, 3), satellites[a.satellite], targets[a.target]) for a in accesses]
    start, satellite, target = np.array(keys, dtype=np.float64).reshape(-1, 3).T
    order: list[int] = np.lexsort((target, satellite, start)).tolist()
    return order


def _ranks(names: Sequence[str]) -> list[int]:
    """Return for each name its place in the order of all."""
    place = {name: rank for rank, name in enumerate(sorted(set(names)))}
    return [place[name] for name in names]


def _frame(
    mission: Mission,
    outcome: Outcome,
    record: FrameRecord,
    time_kinds: Sequence[str],
    grade: Grade | None,
    scenes: Mapping[Path, str],
) -> dict[str, Any]:
    capture = record.capture
    access = mission.flight.accesses[capture.access]
    view = mission.views[capture.number]
    target = mission.flight.scenario.targets[capture.target]
    setup = outcome.setup
    encoded = record.encode_end >= 0
    power = setup.satellites[record.satellite].encoding_milliwatts
    delivered = record.state is FrameState.DELIVERED
    return {
        "satellite": setup.satellites[record.satellite].name,
        "frame": capture.number,
        "target": target.name,
        "scene": scenes[view.scene] if view.scene else None,
        "window_col": view.column if view.scene else None,
        "window_row": view.row if view.scene else None,
        "window_width": view.own_width if view.scene else None,
        "window_height": view.own_height if view.scene else None,
        "scene_fit": str(view.fit) if view.repeats else None,
        "width": view.width,
        "height": view.height,
        "bands": view.bands,
        "bit_depth": view.bit_depth,
        "priority": capture.priority,
        "capture_s": to_seconds(capture.end),
        "latitude": round(access.latitude_deg, 6),
        "longitude": round(access.longitude_deg, 6),
        "off_nadir_deg": round(access.off_nadir_deg, 4),
        "raw_bytes": capture.raw_bytes,
        "encode_start_s": _when(record.encode_start),
        "encode_end_s": _when(record.encode_end),
        "encode_time_kind": time_kinds[record.satellite] if encoded else None,
        "encode_energy_j": (record.encode_ticks + record.requantise_ticks) * power / 1e9
        if encoded and power is not None
        else None,
        "encoded_bytes": record.encoded_bytes if encoded else None,
        "requantised_bytes": record.requantised_bytes if encoded else None,
        "bpp": record.encoded_bytes * 8 / (view.width * view.height) if encoded else None,
        "stored_s": _when(record.stored),
        "first_sent_s": _when(record.first_sent),
        "delivered_s": _when(record.delivered),
        "station": setup.stations[record.station].name if delivered else None,
        "latency_s": to_seconds(record.delivered - capture.end) if delivered else None,
        "received_bytes": record.received_bytes,
        "missing_bytes": record.encoded_bytes - record.received_bytes if delivered else None,
        "duplicate_bytes": record.duplicate_bytes,
        "tiles": grade.tiles if grade else None,
        "lost_tiles": grade.lost_tiles if grade else None,
        "undecodable_tiles": grade.undecodable_tiles if grade else None,
        "wrong_tiles": record.wrong_tiles,
        "state": str(record.state),
        "delivery": delivery(record, grade),
        "decoded": grade.decoded if grade else None,
        "drop_cause": record.drop_cause or None,
        "psnr_db": grade.psnr_db if grade else None,
        "ms_ssim": grade.ms_ssim if grade else None,
    }


class _Names:
    """Names of satellites, stations and targets by index."""

    def __init__(self, setup: MissionSetup) -> None:
        self.satellites = [satellite.name for satellite in setup.satellites]
        self.stations = [station.name for station in setup.stations]
        self.targets = setup.targets


def _when(tick: int) -> float | None:
    return None if tick < 0 else to_seconds(tick)


def _text(values: Iterable[str | None]) -> pa.Array:
    return pa.array(list(values), pa.string()).dictionary_encode().cast(TEXT)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return tables of one schema as one, as if it had been made at once."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def table_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return a table of rows, made a part at a time: rows of objects are large."""
    source, parts = iter(rows), []
    while part := list(islice(source, _BATCH)):
        parts.append(_rows(part, schema))
    return joined(parts) if parts else _rows([], schema)


def _rows(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        columns.append(_text(values) if field.type == TEXT else pa.array(values, field.type))
    return pa.table(columns, schema=schema)
