"""The agent's command line; it imports the agent only when it runs."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from typing import Any

from ...link.errors import InputError
from ...link.serial.constants import DEFAULT_BAUD
from .limits import LARGEST_SIDE, Limits


def add_serve(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand `serve`, which sets `run` to a function of the arguments."""
    serve = subparsers.add_parser(
        "serve",
        help="encode tiles for a host at the other end of a serial line",
        description="Be a board: take tiles from a serial line, encode them, give them back with "
        "the time that it took. Ends with Ctrl-C.",
    )
    line = serve.add_mutually_exclusive_group(required=True)
    line.add_argument("--port", help="a device, socket://HOST:PORT or rfc2217://HOST:PORT")
    line.add_argument("--pty", action="store_true", help="make a pseudo-terminal")
    line.add_argument("--listen", metavar="HOST:PORT", help="wait for a host on a TCP port")
    serve.add_argument("--baud", type=int, default=DEFAULT_BAUD, help="default %(default)s")
    serve.add_argument("--codec", help="default: jpeg2000, or student without imagecodecs")
    serve.add_argument("--name", default=socket.gethostname(), help="default %(default)s")
    serve.add_argument(
        "--largest-tile",
        type=int,
        default=Limits().side,
        metavar="PX",
        help="side of the largest tile; default %(default)s",
    )
    serve.add_argument(
        "--slots", type=int, default=Limits().slots, help="jobs at once; default %(default)s"
    )
    serve.set_defaults(run=serve_line)


def serve_line(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from ...link.serial.lines import LineSource, ListeningSource, PtySource, SerialSource
    from ..encoders import registry
    from .agent import Agent
    from .tile_coder import tile_coder

    if not 1 <= arguments.slots <= 16:
        raise InputError(f"--slots {arguments.slots}: allowed are 1 to 16")
    side = arguments.largest_tile
    if not 1 <= side <= LARGEST_SIDE:
        raise InputError(f"--largest-tile {side}: allowed are 1 to {LARGEST_SIDE}")
    if not arguments.name.isprintable():
        raise InputError(f"--name {arguments.name!r}: allowed are printable characters")
    coder = tile_coder(arguments.codec or registry.default_codec())
    source: LineSource
    if arguments.pty:
        source = PtySource()
    elif arguments.listen:
        source = ListeningSource(arguments.listen)
    else:
        source = SerialSource(arguments.port, arguments.baud)
    limits = Limits.of_tiles(side, arguments.slots, coder.most_bands, coder.bit_depth)
    agent = Agent(source, coder, arguments.name, limits)
    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    sys.stdout.write(f"serving {coder.software} on {source.address}\n")
    sys.stdout.flush()
    agent.serve()
    return 0
