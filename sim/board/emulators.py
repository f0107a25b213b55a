"""Boards that this computer can be: `emulator:NAME` in place of a port."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from ...link.errors import InputError

PREFIX: Final = "emulator:"
AGENT: Final = "agent"
EMULATORS: Final = {AGENT: "the Linux agent with JPEG 2000, in a process of its own"}


@contextlib.contextmanager
def board_port(name: str) -> Iterator[str]:
    """Give the port of a board; one that is emulated is started, and stopped at the end.

    Raises:
        InputError: No such emulator.
    """
    if not name.startswith(PREFIX):
        yield name
        return
    kind = name.removeprefix(PREFIX)
    if kind not in EMULATORS:
        raise InputError(f"emulator {kind!r}: there are {', '.join(EMULATORS)}")
    agent = subprocess.Popen(  # noqa: S603  (our own program, nothing of the user's)
        [sys.executable, "-m", "downpass.payload.board", "serve", "--pty", "--name", kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert agent.stdout is not None  # noqa: S101  (it is a pipe)
        line = agent.stdout.readline()
        if " on " not in line:
            raise RuntimeError(f"the emulator {kind} did not start (status {agent.wait()})")
        yield line.rpartition(" on ")[2].strip()
    finally:
        agent.terminate()
        agent.wait()
