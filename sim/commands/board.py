"""The subcommands `downpass board list|probe|check|bench|build|serve|emulate|trace|replay`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...link.files import whole_file
from ...link.serial.constants import DEFAULT_BAUD
from ...link.text import printable
from ...payload.board.serve import add_serve
from ..console.streams import complain
from .arguments import keep_apart
from .board_options import add_board_options, board_access
from .board_trace import add_trace_parsers

if TYPE_CHECKING:
    from ...link.serial.messages import Capabilities
    from ..board.bench import Bench
    from ..board.checks import Check
    from ..board.conformance import CheckResult

_PORT_HELP = "a device, socket://HOST:PORT, rfc2217://HOST:PORT, or emulator:NAME"


def add_parsers(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand; each command below it sets `run`, which returns an exit status."""
    board = subparsers.add_parser(
        "board",
        help="boards on a serial line",
        description="Find, question, test and time boards that encode tiles at the end of a "
        "serial line, or be one.",
    )
    commands = board.add_subparsers(metavar="COMMAND", required=True)
    commands.add_parser("list", help="show serial ports and emulators").set_defaults(run=show)
    for name, run, what in (
        ("probe", probe, "say who is at a port"),
        ("check", check, "run the conformance suite; exit status 1 where a check fails"),
        ("bench", bench, "time encoding and the line"),
    ):
        parser = commands.add_parser(name, help=what, description=what.capitalize() + ".")
        parser.add_argument("port", metavar="PORT", help=_PORT_HELP)
        parser.add_argument("--baud", type=int, default=DEFAULT_BAUD, help="default %(default)s")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(run=run)
        if name != "probe":
            add_board_options(parser)
        if name == "check":
            parser.add_argument(
                "--only",
                action="append",
                default=[],
                metavar="NAME",
                help="run only checks with this in their name; may be repeated",
            )
            parser.add_argument(
                "--repeat",
                type=int,
                default=1,
                metavar="N",
                help="run the suite N times; default %(default)s",
            )
            parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML too")
        if name == "bench":
            parser.add_argument("--tiles", type=int, default=64, help="default %(default)s")
            parser.add_argument("--side", type=int, default=64, help="default %(default)s pixels")
            parser.add_argument("--picture", type=Path, metavar="FILE", help="write a PNG too")
    emulate = commands.add_parser(
        "emulate",
        help="start an emulated board and print its port",
        description="Start an emulated board, print its port, and run it until Ctrl-C.",
    )
    emulate.add_argument("name", metavar="BOARD", help="see `downpass board list`")
    emulate.add_argument(
        "--job", help="student (default), or echo for tests; a codec for the Linux agent"
    )
    emulate.set_defaults(run=run_emulator)
    image = commands.add_parser(
        "build",
        help="compile a board's firmware",
        description="Compile the firmware of an emulated or a real board; docs/flashing.md says "
        "how to put it there.",
    )
    image.add_argument("name", metavar="BOARD", help="see `downpass board list`")
    image.add_argument("--out", metavar="FILE", required=True, help="the ELF image to write")
    image.add_argument("--job", default="student", help="student (default), or echo for tests")
    image.set_defaults(run=build_image)
    add_serve(commands)
    add_trace_parsers(commands, _PORT_HELP)


def show(_arguments: argparse.Namespace) -> int:
    """Print ports, emulators, and the boards that a firmware can be built for."""
    from ...link.serial.port import known_ports
    from ...payload.board.firmware.build import BOARDS
    from ..board.emulators import EMULATORS, PREFIX
    from ..console.terminal import print_rows

    rows = known_ports() + [(PREFIX + name, what) for name, what in EMULATORS.items()]
    rows += [(name, board.what) for name, board in BOARDS.items() if not board.machine]
    print_rows(rows)
    return 0


def probe(arguments: argparse.Namespace) -> int:
    """Print what the board reports of itself."""
    from ...link.errors import InputError
    from ...link.serial.host_settings import HostSettings
    from ...link.serial.line_pace import LinePace
    from ...link.serial.port import check_baud
    from ..board.client import BoardClient, BoardGoneError
    from ..board.emulators import board_port
    from ..console.terminal import print_rows

    baud = arguments.baud
    check_baud(baud)
    settings = HostSettings(baud=baud, away=5 + LinePace(baud).opening_s)
    with board_port(arguments.port) as port, BoardClient(port, baud, settings) as board:
        try:
            own = board.capabilities()
            first = board.clock()
            time.sleep(0.5)
            second = board.clock()
        except BoardGoneError as error:
            raise InputError(f"{port}: {error}") from None
    facts = _facts(own) | {
        "boot": f"{second.boot_nonce:08x}",
        "round trip": f"{1000 * min(first.round_trip, second.round_trip):.2f} ms",
        "damaged frames": f"{second.bad_frames} at the board, {board.bad_frames} here",
    }
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=1) + "\n")
    else:
        print_rows(facts.items())
    return 0


def _facts(own: Capabilities) -> dict[str, str]:
    from ...link.container.header import CODECS, NO_MODEL
    from ...link.serial.constants import Feature, TickKind

    kind = "measured" if own.tick_kind == TickKind.MEASURED else "modelled"
    return {
        "name": own.name,
        "software": own.software,
        "codec": CODECS.get(own.codec, f"number {own.codec}"),
        "model": "none" if own.fingerprint == NO_MODEL else own.fingerprint.hex(),
        "largest tile": f"{own.most_columns} x {own.most_rows}, {own.most_bands} bands, "
        f"{own.bit_depth} bit, {own.largest_tile} bytes",
        "takes": ", ".join(one.name.lower() for one in Feature if own.features & one and one.name),
        "slots": f"{own.slots}, window {own.window} chunks of up to {own.chunk} bytes",
        "memory": f"{own.memory} bytes",
        "clock": f"{own.tick_rate} ticks a second, {kind}",
    }


