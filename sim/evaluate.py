"""Evaluate a scenario: one flat row of figures, and nothing written but the cache.

A sweep calls `evaluate` once for each of its points, in as many processes as it likes:

    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(evaluate, scenarios))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

from ..link.errors import InputError
from .frames.content_cache import open_cache
from .mission.flight import Flight, fly
from .model.events import NoEvents
from .run import graded
from .scenario.scenario import Scenario

Value: TypeAlias = str | int | float | bool | None


def evaluate(
    scenario: Scenario,
    cache: Path | None = None,
    *,
    flight: Callable[[Scenario], Flight] = fly,
    threads: int | None = None,
    measured: bool = True,
) -> dict[str, Value]:
    """Run a scenario and return its inputs and figures as one flat row.

    Nothing is written but the cache: no folder, no delivered frames, no report. Events are not
    kept, and crops and other rates are not tried. The scenario and the row can be pickled, so
    another process can do the work.

    Args:
        scenario: What to run.
        cache: Folder of encoded frames, which several processes may share; by default the
            user's own.
        flight: Computes the geometry; a sweep gives it once to all scenarios that share it.
        threads: Number of frames encoded or decoded at once; by default one for each core.
        measured: Whether delivered frames are decoded and measured. Without, a run takes a
            fraction of the time and figures of quality are None.

    Returns:
        What identifies the run: `version`, `file`, and each field that an override set, as
        `set.FIELD` in SI units; what the scenario does not keep, such as a station's `use`, as in
        the file. Then all figures of summary.json under their path, with dots
        between its steps: `total.bytes.captured`. Elements of lists are numbered from 0.

    Raises:
        InputError: As `run.run`; or two figures would have the same name, because the name of
            a satellite or a scene contains dots.
    """
    with graded(
        scenario,
        cache=open_cache(cache),
        choice="none",
        sink=NoEvents(),
        flight=flight,
        threads=threads,
        measured=measured,
    ) as simulated:
        summary = simulated.summary
    source = scenario.source
    inputs: dict[str, Any] = {
        "version": version("downpass"),
        "file": None if source.path is None else str(source.path),
    }
    overrides = dict(_overrides(scenario))  # one may lie within another
    row: dict[str, Value] = {}
    for name, value in (*_flat(inputs), *overrides.items(), *_flat(summary)):
        if name in row:
            raise InputError(
                f"figure {name}: found twice; allowed: names of satellites and scenes that do "
                "not look like a part of another figure's name"
            )
        row[name] = value
    return row


def _overrides(scenario: Scenario) -> Iterator[tuple[str, Value]]:
    """Yield each field that an override set, with its value in SI units.

    What the scenario does not keep (a station's `use`, a file of targets, a constellation) has the
    value of the file.
    """
    if not scenario.source.overridden:
        return
    content = _entries(scenario)
    for path in sorted(scenario.source.overridden):
        steps = path.split(".")
        try:
            value = _at(content, steps)
        except LookupError:
            value = _at(scenario.source.values, steps)
        yield from _flat(value, f"set.{path}")


def _entries(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as plain values, with the entries of its file.

    One entry may stand for many satellites or targets, and the first of them for all. Its orbit,
    or its name and place, are not the entry's, and are left out.
    """
    content = scenario.model_dump(mode="json", by_alias=True)
    numbers = {
        "satellites": [satellite.entry for satellite in scenario.satellites],
        "targets": [target.entry for target in scenario.targets],
    }
    for section, given in numbers.items():
        entries: dict[str, Any] = {}
        for index, (number, found) in enumerate(zip(given, content[section], strict=True)):
            entry = str(index if number is None else number)
            if entry in entries:
                entries[entry] = {k: v for k, v in entries[entry].items() if found[k] == v}
            else:
                entries[entry] = found
        content[section] = entries
    return content


def _at(content: Any, steps: Sequence[str]) -> Any:
    """Return the value that steps lead to.

    Raises:
        LookupError: There is none.
    """
    for step in steps:
        if isinstance(content, list):
            content = content[int(step)]
        elif isinstance(content, Mapping):
            content = content[step]
        else:
            raise LookupError(step)
    return content


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Value]]:
    """Yield each leaf of nested mappings and lists with its path."""
    parts: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        yield path, value
        return
    for key, part in parts:
        yield from _flat(part, f"{path}.{key}" if path else str(key))
