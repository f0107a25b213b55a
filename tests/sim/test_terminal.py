"""What the command line writes: nothing hostile reaches the terminal, and no output is no fault."""

# ruff: noqa: RUF001  (letters of other scripts are what is tested)

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from downpass.sim.console.terminal import console
from rich.table import Table
from small_scenarios import downpass, pixels, scenario, write, write_scene

HOSTILE = "a\x1b[31m\x9b\u202e\u2066[red]$x^2$\u200b"
SHOWN = r"a\x1b[31m\x9b\u202e\u2066[red]$x^2$\u200b"


def harmless(text: str) -> None:
    acting = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert acting <= {"\n"}, acting


# Names from outside


def test_a_file_with_a_hostile_name_is_shown_in_full_and_does_not_act(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    for command in (
        ("validate", tmp_path / f"{HOSTILE}.yaml"),
        ("passes", tmp_path / f"{HOSTILE}.yaml"),
        ("codec", "info", tmp_path / f"{HOSTILE}.dp"),
        ("codec", "decode", tmp_path / f"{HOSTILE}.dp", tmp_path / "o.tif"),
        ("schema", f"--{HOSTILE}"),
        ("board", "probe", f"/dev/{HOSTILE}"),
    ):
        said = downpass(*command)
        assert said.status == 2, command
        harmless(said.out + said.err)
        assert SHOWN.split("$", maxsplit=1)[0] in said.out + said.err, command


def test_a_line_feed_in_a_name_forges_no_line(tmp_path: Path) -> None:
    said = downpass("codec", "info", tmp_path / "a\nok: all is well")
    assert said.err.count("\n") == 1
    said = downpass("validate", tmp_path / "a\nok: all is well.yaml")
    assert said.out.count("\n") == 1


def test_hostile_text_of_a_scenario_and_its_scenes(tmp_path: Path) -> None:
    scene = f"{HOSTILE}.tif"
    write_scene(tmp_path / scene)
    content = scenario(scene, description=f"{HOSTILE} שדה בוקר مطار می\u200cخواهم", duration="6 h")
    file = write(tmp_path, content)
    out = tmp_path / "out"
    said = downpass("run", file, "--out", out, "--cache", tmp_path / "c", "--json")
    assert said.status == 0, said
    harmless(said.out + said.err)
    assert json.loads(said.out)["total"]["frames"]["delivered"]
    page = (out / "report.html").read_text()
    for character in page:
        if ord(character) > 126 and character != "\u200c":
            assert unicodedata.category(character) not in {"Cc", "Cf", "Cs"}, hex(ord(character))
    assert "\x1b" not in page
    assert "שדה בוקר مطار می\u200cخواهم" in page
    assert rf"{SHOWN[:14]}" in page
    content["targets"][0]["scenes"] = [scene, f"{HOSTILE}-absent.tif"]
    said = downpass("run", write(tmp_path, content), "--out", out, "--cache", tmp_path / "c")
    assert said.status == 2
    harmless(said.err)


def test_markup_in_a_name_is_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=f"[bold]{HOSTILE}")
    table.add_column("[link=http://x]name[/link]")
    table.add_row(f"[red]{HOSTILE}[/red] :rocket:")
    console().print(table)
    said = capsys.readouterr().out
    harmless(said)
    assert f"[red]{SHOWN}[/red] :rocket:" in said
    assert "[link=http://x]name[/link]" in said
    assert f"[bold]{SHOWN}" in said


# Streams that cannot be written


COMMAND = [sys.executable, "-m", "downpass.sim.cli"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    write_scene(folder / "scene.tif", pixels())
    return write(folder, scenario(duration="3 h"))


def shell(line: str, file: Path) -> tuple[int, str, str]:
    command = " ".join(COMMAND)
    ran = subprocess.run(
        ["/bin/sh", "-c", line.format(downpass=command, file=file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"DOWNPASS_CACHE": ""},
    )
    return ran.returncode, ran.stdout, ran.stderr


FULL = "standard output: cannot be written (No space left on device)\n"
CLOSED = "standard output: cannot be written (it is closed)\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{downpass} passes {file} > /dev/full", (1, "", FULL)),
        ("{downpass} passes {file} --json > /dev/full", (1, "", FULL)),
        ("{downpass} schema > /dev/full", (1, "", FULL)),
        ("{downpass} --help > /dev/full", (1, "", FULL)),
        ("{downpass} --version > /dev/full", (1, "", FULL)),
        ("{downpass} validate {file} >&-", (1, "", CLOSED)),
        ("{downpass} validate {file}x 2>/dev/full >/dev/null", (2, "", "")),
        ("{downpass} passes {file}x 2>/dev/full", (2, "", "")),
        ("{downpass} passes {file}x 2>&-", (2, "", "")),
        ("{downpass} run {file} --out {file}.out --quiet >&- 2>&- <&-", (0, "", "")),
    ],
)
def test_an_output_that_cannot_be_written(
    file: Path, line: str, said: tuple[int, str, str]
) -> None:
    assert shell(line, file) == said


@pytest.mark.parametrize("command", ["schema", "passes {file} --json", "passes {file}"])
def test_a_reader_that_takes_one_line(file: Path, command: str) -> None:
    status, out, err = shell("{downpass} " + command + " | head -n 1", file)
    assert (status, err) == (0, "")
    assert out


def test_letters_that_the_terminal_lacks_are_escaped(file: Path) -> None:
    ran = subprocess.run(
        [*COMMAND, "validate", f"{file.parent}/ü.yaml"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert rb"\xfc.yaml: no such file" in ran.stdout
