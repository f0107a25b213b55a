"""The plugin in a project of its own: a wheel, a folder elsewhere, and the example of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "boards.md"


def said(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel; everything else comes from this one's."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("link", "payload", "ground", "sim"):
        left_out = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # Without the C, which is optional and takes a minute.
    pip = (sys.executable, "-m", "pip", "--quiet")
    said(*pip, "wheel", "--no-deps", "--wheel-dir", folder, source, folder=folder, CC="false")
    (wheel,) = folder.glob("downpass-*.whl")
    venv.create(folder / "env", with_pip=False)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    said(*pip, "install", "--no-deps", "--target", packages, wheel, folder=folder)
    # Entries of this file come after the environment's own packages, without their `.pth` files,
    # so the working copy that may be installed there is not seen.
    others = [path for path in sys.path if path.endswith("-packages")]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    return folder / "env" / "bin" / "python"


def example() -> str:
    """The test in the section of docs/boards.md that begins with this comment."""
    (found,) = re.findall(r"```python\n(# test_my_board.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def test_the_example_of_the_docs_runs_in_another_project(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_my_board.py").write_text(example())
    where = said(python, "-c", "import downpass.sim; print(downpass.sim.__file__)", folder=tmp_path)
    assert str(python.parents[1]) in where
    out = said(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--board", "emulator:agent",
               folder=tmp_path)  # fmt: skip
    assert f"{example().count('def test_')} passed" in out


def test_a_board_that_is_not_there_ends_the_tests_in_one_line(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_my_board.py").write_text(example())
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--board", "/dev/ttyNO"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--board /dev/ttyNO: no such port" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_fixtures_work_in_any_order(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_order.py").write_text(
        """
import itertools
import pytest
from downpass.link.serial.faults.faulty_line import Faults

NAMES = ("board", "reference", "faulty_line", "jobs")

@pytest.mark.parametrize("order", itertools.permutations(NAMES), ids=" ".join)
def test_order(order, request):
    found = {name: request.getfixturevalue(name) for name in order}
    board, tiles = found["board"], found["jobs"](2, side=16)
    expected = [found["reference"].encode(*tile) for tile in tiles]
    def payloads():
        return [result.payload for _, result in sorted(board.encode(tiles))]
    assert payloads() == expected
    line = found["faulty_line"](seed=2, faults=Faults(duplicate=0.5))
    assert payloads() == expected
    assert line.down.counts.duplicated > 0
"""
    )
    out = said(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert "24 passed" in out


def test_nothing_of_ours_is_imported_before_a_fixture_is_used(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        """
import sys

def test_nothing():
    ours = {name for name in sys.modules if name.startswith("downpass")}
    assert ours <= {"downpass", "downpass.sim", "downpass.sim.board",
                    "downpass.sim.board.pytest_plugin"}
    assert not {"numpy", "serial", "onnxruntime"} & set(sys.modules)
"""
    )
    out = said(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest",
               folder=tmp_path)  # fmt: skip
    assert "1 passed" in out