def check(arguments: argparse.Namespace) -> int:
    """Run the suite and print its table."""
    from ...link.errors import InputError
    from ..board import check_report
    from ..board.conformance import MOST_REPEATS, selected
    from ..console.terminal import print_rows

    if not 1 <= arguments.repeat <= MOST_REPEATS:
        raise InputError(f"--repeat {arguments.repeat}: allowed are 1 to {MOST_REPEATS}")
    checks = selected(arguments.only)
    keep_apart(arguments, "trace", "junit")
    with _output(arguments.junit) as junit:
        rounds, name, lost = _check_rounds(arguments, checks)
        results = [result for one in rounds for result in one]
        if arguments.json:
            sys.stdout.write(json.dumps(check_report.as_json(rounds), indent=1) + "\n")
        elif results:
            print_rows(check_report.rows(rounds))
            for line in check_report.evidence(rounds):
                _say(line)
            if remark := check_report.line_remark(rounds):
                _say(remark)
            _say(f"{sum(not one.fault for one in results)} of {len(results)} checks passed")
        if junit is not None:
            check_report.write_junit(junit, rounds, name, lost)
    if lost:
        raise InputError(lost)
    return 1 if any(one.fault for one in results) else 0


def _check_rounds(
    arguments: argparse.Namespace, checks: Sequence[Check]
) -> tuple[list[list[CheckResult]], str, str]:
    """Run the suite; return the results of each repetition, the port, and why it ended early."""
    from ...link.serial.port import Port, PortLostError
    from ..board.conformance import check as run_checks
    from ..board.emulators import board_port, is_emulated
    from ..board.exchange import NonconformanceError

    rounds: list[list[CheckResult]] = []
    lost = ""
    with board_access(arguments) as access, board_port(arguments.port) as name:
        tap = None if access.trace is None else access.trace.tap(name, arguments.baud)
        with Port(name, arguments.baud, tap) as port:

            def reset() -> None:
                if access.reset is not None and (why_not := access.reset(port)):
                    complain(f"--reset-board: {why_not}")

            try:
                for _ in range(arguments.repeat):
                    rounds.append([])
                    found = run_checks(port, checks, reset, is_emulated=is_emulated(arguments.port))
                    for result in found:
                        rounds[-1].append(result)
            except NonconformanceError as error:
                lost = f"{name}: {error}"
            except PortLostError as error:
                lost = str(error)
    return rounds, name, lost


def bench(arguments: argparse.Namespace) -> int:
    """Measure the time of tiles over the line."""
    keep_apart(arguments, "trace", "picture")
    with _output(arguments.picture) as picture:
        found = _benchmark(arguments)
        _show_figures(found, arguments.json)
        if picture is not None:
            from ..board.bench_picture import draw

            draw(found, picture)
    return 0


def _benchmark(arguments: argparse.Namespace) -> Bench:
    from ...link.errors import InputError
    from ..board.bench import run_bench
    from ..board.client import BoardGoneError
    from ..board.emulators import board_port

    with board_access(arguments, complain) as access, board_port(arguments.port) as port:
        try:
            return run_bench(port, arguments.baud, arguments.tiles, arguments.side, access)
        except BoardGoneError as error:
            raise InputError(f"{port}: {error}") from None


def _show_figures(found: Bench, as_json: bool) -> None:
    from ..console.terminal import print_rows

    figures = found.figures()
    if found.sessions_lost or found.restarts:
        were = "session was" if found.sessions_lost == 1 else "sessions were"
        complain(
            f"warning: {found.sessions_lost} {were} lost and the board started anew "
            f"{found.restarts} {'time' if found.restarts == 1 else 'times'}; the times include that"
        )
    if as_json:
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    else:
        print_rows(
            (name.replace("_", " "), "unknown" if value is None else str(value))
            for name, value in figures.items()
        )


def _output(path: Path | None) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    """Open a file to write at the end, so that a wrong name is refused before a long measurement.

    Raises:
        InputError: The file cannot be written.
    """
    return contextlib.nullcontext() if path is None else whole_file(path)


def build_image(arguments: argparse.Namespace) -> int:
    """Compile a firmware and print its memory use."""
    from ...link.errors import InputError
    from ...link.scratch import scratch_folder
    from ...payload.board.firmware.build import build, memory

    out = Path(arguments.out)
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}")
    with whole_file(out) as file, scratch_folder("image") as folder:
        image = build(arguments.name, folder / "image.elf", arguments.job)
        taken = memory(image)
        file.write(image.read_bytes())
    _say(f"{out}: {taken['ram']} bytes of RAM, {taken['constant']} of code and weights")
    return 0


def run_emulator(arguments: argparse.Namespace) -> int:
    """Start an emulator and wait."""
    from ..board.emulators import PREFIX, board_port

    name = arguments.name.removeprefix(PREFIX)
    if arguments.job is not None:
        name = f"{name}:{arguments.job}"
    with board_port(PREFIX + name) as port:
        _say(port)
        sys.stdout.flush()
        while True:
            time.sleep(3600)


def _say(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
