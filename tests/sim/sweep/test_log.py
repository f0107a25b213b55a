"""The log of finished cells: killed anywhere, it goes on with what is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.sweep.cell import CellResult
from downpass.sim.sweep.log import CellLog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS: list[dict[str, Any]] = [
    {"a": 1, "b.c": 0.1, "d": "é\u2028", "e": None, "f": True},
    {"a": 2**70, "b.c": 1e-300, "d": "", "e": None, "f": False},
    {"a": 3, "x": 4},
]
RESULTS = [
    *(CellResult(f"k{n}", row) for n, row in enumerate(ROWS)),
    CellResult("bad", {}, "--set a: found 3"),
    CellResult("k9", ROWS[2] | {"a": 9}),
]


def filled(path: Path) -> bytes:
    with CellLog(path) as log:
        for result in RESULTS:
            log.append(result)
    return path.read_bytes()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "cells.log"
    before = filled(path)
    with CellLog(path) as log:
        assert [log.result(result.key) for result in RESULTS] == RESULTS
        log.append(RESULTS[0])  # a cell that came twice, from a worker thought dead
        log.append(CellResult("broken", {}, "killed", fault=True))
        assert "broken" not in log
        assert len(log) == len(RESULTS)
    assert path.read_bytes() == before
    with pytest.raises(KeyError), CellLog(path) as log:
        log.result("broken")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_log_cut_anywhere_keeps_its_whole_cells(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "cells.log"
    path.unlink(missing_ok=True)
    whole = filled(path)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    lines = whole[:cut].split(b"\n")[:-1]
    expected = {r.key for r in RESULTS if any(f'"cell": "{r.key}"'.encode() in x for x in lines)}
    with CellLog(path) as log:
        assert {r.key for r in RESULTS if r.key in log} == expected
        for result in RESULTS:
            log.append(result)
        assert [log.result(r.key) for r in RESULTS] == RESULTS
    with CellLog(path) as log:
        assert [log.result(r.key) for r in RESULTS] == RESULTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_line_costs_itself(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "cells.log"
    path.unlink(missing_ok=True)
    lines = filled(path).splitlines(keepends=True)
    hurt = data.draw(st.integers(1, len(lines) - 1))
    lines[hurt] = data.draw(st.binary(max_size=40)).replace(b"\n", b"") + b"\n"
    path.write_bytes(b"".join(lines))
    with CellLog(path) as log:
        kept = [result for result in RESULTS if result.key in log]
        assert [log.result(result.key) for result in kept] == kept  # never a wrong figure
        for result in RESULTS:
            log.append(result)
        assert [log.result(result.key) for result in RESULTS] == RESULTS


@pytest.mark.parametrize("content", [b"hello\n", b"[]\n", b'{"downpass-sweep": 2}\n', b"{" * 9999])
def test_another_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cells.log"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not the log of a sweep"):
        CellLog(path)
    assert path.read_bytes() == content


def test_no_link_or_pipe_is_followed(tmp_path: Path) -> None:
    (tmp_path / "cells.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="cannot be written"):
        CellLog(tmp_path / "cells.log")
    assert not (tmp_path / "elsewhere").exists()


OPEN_AGAIN = """
import sys
import subprocess
import sys
from pathlib import Path
from downpass.link.errors import InputError
from downpass.sim.sweep.log import CellLog
try:
    CellLog(Path(sys.argv[1]))
except InputError as error:
    sys.exit(3 if "another sweep" in str(error) else 4)
"""


def test_one_sweep_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "cells.log"
    with CellLog(path):
        child = subprocess.run([sys.executable, "-c", OPEN_AGAIN, str(path)], check=False)
        assert child.returncode == 3
    CellLog(path).__exit__(None, None, None)
