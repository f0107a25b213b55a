"""Run one scenario: simulate it, grade the delivered frames, and gather the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..link.clock import to_seconds
from ..link.errors import reason
from .board.access import ANY_BOARD, BoardAccess
from .board.figures import BoardFigures
from .console.progress import Progress, Silent
from .frames.board_loops import has_board
from .frames.content_cache import ContentCache
from .frames.crops import choose, crops
from .frames.encoders import Encoders
from .frames.feasibility import checked_scenes
from .frames.grading import Grader
from .frames.pixel_frames import frame_source
from .frames.scene_advice import bit_depth_notes
from .frames.scenes import Scenes
from .mission.flight import Flight, fly
from .mission.preparation import Mission, prepare
from .model.events import EventRow, EventSink
from .model.pace import PacedEnvironment
from .model.simulation import Outcome, simulate
from .rate_distortion.tradeoff import Rating, curve
from .rate_distortion.tried_codecs import MOST_OWN, tried_codecs
from .results import boards as board_results
from .results.board_tiles import TileRecords
from .results.delivered import Choice, plan_delivered
from .results.event_writer import EventWriter
from .results.grade import Grade
from .results.results import Results
from .results.row_writer import read_back
from .results.summary import summarise
from .results.tables import (
    SHOWN_EVENTS,
    accesses_table,
    events_table,
    frames_table,
    passes_table,
)
from .results.undecodable import undecodable_lines
from .scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Graded:
    """A simulated scenario with its figures, before tables and report are made.

    Attributes:
        mission: What was planned: orbits, passes and captures.
        scenes: The scenes that the targets show.
        outcome: What the simulation did with the mission.
        grader: Decodes delivered frames.
        grades: Grades of delivered frames with pixels, by frame number.
        time_kinds: For each satellite, what its encode times are, such as `modelled`.
        boards: Figures of each board that encoded.
        board_tiles: One row for each job of a board; None without a board.
        summary: Content of summary.json.
    """

    mission: Mission
    scenes: Scenes
    outcome: Outcome
    grader: Grader
    grades: Mapping[int, Grade]
    time_kinds: Sequence[str]
    boards: list[BoardFigures]
    board_tiles: pa.Table | None
    summary: dict[str, Any]


def run(
    scenario: Scenario,
    *,
    cache: ContentCache,
    delivered: Path | None = None,
    tradeoff: bool = True,
    choice: Choice | None = None,
    progress: Progress | None = None,
    on_results: Callable[[Results], None] | None = None,
    flight: Callable[[Scenario], Flight] = fly,
    events: Path | None = None,
    board_tiles: Path | None = None,
    access: BoardAccess = ANY_BOARD,
) -> Results:
    """Simulate a scenario with real pixels where its targets have scenes.

    Curves and crops only illustrate the report. They are made last. If one cannot be made, it is
    left out, and `Results.left_out` gives the reason.

    Args:
        scenario: What to run.
        cache: Of encoded frames.
        delivered: Folder for the delivered frames; None writes none.
        tradeoff: Whether to try other rates and codecs, for the report.
        choice: Which delivered frames are written; by default as the scenario says.
        progress: Receives the progress.
        on_results: Called with summary and tables as soon as they are complete, before curves
            and crops are tried, so that these cannot cost the results.
        flight: Computes the geometry, perhaps on several processes.
        events: A file that gets the events as they happen, as Parquet, so that they need not fit
            into memory. Then `Results.events` has only the columns that the report shows, unless
            it is small.
        board_tiles: A file that gets the jobs of boards in the same way, if there is a board.
        access: How boards are reached.

    Raises:
        InputError: Scenes that cannot be used, a codec that cannot do what is asked, or a disk
            without room for the delivered frames.
    """
    progress = progress or Silent()
    with graded(
        scenario,
        cache=cache,
        delivered=delivered,
        choice=choice,
        progress=progress,
        flight=flight,
        events=events,
        board_tiles=board_tiles,
        access=access,
    ) as simulated:
        mission, scenes, outcome = simulated.mission, simulated.scenes, simulated.outcome
        grader, grades, summary = simulated.grader, simulated.grades, simulated.summary
        results = Results(
            mission=mission,
            outcome=outcome,
            summary=summary,
            events=(events_table(outcome) if events is None else read_back(events, SHOWN_EVENTS)),
            frames=frames_table(mission, outcome, simulated.time_kinds, grades),
            passes=passes_table(mission, outcome),
            accesses=accesses_table(mission, outcome),
            crops=[],
            ratings=[],
            boards=simulated.boards,
            board_tiles=simulated.board_tiles,
            remarks=bit_depth_notes(scenario, scenes),
            warnings=tuple(undecodable_lines(mission, outcome, grades)),
        )
        if on_results is not None:
            on_results(results)
        shown = choose(outcome, grades, mission.views, scenario.report.sample_frames)
        pictures, left_out = crops(grader, scenes, shown, grades, mission)
    ratings: list[Rating] = []
    if tradeoff and len(scenes):
        for place, codec in enumerate(tried_codecs(scenario)):
            if codec.satellites and place >= MOST_OWN:
                left_out.append(f"curve of {codec.name}: only {MOST_OWN} codecs are tried")
                continue
            progress.stage(f"{codec.name} at other rates")
            try:
                ratings += curve(mission, scenes, cache, codec)
            except Exception as error:  # no error here may cost the results
                left_out.append(f"curve of {codec.name}: {reason(error)}")
    if left_out:
        summary["left_out"] = left_out
    return replace(results, crops=pictures, ratings=ratings, left_out=left_out)


@contextmanager
def graded(
    scenario: Scenario,
    *,
    cache: ContentCache,
    delivered: Path | None = None,
    choice: Choice | None = None,
    progress: Progress | None = None,
    sink: EventSink | None = None,
    flight: Callable[[Scenario], Flight] = fly,
    events: Path | None = None,
    board_tiles: Path | None = None,
    threads: int | None = None,
    measured: bool = True,
    access: BoardAccess = ANY_BOARD,
) -> Iterator[Graded]:
    """Simulate a scenario, measure what was delivered, and give the figures.

    Encoders, boards among them, are open within the context: frames can still be decoded.

    Args:
        scenario: What to run.
        cache: Of encoded frames.
        delivered: Folder for the delivered frames; None writes none.
        choice: Which delivered frames are written; by default as the scenario says.
        progress: Receives the progress.
        sink: Takes the events; by default they are kept in the outcome.
        flight: Computes the geometry; several runs may share one.
        events: A file that gets the events instead of `sink`.
        board_tiles: A file that gets the jobs of boards, if there is a board.
        threads: Number of frames encoded or decoded at once; by default one for each core.
        measured: Whether delivered frames are decoded and measured. Without, no frame has a grade,
            and only a frame's packets decide how it was delivered.
        access: How boards are reached.

    Raises:
        InputError: As `run`.
    """
    progress = progress or Silent()
    progress.stage("scenes")
    scenes = checked_scenes(scenario, cache)
    progress.stage("orbits and passes")
    mission = prepare(flight(scenario), scenes)
    plan = plan_delivered(mission, delivered, choice)
    tiles = TileRecords(board_tiles) if any(map(has_board, scenario.satellites)) else None
    if tiles is not None:
        access = replace(access, record=tiles.append)
    encoders = Encoders(mission, scenes, cache, threads=threads, boards=access)
    try:
        sources = [frame_source(encoders, index) for index in range(len(scenario.satellites))]
        progress.stage("simulation", round(scenario.duration))

        shown = -1

        def report(row: EventRow) -> None:
            nonlocal shown
            second = row.time // 1_000_000
            if second > shown:
                progress.step(second)
                shown = second

        pace = None if scenario.realtime is None else PacedEnvironment(scenario.realtime.factor)
        with ExitStack() as stack:
            if events is not None:
                sink = stack.enter_context(EventWriter(events, mission.setup))
            outcome = simulate(mission.setup, sources, environment=pace, sink=sink, on_event=report)
        progress.stage("decoding and measuring", sum(len(s.frames) for s in outcome.satellites))
        grader = Grader(outcome, encoders, scenes, cache, threads, scenario.ground.decoder)
        grades = grader.grade(plan, lambda done, _: progress.step(done)) if measured else {}
        if tiles is not None:
            progress.stage("tiles still on a board")
        boards = encoders.finish_boards()
        listed = None if tiles is None else tiles.table()
        kinds = [source.time_kind for source in sources]
        summary = summarise(mission, outcome, kinds, grades)
        summary["pictures"] = plan.block(grader.written, len(grades))
        if listed is not None:
            summary["boards"] = [board_results.block(one, scenario, listed) for one in boards]
        if pace is not None:
            summary["realtime"] = _pace(pace, scenario)
        yield Graded(mission, scenes, outcome, grader, grades, kinds, boards, listed, summary)
    finally:
        encoders.close()
        if tiles is not None:
            tiles.close()


def _pace(pace: PacedEnvironment, scenario: Scenario) -> dict[str, Any]:
    first = pace.behind_at
    return {
        "factor": scenario.realtime.factor if scenario.realtime else None,
        "behind_s": round(pace.behind_s, 3),
        "first_behind_s": None if first is None else to_seconds(first),
    }
