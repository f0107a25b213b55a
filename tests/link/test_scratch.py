from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from downpass.link.scratch import scratch_folder

HOLDER = """
import sys, time
from downpass.link.scratch import scratch_folder
with scratch_folder("trial") as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder(place: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_there_and_then_not(place: Path) -> None:
    with scratch_folder("trial") as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
    assert not list(place.iterdir())


def test_a_killed_process_leaves_one_until_the_next(place: Path) -> None:
    process, left = holder(place)
    with scratch_folder("trial"):
        assert left.is_dir(), "its process is running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (left / "file").exists()
    with scratch_folder("other"):
        assert left.is_dir(), "another kind of folder"
    with scratch_folder("trial"):
        assert not left.exists()


def test_what_only_looks_like_one_stays(place: Path) -> None:
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (place / "downpass-trial-0123abcd").symlink_to(elsewhere)
    (place / "downpass-trial-0123abce").write_text("a file")
    (place / "downpass-trial-mine").mkdir()
    with scratch_folder("trial"):
        pass
    assert len(list(place.iterdir())) == 4
