"""docs/library.md: its blocks run, in order, as a reader would type them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "library.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("```python") > 5
    names: dict[str, Any] = {"__name__": "library"}
    for block in blocks:
        # Blank lines in front, so that a traceback has the page's line numbers.
        lines = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(lines + block[1], str(PAGE), "exec"), names)
