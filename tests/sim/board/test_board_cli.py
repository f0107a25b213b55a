from __future__ import annotations

import json

import pytest
from downpass.sim.cli import main


def test_list_shows_the_emulators(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "list"]) == 0
    assert "emulator:agent " in capsys.readouterr().out


def test_probe_says_who_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "probe", "emulator:agent", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["name"] == "agent"
    assert facts["codec"] == "jpeg2000"
    assert facts["clock"] == "1000000000 ticks a second, measured"


def test_the_agent_passes_the_whole_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "check", "emulator:agent"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "12 of 12 checks passed"


def test_bench_gives_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "bench", "emulator:agent", "--tiles", "8", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["tiles"] == 8
    assert figures["raw_bytes"] == 8 * 64 * 64 * 3
    assert figures["time_kind"] == "measured"
    assert 0 < figures["encode_s_per_tile_median"] <= figures["encode_s_per_tile_max"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["probe", "/dev/ttyNO"], "/dev/ttyNO: no such port"),
        (["check", "emulator:abacus"], "emulator 'abacus': there are agent, zynq-a9"),
        (["serve", "--pty", "--codec", "jpeg1"], "codec 'jpeg1': allowed are"),
        (["serve", "--pty", "--slots", "0"], "--slots 0: allowed are 1 to 16"),
        (["serve", "--listen", "here"], "address 'here': write it as HOST:PORT"),
    ],
)
def test_bad_input_gets_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["board", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(line)
    assert said.err.count("\n") == 1


def test_a_port_where_nobody_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "probe", "loop://"]) == 2
    assert "no board for 5 s" in capsys.readouterr().err
