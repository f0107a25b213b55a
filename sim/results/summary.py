"""Compute the figures of summary.json, for each satellite and in total."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...link.clock import to_seconds
from ..mission.preparation import Mission
from ..model.backlog import Backlog
from ..model.ledger import Book
from ..model.records import FrameRecord, FrameState
from ..model.satellite import SatelliteOutcome
from ..model.simulation import Outcome
from ..scenario.codec_names import codec_labels
from ..scenario.fields import moment_text
from ..scenario.scene_names import scene_names
from .grade import Delivery, Grade, delivery, shows_something
from .statistics import mean, percentile, pooled_psnr


def summarise(
    mission: Mission,
    outcome: Outcome,
    time_kinds: Sequence[str],
    grades: Mapping[int, Grade],
) -> dict[str, Any]:
    """Return the content of summary.json.

    Args:
        mission: What was planned.
        outcome: What the simulation did with it.
        time_kinds: For each satellite, the kind of its encode times, such as `modelled`.
        grades: Grades of delivered frames with pixels, by frame number.
    """
    scenario = mission.flight.scenario
    everyone = range(len(outcome.satellites))
    times = _contact_times(outcome)

    def block(members: Sequence[int], backlog: Backlog) -> dict[str, Any]:
        return _block(mission, outcome, members, backlog, times, time_kinds, grades)

    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "start": moment_text(scenario.start),
        "duration_s": scenario.duration,
        "codecs": codec_labels(scenario.satellites),
        "total": block(everyone, outcome.total_backlog),
        "satellites": {
            outcome.satellites[i].name: block([i], outcome.backlogs[i]) for i in everyone
        },
        "ledger": {s.name: s.ledger.balances() for s in outcome.satellites},
    }


def _block(
    mission: Mission,
    outcome: Outcome,
    members: Sequence[int],
    backlog: Backlog,
    times: Sequence[tuple[int, int]],
    time_kinds: Sequence[str],
    grades: Mapping[int, Grade],
) -> dict[str, Any]:
    satellites = [outcome.satellites[i] for i in members]
    records = [record for satellite in satellites for record in satellite.frames.values()]
    delivered = [record for record in records if record.state is FrameState.DELIVERED]
    graded = [r for r in delivered if r.capture.number in grades]
    seen = [grades[r.capture.number] for r in graded]
    # A frame whose header is lost has arrived, but shows nothing.
    shown = [r for r in delivered if shows_something(r, grades.get(r.capture.number))]
    intact = [r for r in delivered if _arrived(r, grades) is Delivery.WHOLE]
    wrong = [r for r in delivered if _arrived(r, grades) is Delivery.WRONG]
    used, contact_ticks = (sum(times[i][part] for i in members) for part in (0, 1))
    return {
        "frames": _frames(satellites, records, grades),
        "repeated": _repeated(mission, records),
        "bytes": _bytes(satellites, records, grades),
        "backlog_bytes": {"peak": backlog.peak, "mean": backlog.mean},
        "latency_s": {
            **_latency(delivered),
            "whole": _latency(intact),
            "damaged": _latency([r for r in delivered if _arrived(r, grades) is Delivery.DAMAGED]),
            **({"wrong": _latency(wrong)} if wrong else {}),
        },
        **_quality(seen, [_pixels(r) for r in graded], [bool(r.wrong_tiles) for r in graded]),
        "delivered_px": sum(_pixels(r) for r in shown),
        "delivered_km2": _area_km2(mission, shown),
        "delivered_whole_px": sum(_pixels(r) for r in intact),
        "delivered_whole_km2": _area_km2(mission, intact),
        **_transfer(satellites),
        "encode_energy_j": _energy(satellites),
        "encode_time_kind": " and ".join(sorted({time_kinds[i] for i in members})),
        "pass_time_used": used / contact_ticks if contact_ticks else None,
    }


def _quality(
    grades: Sequence[Grade], pixels: Sequence[int], wrong: Sequence[bool]
) -> dict[str, Any]:
    """Return the blocks on the quality of delivered frames, with the number left out of each.

    A PSNR that is infinite, because the frames are exact, is None here: JSON has no infinity.
    `psnr_db.exact` counts such frames, and so distinguishes them from unknown ones.
    """
    readable = [
        (grade, size, is_wrong)
        for grade, size, is_wrong in zip(grades, pixels, wrong, strict=True)
        if grade.decoded
    ]
    psnr = [grade.psnr_db for grade, _, _ in readable]
    # What the codec costs, without what the link or a faulty board costs.
    undamaged = [
        (grade.psnr_db, size)
        for grade, size, is_wrong in readable
        if not grade.concealed_tiles and not is_wrong
    ]
    similar = [grade.ms_ssim for grade, _, _ in readable if not math.isnan(grade.ms_ssim)]
    return {
        "psnr_db": {
            "pooled": _finite(pooled_psnr(psnr, [size for _, size, _ in readable])),
            "undamaged": _finite(
                pooled_psnr([value for value, _ in undamaged], [size for _, size in undamaged])
            ),
            "p5": _finite(percentile((v for v in psnr if not math.isnan(v)), 0.05)),
            "exact": sum(value == math.inf for value in psnr),
            "left_out": len(grades) - len(psnr) + sum(map(math.isnan, psnr)),
        },
        "ms_ssim": {
            "mean": _rounded(mean(similar), 6),
            "p5": percentile(similar, 0.05),
            "left_out": len(grades) - len(similar),
        },
        "graded": {
            "frames": len(grades),
            "undecodable": len(grades) - len(readable),
            "tiles": sum(grade.tiles for grade in grades),
            "lost_tiles": sum(grade.lost_tiles for grade in grades),
            "undecodable_tiles": sum(grade.undecodable_tiles for grade in grades),
        },
    }


def _arrived(record: FrameRecord, grades: Mapping[int, Grade]) -> Delivery | None:
    return delivery(record, grades.get(record.capture.number))


def _latency(records: Sequence[FrameRecord]) -> dict[str, float | None]:
    """Return statistics of the times from capture to delivery, in seconds."""
    latencies = [to_seconds(r.delivered - r.capture.end) for r in records]
    return {
        "median": percentile(latencies, 0.5),
        "p95": percentile(latencies, 0.95),
        "max": max(latencies, default=None),
    }


def _area_km2(mission: Mission, records: Sequence[FrameRecord]) -> float | None:
    satellites = mission.flight.scenario.satellites
    return _rounded(
        math.fsum(_pixels(r) * satellites[r.satellite].imager.gsd ** 2 / 1e6 for r in records)
    )


def _transfer(satellites: Sequence[SatelliteOutcome]) -> dict[str, Any]:
    """Return the block on transfers by CFDP; none if no satellite uses it."""
    users = [satellite for satellite in satellites if satellite.transfers is not None]
    if not users:
        return {}
    ended, on_board, on_ground = Counter[str](), Counter[str](), Counter[str]()
    lost = Counter[str]()
    for satellite in users:
        if satellite.transfers is not None:
            ended.update(satellite.transfers.ended)
            on_board.update(satellite.transfers.open_on_board)
            on_ground.update(satellite.transfers.open_on_ground)
        lost.update(satellite.ledger.by_cause(Book.UPLINK, "lost"))

    def total(book: Book, account: str) -> int:
        return sum(satellite.ledger.holds(book, account) for satellite in users)

    return {
        "transfer": {
            "overhead_bytes": total(Book.AIR, "overhead"),
            "duplicate_bytes": total(Book.AIR, "duplicate"),
            "uplink_bytes": {
                "sent": sum(s.ledger.came_in(Book.UPLINK) for s in users),
                "received": total(Book.UPLINK, "received"),
                "lost": dict(sorted(lost.items())),
            },
            "ended": dict(sorted(ended.items())),
            "open_on_board": dict(sorted(on_board.items())),
            "open_on_ground": dict(sorted(on_ground.items())),
        }
    }


def _pixels(record: FrameRecord) -> int:
    return record.capture.width * record.capture.height


def _energy(satellites: Sequence[SatelliteOutcome]) -> float | None:
    """Return the energy of encoding in joules; None if a satellite's power is not known."""
    energies = [satellite.encode_energy for satellite in satellites]
    known = [energy for energy in energies if energy is not None]
    return sum(known) / 1e9 if len(known) == len(energies) else None


