"""The plan of a sweep: its points and cells, in an order that does not depend on who runs them.

A *point* is one combination of values. A *cell* is a point with one seed, and so one run:

    cell 0: point 0, seed 1      cell 2: point 1, seed 1
    cell 1: point 0, seed 2      cell 3: point 1, seed 2
"""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...link.errors import InputError
from ..scenario.load import load_scenario
from ..scenario.overrides import OverrideError, apply, place_of
from ..scenario.refusal import shown
from ..scenario.scenario import Scenario
from ..scenario.sweep import MOST_CELLS, MOST_FIELDS, SweepSpec
from .axes import SEED, Axis, axis, override, written
from .shared_flight import matters

_LARGEST_SEED: Final = 2**63 - 1
_TRIED: Final = 20
"""In how many cells a value is tried before it is refused."""
_IDLE: Final = ("description", "realtime", "report", "sweep")
"""Sections that do not change what a cell is."""
_CHECKED: Final = 200
"""Most values of an axis that are checked before the sweep begins, its ends among them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep.

    Attributes:
        index: Its number, from 0.
        point: The number of its point.
        values: The value of each axis.
        seed: Its seed.
        overrides: What makes the cell of the scenario file, as for `load_scenario`.
    """

    index: int
    point: int
    values: tuple[Any, ...]
    seed: int
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a sweep.

    Attributes:
        axes: What varies, without the seed.
        seeds: The seeds that each point is run with.
        points: The values of each axis, by point.
        base: Overrides of all cells, from `--set`.
        sampled: Whether the points are drawn instead of every combination.
    """

    axes: tuple[Axis, ...]
    seeds: tuple[int, ...]
    points: tuple[tuple[Any, ...], ...]
    base: tuple[str, ...] = ()
    sampled: bool = False

    def __len__(self) -> int:
        return len(self.points) * len(self.seeds)

    def cell(self, index: int) -> Cell:
        """Return a cell by its number."""
        point, place = divmod(index, len(self.seeds))
        values, seed = self.points[point], self.seeds[place]
        changes = [override(a.field, v) for a, v in zip(self.axes, values, strict=True)]
        return Cell(index, point, values, seed, (*self.base, *changes, override(SEED, seed)))

    def cells(self) -> Iterator[Cell]:
        """Yield all cells in order."""
        return map(self.cell, range(len(self)))

    def in_running_order(self) -> list[int]:
        """Return the numbers of all cells so that those that share work follow each other.

        Cells of one geometry come together, and among them those of one codec.
        """
        first = [n for n, a in enumerate(self.axes) if matters(a.field)]
        second = [n for n, a in enumerate(self.axes) if n not in first and ".codec" in a.field]
        ranks = [
            {override("", value): rank for rank, value in enumerate(a.values)} for a in self.axes
        ]

        def key(index: int) -> tuple[int, ...]:
            point, place = divmod(index, len(self.seeds))
            values = self.points[point]
            leading = (ranks[n][override("", values[n])] for n in (*first, *second))
            return (*leading, place, point)

        return sorted(range(len(self)), key=key)


def make_plan(
    scenario: Scenario,
    axes: Sequence[Axis] = (),
    *,
    seeds: int | None = None,
    sample: int | None = None,
    base: Sequence[str] = (),
) -> Plan:
    """Make the plan of a sweep.

    Args:
        scenario: The scenario, whose `sweep` section adds to what the command line gives. An axis
            of the same field in `axes` takes its place.
        axes: Axes from the command line.
        seeds: Number of seeds of each point, instead of any that the section lists; by default as
            the section says.
        sample: Number of points to draw; by default as the section says.
        base: Overrides of all cells.

    Raises:
        InputError: Nothing varies, an axis lies within another, or there are too many cells.
    """
    section = scenario.sweep or SweepSpec()
    given = {a.field for a in axes}
    if len(given) < len(axes):
        twice = next(a.field for n, a in enumerate(axes) if a.field in {b.field for b in axes[:n]})
        raise InputError(f"--over {twice}: found twice; allowed: once")
    own = [axis(field, values) for field, values in section.over.items() if field not in given]
    if seeds is not None:
        if SEED in given:
            raise InputError("--seeds: --over seed lists the seeds already; allowed: one of them")
        own = [a for a in own if a.field != SEED]
    varied, chosen = _seeds([*own, *axes], scenario.seed, section.seeds if seeds is None else seeds)
    if not varied and len(chosen) < 2:
        raise InputError(
            "nothing varies; allowed: --over FIELD=VALUES, --seeds N, or a sweep section in the "
            "scenario"
        )
    _check_overlap(varied, scenario.source.values)
    sample = section.sample if sample is None else sample
    if sample is not None:
        if sample < 1:
            raise InputError(f"--sample: found {sample}; allowed: 1 to {MOST_CELLS}")
        _check_count([sample], len(chosen))
        varied, points = _sample(varied, sample, scenario.seed)
    else:
        endless = next((a for a in varied if not a.values), None)
        if endless is not None:
            raise InputError(
                f"--over {endless.field}: found a range without a number of values; allowed: "
                "FROM..TO:COUNT, or --sample N"
            )
        _check_count([len(a.values) for a in varied], len(chosen))
        points = tuple(itertools.product(*(a.values for a in varied)))
    return Plan(tuple(varied), chosen, points, tuple(base), sample is not None)


def check_plan(plan: Plan, path: Path, text: str) -> set[Path]:
    """Check every value before anything runs: some cell must be able to load with it.

    A value may clash with some values of other axes; such cells are rows with an error. A value
    that fails in every cell that is tried is a fault of the sweep.

    Args:
        plan: The plan.
        path: The scenario's file.
        text: Its content.

    Returns:
        The scenes of all cells that were loaded: those that files of targets name, too.

    Raises:
        InputError: A value cannot be used.
    """
    scenes: set[Path] = set()
    usable: set[tuple[int, str]] = set()
    failures: dict[tuple[int, str], tuple[int, InputError]] = {}
    wanted = {
        (place, override("", value))
        for place, a in enumerate(plan.axes)
        for value in _some(a.values)
    }
    step = len(plan.seeds)
    for index in range(0, len(plan), step):
        cell = plan.cell(index)
        keys = {(place, override("", value)) for place, value in enumerate(cell.values)}
        open_keys = (keys & wanted) - usable
        if not open_keys:
            if not plan.axes and index == 0:
                scenes |= _scenes(load_scenario(path, cell.overrides, text))
            continue
        try:
            scenes |= _scenes(load_scenario(path, cell.overrides, text))
        except InputError as error:
            for key in open_keys:
                tries = failures[key][0] + 1 if key in failures else 1
                failures[key] = tries, failures[key][1] if key in failures else error
                if tries >= _TRIED:
                    raise _as_over(failures[key][1], plan) from None
        else:
            usable |= keys
            if wanted <= usable:
                break
    refused = [failures[key][1] for key in sorted(wanted - usable) if key in failures]
    if refused:
        raise _as_over(refused[0], plan)
    return scenes


def _scenes(scenario: Scenario) -> set[Path]:
    return {scene for target in scenario.targets for scene in target.scenes}


def _as_over(error: InputError, plan: Plan) -> InputError:
    """Return an error with the option that the user wrote, if there was only one kind."""
    return error if plan.base else InputError(str(error).replace("--set ", "--over "))


def _some(values: Sequence[Any]) -> list[Any]:
    if len(values) <= _CHECKED:
        return list(values)
    last = len(values) - 1
    return [values[place * last // (_CHECKED - 1)] for place in range(_CHECKED)]


def seeds_from(first: int, number: int) -> tuple[int, ...]:
    """Return a number of seeds: the scenario's, and those that follow it.

    Raises:
        InputError: They would pass the largest seed.
    """
    if first + number - 1 > _LARGEST_SEED:
        raise InputError(
            f"--seeds: found {number} from seed {first} on; allowed: none above {_LARGEST_SEED}"
        )
    return tuple(range(first, first + number))


def _seeds(axes: list[Axis], first: int, number: int) -> tuple[list[Axis], tuple[int, ...]]:
    """Take the seed's axis, if there is one, out of the axes."""
    if not 1 <= number <= MOST_CELLS:
        raise InputError(f"--seeds: found {number}; allowed: 1 to {MOST_CELLS}")
    own = next((a for a in axes if a.field == SEED), None)
    if own is None:
        return axes, seeds_from(first, number)
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in own.values):
        raise InputError(f"--over seed: found {written(own.values)}; allowed: whole numbers")
    bad = next((value for value in own.values if not 0 <= value <= _LARGEST_SEED), None)
    if bad is not None:
        raise InputError(f"--over seed: found {bad}; allowed: 0 to {_LARGEST_SEED}")
    return [a for a in axes if a is not own], tuple(own.values)


