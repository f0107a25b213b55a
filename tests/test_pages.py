"""The pages' links lead to files and headings that exist, and their commands know their options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from downpass.sim.cli import parser

ROOT = Path(__file__).parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")} - {ROOT / "CHANGELOG.md"})
"""All but the changelog, which tells of earlier pages and commands, too."""


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.M)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name) if name else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"(?<![\w/.])docs/[\w-]+\.(?:md|png)", page.read_text("utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of a page's commands: lines of blocks, and what stands between backticks."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    program = r"(?:downpass [a-z]|python (?:benchmarks/|-m downpass\.))[^`\n…]*"
    blocks = re.findall(r"^```.*?^```|^    .*?$", text, flags=re.S | re.M)
    for line in re.findall(rf"^\s*(?:\$ |nice )*({program})$", "\n".join(blocks), flags=re.M):
        yield line.partition(" #")[0].split()
    for line in re.findall(rf"`(?:nice )?({program})`", text):
        yield line.split()


def known_options(words: list[str]) -> str | None:
    """Return a text with all options of a command; None if it does not exist."""
    if words[0] == "downpass":
        inner = parser()
        for word in words[1:]:
            below = [a for a in inner._actions if isinstance(a, argparse._SubParsersAction)]
            if not below:
                break
            if not set(word.split("|")) <= set(below[0].choices):
                return None
            inner = below[0].choices[word.split("|")[0]]
        return " ".join(inner._option_string_actions)
    if words[1] == "-m":
        path = ROOT / words[2].removeprefix("downpass.").replace(".", "/")
        files = [path.with_suffix(".py"), *path.glob("*.py"), *path.parent.glob("*.py")]
        exists = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
    else:
        files = [ROOT / words[1]]
        exists = files[0].exists()
    return " ".join(f.read_text("utf-8") for f in files if f.exists()) if exists else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Path) -> None:
    for words in commands(page):
        known = known_options(words)
        assert known is not None, f"{' '.join(words)}: no such command"
        options = [word.strip("[],.;:()").partition("=")[0] for word in words]
        unknown = [o for o in options if re.fullmatch("--[a-z-]+", o) and o not in known]
        assert not unknown, " ".join(words)