def _repeated(mission: Mission, records: Sequence[FrameRecord]) -> dict[str, Any]:
    """Return the number of captured frames that are larger than their scene and repeat it."""
    views = [mission.views[record.capture.number] for record in records]
    files = Counter(view.scene for view in views if view.scene and view.repeats)
    names = scene_names(mission.flight.scenario) if files else {}
    scenes = Counter({names[file]: count for file, count in files.items()})
    return {"frames": scenes.total(), "scenes": dict(sorted(scenes.items()))}


def _frames(
    satellites: Sequence[SatelliteOutcome],
    records: Sequence[FrameRecord],
    grades: Mapping[int, Grade],
) -> dict[str, Any]:
    states = Counter(record.state for record in records)
    arrived = Counter(_arrived(r, grades) for r in records)
    requantised = sum(record.requantised_bytes > 0 for record in records)
    sent = {"sent": states[FrameState.SENT]} if states[FrameState.SENT] else {}
    wrong = arrived[Delivery.WRONG]
    encoded_wrong = sum(bool(record.wrong_tiles) for record in records)
    return {
        "captured": len(records),
        "encoded": sum(record.encode_end >= 0 for record in records),
        **({"encoded_wrong": encoded_wrong} if encoded_wrong else {}),
        **({"requantised": requantised} if requantised else {}),
        "delivered": states[FrameState.DELIVERED],
        "delivered_whole": arrived[Delivery.WHOLE],
        "delivered_damaged": arrived[Delivery.DAMAGED],
        **({"delivered_wrong": wrong} if wrong else {}),
        "in_part": arrived[Delivery.IN_PART],
        "stored": states[FrameState.STORED],
        **sent,
        "queued": states[FrameState.QUEUED] + states[FrameState.ENCODING],
        "dropped": dict(sorted(Counter(r.drop_cause for r in records if r.drop_cause).items())),
        "missed": dict(sorted(Counter(c for s in satellites for c in s.missed.values()).items())),
    }


