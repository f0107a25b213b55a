"""Names of a scenario's scenes in results: the file's name, and its folders if two share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .scenario import Scenario


def scene_names(scenario: Scenario) -> dict[Path, str]:
    """Return the name of each scene of a scenario's targets; see `names_of`."""
    return names_of(path for target in scenario.targets for path in target.scenes)


def names_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Return a name for each file, and no two names alike.

    A name has as many of the last folders as tell the file from all others of its name:
    `scene.tif`, or `north/scene.tif` and `south/scene.tif`.
    """
    files = list(dict.fromkeys(paths))
    names: dict[Path, str] = {}
    parts = 1
    while left := [path for path in files if path not in names]:
        ends = {path: "/".join(path.parts[-parts:]) for path in left}
        count = Counter(ends.values())
        names |= {
            path: end for path, end in ends.items() if count[end] == 1 or parts >= len(path.parts)
        }
        parts += 1
    return names
