from __future__ import annotations

import json
from pathlib import Path

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
    assert out.splitlines()[-1] == "13 of 13 checks passed"


def test_a_student_board_passes_the_whole_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "check", "emulator:agent:student", "--json"]) == 0
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert all(one["fault"] is None for one in found.values())
    assert found["the bytes of this computer"]["note"] == "17 tiles"
    assert found["what the codec cannot do fails"]["note"] is None


def test_bench_gives_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "bench", "emulator:agent", "--tiles", "8", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["tiles"] == 8
    assert figures["raw_bytes"] == 8 * 64 * 64 * 3
    assert figures["time_kind"] == "measured"
    assert 0 < figures["encode_s_per_tile_median"] <= figures["encode_s_per_tile_max"]
    assert figures["encode_kmac_per_s"] is None


def test_bench_of_a_student_board_with_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "bench.png"
    assert main(["board", "bench", "emulator:agent:student", "--tiles", "4", "--json",
                 "--picture", str(picture)]) == 0  # fmt: skip
    figures = json.loads(capsys.readouterr().out)
    per_s = figures["encode_megapixels_per_s"] * 1e6 * 3.98
    assert figures["encode_kmac_per_s"] == pytest.approx(per_s, rel=0.01)
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_a_picture_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "no" / "bench.png"
    assert main(["board", "bench", "emulator:agent", "--tiles", "1", "--picture",
                 str(picture)]) == 2  # fmt: skip
    assert capsys.readouterr().err.startswith(f"{picture}: cannot be written (No such file")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["probe", "/dev/ttyNO"], "/dev/ttyNO: no such port"),
        (
            ["check", "emulator:abacus"],
            "emulator:abacus: no emulator has this name; allowed: agent, zynq-a9",
        ),
        (["serve", "--pty", "--codec", "jpeg1"], "codec 'jpeg1': allowed are"),
        (["serve", "--pty", "--slots", "0"], "--slots 0: allowed are 1 to 16"),
        (["serve", "--port", "spy://loop://"], "spy://loop://: spy:// is no kind of port here"),
        (["probe", "/dev/null"], "/dev/null: it is a device but no serial port; allowed: a"),
        (["bench", "alt://loop://?class=x"], "alt://loop://?class=x: alt:// is no kind of port"),
        (["check", "emulator:agent:--help"], "emulator:agent:--help: the emulator agent cannot"),
        (["emulate", "agent:spy"], "emulator:agent:spy: the emulator agent cannot do this"),
        (["emulate", "zynq-a9:spy"], "emulator:zynq-a9:spy: the emulator zynq-a9 cannot do this"),
        (
            ["emulate", "zynq-a9", "--job", "spy"],
            "emulator:zynq-a9:spy: the emulator zynq-a9 cannot do this",
        ),
        (["probe", "loop://", "--baud", "12345678901"], "baud 12345678901: allowed are 1 to"),
        (["probe", "socket://localhost"], "socket://localhost: found no port number; allowed: "),
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
    said = capsys.readouterr().err
    assert "no board for 5 s" in said
    assert "of this computer's own frames came back: is there a loopback plug" in said
