"""Traces of whole commands: recorded, shown and sent again."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from downpass.link.serial.constants import Code, Stage, Status
from downpass.link.serial.messages import (
    Error,
    Load,
    Message,
    Reset,
    Result,
    Run,
    State,
    seal,
)
from downpass.link.serial.pcapng import PcapngWriter
from downpass.link.serial.port import Port
from downpass.sim.board import replay as replaying
from downpass.sim.board.replay import Replay
from downpass.sim.board.traces import TracedFrame, TraceReader, TraceSummary
from downpass.sim.cli import main

SAMPLES = b"\xab" * 64


class Scripted(Port):
    """A port that takes everything, and gives what was prepared."""

    def __init__(self, answers: list[bytes]) -> None:
        self.name, self.baud = "loop://", 921600
        self._answers = answers
        self.reads = 0

    def read(self) -> bytes:
        self.reads += 1
        if not self._answers:
            time.sleep(0.001)
            return b""
        return self._answers.pop(0)

    def write(self, data: bytes) -> None:
        pass


def result(job: int) -> Result:
    return Result(job, Status.CODED, 3, 4, 5, 1, 6, 2)


def traced(*frames: tuple[int, bool, bytes]) -> list[TracedFrame]:
    """Frames at these microseconds."""
    file = io.BytesIO()
    writer = PcapngWriter(file, "test")
    writer.interface("p", 9600)
    for at, outbound, data in frames:
        writer.packet(0, at, data.strip(b"\0"), outbound)
    file.seek(0)
    return list(TraceReader(file, "x").frames())


def out(at: int, message: Message, session: int = 7) -> tuple[int, bool, bytes]:
    return at, True, seal(message, session)


def test_what_is_sent_again_is_marked_and_gaps_are_those_of_one_direction() -> None:
    state = State(0, 0, Stage.LOADING, 0, 0, 1, 0)
    frames = traced(
        out(1000, Load(0, 0, SAMPLES)),
        (1500, False, seal(state, 7)),
        out(2000, Load(0, 1, SAMPLES)),
        (2600, False, seal(state, 7)),
        out(4000, Load(0, 0, SAMPLES)),
        (4100, False, b"damaged"),
        out(5000, Load(0, 0, SAMPLES), session=8),
    )
    assert [frame.again for frame in frames] == [False, False, False, False, True, False, False]
    assert [round(1e6 * frame.gap) for frame in frames] == [0, 0, 1000, 1100, 2000, 1500, 1000]
    assert frames[0].text() == "LOAD 0.0: 64 bytes"
    assert frames[1].text() == "STATE 0: loading, has 1 chunks, round 0, lowest 0"
    assert frames[5].text() == "damaged, or no frame"
    summary = TraceSummary()
    for frame in frames:
        summary.add(frame)
    assert (summary.frames, summary.damaged, summary.again) == ([4, 3], [0, 1], [1, 0])
    assert summary.seconds == pytest.approx(0.004)


def test_after_a_reset_nothing_counts_as_sent_again() -> None:
    frames = traced(out(1, Run(0)), out(2, Run(0)), out(3, Reset(5, 1, 1), 0), out(4, Run(0)))
    assert [frame.again for frame in frames] == [False, True, False, False]


def test_a_check_is_traced_shown_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "t.pcapng")
    chosen = ["--only", "idempotent", "--only", "garbage"]
    assert main(["board", "check", "emulator:agent", "--trace", file, *chosen]) == 0
    capsys.readouterr()
    assert main(["board", "trace", file, "--json"]) == 0
    *frames, figures = map(json.loads, capsys.readouterr().out.splitlines())
    assert {"RESET", "HELLO", "CAPS", "JOB", "LOAD", "RESULT"} <= {f["kind"] for f in frames}
    assert figures["sessions"] == 2
    assert figures["to_board_damaged"] >= 40
    assert figures["to_host_damaged"] == 0
    assert main(["board", "trace", file]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 1 + len(frames) + 3
    assert main(["board", "replay", file, "emulator:agent", "--quiet"]) == 0
    line = capsys.readouterr().out
    assert f"{figures['to_board_frames']} frames sent" in line
    assert "2 results compared" in line or "3 results compared" in line


def test_a_replay_shows_another_codecs_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "t.pcapng")
    assert main(["board", "bench", "emulator:agent:jpegxl", "--tiles", "3", "--trace", file]) == 0
    assert main(["board", "replay", file, "emulator:agent:jpegls", "--quiet", "--fast"]) == 1
    said = capsys.readouterr().out
    assert "differs: job 0: " in said


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x0a\x0d\x0d\x0a", "begins with 0a 0d 0d 0a; allowed: a pcapng file"),
        (b"not a trace", "begins with 6e 6f 74 20; allowed: a pcapng file"),
    ],
)
@pytest.mark.parametrize("command", [["trace"], ["replay"]])
def test_a_file_that_is_no_trace(
    command: list[str],
    content: bytes,
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    port = ["loop://"] if command == ["replay"] else []
    assert main(["board", *command, str(file), *port]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_a_link_type_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file, "test")
    writer.interface("eth0", 0, link_type=1)
    writer.packet(0, 1, b"frame", True)
    (tmp_path / "x").write_bytes(file.getvalue())
    assert main(["board", "trace", str(tmp_path / "x")]) == 2
    assert "an interface of link type 1; allowed: 147" in capsys.readouterr().err


def test_control_characters_of_a_trace_reach_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file, "test")
    writer.interface("\x1b[2J", 0)
    writer.packet(0, 1, b"", True, "\x1b]0;x\x07\nforged")
    (tmp_path / "x").write_bytes(file.getvalue())
    assert main(["board", "trace", str(tmp_path / "x")]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.count("\n") == 5


def test_a_board_that_has_one_state_for_several_released_jobs_replays(tmp_path: Path) -> None:
    """The board of the trace sent two STATEs; the one of now was slower to send the first."""
    trace = traced(
        (1, False, seal(State(0, 1, Stage.RELEASED, 0, 0, 0, 0), 7)),
        (2, False, seal(State(1, 2, Stage.RELEASED, 0, 0, 0, 0), 7)),
        out(3, Run(2)),
    )
    port = Scripted([seal(State(1, 2, Stage.RELEASED, 0, 0, 0, 0), 7)])
    replay = Replay(port, paced=False)
    assert len(list(replay.run(trace))) == 2
    assert replay.report.missing == []
    assert port.reads == 1


def test_a_board_that_refuses_the_session_is_not_waited_for_at_each_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is waited for three times, however long the trace is."""
    monkeypatch.setattr(replaying, "PATIENCE_S", 0.05)
    monkeypatch.setattr(replaying, "MOST_WAITS", 3)
    frames: list[tuple[int, bool, bytes]] = []
    for job in range(100):
        frames += [out(job, Run(job)), (job, False, seal(result(job), 7))]
    refusal = seal(Error(Code.NO_SESSION, 0, 5), 7)
    port = Scripted([refusal])
    begin = time.monotonic()
    replay = Replay(port, paced=False)
    list(replay.run(traced(*frames)))
    assert replay.report.sent == 100
    assert time.monotonic() - begin < 2
    assert port.reads < 400
    assert len(replay.report.missing) == replaying.MOST_DIFFERENCES
    assert replay.report.missing[0].startswith("RESULT 0: coded, 3 bytes, CRC-32 00000004, 6 ticks")
    assert replay.report.missing[0].endswith("; the board said ERROR NO_SESSION, job 0, detail 5")
