"""One run from a scenario to its output folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..link.clock import to_seconds
from ..link.errors import InputError, reason
from ..link.student.frame_layout import BLOCK
from ..link.text import json_text
from ..payload.encoders.base import Setting, check_lossless, choice_label, setting_label
from .board.loop import BoardFigures
from .console.progress import Progress, Silent
from .frames.content_cache import ContentCache
from .frames.crops import choose, crops
from .frames.encoding import Encoders
from .frames.feasibility import checked_scenes
from .frames.grading import Grader
from .mission.preparation import Mission, fly, prepare
from .model.events import EventRow
from .model.pace import PacedEnvironment
from .model.simulation import Outcome, simulate
from .rate_distortion.tradeoff import RATES_BPP, Rating, curve
from .report.data import Crop, ReportData, StationSite, TargetSite, Track, TradeoffPoint
from .report.keyfigures import psnr
from .results import boards as board_results
from .results.delivered import Choice, plan_delivered
from .results.outputs import SUMMARY, TABLES, TRADEOFF
from .results.summary import summarise
from .results.tables import accesses_table, events_table, frames_table, passes_table
from .scenario.scenario import Scenario

_BESIDE: Final = ("student", "jpeg2000")
"""Codecs whose curves stand in every report, beside those of the satellites."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a run gives: the tables, the figures, and what the report shows besides.

    `remarks` says what is worth knowing of scenes and imagers together, a line each.
    """

    mission: Mission
    outcome: Outcome
    summary: dict[str, Any]
    events: pa.Table
    frames: pa.Table
    passes: pa.Table
    accesses: pa.Table
    crops: list[Crop]
    ratings: list[Rating]
    boards: list[BoardFigures]
    remarks: Sequence[str] = ()
    left_out: list[str] = field(default_factory=list)
    """What the report should have shown and could not be made, each with its reason."""

    @property
    def faults(self) -> list[str]:
        """What went wrong with boards, a line each."""
        return board_results.faults(self.boards, self.mission.flight.scenario)


def run(
    scenario: Scenario,
    *,
    cache: ContentCache,
    delivered: Path | None = None,
    tradeoff: bool = True,
    choice: Choice | None = None,
    progress: Progress | None = None,
    on_results: Callable[[Results], None] | None = None,
) -> Results:
    """Simulate a scenario with real pixels where its targets have scenes.

    Curves and crops only illustrate the report. They are made last, and what cannot be made is
    left out with its reason (`Results.left_out`).

    Args:
        scenario: What to run.
        cache: Of encoded frames.
        delivered: Folder for the delivered frames; None writes none.
        tradeoff: Whether to try other rates and codecs, for the report.
        choice: Which delivered frames are written; by default as the scenario says.
        progress: Hears how far it has come.
        on_results: Called with summary and tables as soon as they are complete, before curves
            and crops are tried, so that these cannot cost the results.

    Raises:
        InputError: Scenes that cannot be used, a codec that cannot do what is asked, or a disk
            without room for the delivered frames.
    """
    progress = progress or Silent()
    progress.stage("scenes")
    scenes = checked_scenes(scenario, cache)
    progress.stage("orbits and passes")
    mission = prepare(fly(scenario), scenes)
    plan = plan_delivered(mission, delivered, choice)
    encoders = Encoders(mission, scenes, cache)
    try:
        sources = [encoders.source(index) for index in range(len(scenario.satellites))]
        progress.stage("simulation", round(scenario.duration))

        def tell(row: EventRow) -> None:
            progress.step(row.time // 1_000_000)

        pace = None if scenario.realtime is None else PacedEnvironment(scenario.realtime.factor)
        outcome = simulate(mission.setup, sources, environment=pace, on_event=tell)
        progress.stage("decoding and measuring", sum(len(s.frames) for s in outcome.satellites))
        grader = Grader(outcome, encoders, scenes, cache)
        grades = grader.grade(plan, lambda done, _: progress.step(done))
        boards = encoders.board_figures()
        kinds = [source.time_kind for source in sources]
        summary = summarise(mission, outcome, kinds, grades)
        summary["pictures"] = plan.block(grader.written, len(grades))
        if boards:
            summary["boards"] = [board_results.block(board, scenario) for board in boards]
        if pace is not None:
            summary["realtime"] = _pace(pace, scenario)
        results = Results(
            mission=mission,
            outcome=outcome,
            summary=summary,
            events=events_table(outcome),
            frames=frames_table(mission, outcome, kinds, grades),
            passes=passes_table(mission, outcome),
            accesses=accesses_table(mission, outcome),
            crops=[],
            ratings=[],
            boards=boards,
            remarks=scenes.remarks(),
        )
        if on_results is not None:
            on_results(results)
        shown = choose(outcome, grades, mission.views, scenario.report.sample_frames)
        pictures, left_out = crops(grader, scenes, shown, grades, mission)
    finally:
        encoders.close()
    ratings: list[Rating] = []
    if tradeoff and len(scenes):
        for codec in dict.fromkeys([*(s.codec.name for s in scenario.satellites), *_BESIDE]):
            progress.stage(f"{codec} at other rates")
            try:
                ratings += curve(mission, scenes, cache, codec, _settings(scenario, codec))
            except Exception as error:  # whatever it is, the results do not depend on it
                left_out.append(f"curve of {codec}: {reason(error)}")
    if left_out:
        summary["left_out"] = left_out
    return replace(results, crops=pictures, ratings=ratings, left_out=left_out)


def _pace(pace: PacedEnvironment, scenario: Scenario) -> dict[str, Any]:
    first = pace.behind_at
    return {
        "factor": scenario.realtime.factor if scenario.realtime else None,
        "behind_s": round(pace.behind_s, 3),
        "first_behind_s": None if first is None else to_seconds(first),
    }


def write(results: Results, folder: Path) -> None:
    """Write summary.json, the tables and the curves into an existing folder."""
    for name in TABLES:
        table = getattr(results, name)
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    write_summary(results, folder)


def write_summary(results: Results, folder: Path) -> None:
    """Write summary.json and the curves, which may have come after the tables."""
    (folder / SUMMARY).write_text(json_text(results.summary) + "\n", encoding="utf-8")
    if results.ratings:
        _write_tradeoff(_tradeoff_points(results), folder / TRADEOFF)


def _write_tradeoff(points: Sequence[TradeoffPoint], path: Path) -> None:
    """Write the throughput-versus-PSNR curves as comma-separated values."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(one.name for one in fields(TradeoffPoint))
        rows.writerows(astuple(point) for point in points)


