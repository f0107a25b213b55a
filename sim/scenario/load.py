"""Load a scenario file: return a checked Scenario, or report all faults at once."""

from __future__ import annotations

import copy
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...link.errors import InputError
from . import overrides as changes
from .problems import Problem, clashes_in, explain, keys_of, lines_of_problems, placed
from .refusal import one_line, shown
from .scenario import Scenario
from .source import ScenarioSource
from .yamltree import (
    DEEPEST,
    LARGEST_FILE,
    MOST_CHARACTERS,
    MOST_VALUES,
    Tree,
    YamlError,
    parse,
)

_SHOWN_PROBLEMS = 100
# Further problems are only counted: suggestions for 100,000 keys would take a minute.
_MOST_PROBLEMS = 1000


class ScenarioError(InputError):
    """A scenario that cannot be used.

    Attributes:
        problems: One line for each fault; the first thousand if there are more.
        unsaid: Number of further faults.
    """

    def __init__(self, problems: Sequence[str], unsaid: int = 0) -> None:
        self.problems = tuple(problems)
        self.unsaid = unsaid
        listed = list(self.problems[:_SHOWN_PROBLEMS])
        more = len(self.problems) - len(listed) + unsaid
        super().__init__("\n".join([*listed, f"… and {more} more"] if more else listed))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[str, ...], int]]:
        return type(self), (self.problems, self.unsaid)


def load_scenario(
    path: str | Path, overrides: Sequence[str] = (), text: str | None = None
) -> Scenario:
    """Read and check a scenario file.

    Args:
        path: The file. Relative paths of scenes start from its folder.
        overrides: Changes such as `satellites.0.codec.bpp=0.5`, applied before the check.
        text: Content of the file, if it was read before (`read_scenario`).

    Raises:
        ScenarioError: The file or an override has faults; all are listed.
    """
    path = Path(path)
    label = one_line(str(path))
    try:
        tree = parse(_read(path, label)) if text is None else _copied(_parsed(text))
    except YamlError as error:
        raise ScenarioError([placed(label, error.line) + f": {error.message}"]) from None
    if not isinstance(tree.value, dict):
        found = "an empty file" if tree.value is None else shown(tree.value)
        raise ScenarioError(
            [f"{label}: found {found}; allowed: a mapping with keys {keys_of(Scenario)}"]
        )
    problems = [Problem(where, message, line) for where, line, message in tree.faults]
    unsaid = 0
    changed, refused = _apply(tree, overrides)
    if changed and (too_much := _too_much(tree.value)):
        raise ScenarioError([*refused, f"{label}: with what --set adds it {too_much}"])
    source = ScenarioSource(path, tree.lines, changed)
    context = {"file": True, "folder": path.parent}
    try:
        scenario = Scenario.model_validate(tree.value, context=context)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        unsaid = max(0, len(errors) - _MOST_PROBLEMS)
        problems += explain(errors[:_MOST_PROBLEMS], tree.value, source)
        clashes = list(clashes_in(tree.value, source))
        unsaid += max(0, len(clashes) - _MOST_PROBLEMS)
        problems += clashes[:_MOST_PROBLEMS]
    if problems or refused:
        raise ScenarioError([*refused, *lines_of_problems(problems, source, label)], unsaid)
    # pydantic allows private attributes to be set on a frozen model.
    scenario._source = replace(source, entries=_entries(scenario), values=tree.value)
    return scenario


def _entries(scenario: Scenario) -> dict[str, str]:
    """Return the entry of the file for satellites and targets whose index is another."""
    satellites = ((f"satellites.{i}", s.entry, i) for i, s in enumerate(scenario.satellites))
    targets = ((f"targets.{i}", t.entry, i) for i, t in enumerate(scenario.targets))
    return {
        path: f"{path.partition('.')[0]}.{entry}"
        for path, entry, index in (*satellites, *targets)
        if entry not in (None, index)
    }


def read_scenario(path: str | Path) -> str:
    """Return a scenario file's text, for `load_scenario` to load it several times.

    Raises:
        ScenarioError: It cannot be read, is too large or is not UTF-8.
    """
    return _read(Path(path), one_line(str(path)))


@lru_cache(maxsize=2)
def _parsed(text: str) -> Tree:
    """Parse a text once, however often it is loaded with other overrides."""
    return parse(text)


def _copied(tree: Tree) -> Tree:
    """Return a tree whose values overrides may change."""
    return replace(tree, value=copy.deepcopy(tree.value))


def _read(path: Path, label: str) -> str:
    try:
        # Without O_NONBLOCK, opening a named pipe would block forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ScenarioError([f"{label}: found no regular file; allowed: a scenario file"])
            data = file.read(LARGEST_FILE + 1)
            size = os.fstat(descriptor).st_size
    except ValueError:
        raise ScenarioError([f"{label}: found a NUL in the path; allowed: a file's path"]) from None
    except OSError as error:
        reason = {
            errno.ENOENT: "no such file",
            errno.EISDIR: "found a folder; allowed: a scenario file",
            errno.EACCES: "no permission to read it",
            errno.ELOOP: "a loop of symbolic links",
            errno.ENOTDIR: "a part of the path is no folder",
        }.get(error.errno or 0, error.strerror or "cannot be read")
        raise ScenarioError([f"{label}: {reason}"]) from None
    if len(data) > LARGEST_FILE:
        raise ScenarioError(
            [f"{label}: found {max(size, len(data))} bytes; allowed: at most {LARGEST_FILE}"]
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            [f"{label}:{line}: found byte 0x{data[error.start]:02x}; allowed: UTF-8 text"]
        ) from None


def _apply(tree: Tree, overrides: Sequence[str]) -> tuple[frozenset[str], list[str]]:
    changed: set[str] = set()
    refused: list[str] = []
    for override in overrides:
        try:
            changed.update(changes.apply(tree.value, override))
        except changes.OverrideError as error:
            refused.append(one_line(str(error)))
    return frozenset(changed), refused


def _too_much(value: Any) -> str:
    """Return how a tree exceeds the limits; an override with `*` shares one value many times."""
    left, characters = MOST_VALUES, MOST_CHARACTERS
    pending = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        parts = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        left -= 1
        characters -= len(item) if isinstance(item, str) else 0
        if left < 0:
            return f"holds more than {MOST_VALUES} values"
        if characters < 0:
            return f"holds more than {MOST_CHARACTERS} characters"
        if depth > DEEPEST:
            return f"is nested more than {DEEPEST} deep"
        pending += [(part, depth + 1) for part in parts]
    return ""
