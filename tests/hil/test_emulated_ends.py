"""An emulated board ends with the process that started it, however that ends, and not before."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The thread that starts the board ends at once.
START = """
import contextlib, sys, threading, time
from downpass.sim.board.emulators import board_port
stack = contextlib.ExitStack()
starter = threading.Thread(target=lambda: stack.enter_context(board_port(sys.argv[1])))
starter.start()
starter.join()
print("started", flush=True)
time.sleep(3600)
"""


def descendants(process: int) -> Iterator[int]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def ended(handle: int, within_s: float) -> bool:
    return bool(select.select([handle], [], [], within_s)[0])


@pytest.mark.parametrize("name", ["emulator:agent", "emulator:cortex-m7:echo"])
@pytest.mark.parametrize(
    ("send", "what"), [(os.kill, signal.SIGKILL), (os.killpg, signal.SIGINT)], ids=["kill", "^C"]
)
def test_a_board_ends_with_its_process(
    name: str, send: Callable[[int, int], None], what: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, name],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        started = process.stdout.readline()
        board = [os.pidfd_open(one) for one in descendants(process.pid)]
        early = any(ended(one, 0.2) for one in board)
        send(process.pid, what)
        try:
            process.wait(30)
        finally:
            process.kill()
    left = [one for one in board if not ended(one, 10)]
    for one in left:
        signal.pidfd_send_signal(one, signal.SIGKILL)
    for one in board:
        os.close(one)
    assert started == b"started\n"
    assert board
    assert not early
    assert not left
