"""Files that appear whole or not at all, and what a stopped process leaves."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.link.files import leaving, remove_leavings, replaced, whole_file


def write(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)


def test_a_file_has_its_name_when_it_is_whole_and_the_rights_of_any_new_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.bin"
    old = os.umask(0o027)
    try:
        with whole_file(path) as file:
            file.write(b"1")
            assert not path.exists()
    finally:
        os.umask(old)
    assert path.read_bytes() == b"1"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError("fault"), KeyboardInterrupt(), InputError("bad")])
def test_what_fails_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.bin"
    write(path, b"1")
    with pytest.raises(type(error)), whole_file(path) as file:
        file.write(b"2")
        raise error
    assert path.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, real = tmp_path / "link", tmp_path / "real" / "a.bin"
    real.write_bytes(b"1")
    link.symlink_to(real)
    write(link, b"2")
    assert link.is_symlink()
    assert real.read_bytes() == b"2"
    assert list(real.parent.iterdir()) == [real]


def test_what_is_no_file_is_refused_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "null").symlink_to("/dev/null")
    names = ("pipe", "folder", "nowhere", "loop", "null", "absent/a.bin", "/dev/null")
    for name in names:
        with pytest.raises(InputError) as caught:
            write(tmp_path / name, b"1")
        assert "\n" not in str(caught.value)
    assert not Path("/dev/null").is_file()
    assert (tmp_path / "pipe").is_fifo()


def test_a_full_disk_is_one_line() -> None:
    with (
        pytest.raises(InputError, match="No space left on device"),
        whole_file(Path("/dev/shm/downpass-test")) as file,
    ):
        os.dup2(os.open("/dev/full", os.O_WRONLY), file.fileno())
        file.write(b"1")
    assert not Path("/dev/shm/downpass-test").exists()


@pytest.mark.parametrize("kind", ["nothing", "file", "link", "pipe"])
def test_whatever_has_the_name_is_replaced(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "a", tmp_path / "other"
    other.write_bytes(b"kept")
    match kind:
        case "file":
            path.write_bytes(b"old")
        case "link":
            path.symlink_to(other)
        case "pipe":
            os.mkfifo(path)
    with pytest.raises(RuntimeError), replaced(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert os.path.lexists(path) == (kind != "nothing")
    with replaced(path) as file:
        file.write(b"new")
    assert path.is_file() and not path.is_symlink()
    assert path.read_bytes() == b"new"
    assert other.read_bytes() == b"kept"
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_replacing_passes_errors_of_the_system_on(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), replaced(tmp_path / "folder") as file:
        file.write(b"1")
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "missing" / "a"):
        pytest.fail("nothing can be written here")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_next_writer_sweeps_what_a_killed_one_has_left(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    code = """
import os, signal, sys
from pathlib import Path
from downpass.link.files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.bin-")
    others = [tmp_path / name for name in (".b.bin-abcdefgh.part", ".a.bin-.part", "a.part")]
    for other in others:
        other.write_bytes(b"mine")
    alive = tmp_path / ".a.bin-aaaaaaaa.part"
    with alive.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write(path, b"whole")
        assert set(tmp_path.iterdir()) == {path, alive, *others}
    assert path.read_bytes() == b"whole"


def test_a_process_that_is_stopped_removes_what_is_temporary(tmp_path: Path) -> None:
    folder, file, kept = tmp_path / "folder", tmp_path / "file", tmp_path / "kept"
    (folder / "deep").mkdir(parents=True)
    for path in (folder / "deep" / "a", file, kept):
        path.write_text("x")
    with leaving(kept):
        pass
    with leaving(folder), leaving(file), leaving(tmp_path / "absent"):
        remove_leavings()
    assert list(tmp_path.iterdir()) == [kept]


def test_what_an_interrupt_leaves_is_removed_at_the_end_of_the_process(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), leaving(tmp_path / "folder") as folder:
        folder.mkdir()
        raise KeyboardInterrupt  # before the caller's own clean-up was in place
    with pytest.raises(RuntimeError), leaving(tmp_path / "kept") as kept:
        kept.mkdir()
        raise RuntimeError
    remove_leavings()
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_a_pipe_under_a_link_is_called_what_it_is() -> None:
    read, written = os.pipe()  # as /dev/stdout of a shell's pipeline
    try:
        with (
            pytest.raises(InputError, match="it is no regular file"),
            whole_file(Path(f"/proc/self/fd/{written}")),
        ):
            pass
    finally:
        os.close(read)
        os.close(written)
