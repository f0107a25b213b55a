from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from cobs import cobs
from downpass.link.errors import InputError
from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import Kind, Status
from downpass.link.serial.events import Finished
from downpass.link.serial.faults.faulty_line import Faults
from downpass.link.serial.faults.line_proxy import LineProxy
from downpass.link.serial.framing import DELIMITER
from downpass.link.serial.host_settings import HostSettings
from downpass.link.serial.lines import PtySource
from downpass.link.serial.port import Port
from downpass.link.serial.testing.rehearsal import capabilities, plain_tile
from downpass.sim.board import client
from downpass.sim.board.access import BoardReset
from downpass.sim.board.client import BoardClient
from downpass.sim.board.emulators import board_port, running
from downpass.sim.board.trial_tiles import task
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
    assert out.splitlines()[-1] == "17 of 17 checks passed"


def test_chosen_checks_again_and_again_as_junit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    assert main(["board", "check", "emulator:agent", "--only", "CLOCK", "--only", "sessions",
                 "--repeat", "3", "--junit", str(junit)]) == 0  # fmt: skip
    rows = capsys.readouterr().out.splitlines()
    assert [row.split("  ")[0] for row in rows[:2]] == ["ok 3 of 3"] * 2
    assert rows[-1] == "6 of 6 checks passed"
    suites = ET.parse(junit).getroot()
    assert [
        (suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites
    ] == [("2", "0", "0")] * 3
    assert [case.get("name") for case in suites[0]] == ["clock", "sessions die"]


def test_a_failed_check_shows_its_frames_and_whose_fault_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The proxy drops every RESULT, so the board seems never to finish."""
    junit = tmp_path / "junit.xml"

    def no_result(frame: bytes) -> list[bytes]:
        kind = cobs.decode(frame)[0]
        return [] if kind == Kind.RESULT else [DELIMITER + frame + DELIMITER]

    with board_port("emulator:agent") as port, LineProxy(port, to_host=no_result) as line:
        assert main(["board", "check", line.address, "--only", "the same bytes",
                     "--junit", str(junit)]) == 1  # fmt: skip
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("FAIL the same bytes every time")
    assert "board: no RESULT" in shown
    assert "the last frames (> to the board, < from it)" in shown
    assert "> GOT 0: has 1 chunks" in shown
    assert shown.endswith("0 of 1 checks passed")
    (case,) = ET.parse(junit).getroot().iter("testcase")
    (failure,) = case
    assert (failure.tag, failure.get("type")) == ("failure", "board")
    assert "GOT 0" in str(failure.text)


def test_a_port_that_goes_away_is_one_line_after_what_was_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    seen = 0

    def vanishing(frame: bytes) -> list[bytes]:
        nonlocal seen
        seen += 1
        if seen == 40:
            threading.Thread(target=line.close).start()
        return [DELIMITER + frame + DELIMITER]

    with board_port("emulator:agent") as port:
        line = LineProxy(port, to_host=vanishing)
        assert main(["board", "check", line.address, "--junit", str(junit)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"{line.address}: the port is gone (")
    assert said.err.count("\n") == 1
    assert "greeting and versions" in said.out
    assert "error" in {child.tag for case in ET.parse(junit).iter("testcase") for child in case}


def test_a_board_that_hangs_is_reset_by_a_command(tmp_path: Path) -> None:
    """The command lets a stopped agent go on; nothing else does."""
    marks = tmp_path / "marks"
    with board_port("emulator:agent") as port, LineProxy(port) as line:
        command = f"sh -c 'echo reset >> {marks}'"
        reset = BoardReset(command)

        def release(port: Port) -> str:
            line.up.faults = line.down.faults = Faults()
            return reset(port)

        settings = HostSettings(silence=0.5, away=60)
        with BoardClient(line.address, settings=settings, reset=release) as client:
            client.capabilities()
            line.up.faults = line.down.faults = Faults(drop=1.0)
            one = task(client.capabilities(), np.zeros((4, 4, 3), int), 100)
            ((_, result),) = client.encode([one])
            assert isinstance(result, Finished)
            assert list(client.resets) == [""]
    assert marks.read_text() == "reset\n"


def test_a_board_that_answers_and_encodes_nothing_is_reset() -> None:
    """Only the reset lets it take tiles from its queue."""
    stopping, works = threading.Event(), threading.Event()
    source = PtySource()

    def serve() -> None:
        end, line = BoardEnd(capabilities(chunk=64), 5), source.open()
        while not stopping.is_set():
            end.receive(line.read(), 0)
            if works.is_set() and (work := end.take()) is not None:
                end.finish(Status.CODED, work.tile, 1)
            while data := end.send(0):
                line.write(data)
        line.close()

    def reset(_port: Port) -> str:
        works.set()
        return ""

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with BoardClient(source.address, settings=HostSettings(stuck=1), reset=reset) as client:
            ((_, result),) = client.encode([(plain_tile(b"abc"), b"abc")])
            assert isinstance(result, Finished)
            assert (list(client.resets), client.counts.stalls) == ([""], 1)
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize(("baud", "is_reset"), [(921_600, True), (300, False)])
def test_a_board_is_not_reset_before_its_line_can_have_opened_a_session(
    baud: int, is_reset: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_HANGS_S", 0.05)
    settings = HostSettings(baud=baud, away=30)
    with BoardClient("loop://", baud, settings, reset=lambda _: "") as host:
        host.submit(plain_tile(b"abc"), b"abc")
        time.sleep(0.8)  # the client looks at least every half second
        assert bool(host.resets) == is_reset


@pytest.mark.parametrize(
    ("how", "why_not"),
    [
        ("false", "false ended with status 1: "),
        ("/no/such/program", "/no/such/program cannot be run (No such file or directory)"),
        ("dtr", "loop://: this kind of port has no DTR"),
    ],
)
def test_a_reset_that_fails_says_why(how: str, why_not: str) -> None:
    with Port("loop://") as port:
        assert BoardReset(how)(port).startswith(why_not)


def test_a_line_of_the_port_is_released_and_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[tuple[str, bool]] = []
    source = PtySource()
    with Port(source.address) as port:
        kind = type(port._line)
        for name in ("dtr", "rts"):
            setter = property(None, lambda _, level, name=name: levels.append((name, level)))
            monkeypatch.setattr(kind, name, setter)
        assert BoardReset("rts")(port) == BoardReset("dtr")(port) == ""
        assert levels == [("rts", False), ("rts", True), ("dtr", False), ("dtr", True)]

        def broken(*_: object) -> None:
            raise OSError(25, "Inappropriate ioctl for device")

        monkeypatch.setattr(kind, "dtr", property(None, broken))
        assert BoardReset("dtr")(port).startswith(f"{source.address}: its DTR cannot be set")


@pytest.mark.parametrize("how", ["", "  ", "'unmatched"])
def test_a_reset_that_is_no_command(how: str) -> None:
    with pytest.raises(InputError, match="--reset"):
        BoardReset(how)


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
    per_s = figures["encode_megapixels_per_s"] * 1e6 * 4.0
    assert figures["encode_kmac_per_s"] == pytest.approx(per_s, rel=0.01)
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("command", "option"), [("bench", "--picture"), ("check", "--junit")])
def test_a_file_that_cannot_be_written_is_refused_before_the_board_is_asked(
    command: str, option: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nobody listens at this port, which only who opens it finds out."""
    path = tmp_path / "no" / "file"
    assert main(["board", command, "socket://127.0.0.1:1", option, str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}: cannot be written (No such file")


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
        (["serve", "--pty", "--largest-tile", "16385"], "--largest-tile 16385: allowed are 1 to 1"),
        (
            ["bench", "emulator:agent", "--side", "1", "--tiles", "100001"],
            "--tiles 100001 of 3 bytes: allowed are 1 to 100000",
        ),
        (
            ["check", "emulator:agent", "--trace", "a", "--junit", "./a"],
            "--junit a: is the file of --trace; allowed: another",
        ),
        (["build", "zedboard", "--out", "."], ".: cannot be written (it is no regular file)"),
        (["build", "zedboard", "--out", "no/z.elf"], "--out no/z.elf: there is no folder no"),
        (["serve", "--port", "spy://loop://"], "spy://loop://: spy:// is no kind of port here"),
        (["probe", "/dev/null"], "/dev/null: it is a device but no serial port; allowed: a"),
        (["bench", "alt://loop://?class=x"], "alt://loop://?class=x: alt:// is no kind of port"),
        (["check", "emulator:agent:--help"], "emulator:agent:--help: the emulator agent cannot"),
        (["check", "emulator:agent", "--only", "speed"], "--only speed: no check has this in its"),
        (["check", "emulator:agent", "--repeat", "0"], "--repeat 0: allowed are 1 to 1000"),
        (["check", "emulator:agent", "--trace", "/dev/null"], "/dev/null: cannot be written"),
        (["check", "loop://", "--reset-board", "'"], "--reset-board ': No closing quotation"),
        (["trace", "/no/such"], "/no/such: cannot be read (No such file or directory)"),
        (["emulate", "agent:spy"], "emulator:agent:spy: the emulator agent cannot do this"),
        (["emulate", "zynq-a9:spy"], "emulator:zynq-a9:spy: the emulator zynq-a9 cannot do this"),
        (
            ["emulate", "zynq-a9", "--job", "spy"],
            "emulator:zynq-a9:spy: the emulator zynq-a9 cannot do this",
        ),
        (["probe", "loop://", "--baud", "12345678901"], "baud 12345678901: allowed are 1 to"),
        (["probe", "socket://localhost"], "socket://localhost: found no port number; allowed: "),
        (["serve", "--listen", "here"], "address 'here': write it as HOST:PORT"),
        (["serve", "--listen", "127.0.0.1:²"], "address '127.0.0.1:²': write it as HOST:PORT"),
        (["serve", "--listen", "127.0.0.1:65536"], "address '127.0.0.1:65536': write it as HOST"),
        (["serve", "--listen", "::1:5331"], "address '::1:5331': write it as HOST:PORT"),
        (["serve", "--listen", "a..b:0"], "a..b:0: cannot listen there ("),
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


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo old: warning >&2; echo 'qemu: Error: no such machine' >&2; echo usage >&2", "qemu:"),
        ("echo one >&2; echo two >&2", "two"),
        ("exit 3", "it says nothing"),
    ],
)
def test_an_emulator_that_does_not_start_says_why_in_one_line(script: str, why: str) -> None:
    wanted = f"^the emulator m55 did not start: {why}[^\n]*$"
    with pytest.raises(InputError, match=wanted), running("m55", ["sh", "-c", script]):
        pass
