"""What dead runs leave is swept; what lives, or is anybody else's, is not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from downpass.sim.results.outputs import SUMMARY, staged
from downpass.sim.results.workfolders import EARLIER, held, sweep

WRITER = """
import os, sys, time
from pathlib import Path
from downpass.sim.results.outputs import staged
with staged(Path(sys.argv[1])) as folder:
    (folder / "summary.json").write_text("2")
    print("there", flush=True)
    sys.stdin.read()
"""

KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from downpass.sim.results.outputs import staged
rename = Path.rename
def dies(self, target):
    if self.name.endswith(".partial"):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.rename = dies
with staged(Path(sys.argv[1])) as folder:
    (folder / "summary.json").write_text("2")
"""


@contextmanager
def writer(out: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the midst of writing results."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "there\n"
        yield child
    finally:
        child.kill()
        child.wait()


def write(out: Path, text: str) -> None:
    with staged(out) as folder:
        (folder / SUMMARY).write_text(text)


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_a_killed_writers_folder_goes_with_the_next_run_and_a_living_ones_stays(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    with writer(out) as dead, writer(out) as alive:
        assert len(hidden(tmp_path)) == 2
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        write(out, "1")
        assert len(hidden(tmp_path)) == 1
        assert (tmp_path / hidden(tmp_path)[0] / SUMMARY).read_text() == "2"
        alive.communicate("", timeout=60)
        assert alive.returncode == 0
    assert (out / SUMMARY).read_text() == "2"
    assert hidden(tmp_path) == []


def test_only_folders_of_this_very_output_are_swept(tmp_path: Path) -> None:
    kept = [
        ".run-b-abcdefgh.partial",
        ".other-abcdefgh.partial",
        ".run-notes.partial",
        ".run-abcdefgh.partial.bak",
        ".run-ABCDEFGH.partial",
    ]
    for name in [*kept, ".run-abcdefgh.partial", ".run-_1234567.old"]:
        (tmp_path / name / "delivered").mkdir(parents=True)
    (tmp_path / ".run-linkaway.partial").symlink_to(tmp_path / kept[0])
    (tmp_path / ".run-somefile.partial").write_text("mine")
    sweep(tmp_path / "run")
    assert hidden(tmp_path) == sorted([*kept, ".run-linkaway.partial", ".run-somefile.partial"])
    assert (tmp_path / kept[0] / "delivered").is_dir()


def test_earlier_results_come_back_when_a_run_was_killed_between_two_renames(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    write(out, "1")
    done = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    assert len(hidden(tmp_path)) == 2
    sweep(out)
    assert (out / SUMMARY).read_text() == "1"
    assert hidden(tmp_path) == []


def test_earlier_results_of_a_living_run_are_left_where_they_are(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with held(out, ".old") as folder:
        (folder / EARLIER).mkdir()
        sweep(out)
        assert (folder / EARLIER).is_dir()
        assert not out.exists()
    sweep(out)
    assert out.is_dir()


def test_a_folder_that_cannot_be_removed_or_read_is_no_fault(tmp_path: Path) -> None:
    sweep(tmp_path / "absent" / "run")
    sweep(Path("/proc/nothing/run"))
    sweep(Path())
    (tmp_path / ".run-abcdefgh.partial").mkdir(mode=0)
    sweep(tmp_path / "run")