def _check_overlap(axes: Sequence[Axis], values: Mapping[str, Any]) -> None:
    """Check that every axis has an effect, and none sets what another one sets.

    Fields are compared by what they set, because `satellites.0`, `satellites.*` and the
    satellite's name may be the same satellite.
    """
    if len(axes) > MOST_FIELDS:
        raise InputError(f"found {len(axes)} fields that vary; allowed: at most {MOST_FIELDS}")
    owners: dict[str, str] = {}
    for a in axes:
        if a.field.partition(".")[0] in _IDLE:
            raise InputError(
                f"--over {shown(a.field)}: no cell depends on it; allowed: fields other than "
                f"{', '.join(_IDLE)}"
            )
        for place in _places(a, values):
            other = owners.setdefault(place, a.field)
            if other != a.field:
                raise InputError(
                    f"--over {shown(a.field)}: sets the same as {shown(other)}, which varies too; "
                    "allowed: one of them"
                )
    for place, field in owners.items():
        outer = next((part for part in _sections(place) if part in owners), place)
        if owners[outer] != field:
            raise InputError(
                f"--over {shown(field)}: lies within {shown(owners[outer])}, which varies too; "
                "allowed: one of them"
            )


def _places(a: Axis, values: Mapping[str, Any]) -> list[str]:
    """Return what an axis sets; its field itself if that cannot be set."""
    first = a.values[0] if a.values else None
    try:
        return [*map(place_of, apply(copy.deepcopy(values), override(a.field, first)))]
    except OverrideError:
        return [a.field]  # `check_plan` reports it


