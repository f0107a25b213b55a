"""The subcommands `downpass board trace|replay`: read a trace of a line, and send it again."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...link.serial.constants import DEFAULT_BAUD
from ...link.text import printable

if TYPE_CHECKING:
    from ..board.traces import TracedFrame, TraceReader


def add_trace_parsers(commands: argparse._SubParsersAction[Any], port_help: str) -> None:
    """Add both subcommands."""
    trace = commands.add_parser(
        "trace",
        help="show a trace of a line",
        description="Show the frames of a trace that --trace has recorded: time, gap to the frame "
        "before in the same direction, direction (> to the board), bytes, session, message.",
    )
    trace.add_argument("file", type=Path, metavar="FILE", help="a pcapng file of link type 147")
    trace.add_argument("--summary", action="store_true", help="print only the sums")
    trace.add_argument("--json", action="store_true", help="print JSON, an object a line")
    trace.set_defaults(run=show_trace)
    replay = commands.add_parser(
        "replay",
        help="send the host's half of a trace to a board again",
        description="Send the host's half of a trace to a board again, in new sessions, and "
        "compare the results; exit status 1 if something differs or is missing.",
    )
    replay.add_argument("file", type=Path, metavar="FILE", help="a pcapng file of link type 147")
    replay.add_argument("port", metavar="PORT", help=port_help)
    replay.add_argument("--baud", type=int, default=DEFAULT_BAUD, help="default %(default)s")
    replay.add_argument("--line", type=int, default=0, help="which line of the trace (0)")
    replay.add_argument("--fast", action="store_true", help="do not keep the trace's pauses")
    replay.add_argument("--quiet", action="store_true", help="print only the sums")
    replay.set_defaults(run=run_replay)


@contextmanager
def _opened(path: Path) -> Iterator[TraceReader]:
    from ...link.errors import InputError
    from ..board.traces import TraceReader

    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    with file:
        yield TraceReader(file, str(path))


def show_trace(arguments: argparse.Namespace) -> int:
    """Print a trace."""
    from ..board.traces import TraceSummary

    summary = TraceSummary()
    ports: set[int] = set()
    with _opened(arguments.file) as trace:
        for frame in trace.frames():
            summary.add(frame)
            if arguments.summary:
                continue
            if arguments.json:
                _say(json.dumps(_as_json(frame)))
                continue
            if frame.line not in ports:
                ports.add(frame.line)
                _say(f"line {frame.line}: {frame.port or 'unnamed'}")
            _say(_as_text(frame, many=len(ports) > 1))
    figures = summary.figures() | {"truncated": trace.truncated, "left_out": trace.dropped}
    if arguments.json:
        _say(json.dumps(figures))
        return 0
    _say(
        f"{summary.seconds:.3f} s, {summary.sessions} sessions, {summary.results} results"
        + (f"; {trace.dropped} frames are missing, the trace was full" if trace.dropped else "")
        + ("; the file ends within a block" if trace.truncated else "")
    )
    for place, way in enumerate(("to the board", "to the host")):
        _say(
            f"{way}: {summary.frames[place]} frames, {summary.bytes[place]} bytes, "
            f"{summary.damaged[place]} damaged, {summary.again[place]} sent again, longest gap "
            f"{summary.longest_gap[place]:.3f} s"
        )
    return 0


def _as_text(frame: TracedFrame, many: bool) -> str:
    line = f"{frame.line} " if many else ""
    if frame.event:
        return f"{line}{frame.seconds:11.6f}  {frame.event}"
    way = ">" if frame.outbound else "<"
    session = f"{frame.session:08x}" if frame.session else " " * 8
    again = "  (again)" if frame.again else ""
    return (
        f"{line}{frame.seconds:11.6f} {1000 * frame.gap:+10.3f} ms {way} {frame.size:5d} "
        f"{session} {frame.text()}{again}"
    )


def _as_json(frame: TracedFrame) -> dict[str, Any]:
    return {
        "seconds": round(frame.seconds, 9),
        "gap_s": round(frame.gap, 9),
        "line": frame.line,
        "direction": "to_board" if frame.outbound else "to_host",
        "bytes": frame.size,
        "kind": None if frame.message is None else frame.message.kind.name,
        "session": frame.session,
        "job": getattr(frame.message, "job", None),
        "damaged": frame.body is None and not frame.event,
        "again": frame.again,
        "text": frame.text(),
    }


def run_replay(arguments: argparse.Namespace) -> int:
    """Send a trace to a board again."""
    from ...link.errors import InputError
    from ...link.serial.port import Port, PortLostError
    from ..board.emulators import board_port
    from ..board.journal import body_text
    from ..board.replay import Replay

    with (
        _opened(arguments.file) as trace,
        board_port(arguments.port) as name,
        Port(name, arguments.baud) as port,
    ):
        replay = Replay(port, paced=not arguments.fast)
        frames = (frame for frame in trace.frames() if frame.line == arguments.line)
        try:
            for outbound, body in replay.run(frames):
                if not arguments.quiet:
                    _say(f"{'>' if outbound else '<'} {body_text(body)}")
        except PortLostError as error:
            raise InputError(str(error)) from None
    report = replay.report
    if not report.sent:
        raise InputError(
            f"{arguments.file}: line {arguments.line} has no frame of the host; allowed: --line "
            "with another number"
        )
    _say(
        f"{report.sent} frames sent, {report.received} received, {report.damaged} damaged; "
        f"{report.results} results compared"
    )
    for what, lines in (("did not come", report.missing), ("differs", report.differing)):
        for line in lines:
            _say(f"{what}: {line}")
    return 1 if report.missing or report.differing else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
