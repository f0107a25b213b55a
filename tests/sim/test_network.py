"""A run uses no network, in its native libraries neither, and writes only where it should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_scenarios import REPOSITORY, pixels, satellite, scenario, write, write_scene


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that notes and refuses what its host asks of the network."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        pytest.skip("the guard of the network is C: install gcc")
    library = tmp_path_factory.mktemp("guard") / "guard.so"
    source = REPOSITORY / "tests" / "network_guard.c"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library


def watched(
    guard: Path, home: Path, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run Python with a home of its own; return how it ended, and what it asked of the network.

    Of the environment only PATH is handed on: libraries hold back where they see that they are
    tested (CI, GITHUB_ACTIONS, TF_BUILD), and a cache elsewhere would hide what is written.
    """
    home.mkdir(exist_ok=True)
    log = home.with_name(f"{home.name}-network.txt")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LD_PRELOAD": str(guard),
        "NETWORK_GUARD_LOG": str(log),
    }
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ended, log.read_text() if log.exists() else ""


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("program", "noted"),
    [
        ("import socket; socket.socket()", "socket IPv4"),
        ("import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", "socket IPv6"),
        ("import socket; socket.getaddrinfo('localhost', 80)", "getaddrinfo localhost"),
        ("import ctypes, sys; sys.exit(-ctypes.CDLL(None).socket(2, 1, 0))", "socket IPv4"),
    ],
    ids=["tcp", "udp6", "name", "native"],
)
def test_the_guard_notes_and_refuses(guard: Path, tmp_path: Path, program: str, noted: str) -> None:
    ended, asked = watched(guard, tmp_path / "home", "-c", program)
    assert noted in asked
    assert ended.returncode == 1


def test_a_run_uses_no_network_and_writes_only_results_and_caches(
    guard: Path, tmp_path: Path
) -> None:
    """The learned codec at both ends, JPEG 2000 beside it, GeoTIFF, Parquet and the report."""
    work = tmp_path / "work"
    work.mkdir()
    write_scene(work / "scene.tif", pixels())
    student = satellite(codec={"name": "student", "bpp": 2.0, "tile": 32})
    path = write(work, scenario(satellites=[student]))
    before = files(work)
    home, out = tmp_path / "home", tmp_path / "out"

    ended, asked = watched(
        guard, home, "-m", "downpass.sim.cli", "run", str(path), "--out", str(out)
    )

    assert ended.returncode == 0, ended.stderr
    assert asked == ""
    assert (out / "report.html").is_file()
    assert files(work) == before
    caches = (".cache/downpass/", ".cache/matplotlib/")  # matplotlib lists the fonts it finds
    assert {name for name in files(home) if not name.startswith(caches)} == set()
