"""Programs from outside: what they may do, what is said of them, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from downpass.link.foreign import processor_time
from downpass.link.foreign.command import Command
from downpass.link.foreign.limits import ForeignError, Limits
from downpass.link.foreign.program import transform

LIMITS = Limits(seconds=20, memory=1 << 30, file_bytes=1 << 20)
MOST = 1000


def shell(script: str, limits: Limits = LIMITS, data: bytes = b"tile") -> bytes:
    """What a shell script makes of the data; $1 is the input and $2 the output."""
    command = Command.find("encode", ["sh", "-c", script, "sh", "{input}", "{output}"])
    return transform(command, {}, data, MOST, limits)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which private folders are made, of which nothing may be left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sh", "-c", "cat $0 > $1", "{input}", "{output}"], b"tile"),
        (["sh", "-c", "cat > $0; echo not this", "{output}"], b"tile"),
        (["sh", "-c", "cat $0", "{input}"], b"tile"),
        (["cat"], b"tile"),
        (["printf", "{width} {what} {{width}} {"], b"7 {what} {7} {"),
    ],
    ids=["both named", "output named", "input named", "pipes", "placeholders"],
)
def test_input_and_output_are_files_or_the_standard_streams(
    arguments: list[str], expected: bytes
) -> None:
    assert transform(Command.find("x", arguments), {"width": "7"}, b"tile", MOST, LIMITS) == (
        expected
    )


def test_a_program_sees_its_own_folder_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    with Path(os.devnull).open() as file:
        os.set_inheritable(file.fileno(), True)
        found = transform(
            Command.find("x", ["sh", "-c", "pwd; ls; env; ls /proc/$$/fd; umask; ulimit -c"]),
            {},
            b"",
            4000,
            LIMITS,
        ).decode()
    folder, *lines = found.splitlines()
    assert Path(folder).name.startswith("downpass-program-")
    assert not Path(folder).exists()
    assert lines[:2] == ["input", "output"]
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names <= {
        *("PATH", "LANG", "HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    }
    assert f"HOME={folder}" in lines
    # No other descriptor, although one of this process could be inherited.
    assert lines[-5:] == ["0", "1", "2", "0077", "0"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "encode ended with status 3"),
        ("echo why >&2; echo >&2; exit 3", "encode ended with status 3: why"),
        ("printf '\\033[31mred\\007' >&2; exit 1", r"encode ended with status 1: \x1b[31mred\x07"),
        ("kill -SEGV $$", "encode was ended by SIGSEGV"),
        ("true", "encode wrote no output"),
        ("head -c 1001 /dev/zero > $2", "encode wrote 1001 bytes; allowed: at most 1000"),
        ("cat /dev/zero > $2; exit $?", "File size limit exceeded"),
        ("exec cat /dev/zero > $2", "encode wrote a file of more than 1048576 bytes"),
        ("exec cat /dev/zero", "encode wrote a file of more than 1048576 bytes"),
        ("ln -s /etc/passwd $2", "encode wrote an output that is no regular file"),
        ("mkfifo $2", "encode wrote an output that is no regular file"),
        ("mkdir $2; chmod 0 $2", "encode wrote an output that is no regular file"),
        ("mkdir -p a/b; touch a/b/c; chmod 0 a/b a .", "encode wrote no output"),
    ],
    ids=[
        *("status", "last line", "escapes", "signal", "nothing", "too much", "endless", "killed"),
        *("endless messages", "link", "pipe", "folder", "locked folders"),
    ],
)
def test_a_program_that_fails_is_told_in_one_line_and_its_folder_removed(
    temporary: Path, script: str, message: str
) -> None:
    with pytest.raises(ForeignError) as failed:
        shell(script)
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)
    assert len(str(failed.value)) < 300
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    "script", ["sleep 60", "while :; do :; done", "trap '' TERM INT; sleep 60"]
)
def test_a_program_that_does_not_end_is_killed(temporary: Path, script: str) -> None:
    with pytest.raises(ForeignError, match=r"^encode took more than 0\.2 s$"):
        shell(script, Limits(0.2, 1 << 30, 1 << 20))
    assert list(temporary.iterdir()) == []


def test_no_process_of_a_program_is_left(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    script = f"for i in 1 2 3 4 5 6 7 8; do sleep 60 & echo $! >> {numbers}; done; cp $1 $2"
    assert shell(script) == b"tile"
    with pytest.raises(ForeignError, match="took more than"):
        shell(f"{script}; wait", Limits(3, 1 << 30, 1 << 20))
    started = [int(number) for number in numbers.read_text().split()]
    assert len(started) == 16
    for number in started:
        assert _is_gone(number)


def _is_gone(number: int) -> bool:
    """Return whether a killed process disappears, for which the system needs a moment."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # killed, and nobody has asked for its status
            return True
        time.sleep(0.01)
    return False


def test_memory_and_processor_time_are_limited() -> None:
    script = "import sys; bytearray(int(sys.argv[1]))"
    command = Command.find("decode", ["{python}", "-S", "-c", script, "{bytes}"])
    limits = Limits(20, 256 << 20, 1 << 20)
    with pytest.raises(ForeignError, match="MemoryError"):
        transform(command, {"bytes": str(1 << 30)}, b"", MOST, limits)
    with pytest.raises(ForeignError, match="used more than 1 s of processor time"):
        shell("while :; do :; done", Limits(20, 1 << 30, 1 << 20, cpu_seconds=1))


def test_processor_time_of_programs_is_counted() -> None:
    before = processor_time.processor_time()
    own = time.process_time()
    command = Command.find("x", ["{python}", "-S", "-c", "print(sum(range(3000000)))"])
    transform(command, {}, b"", MOST, LIMITS)
    counted = processor_time.processor_time() - before
    assert counted > time.process_time() - own


def test_a_program_ends_with_the_process_that_waits_for_it(tmp_path: Path) -> None:
    number = tmp_path / "number"
    code = f"""
from downpass.link.foreign.command import Command
from downpass.link.foreign.limits import Limits
from downpass.link.foreign.program import transform
script = "echo $$ > {number}.new; mv {number}.new {number}; exec sleep 60"
transform(Command.find("x", ["sh", "-c", script]), {{}}, b"", 9, Limits(60, 1 << 30, 1 << 20))
"""
    waiting = subprocess.Popen([sys.executable, "-c", code])
    try:
        for _ in range(3000):
            if number.exists():
                break
            assert waiting.poll() is None
            time.sleep(0.01)
        waiting.send_signal(signal.SIGKILL)
    finally:
        waiting.kill()
        waiting.wait()
    assert _is_gone(int(number.read_text()))
