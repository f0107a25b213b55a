"""What docs/linux-boards.md tells people to type, as far as it can be checked without a board.

`.ci/run` runs its commands for the installation on a bare machine.
"""

from __future__ import annotations

import argparse
import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from downpass.link.serial.portname import port_fault
from downpass.payload.board.serve import add_serve, serve_line
from downpass.sim.cli import parser

from .test_tilecoder import NEEDED, distribution_of

ROOT = Path(__file__).parents[3]
PAGES = {
    name: (ROOT / "docs" / name).read_text("utf-8") for name in ("linux-boards.md", "boards.md")
}
TEXT = PAGES["linux-boards.md"]
AGENT = "-m downpass.payload.board "


def commands(text: str) -> Iterator[str]:
    """The commands of a page, one a line, as a shell would split them at &&."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S) + re.findall(r"^    (\S.*)$", text, re.M)
    for block in blocks:
        for line in block.splitlines():
            yield from (part.strip() for part in line.split(" && "))


def served() -> list[str]:
    """The arguments of every agent that the pages start, the systemd unit's included."""
    lines = [line for text in PAGES.values() for line in commands(text) if AGENT in line]
    unit = configparser.ConfigParser()
    unit.read_string(re.search(r"```ini\n(.*?)```", TEXT, re.S)[1])  # type: ignore[index]
    return [line.partition(AGENT)[2] for line in (*lines, unit["Service"]["ExecStart"])]


def test_there_are_agents_to_check() -> None:
    assert len(served()) == 3


@pytest.mark.parametrize("line", served())
def test_the_agents_command_lines_are_understood(line: str) -> None:
    whole = argparse.ArgumentParser()
    add_serve(whole.add_subparsers(required=True))
    parsed = whole.parse_args(shlex.split(line))
    assert parsed.run is serve_line
    assert parsed.codec is None
    assert port_fault(parsed.port) == ""


def test_the_hosts_command_lines_are_understood() -> None:
    lines = [line for line in commands(TEXT) if line.startswith("downpass ")]
    assert len(lines) == 3
    for line in lines:
        parser().parse_args(shlex.split(line)[1:])


def test_the_packages_are_those_that_a_board_needs() -> None:
    """With the bounds of pyproject.toml, where it has the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = {re.split("[>=]", one)[0]: one for one in project["dependencies"]}
    needed = {bounds[distribution_of(name)] for name in NEEDED}
    installs = [
        shlex.split(line.partition("pip install ")[2])
        for text in PAGES.values()
        for line in commands(text)
        if "pip install" in line
    ]
    packages = [words for words in installs if "--no-deps" not in words]
    assert [words for words in installs if "--no-deps" in words] == [["--no-deps", "."]] * 3
    for words in packages:
        for word in words:
            name, _, version = word.partition(">=")
            full = bounds[name].partition(">=")[2]
            assert full == version or full.startswith(f"{version}."), word
    names = [{word.partition(">=")[0] for word in words} for words in packages]
    all_three = {one.partition(">=")[0] for one in needed}
    assert names.count(all_three) == 2, "the first installation, and the one in boards.md"
    assert all_three - {"numpy"} in names, "armv7, whose numpy is the distribution's"


def test_every_port_of_the_page_may_be_opened() -> None:
    ports = set(re.findall(r"`(/dev/tty\w+|socket://\w+:\d+)`", TEXT))
    assert len(ports) >= 8
    assert [name for name in ports if port_fault(name)] == []