def report_data(results: Results, command: str) -> ReportData:
    """Return what the report shows of a run."""
    flight = results.mission.flight
    scenario = flight.scenario
    return ReportData(
        scenario_name=scenario.name,
        description=scenario.description,
        start=scenario.start,
        duration_s=scenario.duration,
        seed=scenario.seed,
        version=version("downpass"),
        command=command,
        codecs={s.name: s.codec.label for s in scenario.satellites},
        summary=results.summary,
        frames=results.frames,
        events=results.events,
        passes=results.passes,
        accesses=results.accesses,
        eclipses={
            s.name: [(w.start_s, w.end_s) for w in geometry.eclipses]
            for s, geometry in zip(scenario.satellites, flight.geometries, strict=True)
        },
        tracks={
            s.name: Track(g.track.time_s, g.track.latitude_deg, g.track.longitude_deg)
            for s, g in zip(scenario.satellites, flight.geometries, strict=True)
        },
        targets=[_target_site(scenario, index) for index in range(len(scenario.targets))],
        stations=[StationSite(s.name, *s.at) for s in scenario.stations],
        tradeoff=_tradeoff_points(results),
        tradeoff_note=_TRADEOFF_NOTE if results.ratings else "",
        crops=results.crops,
        left_out=results.left_out,
        recorder_bytes={s.name: s.recorder.capacity for s in scenario.satellites},
    )


def _settings(scenario: Scenario, codec: str) -> Sequence[Setting]:
    """The rates to try: those of the table, and the ones that the run itself uses."""
    own = [s.codec.setting for s in scenario.satellites if s.codec.name == codec]
    rates = {*RATES_BPP, *(s.bpp for s in own if s.bpp is not None)}
    others = [s for s in dict.fromkeys(own) if s.bpp is None]
    return [*(Setting(bpp=rate) for rate in sorted(rates)), *others]


_TRADEOFF_NOTE = (
    "All points are measured alike: quality on a sample of the run's frames, all tiles of which "
    "arrive, pooled over the sample, and throughput in the same mission with frames of the "
    "sample's mean size. What this run itself gave, lost tiles included, is in the figures above."
)