def _bytes(
    satellites: Sequence[SatelliteOutcome],
    records: Sequence[FrameRecord],
    grades: Mapping[int, Grade],
) -> dict[str, Any]:
    arrived: Counter[Delivery | None] = Counter()
    for record in records:
        arrived[_arrived(record, grades)] += record.received_bytes

    def total(amount: Callable[[SatelliteOutcome], int]) -> int:
        return sum(amount(satellite) for satellite in satellites)

    requantised = total(lambda s: s.ledger.holds(Book.FILES, "requantised"))

    def by_cause(book: Book, name: str) -> dict[str, int]:
        causes: Counter[str] = Counter()
        for satellite in satellites:
            causes.update(satellite.ledger.by_cause(book, name))
        return dict(sorted(causes.items()))

    return {
        "captured": total(lambda s: s.ledger.came_in(Book.RAW)),
        "queued": total(lambda s: s.working_bytes),
        "encoded": total(lambda s: s.ledger.came_in(Book.FILES)),
        **({"requantised": requantised} if requantised else {}),
        "stored": total(lambda s: s.recorder_bytes),
        "sent": total(lambda s: s.ledger.came_in(Book.AIR)),
        "received": total(lambda s: s.ledger.came_in(Book.GROUND)),
        "duplicate": total(lambda s: s.ledger.holds(Book.AIR, "duplicate")),
        "delivered": total(lambda s: s.ledger.holds(Book.GROUND, "delivered")),
        "delivered_whole": arrived[Delivery.WHOLE],
        "delivered_damaged": arrived[Delivery.DAMAGED],
        **({"delivered_wrong": wrong} if (wrong := arrived[Delivery.WRONG]) else {}),
        "partial": total(lambda s: s.ledger.holds(Book.GROUND, "partial")),
        "lost": by_cause(Book.AIR, "lost"),
        "dropped_raw": by_cause(Book.RAW, "dropped"),
        "dropped": by_cause(Book.FILES, "dropped"),
    }


def _contact_times(outcome: Outcome) -> list[tuple[int, int]]:
    """Return for each satellite its ticks of transmission, and of contact."""
    used = [0] * len(outcome.satellites)
    contact_ticks = [0] * len(outcome.satellites)
    for contact, use in zip(outcome.setup.contacts, outcome.uses, strict=True):
        used[contact.satellite] += use.ticks
        contact_ticks[contact.satellite] += contact.downlink.end - contact.downlink.start
    return list(zip(used, contact_ticks, strict=True))


def _finite(value: float | None, digits: int = 4) -> float | None:
    return None if value is None or math.isinf(value) else round(value, digits)


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
