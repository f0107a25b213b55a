"""Where a scenario came from: its file, and the line of every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A scenario's file and its lines; a scenario made in Python has neither."""

    path: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, where: str) -> int | None:
        """The line, from 1, of a field such as `targets.0.scenes.0`, or of its nearest parent."""
        while where not in self.lines:
            if not where:
                return None
            where = where.rpartition(".")[0]
        return self.lines[where]

    def place_of(self, where: str) -> str:
        """`file:line: field`, as a problem begins."""
        parts = [str(self.path)] if self.path else []
        line = self.line_of(where)
        if parts and line is not None:
            parts.append(str(line))
        return ": ".join(p for p in (":".join(parts), where) if p)


@dataclass(frozen=True, slots=True)
class SceneReference:
    """A scene's path and where the scenario names it."""

    path: Path
    field: str
    source: Source

    @property
    def line(self) -> int | None:
        """The line that names it."""
        return self.source.line_of(self.field)

    def problem(self, message: str) -> str:
        """A problem with the scene as one line: `file:line: field: message`."""
        return f"{self.source.place_of(self.field)}: {message}"
