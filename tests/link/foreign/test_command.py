"""Programs as files name them: found, filled in, and told apart by what they contain."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.link.foreign.command import Command, unknown_placeholders


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_placeholders_are_filled_in_without_a_shell() -> None:
    command = Command.find(
        "x", ["{python}", "-c", "{width}x{height}", "$(id)", "{quality} {other}"]
    )
    assert command.line({"width": "3", "height": "{width}", "quality": "a b"}) == [
        *(sys.executable, "-c", "3x{width}", "$(id)", "a b {other}"),
    ]
    assert command.names("width")
    assert not command.names("input")
    assert unknown_placeholders(["{input}", "{imput}", "{quality}"], ["quality"]) == [
        *("imput", "quality")
    ]


def test_a_program_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^encode: found no program no-such in PATH that"):
        Command.find("encode", ["no-such"])
    (tmp_path / "plain").write_text("")
    with pytest.raises(InputError, match="that can be executed"):
        Command.find("encode", [str(tmp_path / "plain")])
    with pytest.raises(InputError, match="cannot be read"):
        Command.find("encode", ["cat"], [tmp_path / "missing"])
    with pytest.raises(InputError, match="no regular file"):
        Command.find("encode", ["cat"], [Path("/dev/zero")])


def test_the_digest_follows_what_the_results_depend_on(tmp_path: Path) -> None:
    def digest(folder: str = "here", *words: str, files: tuple[str, ...] = ()) -> str:
        program = tmp_path / folder / "encoder"
        table = tmp_path / folder / "table"
        return Command.find(
            "x",
            [str(program), str(table), *words],
            [tmp_path / folder / name for name in files],
        ).digest

    for folder in ("here", "there"):
        executable(tmp_path / folder / "encoder")
        (tmp_path / folder / "table").write_text("1 2 3")
        (tmp_path / folder / "weights").write_text("7")
    first = digest()
    assert digest("there") == first  # a folder may be moved
    seen = {first, digest("here", "-v"), digest("here", "-v", "x"), digest(files=("weights",))}
    (tmp_path / "here" / "weights").write_text("8")
    seen.add(digest(files=("weights",)))
    (tmp_path / "here" / "table").write_text("1 2 4")
    seen.add(digest())
    executable(tmp_path / "here" / "encoder", "#!/bin/sh\n:\n")
    seen.add(digest())
    assert len(seen) == 7
