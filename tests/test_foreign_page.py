"""docs/foreign-encoders.md says what the code does, and its commands work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from downpass.link.foreign import command, tensor_stream
from downpass.link.foreign.permission import ALLOW
from downpass.sim.cli import main, parser
from downpass.sim.scenario.yamltree import parse

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "foreign-encoders.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_placeholder_is_described() -> None:
    table = PAGE.partition("| placeholder |")[2].partition("\n\n")[0]
    assert set(re.findall(r"\{([a-z]+)\}", table)) == set(command.PLACEHOLDERS)


def test_the_tensor_stream_is_described_as_in_the_code() -> None:
    def fields(text: str) -> list[list[str]]:
        lines = text.partition("tensor stream = ")[2].splitlines()[:7]
        return [line.split()[:2] for line in lines]

    assert fields(PAGE) == fields(str(tensor_stream.__doc__))


def test_the_example_is_the_one_that_ships() -> None:
    shown: Any = parse(blocks("yaml")[0]).value
    shipped: Any = parse((ROOT / "scenarios" / "own-encoder.yaml").read_text()).value
    satellite = shipped["satellites"][0]
    assert shown["processor"] == satellite["processor"]
    codec = satellite["codec"]
    assert shown["codec"] == {key: codec[key] for key in shown["codec"]}
    named: Any = parse((ROOT / "scenarios" / "own-encoder" / "dct.yaml").read_text()).value
    for way in ("encode", "decode"):
        here = [word.replace("/own-encoder/", "/") for word in codec[way]]
        assert named[way] == here
    for key in ("name", "interleave", "qualities", "time_limit", "memory"):
        assert named[key] == codec[key]


def test_the_commands_are_commands() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 4
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "downpass"
        assert parser().parse_args(arguments).allow_programs


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOWNPASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(ALLOW, raising=False)
    changes = [
        *("duration=10 h", "satellites.0.codec.quality=75"),
        # A station near the targets and a faster radio, so that a few hours suffice.
        *("stations=[svalbard]", "satellites.0.transmitter.rate=128 kbit/s"),
    ]
    arguments = ["run", str(ROOT / "scenarios" / "own-encoder.yaml"), "--allow-programs"]
    for change in changes:
        arguments += ["--set", change]
    arguments += ["--out", str(tmp_path / "out"), "--no-tradeoff", "--no-delivered", "--quiet"]
    assert main(arguments) == 0
    frames = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()
    measured = [frame for frame in frames if frame["psnr_db"] is not None]
    assert measured
    whole = [frame["psnr_db"] for frame in measured if not frame["lost_tiles"]]
    assert whole
    assert min(whole) > 30
    assert not any(frame["undecodable_tiles"] for frame in measured)