def _tradeoff_points(results: Results) -> list[TradeoffPoint]:
    own = {(str(s.codec.name), s.codec.setting) for s in results.mission.flight.scenario.satellites}
    points = _sampled(results.ratings, own)
    if len(own) == 1 and not any(point.is_this_run for point in points):
        points.append(_this_run(results, *next(iter(own))))  # nothing else was tried
    return sorted(points, key=lambda point: (point.codec, point.bpp))


def _this_run(results: Results, codec: str, setting: Setting) -> TradeoffPoint:
    total = results.summary["total"]
    encoded = [
        record
        for satellite in results.outcome.satellites
        for record in satellite.frames.values()
        if record.encode_end >= 0
    ]
    pixels = sum(record.capture.width * record.capture.height for record in encoded)
    return TradeoffPoint(
        codec=codec,
        setting=setting_label(codec, setting),
        bpp=sum(record.encoded_bytes for record in encoded) * 8 / max(1, pixels),
        psnr_db=psnr(total, "pooled"),
        ms_ssim=total["ms_ssim"]["mean"],
        delivered_px=total["delivered_px"],
        delivered_whole=total["frames"]["delivered_whole"],
        delivered_damaged=total["frames"]["delivered_damaged"],
        in_part=total["frames"]["in_part"],
        is_this_run=True,
    )


def _sampled(ratings: Sequence[Rating], own: set[tuple[str, Setting]]) -> list[TradeoffPoint]:
    return [
        TradeoffPoint(
            codec=rating.codec,
            setting=str(rating.setting),
            bpp=rating.bpp,
            psnr_db=rating.psnr_db,
            ms_ssim=rating.ms_ssim,
            delivered_px=rating.delivered_px,
            delivered_whole=rating.delivered_whole,
            delivered_damaged=rating.delivered_damaged,
            in_part=rating.in_part,
            is_this_run=(rating.codec, rating.setting) in own,
        )
        for rating in ratings
    ]


def _target_site(scenario: Scenario, index: int) -> TargetSite:
    target = scenario.targets[index]
    if target.polygon is None:
        latitude, longitude = target.at or (0.0, 0.0)
        return TargetSite(target.name, latitude, longitude, target.priority)
    from .orbit.polygon import polygon_of

    latitude, longitude = polygon_of(target.polygon).middle
    return TargetSite(target.name, latitude, longitude, target.priority, target.polygon)


def with_codec(scenario: Scenario, name: str, setting: Setting) -> Scenario:
    """Return the scenario with every satellite using one codec at one setting.

    Raises:
        InputError: lossless is asked for and the codec never is, a satellite's processor has no
            rate for it, its tile is not one that the codec can do, or a quality is asked for and
            a target has no pixels.
    """
    check_lossless(name, setting)
    label = f"codec {choice_label(name, setting)}"
    for satellite in scenario.satellites:
        processor = satellite.processor
        if processor.encode_time == "modelled" and not processor.has_rate_of(name):
            raise InputError(
                f"{label}: the processor of {satellite.name} has no encode_rate for {name}; "
                f"allowed: {', '.join(sorted(processor.encode_rate))}, or give it one"
            )
    if name == "student":
        odd = next((s for s in scenario.satellites if s.codec.tile % BLOCK), None)
        if odd is not None:
            raise InputError(
                f"{label}: found a tile of {odd.codec.tile} at {odd.name}; allowed for the "
                f"student: multiples of {BLOCK}, for example --set "
                f"'satellites.*.codec.tile={max(BLOCK, round(odd.codec.tile / BLOCK) * BLOCK)}'"
            )
    blank = next((target.name for target in scenario.targets if not target.scenes), None)
    if setting.quality is not None and blank is not None:
        raise InputError(
            f"{label}: found a quality, and target {blank} has no scenes; allowed: a rate in bpp "
            "or a budget in bytes where a target has no pixels to measure"
        )
    choice = {"name": name, "quality": setting.quality, "bpp": setting.bpp, "bytes": setting.bytes}
    satellites = tuple(
        s.model_copy(update={"codec": s.codec.model_copy(update=choice)})
        for s in scenario.satellites
    )
    return scenario.model_copy(update={"satellites": satellites})