def _sections(place: str) -> Iterator[str]:
    """Yield the sections around a path, the outermost first."""
    steps = place.split(".")
    return (".".join(steps[:count]) for count in range(1, len(steps)))


def _check_count(counts: Sequence[int], seeds: int) -> None:
    total = math.prod(counts) * seeds
    if total > MOST_CELLS:
        product = " x ".join(str(count) for count in (*counts, seeds))
        raise InputError(
            f"found {total} cells ({product} seeds); allowed: at most {MOST_CELLS}, so give fewer "
            "values or seeds, or --sample N"
        )


def _sample(
    axes: Sequence[Axis], count: int, seed: int
) -> tuple[list[Axis], tuple[tuple[Any, ...], ...]]:
    """Draw points by a Latin hypercube (McKay, Beckman and Conover 1979).

    Each axis is cut into as many slices as there are points, and each slice is used once.
    """
    drawn = []
    for a in axes:
        numbers = random.Random(f"sweep/{seed}/{a.field}")  # noqa: S311
        # Sorting by random keys: unlike `shuffle`, `random` stays the same in every Python.
        slices = sorted(range(count), key=lambda _: numbers.random())
        drawn.append(a.drawn(slices, [numbers.random() for _ in slices]))
    points = tuple(zip(*(a.values for a in drawn), strict=True)) if drawn else ((),)
    kept = [Axis(a.field, _distinct(a.values), a.interval) for a in drawn]
    return kept, points


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple({override("", value): value for value in values}.values())
