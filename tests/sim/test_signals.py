"""SIGINT and SIGTERM: the right status, one word, nothing left, even within a library's call."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import REPOSITORY, downpass, scenario, write, write_scene

COMMAND = [sys.executable, "-m", "downpass.sim.cli"]
# A call into C that no signal interrupts: it waits for a lock that it holds itself.
STUCK = """
import ctypes, sys
from downpass.payload.encoders.tiled import PreparedTiles
from downpass.sim.cli import main

def stuck(self, setting):
    sys.stderr.write("encoding\\n")
    sys.stderr.flush()
    libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(128)
    while True:
        libc.pthread_mutex_lock(mutex)

PreparedTiles.encode = stuck
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_call_that_takes_hours_is_left(
    tmp_path: Path, number: signal.Signals, status: int, word: str
) -> None:
    write_scene(tmp_path / "scene.tif", np.ones((3, 64, 64), np.uint16))
    (tmp_path / "c").mkdir()
    file = write(tmp_path, scenario(duration="6 h"))
    for arguments in (
        ["codec", "encode", "scene.tif", "out.dp", "--codec", "jpegxl", "--bpp", "1"],
        ["run", str(file), "--out", "out", "--cache", "c", "--quiet"],
    ):
        child = subprocess.Popen(
            [sys.executable, "-c", STUCK, *arguments],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        assert child.stderr.readline() == "encoding\n"
        child.send_signal(number)
        said = child.communicate(timeout=60)[1]
        assert (child.returncode, said.replace("encoding\n", "")) == (status, f"{word}\n")
        assert not list(tmp_path.glob("*out*"))
        assert not list(tmp_path.glob(".out*"))


def test_a_terminated_run_cleans_up(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    file = write(tmp_path, scenario(duration="20 d"))
    for attempt in range(5):
        command = [*COMMAND, "run", str(file), "--quiet", "--out", str(tmp_path / "out")]
        child = subprocess.Popen(
            [*command, "--cache", str(tmp_path / f"c{attempt}")], stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 60
        while not any(tmp_path.glob(".out-*.partial")):
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.002)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
        if child.returncode:
            break
        shutil.rmtree(tmp_path / "out")  # it was done before the signal came: once more
    assert (child.returncode, said) == (143, "terminated\n")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and gcc-arm-none-eabi",
)
def test_a_terminated_emulator_takes_its_board_with_it(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [*COMMAND, "board", "emulate", "cortex-m7:echo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        cwd=REPOSITORY,
    )
    assert child.stdout is not None
    port = Path(child.stdout.readline().strip())
    assert port.exists()
    child.send_signal(signal.SIGTERM)
    assert child.communicate(timeout=60)[1] == "terminated\n"
    assert child.returncode == 143
    until = time.monotonic() + 30
    while port.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not list(tmp_path.glob("downpass-*"))


def test_commands_in_this_process_leave_its_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert downpass("schema").status == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
