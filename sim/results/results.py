"""The results of a run, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ..board.figures import BoardFigures
from ..mission.preparation import Mission
from ..model.simulation import Outcome
from ..rate_distortion.tradeoff import Rating
from ..report.data import Crop
from . import boards as board_results


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a run: summary, tables, and what only the report shows.

    Attributes:
        mission: What was planned: orbits, passes and captures.
        outcome: What the simulation did with it.
        summary: Content of summary.json.
        events: One row for each event; if many were written to a file as they happened, only
            the columns that the report shows.
        frames: One row for each frame.
        passes: One row for each pass.
        accesses: One row for each imaging opportunity.
        board_tiles: One row for each job of a board; if many were written to a file as they were
            done, only the columns that the report shows. None without a board.
        crops: Parts of frames that the report shows beside their originals.
        ratings: Points of the trade-off's curves.
        boards: Figures of each board that encoded.
        remarks: Notes on how scenes and imagers fit, a line each.
        warnings: What went wrong with bitstreams that arrived, a line each.
        left_out: What the report lacks because it could not be made, each with its reason.
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
    board_tiles: pa.Table | None = None
    remarks: Sequence[str] = ()
    warnings: Sequence[str] = ()
    left_out: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Faults of boards, a line each."""
        return board_results.faults(self.boards, self.mission.flight.scenario)
