"""Record the origin of a scenario: its file, and the line of each field, for messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ScenarioSource:
    """A scenario's file and its lines; a scenario made in Python has neither.

    Attributes:
        path: The file.
        lines: The line (from 1) of every field, by its path, such as `targets.0.scenes.0`.
        overridden: The fields that the command line set instead of the file.
        entries: The entry of the file, such as `satellites.0`, for each satellite or target that
            has another index than its entry, because an entry before it stands for many.
        values: The file's plain values, with those that the command line set instead.
    """

    path: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()
    entries: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def entry_of(self, where: str) -> str:
        """Return a field's path in the file, where one entry may stand for many satellites."""
        head = ".".join(where.split(".", 2)[:2])
        return self.entries.get(head, head) + where[len(head) :]

    def line_of(self, where: str) -> int | None:
        """Return the line of a field, or of the innermost section around it."""
        while where not in self.lines:
            if not where:
                return None
            where = where.rpartition(".")[0]
        return self.lines[where]

    def is_override(self, where: str) -> bool:
        """Return whether a field, or a section around it, came from the command line."""
        if where not in self.lines and any(o.startswith(f"{where}.") for o in self.overridden):
            return True
        while where:
            if where in self.overridden:
                return True
            where = where.rpartition(".")[0]
        return False

    def place_of(self, where: str) -> str:
        """Return how a message on a field begins: `file:line: field`, or `--set field`."""
        where = self.entry_of(where)
        if self.is_override(where):
            return f"--set {where}"
        if self.path is None:
            return where
        line = self.line_of(where)
        return f"{self.path}: {where}" if line is None else f"{self.path}:{line}: {where}"


@dataclass(frozen=True, slots=True)
class SceneReference:
    """A scene's path and its place in the scenario file.

    Attributes:
        path: The scene's path.
        field: The field that holds it, such as `targets.0.scenes.0`.
        source: The scenario's file.
        target: Index of the target that it shows.
    """

    path: Path
    field: str
    source: ScenarioSource
    target: int

    @property
    def line(self) -> int | None:
        """Line of the scene's field."""
        return self.source.line_of(self.source.entry_of(self.field))

    def problem(self, message: str) -> str:
        """Return a problem with the scene as one line: `file:line: field: message`."""
        return f"{self.source.place_of(self.field)}: {message}"
