"""Report tiles that arrived whole and that their decoder refused or failed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...link.plurals import counted
from ..mission.preparation import Mission
from ..model.simulation import Outcome
from .grade import Grade


def undecodable_lines(
    mission: Mission, outcome: Outcome, grades: Mapping[int, Grade]
) -> Iterator[str]:
    """Yield a line for each satellite some of whose tiles are not decodable.

    What a board encoded is left out: its verdict names wrong tiles, decodable or not.

    Args:
        mission: What was planned.
        outcome: What the simulation did with it.
        grades: Grades of delivered frames, by frame number.
    """
    source = mission.flight.scenario.source
    for index, satellite in enumerate(outcome.satellites):
        found = {n: grades[n] for n in sorted(satellite.frames) if n in grades}
        bad = {n: grade for n, grade in found.items() if grade.undecodable_tiles}
        if bad and mission.flight.scenario.satellites[index].encoder.backend != "board":
            first, grade = next(iter(bad.items()))
            tiles = sum(grade.undecodable_tiles for grade in bad.values())
            yield (
                f"{source.place_of(f'satellites.{index}.codec')}: "
                f"{counted(tiles, 'tile')} of {len(bad)} of {len(found)} frames arrived "
                f"whole, but cannot be decoded and {'are' if tiles > 1 else 'is'} concealed; "
                f"frame {first}: {grade.why or 'no reason is known'}"
            )
