"""Which folder may import which: the table of docs/design.md, held against the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "link": {"link"},
    "payload": {"payload", "link"},
    "ground": {"ground", "link"},
    "ground/training": {"ground/training", "ground", "payload", "link"},
    "sim": {"sim", "ground/training", "ground", "payload", "link"},
}
"""By room: a file is in the longest of these that its path begins with."""
TOP = {room.split("/")[0] for room in ALLOWED}
MODULES = sorted(path for folder in TOP for path in (ROOT / folder).rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module or a path, by its parts from the top folder down."""
    return max(
        (room for room in ALLOWED if parts[: room.count("/") + 1] == (*room.split("/"),)), key=len
    )


def imported(path: Path) -> set[tuple[str, ...]]:
    """The modules of ours that a file imports, as parts from the top folder down."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            module = tuple(node.module.split(".")) if node.module else ()
            found |= {(*base, *module, alias.name) for alias in node.names}
        names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not any(name and name.startswith("downpass") for name in names), (
            f"{path}: imports within the package are relative"
        )
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_house(path: Path) -> None:
    room = room_of(path.relative_to(ROOT).parts)
    for target in imported(path):
        assert room_of(target) in ALLOWED[room], f"{path} imports {'.'.join(target)}"


def test_no_circle_among_modules() -> None:
    names = {path.relative_to(ROOT).with_suffix("").parts: path for path in MODULES}
    arrows = {
        name: {
            other
            for target in imported(path)
            for other in (target, target[:-1])
            if other in names and other != name
        }
        for name, path in names.items()
    }
    finished: set[tuple[str, ...]] = set()

    def visit(name: tuple[str, ...], way: tuple[tuple[str, ...], ...]) -> None:
        if name in finished:
            return
        assert name not in way, " -> ".join(".".join(step) for step in (*way, name))
        for other in sorted(arrows[name]):
            visit(other, (*way, name))
        finished.add(name)

    for name in sorted(arrows):
        visit(name, ())
    assert len(finished) == len(names)
